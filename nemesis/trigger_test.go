package nemesis

import (
	"slices"
	"testing"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// TestEachTriggerStrikesExactlyAtItsCount sends produce traffic of two
// producers on two partitions and notes which request, or whose answer, is struck.
func TestEachTriggerStrikesExactlyAtItsCount(t *testing.T) {
	// Producers 0 and 1 take turns, and send to partitions 0, 0, 1, 1, 0, ...
	type struck struct {
		at     int // exchange, from 1
		answer bool
	}
	for name, c := range map[string]struct {
		fault history.PlannedFault
		want  struck
	}{
		"acks of any":                    {planned(CutAfterAppend, history.TriggerAcks, 5), struck{5, true}},
		"acks of a producer":             {narrowed(planned(CutAfterAppend, history.TriggerAcks, 5), 1, history.Any), struck{10, true}},
		"acks of a partition":            {narrowed(planned(CutAfterAppend, history.TriggerAcks, 3), history.Any, 1), struck{7, true}},
		"acks of a lane":                 {narrowed(planned(CutAfterAppend, history.TriggerAcks, 2), 1, 1), struck{8, true}},
		"requests of any":                {planned(CutBeforeRequest, history.TriggerRequests, 5), struck{5, false}},
		"requests of a producer":         {narrowed(planned(CutBeforeRequest, history.TriggerRequests, 3), 0, history.Any), struck{5, false}},
		"requests of a lane":             {narrowed(planned(CutBeforeRequest, history.TriggerRequests, 2), 0, 1), struck{7, false}},
		"the answer to a request":        {planned(CutAfterAppend, history.TriggerRequests, 6), struck{6, true}},
		"a sequence":                     {planned(CutBeforeRequest, history.TriggerSequence, 9), struck{7, false}},
		"a sequence of a producer":       {narrowed(planned(CutBeforeRequest, history.TriggerSequence, 9), 1, history.Any), struck{8, false}},
		"the answer to a sequence":       {narrowed(planned(CutAfterAppend, history.TriggerSequence, 9), 1, history.Any), struck{8, true}},
		"records called":                 {planned(CutBeforeRequest, history.TriggerRecords, 16), struck{6, false}},
		"records called by a producer":   {narrowed(planned(CutBeforeRequest, history.TriggerRecords, 7), 1, history.Any), struck{6, false}},
		"acks, then the request after":   {planned(CutBeforeRequest, history.TriggerAcks, 5), struck{6, false}},
		"a code in place of the request": {planned(AnswerError, history.TriggerRequests, 3), struck{3, false}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			c.fault.Error = 7
			n := begin(t, w, c.fault)
			var fr frames
			var all []struck
			for i := 1; i <= 16; i++ {
				producer := int32(1 - i%2)
				for range 3 {
					n.Called(int(producer))
				}
				e := fr.next(producer, int32((i-1)/2%2))
				if d := n.OnRequest(e); d.Verb != proxy.Pass {
					all = append(all, struck{i, false})
					continue
				}
				if d := n.OnAnswer(e); d.Verb != proxy.Pass {
					all = append(all, struck{i, true})
				}
			}
			if len(all) != 1 || all[0] != c.want {
				t.Errorf("struck %v, want %v", all, c.want)
			}
		})
	}
}

func TestTheAnswerOfTheMarkedRequestIsStruckAndNoFasterOne(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerRequests, 2))
	var fr frames
	before, marked, other := fr.next(0, 0), fr.next(0, 0), fr.next(1, 0)
	for _, e := range []*proxy.Exchange{before, marked, other} {
		n.OnRequest(e)
	}
	if d := n.OnAnswer(other); d.Verb != proxy.Pass {
		t.Error("the answer of another producer, which came first, was struck")
	}
	if d := n.OnAnswer(before); d.Verb != proxy.Pass {
		t.Error("the answer before the marked one was struck")
	}
	if d := n.OnAnswer(marked); d.Verb != proxy.Cut {
		t.Error("the answer of the marked request passed")
	}
}

func TestWhenTheMarkedAnswerNeverComesItsRetryIsStruck(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerRequests, 1))
	var fr frames
	n.OnRequest(fr.next(0, 0)) // its connection dies
	elsewhere, retry := fr.on(900, 0, 1), fr.on(901, 0, 0)
	n.OnRequest(elsewhere)
	n.OnRequest(retry)
	if d := n.OnAnswer(elsewhere); d.Verb != proxy.Pass {
		t.Error("another partition was struck")
	}
	if d := n.OnAnswer(retry); d.Verb != proxy.Cut {
		t.Error("the retry passed")
	}
}

func TestTheBatchThatBroughtTheTriggerIsTheOneRefused(t *testing.T) {
	w := newWorld()
	f := planned(AnswerError, history.TriggerRequests, 2)
	f.Error = 6
	n := begin(t, w, f)
	var fr frames
	d := n.OnRequest(fr.next(0, 4, 5, 6))
	if d.Verb != proxy.Refuse || len(d.Codes) != 1 || d.Codes[1] != 6 {
		t.Errorf("%+v, want the second batch refused with 6", d)
	}
	n.Heal()
	n.Report()
	if hits := w.journal(0)[1].Hits; hits != (history.FaultHits{Requests: 1, Batches: 1, Records: 3}) {
		t.Errorf("hits %+v", hits)
	}
}

func TestATargetNarrowsWhatIsStruckAndNotWhatIsCounted(t *testing.T) {
	w := newWorld()
	f := planned(CutAfterAppend, history.TriggerAcks, 3)
	f.Target.Producer, f.Target.Partition, f.Target.Broker = 1, 5, 0
	f.Trigger.Producer = 0
	n := begin(t, w, f)
	var fr frames
	for range 3 {
		if d := n.OnAnswer(fr.next(0, 4)); d.Verb != proxy.Pass {
			t.Fatal("a producer was struck that is not the target")
		}
	}
	elsewhere := fr.next(1, 5)
	elsewhere.Broker = 11
	for what, e := range map[string]*proxy.Exchange{"partition": fr.next(1, 4), "broker": elsewhere} {
		if d := n.OnAnswer(e); d.Verb != proxy.Pass {
			t.Fatalf("a %s was struck that is not the target", what)
		}
	}
	if d := n.OnAnswer(fr.next(1, 5)); d.Verb != proxy.Cut {
		t.Error("the target was not struck")
	}
}

func TestNothingCountsBeforeTheNemesisIsArmed(t *testing.T) {
	w := newWorld()
	plan := []history.PlannedFault{planned(CutBeforeRequest, history.TriggerRequests, 1), planned(MoveLeader, history.TriggerRecords, 1)}
	plan[1].ID = 1
	n, err := New(plan, Env{Cluster: w, Leaders: w, Links: w, Topics: []string{"t"},
		Producer: func(string) int32 { return 0 }, Now: func() int64 { return 0 }, Record: w.record})
	if err != nil {
		t.Fatal(err)
	}
	var fr frames
	n.Called(0)
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Pass {
		t.Error("a warm-up request was struck")
	}
	n.OnAnswer(fr.next(0, 0))
	n.Arm()
	n.Heal()
	n.Report()
	if w.statuses(0) != "never-fired" || w.statuses(1) != "never-fired" {
		t.Errorf("%s, %s", w.statuses(0), w.statuses(1))
	}
}

func TestAnUnknownClientCountsOnceAmongAll(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerAcks, 3))
	var fr frames
	var verbs []proxy.Verb
	for range 3 {
		e := fr.next(0, 0)
		e.ClientID = "stranger"
		verbs = append(verbs, n.OnAnswer(e).Verb)
	}
	if verbs[0] != proxy.Pass || verbs[1] != proxy.Pass || verbs[2] != proxy.Cut {
		t.Errorf("%v, want the third struck", verbs)
	}
}

func TestOnlyAnswersThatTellOfAnAppendAreStruckAndCounted(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerAcks, 2))
	var fr frames
	refused := func() *proxy.Exchange {
		e := fr.next(0, 0)
		e.Batches[0].Error = 6
		return e
	}
	n.OnAnswer(fr.next(0, 0))
	if d := n.OnAnswer(refused()); d.Verb != proxy.Pass {
		t.Error("a refusal was counted as an ack")
	}
	if d := n.OnAnswer(fr.next(0, 0)); d.Verb != proxy.Cut {
		t.Error("the second ack was not struck")
	}
}

func TestSeveralCountsReachedAtOnceStrikeOneExchangeEach(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerAcks, 2), planned(CutAfterAppend, history.TriggerAcks, 3))
	var fr frames
	first, second := n.OnAnswer(fr.next(0, 0, 1, 2, 3)), n.OnAnswer(fr.next(1, 0))
	if first.Verb != proxy.Cut || first.Fault != 0 || second.Verb != proxy.Cut || second.Fault != 1 {
		t.Errorf("%+v, then %+v", first, second)
	}
}

func TestTheUnackedTriggerCountsDistinctBatchesOfOneProducerBehindABlackHole(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(BlackholeAcks, history.TriggerAcks, 1), planned(MoveLeader, history.TriggerUnacked, 3))
	var fr frames
	first := fr.next(0, 0)
	if n.OnAnswer(first); !slices.Contains(w.did(), "hold 0") {
		t.Fatalf("calls %v, want the black hole", w.did())
	}
	retry := fr.on(500, 0, 0)
	retry.Batches[0].BaseOffset = first.Batches[0].BaseOffset
	n.OnAnswer(retry)         // answered with the offset of the first attempt
	n.OnAnswer(fr.next(1, 0)) // its answers are not kept back
	n.OnAnswer(fr.next(1, 0))
	n.OnAnswer(fr.next(0, 1)) // the second
	other := fr.next(0, 1)
	other.Broker = 11 // nor are that broker's
	n.OnAnswer(other)
	if s := w.statuses(1); s != "" {
		t.Fatalf("two batches are kept back, and the fault is %s", s)
	}
	n.OnAnswer(fr.next(0, 0)) // the third
	w.awaits(t, 1, "started")
	n.Heal()
	n.Report()
	if w.statuses(0) != "started ended" || w.statuses(1) != "started ended" {
		t.Errorf("%s; %s", w.statuses(0), w.statuses(1))
	}
}
