package suites

import (
	"github.com/idemcheck/idemcheck/history"
)

// validateProducers wants every producer that a fault may be done to to be one
// that it can be done to.
func validateProducers(s *Scenario, at string, spec history.FaultSpec, v Vocabulary, complain func(string, string, ...any)) {
	process, transactional := v.OfProducer(spec.Fault)
	for i, c := range s.Clients {
		if target := spec.Target.Producer.Index(); target != history.Any && int(target)%len(s.Clients) != i {
			continue
		}
		if process && !c.Process {
			complain(at+".fault", "%s needs a producer in a process of its own: set process: true in clients[%d]", spec.Fault, i)
		}
		if transactional && c.Options.TransactionalID == "" {
			complain(at+".fault", "%s needs a producer with a transactional id: set options.transactional_id in clients[%d]", spec.Fault, i)
		}
	}
}

// validateTransactions wants a client with a transactional id exactly where the
// workload sends in transactions.
func validateTransactions(s *Scenario, at string, c Client, v Vocabulary, complain func(string, string, ...any)) {
	has := c.Options.TransactionalID != ""
	switch sends := v.Transactional(s.Workload.Name); {
	case sends && !has:
		complain(at, "the workload %s needs a transactional id: set options.transactional_id", s.Workload.Name)
	case has && !sends:
		complain(at+".options.transactional_id", "transactional_id goes with a workload that sends in transactions: %s does not", s.Workload.Name)
	case has && !c.Idempotence:
		complain(at+".idempotence", "a client with a transactional id needs idempotence: true")
	case has && !transactionalName.MatchString(c.Options.TransactionalID):
		complain(at+".options.transactional_id", "transactional_id %q: want letters, digits, dots, dashes and underscores", c.Options.TransactionalID)
	}
	if !has && c.Options.TransactionTimeout != 0 {
		complain(at+".options.transaction_timeout", "transaction_timeout goes with transactional_id")
	}
}

// validateConsumer wants a consumer that ends in one way at most.
func validateConsumer(s *Scenario, complain func(string, string, ...any)) {
	c := s.Consumer
	if c == nil {
		return
	}
	const most = 1_000_000
	for _, n := range []struct {
		name         string
		value, least int
	}{
		{"commit_every", c.CommitEvery, 1}, {"kill_after", c.KillAfter, 0}, {"close_after", c.CloseAfter, 0}, {"times", c.Times, 0},
	} {
		if n.value < n.least || n.value > most {
			complain("$.consumer."+n.name, "%s %d: want %d to %d", n.name, n.value, n.least, most)
		}
	}
	ends := max(c.KillAfter, c.CloseAfter)
	switch {
	case c.KillAfter > 0 && c.CloseAfter > 0:
		complain("$.consumer.close_after", "kill_after and close_after: want one of them")
	case c.Times != 0 && ends == 0:
		complain("$.consumer.times", "times goes with kill_after or close_after")
	case ends > s.Workload.Records*s.Workload.Producers:
		complain("$.consumer", "the consumer is to end after %d records, and %d are sent", ends, s.Workload.Records*s.Workload.Producers)
	}
}
