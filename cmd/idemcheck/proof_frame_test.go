package main

import (
	"slices"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// answers fits answers on which the proxy did something.
func answers(action history.Action) func(history.WireEvent) bool {
	return func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.Action == action }
}

func TestCutAfterAppendLosesAcknowledgementsOfAppendedBatches(t *testing.T) {
	for _, name := range []string{"faults/cut-after-append", "faults/cut-after-append-unprotected"} {
		p := prove(t, onBrokers, name, nil)
		appended := 0
		for _, e := range p.wire(t, answers(history.ActionCut)) {
			if e.BrokerCode == 0 && p.stands(t, e) {
				appended++
			}
		}
		if appended < 10 {
			t.Errorf("%s: %d batches stand in the log whose answer was cut, want 10", name, appended)
		}
	}
}

// stands says whether the log has the first record of a batch where its answer
// says.
func (p proof) stands(t *testing.T, e history.WireEvent) bool {
	t.Helper()
	r, ok, err := p.run.FindLog(history.TopicPartition{Topic: e.Topic, Partition: e.Partition}, e.BaseOffset)
	if err != nil {
		t.Fatal(err)
	}
	return ok && r.Process == e.Process && r.Number == e.First
}

func TestCutBeforeRequestReachesNoBroker(t *testing.T) {
	p := prove(t, onBrokers, "faults/cut-before-request", nil)
	cut := p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireRequest && e.Action == history.ActionCut
	})
	if len(cut) < 10 {
		t.Errorf("%d batches were cut, want 10", len(cut))
	}
	for _, c := range cut {
		if again := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireAnswer && e.Conn == c.Conn && e.Correlation == c.Correlation
		}); len(again) > 0 {
			t.Errorf("a broker answered what was cut: %+v", again)
		}
	}
}

func TestDelayedAcknowledgementsComeTooLate(t *testing.T) {
	for _, name := range []string{"faults/delay-acks", "faults/delay-acks-unprotected"} {
		p := prove(t, onBrokers, name, nil)
		held := p.wire(t, answers(history.ActionHeld))
		if len(held) < 3 {
			t.Errorf("%s: %d answers were held, want 3", name, len(held))
		}
		for _, h := range held {
			after := p.wire(t, func(e history.WireEvent) bool {
				return e.Kind == history.WireRelease && e.Conn == h.Conn && e.Correlation == h.Correlation && e.Partition == h.Partition
			})
			if len(after) != 1 || after[0].Action == history.ActionPassed && after[0].At-h.At < 1_500_000_000 {
				t.Errorf("%s: an answer that was held ended so: %+v", name, after)
			}
		}
	}
}

func TestABlackHoleSwallowsAnswersWhileRequestsAreAppended(t *testing.T) {
	for _, name := range []string{"faults/blackhole-acks", "faults/blackhole-acks-unprotected"} {
		p := prove(t, onBrokers, name, nil)
		hole := p.ended(t, "blackhole-acks")
		swallowed := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireAnswer && e.Action == history.ActionHeld && e.BrokerCode == 0
		})
		if len(swallowed) < 2 || !slices.ContainsFunc(swallowed, func(e history.WireEvent) bool { return p.stands(t, e) }) {
			t.Errorf("%s: %d appended batches' answers were kept back", name, len(swallowed))
		}
		if hole.Hits.Acks < 1 {
			t.Errorf("%s: the fault says it swallowed nothing: %+v", name, hole)
		}
	}
}

func TestForgedErrorsAreToldAndTheLogKnowsBetter(t *testing.T) {
	for _, name := range []string{"faults/answer-error", "faults/answer-error-unprotected", "faults/answer-error-for-good"} {
		p := prove(t, onBrokers, name, nil)
		told := map[int16]int{}
		for _, e := range p.wire(t, answers(history.ActionForged)) {
			told[e.Error]++
			switch appended := e.BrokerCode == 0; {
			case appended && !p.stands(t, e):
				t.Errorf("%s: answered %d after an append, and the log has nothing at offset %d", name, e.Error, e.BaseOffset)
			case !appended && e.BrokerCode != history.NeverAsked:
				t.Errorf("%s: the broker said %d itself", name, e.BrokerCode)
			}
		}
		t.Logf("%s told %v", name, told)
		if !p.run.Manifest.Forged {
			t.Errorf("%s: the manifest does not say that answers were forged", name)
		}
	}
}

// gaps are how long records took, ns, by rising time: those sent in the first
// half of a fault, and those that were over before it or came after it.
func (p proof) gaps(t *testing.T, fault string) (during, beside []int64) {
	t.Helper()
	var from int64
	for _, e := range p.run.Faults {
		if e.Fault == fault && e.Status == history.FaultStarted {
			from = e.At
		}
	}
	to := p.ended(t, fault).At
	for e, err := range p.run.AllOps() {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Call >= from && e.Call <= (from+to)/2:
			during = append(during, e.Return-e.Call)
		case e.Return < from || e.Call > to:
			beside = append(beside, e.Return-e.Call)
		}
	}
	slices.Sort(during)
	slices.Sort(beside)
	return during, beside
}

func TestLatencyAndBandwidthMakeRecordsWait(t *testing.T) {
	for fault, least := range map[string]int64{"latency": 100_000_000, "bandwidth": 0} {
		p := prove(t, onBrokers, "faults/"+fault, nil)
		slow, usual := p.gaps(t, fault)
		if len(slow) < 20 || len(usual) < 20 {
			t.Fatalf("%s: %d records were sent and answered meanwhile, %d else", fault, len(slow), len(usual))
		}
		t.Logf("%s: median %d ms, else %d ms", fault, slow[len(slow)/2]/1e6, usual[len(usual)/2]/1e6)
		if slow[len(slow)/2] < least || slow[len(slow)/2] <= usual[len(usual)/2] {
			t.Errorf("%s: median %d ms; without it the median is %d ms", fault, slow[len(slow)/2]/1e6, usual[len(usual)/2]/1e6)
		}
	}
}
