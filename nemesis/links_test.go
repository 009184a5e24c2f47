package nemesis

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// numbered gives the batches of an exchange record numbers, three each.
func numbered(e *proxy.Exchange, first int64) *proxy.Exchange {
	for i := range e.Batches {
		e.Batches[i].First, e.Batches[i].Last = first, first+2
	}
	return e
}

func TestALateRequestIsLetGoWhenItsSenderHasMovedOn(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(LateRequest, history.TriggerRequests, 1))
	var fr frames
	held := n.OnRequest(numbered(fr.on(1, 0, 0, 1), 0))
	if held.Verb != proxy.Hold || held.Release == nil {
		t.Fatalf("got %+v, want the request held", held)
	}
	n.OnAnswer(numbered(fr.on(1, 0, 0, 1), 0)) // on the same connection: no
	n.OnAnswer(numbered(fr.on(2, 1, 0, 1), 0)) // another producer: no
	n.OnAnswer(numbered(fr.on(2, 0, 0), 0))    // one of its two partitions
	n.OnAnswer(numbered(fr.on(2, 0, 1), 3))    // records behind it
	refused := numbered(fr.on(2, 0, 1), 0)
	refused.Batches[0].Error = 6
	n.OnAnswer(refused)
	time.Sleep(20 * time.Millisecond)
	if released(held) {
		t.Fatal("let go too early")
	}
	n.OnAnswer(numbered(fr.on(3, 0, 1), 0))
	w.awaits(t, 0, "started")
	eventually(t, "release", func() bool { return released(held) })
	late := numbered(fr.on(1, 0, 0, 1), 0)
	late.Batches[1].Error = 45
	n.OnLost(late, 0)
	n.Heal()
	n.Report()
	last := w.journal(0)[1]
	if last.Hits.Requests != 1 || last.Hits.Batches != 2 || last.Hits.Acks != 3 || !strings.Contains(last.Detail, "by way of another connection") || !strings.Contains(last.Detail, "0 to 1, 45 to 1") {
		t.Errorf("%+v", last)
	}
}

func TestALateRequestWaitsForFurtherBatches(t *testing.T) {
	w := newWorld()
	plan := planned(LateRequest, history.TriggerRequests, 1)
	plan.Batches = 2
	n := begin(t, w, plan)
	var fr frames
	held := n.OnRequest(numbered(fr.on(1, 0, 0), 0))
	for i := range int64(3) {
		if released(held) {
			t.Fatalf("let go after %d answers", i)
		}
		n.OnAnswer(numbered(fr.on(2, 0, 0), 3*i))
	}
	eventually(t, "release", func() bool { return released(held) })
}

func TestALateRequestIsNotHeldForEver(t *testing.T) {
	w := newWorld()
	soon := planned(LateRequest, history.TriggerRequests, 1)
	soon.Delay = 10 * time.Millisecond
	n := begin(t, w, soon, planned(LateRequest, history.TriggerRequests, 2))
	var fr frames
	first := n.OnRequest(numbered(fr.on(1, 0, 0), 0))
	second := n.OnRequest(numbered(fr.on(2, 1, 0), 0))
	eventually(t, "release", func() bool { return released(first) })
	if released(second) {
		t.Error("the other was let go as well")
	}
	n.Heal()
	if !released(second) {
		t.Error("heal did not let it go")
	}
}

func TestABlackHoleIsSilenceBothWaysUntilHealed(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(Blackhole, history.TriggerRequests, 1))
	var fr frames
	if d := n.OnRequest(fr.next(1, 0)); d.Verb != proxy.Pass {
		t.Errorf("got %+v", d)
	}
	if match := w.holds[0]; !match("p1") || match("p0") {
		t.Error("the silence is not around its producer")
	}
	n.Heal()
	if got := w.did(); !slices.Equal(got, []string{"silence 0, to client true, to broker true", "end silence 0"}) {
		t.Errorf("did %v", got)
	}
	n.Report()
	if s := w.statuses(0); s != "started ended" {
		t.Error(s)
	}
}

func TestAStallIsHealedAndCounted(t *testing.T) {
	w := newWorld()
	plan := planned(StallRead, history.TriggerRequests, 1)
	plan.HealIn = time.Millisecond
	n := begin(t, w, plan)
	var fr frames
	n.OnRequest(fr.next(0, 0))
	eventually(t, "its end", func() bool { return slices.Contains(w.did(), "read on 0") })
	n.Heal()
	n.Report()
	if last := w.journal(0)[1]; last.Hits.Requests != 2 || !strings.Contains(last.Detail, "2 connections") {
		t.Errorf("%+v", last)
	}
}

func TestRefusedLinksAreAllowedAgainAndResetsAreOverAtOnce(t *testing.T) {
	w := newWorld()
	one := planned(Refuse, history.TriggerRecords, 1)
	one.Target.Broker = 1
	n := begin(t, w, one, planned(Reset, history.TriggerFaultStart, 0))
	n.Called(0)
	w.awaits(t, 0, "started")
	eventually(t, "resets", func() bool { return slices.Contains(w.did(), "reset 2") })
	n.Heal()
	n.Report()
	w.awaits(t, 0, "started ended")
	w.awaits(t, 1, "started ended")
	did := w.did()
	if did[0] != "refuse 1" || did[len(did)-1] != "allow 1" {
		t.Errorf("did %v", did)
	}
	if last := w.journal(1)[1]; !strings.Contains(last.Detail, "9 connections") {
		t.Errorf("%+v", last)
	}
}

func TestSlicesAndDelaysAreDrawnFromTheRunsSeed(t *testing.T) {
	specs := []history.FaultSpec{
		{Fault: Slicer, When: history.TriggerSpec{Records: &history.Range{Least: 1, Most: 1}}, Knobs: history.Knobs{Size: 64}},
		{Fault: Jitter, When: history.TriggerSpec{Records: &history.Range{Least: 1, Most: 1}}, Knobs: history.Knobs{Delay: time.Second}},
	}
	shape := Shape{Topics: 1, Partitions: 1, Producers: 1, Brokers: 3}
	draw := func(seed uint64) []history.PlannedFault {
		plan, err := Draw(specs, shape, seed)
		if err != nil {
			t.Fatal(err)
		}
		return plan
	}
	a, again, b := draw(1), draw(1), draw(2)
	for i := range a {
		if a[i].Seed == 0 || a[i].Seed != again[i].Seed || a[i].Seed == b[i].Seed {
			t.Errorf("%s: seeds %d, %d, and %d of another run", a[i].Fault, a[i].Seed, again[i].Seed, b[i].Seed)
		}
	}
	w := newWorld()
	n := begin(t, w, a...)
	n.Called(0)
	w.awaits(t, 1, "started")
	n.Heal()
	for _, want := range []string{"slicer upstream on 2", "slicer downstream on 0", "jitter upstream on 1", "jitter downstream on 2"} {
		if !slices.ContainsFunc(w.did(), func(call string) bool { return strings.HasPrefix(call, want) }) {
			t.Errorf("never did: %s", want)
		}
	}
}

func TestKnobsOfLinkFaultsAreChecked(t *testing.T) {
	when := history.TriggerSpec{Requests: &history.Range{Least: 1, Most: 1}}
	for name, spec := range map[string]history.FaultSpec{
		"a slicer without a size":              {Fault: Slicer, When: when},
		"jitter without a delay":               {Fault: Jitter, When: when},
		"a negative part":                      {Fault: CutMidRequest, When: when, Knobs: history.Knobs{Size: -1}},
		"a late request by nothing":            {Fault: LateRequest, When: when, Knobs: history.Knobs{Delay: 1}},
		"less than no batches":                 {Fault: LateRequest, When: when, Knobs: history.Knobs{Batches: -1}},
		"an error for less than no batches":    {Fault: AnswerError, When: when, Knobs: history.Knobs{Error: 6, Batches: -1}},
		"an error that comes by nothing later": {Fault: AnswerError, When: when, Knobs: history.Knobs{Error: 6, Delay: 1}},
		"refused connections by producer":      {Fault: Refuse, When: when, Target: history.TargetSpec{Producer: history.Only(0)}},
		"a reset that heals":                   {Fault: Reset, When: when, Heal: history.HealSpec{After: time.Second}},
	} {
		if len(Check([]history.FaultSpec{spec}, 0)) == 0 {
			t.Errorf("%s passes", name)
		}
	}
}

// A killed sender sends nothing again: who follows it moves on in its place.
func TestALateRequestIsLetGoWhenWhoFollowsItsSenderHasStored(t *testing.T) {
	of := func(e *proxy.Exchange, process int32) *proxy.Exchange {
		for i := range e.Batches {
			e.Batches[i].Process = process
		}
		return e
	}
	for name, further := range map[string]int64{"at once": 0, "and some more": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			plan := planned(LateRequest, history.TriggerRequests, 1)
			plan.Batches = further
			n := begin(t, w, plan)
			var fr frames
			held := n.OnRequest(of(numbered(fr.on(1, 0, 0), 3), 5))
			n.OnAnswer(of(numbered(fr.on(2, 0, 0), 0), 4)) // an older one
			n.OnAnswer(of(numbered(fr.on(2, 1, 0), 0), 6)) // of another producer
			refused := of(numbered(fr.on(2, 0, 0), 0), 6)
			refused.Batches[0].Error = 6
			n.OnAnswer(refused)
			for i := range further {
				n.OnAnswer(of(numbered(fr.on(2, 0, 0), 3*i), 6))
			}
			time.Sleep(20 * time.Millisecond)
			if released(held) {
				t.Fatal("let go too early")
			}
			n.OnAnswer(of(numbered(fr.on(2, 0, 0), 99), 6))
			eventually(t, "release", func() bool { return released(held) })
			n.Heal()
			n.Report()
			if last := w.journal(0)[1]; !strings.Contains(last.Detail, "the producer that follows its sender had stored records") {
				t.Errorf("%+v", last)
			}
		})
	}
}
