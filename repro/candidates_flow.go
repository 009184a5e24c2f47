package repro

import (
	"fmt"

	"github.com/idemcheck/idemcheck/suites"
)

// plainFlow tries a plainer way of handing records over: one at a time, each
// awaited; else what can be left out of the scenario; else less of it.
func plainFlow(s *search) {
	w := s.best.Workload
	if w.InFlight != 0 || w.Burst != 0 || w.Batch != 0 || w.Outstanding != 1 {
		if s.change("one record at a time", func(sc *suites.Scenario) {
			w := &sc.Workload
			w.InFlight, w.Burst, w.Batch, w.Outstanding = 0, 0, 0, 1
		}) {
			return
		}
	}
	for _, n := range []struct {
		what  string
		least int64
		of    func(*suites.Scenario) *int
	}{
		{"in_flight", 1, func(sc *suites.Scenario) *int { return &sc.Workload.InFlight }},
		{"batch", 1, func(sc *suites.Scenario) *int { return &sc.Workload.Batch }},
		{"burst", 1, func(sc *suites.Scenario) *int { return &sc.Workload.Burst }},
		{"outstanding", 1, func(sc *suites.Scenario) *int { return &sc.Workload.Outstanding }},
		{"transaction", 1, func(sc *suites.Scenario) *int { return &sc.Workload.Transaction }},
	} {
		now := *n.of(&s.best)
		if now == 0 || n.what == "outstanding" && now == 1 {
			continue // one at a time is plainer than without limit
		}
		if !s.change("no "+n.what, func(sc *suites.Scenario) { *n.of(sc) = 0 }) {
			s.lower(n.what, int64(now), n.least, func(sc *suites.Scenario, to int64) { *n.of(sc) = int(to) })
		}
	}
}

// plainClients leaves client options at the library's own defaults: all at
// once, then one by one. Idempotence and acks stay: they say what is promised.
func plainClients(s *search) {
	for i := range s.best.Clients {
		at := fmt.Sprintf("client %d, %s: ", i, clientName(s.best.Clients[i]))
		if s.best.Clients[i].Options != (suites.Options{TransactionalID: s.best.Clients[i].Options.TransactionalID}) {
			s.change(at+"no options", func(sc *suites.Scenario) {
				sc.Clients[i].Options = suites.Options{TransactionalID: sc.Clients[i].Options.TransactionalID}
			})
		}
		for _, option := range []struct {
			what string
			set  func(suites.Options) bool
			edit func(*suites.Options)
		}{
			{"linger", func(o suites.Options) bool { return o.Linger != 0 }, func(o *suites.Options) { o.Linger = 0 }},
			{"batch_size", func(o suites.Options) bool { return o.BatchSize != 0 }, func(o *suites.Options) { o.BatchSize = 0 }},
			{"compression", func(o suites.Options) bool { return o.Compression != "" }, func(o *suites.Options) { o.Compression = "" }},
			{"retries", func(o suites.Options) bool { return o.Retries != 0 }, func(o *suites.Options) { o.Retries = 0 }},
			{"retry_backoff", func(o suites.Options) bool { return o.RetryBackoff != 0 }, func(o *suites.Options) { o.RetryBackoff = 0 }},
			{"request_timeout", func(o suites.Options) bool { return o.RequestTimeout != 0 }, func(o *suites.Options) { o.RequestTimeout = 0 }},
			{"delivery_timeout", func(o suites.Options) bool { return o.DeliveryTimeout != 0 }, func(o *suites.Options) { o.DeliveryTimeout = 0 }},
			{"metadata_max_age", func(o suites.Options) bool { return o.MetadataMaxAge != 0 }, func(o *suites.Options) { o.MetadataMaxAge = 0 }},
			{"transaction_timeout", func(o suites.Options) bool { return o.TransactionTimeout != 0 }, func(o *suites.Options) { o.TransactionTimeout = 0 }},
		} {
			if option.set(s.best.Clients[i].Options) {
				s.change(at+"no "+option.what, func(sc *suites.Scenario) { option.edit(&sc.Clients[i].Options) })
			}
		}
		if c := s.best.Clients[i]; c.OrWithout {
			s.change(at+"no or_without", func(sc *suites.Scenario) { sc.Clients[i].OrWithout = false })
		}
		if c := s.best.Clients[i]; c.Process && c.Library == suites.InProcess {
			s.change(at+"no process of its own", func(sc *suites.Scenario) { sc.Clients[i].Process = false })
		}
	}
}
