package checker

import (
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// fault puts one fault into the plan and the journal.
func (m *memoryRun) fault(name string, statuses ...history.FaultStatus) *memoryRun {
	id := int32(len(m.plan.Faults))
	m.plan.Faults = append(m.plan.Faults, history.PlannedFault{ID: id, Fault: name})
	for i, status := range statuses {
		m.faults = append(m.faults, history.FaultEvent{ID: id, Fault: name, Status: status, At: second + int64(i)})
	}
	return m
}

func TestABrokenAssumptionIsAHarnessErrorAndNothingIsJudged(t *testing.T) {
	m0 := func(m *memoryRun) *history.Manifest { return &m.manifest }
	for name, c := range map[string]struct {
		breaks func(m *memoryRun)
		says   string
	}{
		"a topic that was not empty":      {func(m *memoryRun) { m0(m).Topics[0].Starts[0] = 3 }, "was not empty at the start"},
		"a start that is not known":       {func(m *memoryRun) { m0(m).Topics[0].Starts[0] = -1 }, "was not empty at the start"},
		"partitions left out":             {func(m *memoryRun) { m0(m).Topics[0].Partitions = 2 }, "does not say of all 2 partitions"},
		"a topic twice":                   {func(m *memoryRun) { m0(m).Topics = append(m0(m).Topics, m0(m).Topics[0]) }, "lists topic t twice"},
		"two processes with one id":       {func(m *memoryRun) { m0(m).Processes[1].ID = 1 }, "two processes have the id 1"},
		"a process that is not listed":    {func(m *memoryRun) { m0(m).Processes = m0(m).Processes[:1] }, "process 2, which the manifest does not list"},
		"two ops with one number":         {func(m *memoryRun) { m.ops[1].Number = 0 }, "two ops with number 0"},
		"an op that is missing":           {func(m *memoryRun) { m.ops[1].Number = 2; m.ops[2].Number = 3; m.ops[3].Number = 4 }, "op 1 of process 1 is missing"},
		"a clock that ran backwards":      {func(m *memoryRun) { m.ops[1].Call = 0 }, "the clock ran backwards"},
		"a return before its call":        {func(m *memoryRun) { m.ops[1].Return = m.ops[1].Call - 1 }, "the clock ran backwards"},
		"a phase that ended first":        {func(m *memoryRun) { m0(m).Phases = []history.Phase{{Name: "send", Start: 9, End: 8}} }, "in phase send"},
		"a pending outcome":               {func(m *memoryRun) { m.ops[1].Outcome = history.Pending }, "still pending"},
		"an outcome that is none":         {func(m *memoryRun) { m.ops[1].Outcome = 9 }, "impossible outcome 9"},
		"acked and never answered":        {func(m *memoryRun) { m.ops[1].Return = history.Forever }, "acked and was never answered"},
		"unknown with an offset":          {func(m *memoryRun) { m.ops[1].Outcome = history.Unknown }, "answered twice"},
		"a fault that never ended":        {func(m *memoryRun) { m.fault("kill-leader", history.FaultStarted) }, "started and never ended"},
		"a fault that broke":              {func(m *memoryRun) { m.fault("kill-leader", history.FaultStarted, history.FaultBroken) }, "could not be carried out"},
		"a fault of no plan":              {func(m *memoryRun) { m.fault("x", history.FaultStarted); m.plan.Faults = nil }, "not in the plan"},
		"a harness that fell behind":      {func(m *memoryRun) { m0(m).Behind = 2 }, "the harness stood still for seconds, 2 times"},
		"a read that skips":               {func(m *memoryRun) { m.log = append(m.log[:2], m.log[3:]...) }, "skips from offset 2 to 3"},
		"a read that repeats":             {func(m *memoryRun) { m.log[3].Offset = 2 }, "has offset 2 twice"},
		"records behind the frontier":     {func(m *memoryRun) { m0(m).Topics[0].Ends[0] = 5 }, "beyond the frontier 5"},
		"ops that were not recorded":      {func(m *memoryRun) { m0(m).Processes[0].Sent = 1 }, "was handed 5 records, and 4 ops were recorded"},
		"a forged answer nobody tells of": {func(m *memoryRun) { m.wire[1].Action = history.ActionForged }, "the manifest says that none were"},
		"a checker that does not exist":   {func(m *memoryRun) { m0(m).Judge.Checks = []string{"nonsense"} }, `"nonsense", which does not exist`},
		"a counter that does not exist":   {func(m *memoryRun) { m0(m).Judge.Cover = map[string]int64{"nonsense": 1} }, "no coverage counter"},
		"another that does not exist":     {func(m *memoryRun) { m0(m).Judge.ExpectAlso = []string{"nonsense"} }, "which no checker finds"},
		"an anomaly that does not exist":  {func(m *memoryRun) { m0(m).Judge.Expect = "nonsense" }, "which no checker finds"},
	} {
		t.Run(name, func(t *testing.T) {
			m := baseRun()
			c.breaks(m)
			v := m.judge()
			if !strings.Contains(v.HarnessError, c.says) {
				t.Fatalf("harness error %q, want %q in it (%s: %s)", v.HarnessError, c.says, v.Overall, v.Why)
			}
			if v.Overall != Inconclusive || v.AsExpected {
				t.Errorf("%s, as expected %v", v.Overall, v.AsExpected)
			}
			for _, g := range v.Guarantees {
				if g.Name != Assumptions && (g.Status != NotRun || len(g.Anomalies) > 0) {
					t.Errorf("%s was judged: %s", g.Name, g.Status)
				}
			}
		})
	}
}

func TestARunThatProvesTooLittleIsInconclusive(t *testing.T) {
	both := []history.FaultStatus{history.FaultStarted, history.FaultEnded}
	for name, c := range map[string]struct {
		weaken func(m *memoryRun)
		says   string
	}{
		"interrupted": {func(m *memoryRun) { m.manifest.Ended, m.manifest.EndedIn = history.EndedInterrupted, "send" }, "interrupted in send"},
		"broken": {func(m *memoryRun) {
			m.manifest.Ended, m.manifest.EndedIn, m.manifest.Error = history.EndedBroken, "read", "disk full"
		}, "broken in read: disk full"},
		"a fault whose trigger never came": {func(m *memoryRun) { m.fault("kill-leader", history.FaultNeverFired) }, "never fired"},
		"a fault nobody tells of":          {func(m *memoryRun) { m.fault("kill-leader") }, "never fired"},
		"none of the faults that may be left out": {func(m *memoryRun) {
			m.fault("kill-leader", history.FaultNeverFired).fault("latency", history.FaultNeverFired)
			m.plan.Faults[0].Optional, m.plan.Faults[1].Optional = true, true
		}, "none of the planned faults fired"},
		"nothing acked after the fault": {func(m *memoryRun) {
			m.fault("kill-leader", both...)
			m.faults[0].At, m.faults[1].At = later, later
		}, "no record was acked after the first fault"},
		"nothing acked after the fault, nor found what was to be": {func(m *memoryRun) {
			m.fault("kill-leader", both...)
			m.faults[0].At, m.faults[1].At = later, later
			m.manifest.Judge.Expect = "stuck"
		}, "no record was acked after the first fault"},
		"an empty run":             {func(m *memoryRun) { m.ops, m.log = nil, nil }, "no record was acked"},
		"a partition not read":     {func(m *memoryRun) { m.manifest.Topics[0].Read[0] = false }, "not read to its end"},
		"a read that ended early":  {func(m *memoryRun) { m.manifest.Topics[0].Ends[0] = 9 }, "read to offset 6 of 9"},
		"too little was exercised": {func(m *memoryRun) { m.manifest.Judge.Cover = map[string]int64{"dropped_acks": 5} }, "dropped_acks is 0, and the scenario needs at least 5"},
		"an empty wire journal":    {func(m *memoryRun) { m.wire = nil }, "shows no produce requests"},
	} {
		t.Run(name, func(t *testing.T) {
			m := baseRun()
			c.weaken(m)
			v := m.judge()
			if v.HarnessError != "" || v.Overall != Inconclusive || v.AsExpected || !strings.Contains(v.Why, c.says) {
				t.Errorf("%s, as expected %v: %q (harness: %s), want %q", v.Overall, v.AsExpected, v.Why, v.HarnessError, c.says)
			}
		})
	}
}

func TestAFaultOfAMixMayBeLeftOut(t *testing.T) {
	m := baseRun().fault("latency", history.FaultStarted, history.FaultEnded).fault("kill-leader", history.FaultNeverFired)
	m.faults[0].At, m.faults[1].At = 0, 0
	m.plan.Faults[1].Optional = true
	if v := m.judge(); v.Overall != Pass || v.Totals.Faults != 1 {
		t.Errorf("%s: %s (%d faults)", v.Overall, v.Why, v.Totals.Faults)
	}
}

func TestALossIsNotJudgedInALogThatWasNotReadToItsEnd(t *testing.T) {
	m := baseRun().send(1, later, later+9, history.Acked, 6)
	m.manifest.Topics[0].Read[0], m.manifest.Topics[0].Ends[0] = false, 7
	v := m.judge()
	if g := guaranteeOf(t, v, LostRecords); g.Status != Inconclusive {
		t.Errorf("%s: %s", g.Status, g.Why)
	}
}

func TestAViolationIsFoundAlsoWhereCoverageFallsShort(t *testing.T) {
	m := baseRun().send(1, later, later+9, history.Acked, 6).stored(1, 4).stored(1, 4)
	m.manifest.Judge.Cover = map[string]int64{"dropped_acks": 5}
	if v := m.judge(); v.Overall != Violation || v.AsExpected {
		t.Errorf("%s: %s", v.Overall, v.Why)
	}
}

// duplicated is a run with two duplicates, and as many lost acks.
func duplicated() *memoryRun {
	m := baseRun().fault("cut-after-append", history.FaultStarted, history.FaultEnded)
	m.manifest.Processes[0].Idempotence = false
	none := func(ev *history.WireEvent) { ev.ProducerID, ev.BaseSequence = -1, -1 }
	for i := range int64(2) {
		at := later + 10*i
		m.send(1, at, at+9, history.Acked, 7+2*i).stored(1, 4+i).stored(1, 4+i)
		m.batch(with(request(1, 4+i, 1, at+1), none)).batch(with(with(answer(1, 4+i, 1, at+2, 0, 6+2*i), none), cut))
		m.batch(with(retried(request(1, 4+i, 1, at+3), 30+i), none)).batch(with(retried(answer(1, 4+i, 1, at+4, 0, 7+2*i), 30+i), none))
	}
	m.manifest.Judge.Expect, m.manifest.Judge.ExpectCount = "duplicate", "dropped_ack_records"
	return m
}

func TestExpectations(t *testing.T) {
	for name, c := range map[string]struct {
		run     *memoryRun
		change  func(m *memoryRun)
		overall Status
		want    bool
		says    string
	}{
		"the expected violation, as often as expected": {duplicated(), nil, Violation, true, "found duplicate 2 times, as expected: as many as dropped_ack_records"},
		"the expected violation and one that may come along": {duplicated(), func(m *memoryRun) {
			m.manifest.Judge.ExpectAlso = []string{"lost"}
			m.send(2, later, later+1, history.Acked, 10)
		}, Violation, true, "found duplicate 2 times, lost once, as expected"},
		"the expected violation, not as often": {duplicated(), func(m *memoryRun) { m.manifest.Judge.ExpectCount = "retries"; m.wire = m.wire[:len(m.wire)-2] },
			Violation, false, "expected duplicate as often as retries, which is 1, and found it 2 times"},
		"the expected violation, less often": {duplicated(), func(m *memoryRun) { m.manifest.Judge.ExpectCount = "sent" },
			Violation, false, "expected duplicate as often as sent, which is 8, and found it 2 times"},
		"the expected violation and another": {duplicated(), func(m *memoryRun) { m.send(2, later, later+1, history.Acked, 10) },
			Violation, false, "expected the violation duplicate alone, and found duplicate 2 times, lost once"},
		"another violation":        {duplicated(), func(m *memoryRun) { m.manifest.Judge.Expect = "reorder" }, Violation, false, "expected the violation reorder, and found duplicate 2 times instead"},
		"none":                     {baseRun(), func(m *memoryRun) { m.manifest.Judge.Expect = "duplicate" }, Pass, false, "and every guarantee held"},
		"a violation unlooked for": {duplicated(), func(m *memoryRun) { m.manifest.Judge.Expect = "pass" }, Violation, false, "found duplicate 2 times"},
		"the expected violation in a run that proves too little": {duplicated(), func(m *memoryRun) { m.manifest.Judge.Cover = map[string]int64{"dropped_acks": 3} },
			Inconclusive, false, "proves too little: dropped_acks is 2"},
		"the expected violation, of a client that never was heard of again after the fault": {baseRun(), func(m *memoryRun) {
			m.fault("kill-leader", history.FaultStarted, history.FaultEnded)
			m.faults[0].At, m.faults[1].At = later, later
			m.manifest.Judge.Expect, m.manifest.Healed, m.manifest.Drained = "stuck", later, later+100*second
			m.send(1, later, history.Forever, history.Unknown, history.NoOffset)
		}, Violation, true, "found stuck once, as expected"},
		"a checker that was not asked for does not count": {duplicated(), func(m *memoryRun) {
			m.manifest.Judge.Expect, m.manifest.Judge.Checks = "pass", []string{LostRecords}
		}, Pass, true, "every guarantee held"},
		"the expected violation's checker counts without being asked for": {duplicated(), func(m *memoryRun) { m.manifest.Judge.Checks = []string{LostRecords} },
			Violation, true, "as expected"},
		"reordering is judged where it is expected, promised or not": {baseRun(), func(m *memoryRun) {
			m.manifest.Judge.Expect = "reorder"
			m.manifest.Processes[0].OrderPromised, m.manifest.Processes[1].OrderPromised = false, false
			m.send(1, later, later+9, history.Acked, 7).send(1, later+1, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
		}, Violation, true, "found reorder once, as expected"},
		"a stale order within one process comes with reordering": {baseRun(), func(m *memoryRun) {
			m.manifest.Judge.Expect = "reorder"
			m.send(1, later, later+1, history.Acked, 7).send(1, later+2, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
		}, Violation, true, "found reorder once, stale-order once, as expected"},
		"a stale order across processes does not": {baseRun(), func(m *memoryRun) {
			m.manifest.Judge.Expect = "reorder"
			m.send(1, later, later+1, history.Acked, 8).send(1, later+2, later+9, history.Acked, 6).send(2, later+2, later+3, history.Acked, 7)
			m.stored(1, 5).stored(2, 2).stored(1, 4)
			m.ops[len(m.ops)-1].Call, m.ops[len(m.ops)-2].Call = later+3, later+2
		}, Violation, false, "alone"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.change != nil {
				c.change(c.run)
			}
			v := c.run.judge()
			if v.Overall != c.overall || v.AsExpected != c.want || !strings.Contains(v.Why, c.says) {
				t.Errorf("%s, as expected %v: %q (harness: %s)", v.Overall, v.AsExpected, v.Why, v.HarnessError)
			}
		})
	}
}

func TestOrderThatNobodyPromisesIsNotJudged(t *testing.T) {
	m := baseRun()
	for i := range m.manifest.Processes {
		m.manifest.Processes[i].OrderPromised, m.manifest.Processes[i].OrderWhy = false, "sends are not awaited"
	}
	if g := guaranteeOf(t, m.judge(), Order); g.Status != NotRun || !strings.Contains(g.Why, "sends are not awaited") {
		t.Errorf("%s: %s", g.Status, g.Why)
	}
}

func TestTheFirstFewOfEachKindAreKeptAndAllAreCounted(t *testing.T) {
	m := baseRun()
	for i := range int64(9) {
		m.stored(1, 3).stored(2, i+2).send(2, later+i, later+i+1, history.Acked, 7+2*i)
	}
	g := guaranteeOf(t, m.judgeWith(Options{Evidence: 2}), Duplicates)
	if g.Count != 9 || g.Causes != 9 || len(g.Anomalies) != 2 {
		t.Errorf("count %d, causes %d, kept %d", g.Count, g.Causes, len(g.Anomalies))
	}
}

func TestOnlyTheNextRecordOfABatchHasTheSameCause(t *testing.T) {
	m := baseRun().stored(1, 0).stored(1, 1).stored(1, 3).stored(2, 0)
	if g := guaranteeOf(t, m.judge(), Duplicates); g.Count != 4 || g.Causes != 3 {
		t.Errorf("count %d, causes %d", g.Count, g.Causes)
	}
}

func TestEveryKindHasAnOwnerAndEveryCounterAMeaning(t *testing.T) {
	for _, kind := range Kinds() {
		if ownerOf(kind) == "" {
			t.Errorf("nobody finds %s", kind)
		}
		for _, other := range implied(kind) {
			if ownerOf(other) == "" {
				t.Errorf("%s implies %s, which nobody finds", kind, other)
			}
		}
	}
	v := baseRun().judge()
	for _, c := range Counters() {
		if c.Meaning == "" {
			t.Errorf("%s has no meaning", c.Name)
		}
		if _, ok := v.Coverage[c.Name]; !ok && c.Name != "answers_CODE" {
			t.Errorf("%s is not in the verdict", c.Name)
		}
	}
	for name := range v.Coverage {
		if !KnownCounter(name) {
			t.Errorf("%s is in the verdict and not known", name)
		}
	}
	for name, known := range map[string]bool{"answers_45": true, "answers_-1": true, "answers_": false, "answers_CODE": false, "retries": true, "x": false} {
		if KnownCounter(name) != known {
			t.Errorf("KnownCounter(%q) is %v", name, !known)
		}
	}
}

func TestARunThatBrokeBeforeItsJournalWasReadIsStillConcluded(t *testing.T) {
	m := baseRun()
	m.manifest.Judge.Checks = []string{Duplicates}
	m.manifest.Ended, m.manifest.EndedIn = history.EndedBroken, "open"
	if v := m.judge(); v.Overall != Inconclusive {
		t.Errorf("%s: %s", v.Overall, v.Why)
	}
}
