package checker

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// guaranteeOf returns one guarantee of a verdict.
func guaranteeOf(t *testing.T, v *Verdict, name string) Guarantee {
	t.Helper()
	for _, g := range v.Guarantees {
		if g.Name == name {
			return g
		}
	}
	t.Fatalf("the verdict has no guarantee %q", name)
	return Guarantee{}
}

func TestASoundRunPasses(t *testing.T) {
	v := newMemoryRun(idempotent(1), idempotent(2)).sequential(1, 5).sequential(2, 4).judge()
	if v.Overall != Pass || !v.AsExpected {
		t.Fatalf("%s, as expected %v: %s", v.Overall, v.AsExpected, v.Why)
	}
	for _, g := range v.Guarantees {
		if g.Status != Pass {
			t.Errorf("%s: %s: %s", g.Name, g.Status, g.Why)
		}
	}
	if v.Totals.Sent != 9 || v.Coverage["acked"] != 9 || v.Coverage["producer_ids"] != 2 {
		t.Errorf("totals %+v, coverage %v", v.Totals, v.Coverage)
	}
}

func TestALostAckThatIsRetriedWithoutIdempotenceIsADuplicate(t *testing.T) {
	m := newMemoryRun(plain(1))
	stamp := func(ev history.WireEvent) history.WireEvent { ev.ProducerID = -1; return ev }
	m.plan.Faults = []history.PlannedFault{{ID: 0, Fault: "cut-after-append"}}
	m.faults = []history.FaultEvent{
		{ID: 0, Fault: "cut-after-append", Status: history.FaultStarted, At: 3 * second},
		{ID: 0, Fault: "cut-after-append", Status: history.FaultEnded, At: 3 * second},
	}
	m.send(1, second, 9*second, history.Acked, 1)
	m.storedAs(history.LogRecord{Process: 1, ProducerID: -1, Sequence: -1}).storedAs(history.LogRecord{Process: 1, ProducerID: -1, Sequence: -1})
	lost := stamp(answer(1, 0, 1, 3*second, 0, 0))
	lost.Action, lost.Fault = history.ActionCut, 0
	again := stamp(request(1, 0, 1, 5*second))
	again.Correlation = 77
	acked := stamp(answer(1, 0, 1, 6*second, 0, 1))
	acked.Correlation = 77
	m.batch(stamp(request(1, 0, 1, 2*second))).batch(lost).batch(again).batch(acked)
	m.manifest.Judge.Expect, m.manifest.Judge.ExpectCount = "duplicate", "dropped_ack_records"
	v := m.judge()
	if v.Overall != Violation || !v.AsExpected {
		t.Fatalf("%s, as expected %v: %s %s", v.Overall, v.AsExpected, v.Why, v.HarnessError)
	}
	g := guaranteeOf(t, v, Duplicates)
	a := g.Anomalies[0]
	const want = "batch without producer id (1 record) was appended at offset 0 and its answer lost (fault 0, cut-after-append); sent again and appended at offset 1: without idempotence the broker cannot know"
	if a.Blame != BlameConfiguration || a.Diagnosis != want {
		t.Errorf("blame %s: %s", a.Blame, a.Diagnosis)
	}
}
