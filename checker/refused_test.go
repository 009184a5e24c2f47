package checker

import (
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func TestAClientThatRefusesIsNoPassAndCountsAsRefused(t *testing.T) {
	literal := func() history.Process { p := idempotent(1); p.Literal = true; return p }
	unopened := literal()
	unopened.Refused = "idempotency requires acks=all"
	taken := func(outcome history.Outcome) *memoryRun {
		m := newMemoryRun(literal())
		m.send(1, second, 2*second, outcome, -1)
		return m
	}
	usual := taken(history.Failed)
	usual.manifest.Processes[0].Literal = false
	lacking := func(outcome history.Outcome) *memoryRun {
		m := taken(outcome)
		m.manifest.Processes[0].Literal = false
		return m.batch(history.WireEvent{At: second, Kind: history.WireHidden, Action: history.ActionForged})
	}
	sent := lacking(history.Unknown).sequential(2, 2)
	for name, c := range map[string]struct {
		run     *memoryRun
		refused int64
		why     string
	}{
		"it would not open":                     {newMemoryRun(unopened), 1, "would not open: idempotency requires acks=all"},
		"it takes no record":                    {taken(history.Failed), 1, "took no record"},
		"it may have sent what failed":          {taken(history.Unknown), 0, ""},
		"nobody asked for it to be literal":     {usual, 0, ""},
		"it sends nothing to such brokers":      {lacking(history.Unknown), 1, "sent no record to brokers that lack an API"},
		"it sent to such brokers":               {sent, 0, ""},
		"it sent, and everything was all right": {newMemoryRun(literal()).sequential(1, 5), 0, "every guarantee held"},
	} {
		v := c.run.judge()
		if v.Coverage["refused"] != c.refused || !strings.Contains(v.Why, c.why) || c.refused > 0 && v.Overall != Inconclusive {
			t.Errorf("%s: %s: %s; refused %d; %s", name, v.Overall, v.Why, v.Coverage["refused"], v.HarnessError)
		}
	}
}

// Nothing was said of idempotence: it is on when the wire shows it, and a batch
// without a producer id is nobody's broken word.
func TestWhatWasNotSaidIsHeldAgainstNobody(t *testing.T) {
	unsaid := plain(1)
	unsaid.Defaults, unsaid.Acks = true, ""
	for name, bare := range map[string]bool{"off": true, "on": false} {
		m := newMemoryRun(unsaid)
		for n := range int64(3) {
			m.exchange(n, func(ev *history.WireEvent) {
				if bare {
					ev.ProducerID, ev.Acks = -1, 1
				}
			})
		}
		if g := guaranteeOf(t, m.judge(), ClientProtocol); g.Status == Violation {
			t.Errorf("%s: %s", name, g.Why)
		}
	}
}

// A library whose own default is acks=0 has nothing to ack, and the wire and the
// log show what it did. Who asks for acks=0 gets no such answer.
func TestADefaultOfNoAcknowledgementsIsWhatWasToBeFoundOut(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*memoryRun)
		want   Status
	}{
		"its own default":      {func(*memoryRun) {}, Pass},
		"asked for":            {func(m *memoryRun) { m.manifest.Processes[0].Acks = "0" }, Inconclusive},
		"nothing was stored":   {func(m *memoryRun) { m.log = nil }, Inconclusive},
		"acks=1 on the wire":   {func(m *memoryRun) { m.wire[0].Acks = 1 }, Inconclusive},
		"nothing on the wire":  {func(m *memoryRun) { m.wire = nil }, Inconclusive},
		"idempotence was said": {func(m *memoryRun) { m.manifest.Processes[0].Defaults = false }, Inconclusive},
	} {
		p := plain(1)
		p.Defaults, p.Acks = true, ""
		m := newMemoryRun(p)
		m.send(1, second, 2*second, history.Unknown, -1).storedAs(history.LogRecord{Process: 1, ProducerID: -1, Sequence: -1})
		ev := request(1, 0, 1, second)
		ev.ProducerID, ev.Acks = -1, 0
		m.batch(ev)
		c.change(m)
		if v := m.judge(); v.Overall != c.want {
			t.Errorf("%s: %s: %s %s", name, v.Overall, v.Why, v.HarnessError)
		}
	}
}
