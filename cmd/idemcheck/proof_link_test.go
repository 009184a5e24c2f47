package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// same fits the events of one batch's request and its answer.
func same(e history.WireEvent, kinds ...history.WireKind) func(history.WireEvent) bool {
	return func(other history.WireEvent) bool {
		for _, kind := range kinds {
			if other.Kind == kind && other.Conn == e.Conn && other.Correlation == e.Correlation && other.Topic == e.Topic && other.Partition == e.Partition {
				return true
			}
		}
		return false
	}
}

// copies counts how often a record stands in the log.
func copies(t *testing.T, p proof, e history.WireEvent) int {
	t.Helper()
	n := 0
	for r, err := range p.run.AllLog() {
		if err != nil {
			t.Fatal(err)
		}
		if r.Topic == e.Topic && r.Partition == e.Partition && r.Process == e.Process && r.Number == e.First {
			n++
		}
	}
	return n
}

func TestPartOfARequestIsNeverAppended(t *testing.T) {
	for _, name := range []string{"faults/cut-mid-request", "faults/cut-mid-request-unprotected"} {
		p := prove(t, onBrokers, name, nil)
		cut := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireRequest && e.Action == history.ActionCut && e.Fault >= 0
		})
		if len(cut) < 10 {
			t.Errorf("%s: %d batches were cut, want 10", name, len(cut))
		}
		for _, c := range cut {
			var part, size int
			if _, err := fmt.Sscanf(c.Note, "%d of the request's %d bytes reached the broker", &part, &size); err != nil || part <= 0 || part >= size {
				t.Errorf("%s: how much reached the broker: %q, %v", name, c.Note, err)
			}
			if answer := p.wire(t, same(c, history.WireAnswer)); len(answer) > 0 {
				t.Errorf("%s: the broker answered a part: %+v", name, answer)
			}
			// Its retry was stored, and nothing else.
			if n := copies(t, p, c); n != 1 {
				t.Errorf("%s: record %d of process %d stands in the log %d times", name, c.First, c.Process, n)
			}
		}
	}
}

func TestALateRequestIsAZombieWrite(t *testing.T) {
	for name, want := range map[string]struct {
		codes       []int16 // that the broker may answer what comes late with; the first must be seen
		least, most int     // copies in the log
	}{
		// The batch is remembered, and acknowledged where it stands; unless the
		// machine is so slow that five others were stored on the way.
		"faults/late-request":             {[]int16{0, 45}, 1, 1},
		"faults/late-request-forgotten":   {[]int16{45}, 1, 1},
		"faults/late-request-unprotected": {[]int16{0}, 2, 3}, // 3 where it was also slow to answer
	} {
		seen := false
		p := prove(t, onBrokers, name, nil)
		late := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireDelivery && e.Action == history.ActionPassed && e.Fault >= 0
		})
		first := make(map[int32]bool)
		for _, d := range late {
			held := p.wire(t, same(d, history.WireRequest))
			if len(held) != 1 || held[0].Action != history.ActionHeld {
				t.Fatalf("%s: before its delivery: %+v", name, held)
			}
			// Its sender had sent the records again over another connection, and
			// been answered NONE there, before the broker got it here.
			again := p.wire(t, func(e history.WireEvent) bool {
				return e.Kind == history.WireAnswer && e.BrokerCode == 0 && e.Conn != d.Conn && e.ClientID == d.ClientID && e.At < d.At &&
					e.Topic == d.Topic && e.Partition == d.Partition && e.First <= d.First && d.First <= e.Last
			})
			if !first[d.Fault] && len(again) == 0 {
				t.Errorf("%s: fault %d delivered a request before its sender had moved on: %s; it delivered %+v", name, d.Fault, p.endOf(t, d.Fault).Detail, d)
			}
			first[d.Fault] = true
			if len(again) == 0 {
				continue // held behind the one that is meant
			}
			answer := p.wire(t, same(d, history.WireAnswer))
			if len(answer) != 1 || answer[0].Action != history.ActionDropped || answer[0].At < d.At || !slices.Contains(want.codes, answer[0].BrokerCode) {
				t.Errorf("%s: the broker answered what came late with %+v, want a code of %d", name, answer, want.codes)
				continue
			}
			seen = seen || answer[0].BrokerCode == want.codes[0]
			if n := copies(t, p, d); n < want.least || n > want.most {
				t.Errorf("%s: record %d of process %d stands in the log %d times, want %d", name, d.First, d.Process, n, want.least)
			}
		}
		if !seen {
			t.Errorf("%s: no code %d to what came late", name, want.codes[0])
		}
		if len(first) < 3 {
			t.Errorf("%s: %d faults delivered something late", name, len(first))
		}
	}
}

func TestNothingPassesABlackHoleAndNothingCloses(t *testing.T) {
	p := prove(t, onBrokers, "faults/blackhole", nil)
	for _, hole := range p.run.Faults {
		if hole.Status != history.FaultStarted {
			continue
		}
		end := p.endOf(t, hole.ID)
		held := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireRequest && e.Action == history.ActionHeld && e.Fault == hole.ID
		})
		if len(held) == 0 {
			t.Fatalf("fault %d held nothing", hole.ID)
		}
		// All connections of that client to that broker; those that came within
		// hang in their very first request, which is no produce request.
		conns, came := make(map[int64]bool), make(map[int64]bool)
		for _, e := range p.wire(t, func(e history.WireEvent) bool { return e.Broker == held[0].Broker }) {
			if e.ClientID == held[0].ClientID {
				conns[e.Conn] = true
			}
			if e.Kind == history.WireConnect && e.At > held[0].At && e.At < end.HealAsked {
				came[e.Conn] = true
			}
		}
		again := 0
		for conn := range came {
			if conns[conn] {
				again++
			}
		}
		if again == 0 {
			t.Errorf("the producer of fault %d did not reconnect into it", hole.ID)
		}
		passed := p.wire(t, func(e history.WireEvent) bool {
			in := e.At > held[0].At && e.At < end.HealAsked && conns[e.Conn]
			through := e.Kind == history.WireRequest || e.Kind == history.WireDelivery || e.Kind == history.WireAnswer || e.Kind == history.WireRelease
			return in && through && e.Action == history.ActionPassed
		})
		if len(passed) > 0 {
			t.Errorf("fault %d let through %+v", hole.ID, passed[0])
		}
		for _, e := range p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireDisconnect && conns[e.Conn] && e.At > held[0].At && e.At < end.HealAsked
		}) {
			if !strings.Contains(e.Note, "by the client") {
				t.Errorf("a connection ended within fault %d: %s", hole.ID, e.Note)
			}
		}
	}
}

// endOf is the last line of a fault.
func (p proof) endOf(t *testing.T, id int32) history.FaultEvent {
	t.Helper()
	return p.lastLine(t, fmt.Sprintf("fault %d", id), func(e history.FaultEvent) bool { return e.ID == id })
}

func TestAStalledProducerCannotWriteOn(t *testing.T) {
	var (
		mu      sync.Mutex
		blocked int64
	)
	p := prove(t, onBrokers, "faults/stall-read", during{"stall-read": func(s stage) {
		// The kernel has bytes of the producer's that nobody takes.
		for range 25 {
			most := unsent(t, s.cluster)
			mu.Lock()
			blocked = max(blocked, most)
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
		}
	}})
	if blocked < 1<<20 {
		t.Errorf("at most %d bytes waited in a producer's socket, want more than a request of 800000", blocked)
	}
	end := p.ended(t, "stall-read")
	if end.Hits.Requests < 1 {
		t.Errorf("%+v", end)
	}
	if gaveUp := p.wire(t, func(e history.WireEvent) bool {
		// Seen only when the proxy reads again, which is when it has healed.
		return e.Kind == history.WireDisconnect && e.At > end.Asked && strings.Contains(e.Note, "by the client")
	}); len(gaveUp) == 0 {
		t.Error("no producer gave a connection up while its writes were blocked")
	}
}

// unsent is the most that waits in the send queue of any connection to a proxy.
func unsent(t *testing.T, c cluster.Cluster) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		t.Skip("how much waits in a socket is only known on Linux: " + err.Error())
	}
	proxies := make(map[string]bool)
	for _, b := range c.Brokers() {
		_, port, err := net.SplitHostPort(b.Advertised)
		if err != nil {
			t.Error(err)
			return 0
		}
		var n int
		fmt.Sscan(port, &n)
		proxies[fmt.Sprintf("%04X", n)] = true
	}
	var most int64
	for _, line := range strings.Split(string(text), "\n")[1:] {
		fields := strings.Fields(line)
		if len(fields) < 5 || !strings.Contains(fields[2], ":") {
			continue
		}
		var queued int64
		if _, port, _ := strings.Cut(fields[2], ":"); proxies[port] {
			fmt.Sscanf(fields[4], "%x", &queued)
			most = max(most, queued)
		}
	}
	return most
}

func TestARefusingBrokerRefusesAndResetsReset(t *testing.T) {
	var refused, dials int
	p := prove(t, onBrokers, "faults/refuse", during{"refuse": func(s stage) {
		for began := time.Now(); time.Since(began) < time.Second; {
			for _, b := range s.cluster.Brokers() {
				dials++
				var d net.Dialer
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				c, err := d.DialContext(ctx, "tcp", b.Advertised)
				cancel()
				if errors.Is(err, syscall.ECONNREFUSED) {
					refused++
				}
				if err == nil {
					c.Close()
				}
			}
			time.Sleep(50 * time.Millisecond)
		}
	}})
	if dials == 0 || refused != dials {
		t.Errorf("%d of %d connections were refused", refused, dials)
	}
	start, end := p.run.Faults[0], p.ended(t, "refuse")
	in := p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireConnect && e.At > start.At && e.At < end.HealAsked
	})
	if len(in) > 0 {
		t.Errorf("a connection came while all were refused: %+v", in[0])
	}
	for _, name := range []string{"faults/refuse", "faults/reset"} {
		if name != "faults/refuse" {
			p = prove(t, onBrokers, name, nil)
		}
		if reset := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireDisconnect && e.Note == "reset by a fault"
		}); len(reset) < 2 {
			t.Errorf("%s: %d connections were reset", name, len(reset))
		}
	}
}

// took lists how long brokers took to answer within a fault, from the whole
// request at the proxy to the whole answer there: that is one way through the
// toxics. before has those of before the fault.
func (p proof) took(t *testing.T, fault string) (before, within []time.Duration) {
	t.Helper()
	start, end := p.run.Faults[0].At, p.ended(t, fault).HealAsked
	asked := make(map[string]int64)
	for _, e := range p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireRequest || e.Kind == history.WireAnswer
	}) {
		key := fmt.Sprint(e.Conn, e.Correlation, e.Partition)
		if e.Kind == history.WireRequest {
			asked[key] = e.At
			continue
		}
		switch took := time.Duration(e.At - asked[key]); {
		case e.At < start:
			before = append(before, took)
		case asked[key] > start && e.At < end:
			within = append(within, took)
		}
	}
	if len(before) == 0 || len(within) == 0 {
		t.Fatalf("%s: %d answers before, %d within", fault, len(before), len(within))
	}
	return before, within
}

// A request of some 400 bytes goes in four slices of at most 127 bytes or more,
// with half a millisecond after each. The embedded cluster answers at once, so
// that it shows there.
func TestSlicesTakeTheirTime(t *testing.T) {
	const least = 1500 * time.Microsecond
	before, within := prove(t, onEmbedded, "faults/slicer", nil).took(t, "slicer")
	if slices.Min(within) < least || slices.Min(before) >= least {
		t.Errorf("at least %s within, %s before; want %s or more only within", slices.Min(within), slices.Min(before), least)
	}
	prove(t, onBrokers, "faults/slicer", nil) // a real broker puts them together
}

func TestJitterMakesEverythingLateByAnotherTime(t *testing.T) {
	for _, on := range []setting{onEmbedded, onBrokers} {
		_, within := prove(t, on, "faults/jitter", nil).took(t, "jitter")
		var sum time.Duration
		for _, d := range within {
			sum += d
		}
		// 40 ms in the mean are drawn, one way.
		if mean := sum / time.Duration(len(within)); mean < 20*time.Millisecond {
			t.Errorf("%s: answers took %s in the mean", on.cluster, mean)
		}
		if slices.Max(within)-slices.Min(within) < 20*time.Millisecond {
			t.Errorf("%s: answers took %s to %s", on.cluster, slices.Min(within), slices.Max(within))
		}
	}
}
