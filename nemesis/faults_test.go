package nemesis

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

func released(d proxy.Decision) bool {
	select {
	case <-d.Release:
		return true
	default:
		return false
	}
}

func TestEachLinkFaultDecidesAsItsNameSaysAndCountsItsHits(t *testing.T) {
	all := history.FaultHits{Requests: 1, Batches: 2, Records: 6}
	acked := all
	acked.Acks = 6
	oneAck := all
	oneAck.Acks = 3
	for name, c := range map[string]struct {
		fault history.PlannedFault
		verb  proxy.Verb
		codes map[int]int16
		hits  history.FaultHits
	}{
		CutBeforeRequest: {planned(CutBeforeRequest, history.TriggerRequests, 1), proxy.Cut, nil, all},
		CutAfterAppend:   {planned(CutAfterAppend, history.TriggerAcks, 1), proxy.Cut, nil, acked},
		DelayAcks:        {planned(DelayAcks, history.TriggerAcks, 1), proxy.Hold, nil, all},
		BlackholeAcks:    {planned(BlackholeAcks, history.TriggerAcks, 1), proxy.Pass, nil, all},
		"refused":        {planned(AnswerError, history.TriggerRequests, 1), proxy.Refuse, map[int]int16{0: 7}, history.FaultHits{Requests: 1, Batches: 1, Records: 3}},
		"appended":       {planned(AnswerError, history.TriggerAcks, 1), proxy.Rewrite, map[int]int16{0: 7}, oneAck},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			f := c.fault
			if f.Fault == AnswerError {
				f.Error, f.Append = 7, name == "appended"
			}
			f.Delay = time.Millisecond
			n := begin(t, w, f)
			var fr frames
			e := fr.next(1, 0, 1)
			d := n.OnRequest(e)
			if d.Verb == proxy.Pass {
				d = n.OnAnswer(e)
			}
			if d.Verb != c.verb || d.Fault != 0 || !reflect.DeepEqual(d.Codes, c.codes) {
				t.Errorf("decision %+v", d)
			}
			n.Heal()
			n.Report()
			n.Report() // says nothing twice
			lines := w.journal(0)
			if len(lines) != 2 || lines[0].Status != history.FaultStarted || lines[1].Status != history.FaultEnded {
				t.Fatalf("journal %+v", lines)
			}
			if lines[1].Hits != c.hits {
				t.Errorf("hits %+v, want %+v", lines[1].Hits, c.hits)
			}
			if want := "connection 101 of producer 1 to broker 10"; lines[0].Target != want {
				t.Errorf("target %q, want %q", lines[0].Target, want)
			}
			if lines[0].Forged != (f.Fault == AnswerError) {
				t.Errorf("forged: %v", lines[0].Forged)
			}
			if d.Release != nil && !released(d) {
				t.Error("the held answer was never released")
			}
		})
	}
}

func TestAnswersLostLaterAreCountedForTheirFault(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerAcks, 1), planned(CutAfterAppend, history.TriggerAcks, 99))
	var fr frames
	n.OnAnswer(fr.next(0, 0))
	refused := fr.next(0, 0)
	refused.Batches[0].Error = 6
	n.OnLost(refused, 0) // tells of no append
	n.OnLost(fr.next(0, 0, 1), 0)
	n.OnLost(fr.next(0, 0), history.NoFault)
	n.OnLost(fr.next(0, 0), 99)
	n.Heal()
	n.OnLost(fr.next(0, 0), 0) // proxies still let go
	n.Report()
	if acks := w.journal(0)[1].Hits.Acks; acks != 3+6+3 {
		t.Errorf("%d acks lost, want 12", acks)
	}
	if s := w.statuses(1); s != "never-fired" {
		t.Errorf("the other is %s", s)
	}
}

func TestADelayEndsByItself(t *testing.T) {
	w := newWorld()
	f := planned(DelayAcks, history.TriggerAcks, 1)
	f.Delay = 30 * time.Millisecond
	n := begin(t, w, f, planned(MoveLeader, history.TriggerFaultEnd, 0))
	var fr frames
	began := time.Now()
	d := n.OnAnswer(fr.next(0, 0))
	<-d.Release
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("released after %s", took)
	}
	w.awaits(t, 1, "started")
}

func TestABlackHoleIsTowardsOneProducerUntilAnotherFaultEnds(t *testing.T) {
	w := newWorld()
	hole := planned(BlackholeAcks, history.TriggerAcks, 1)
	hole.HealAt = &history.Trigger{Kind: history.TriggerFaultEnd, Count: 1}
	n := begin(t, w, hole, planned(RestartLeader, history.TriggerUnacked, 2))
	var fr frames
	w.enter["whole"] = make(chan struct{})
	// The hold is there before the answer it begins with may go on.
	if d := n.OnAnswer(fr.next(1, 0)); d.Verb != proxy.Pass || !slices.Contains(w.did(), "hold 0") {
		t.Errorf("decision %+v, calls %v", d, w.did())
	}
	w.mu.Lock()
	match := w.holds[0]
	w.mu.Unlock()
	if !match("p1") || match("p0") {
		t.Error("the wrong producer's answers are kept back")
	}
	n.OnAnswer(fr.next(1, 0))
	w.awaits(t, 1, "started")
	if slices.Contains(w.did(), "unhold 0") || !slices.Equal(n.Active(), []string{BlackholeAcks, RestartLeader}) {
		t.Errorf("calls %v, active %v", w.did(), n.Active())
	}
	close(w.enter["whole"])
	eventually(t, "the end of the hold", func() bool { return slices.Contains(w.did(), "unhold 0") })
	eventually(t, "both over", func() bool { return len(n.Active()) == 0 })
	if fired, planned := n.Fired(); fired != 2 || planned != 2 {
		t.Errorf("%d of %d fired", fired, planned)
	}
}

func TestBrokerFaultsDoTheirCallsInOrder(t *testing.T) {
	healIn := func(name string) history.PlannedFault {
		f := planned(name, history.TriggerRecords, 1)
		f.HealIn = time.Millisecond
		return f
	}
	restart := planned(RestartLeader, history.TriggerRecords, 1)
	kill, followers := restart, planned(RestartFollowers, history.TriggerRecords, 1)
	kill.How = "kill"
	killed := followers
	killed.How = "kill"
	for name, c := range map[string]struct {
		fault  history.PlannedFault
		calls  string
		target string
	}{
		KillLeader:          {healIn(KillLeader), "leader, kill 10, wait leader not 10, start 10, whole", "broker 10 (leader of t/0, leader epoch 7)"},
		PauseLeader:         {healIn(PauseLeader), "leader, pause 10, wait leader not 10, resume 10, view of 10, whole", "broker 10 (leader of t/0, leader epoch 7)"},
		StopLeader:          {healIn(StopLeader), "leader, stop 10, wait leader not 10, start 10, whole", "broker 10 (leader of t/0, leader epoch 7)"},
		KillBroker:          {healIn(KillBroker), "kill 11, gone [11], start 11, whole", "broker 11"},
		PauseBroker:         {healIn(PauseBroker), "pause 11, gone [11], resume 11, whole", "broker 11"},
		KillController:      {healIn(KillController), "controller, kill 12, wait controller not 12, start 12, whole", "broker 12 (active controller, epoch 3)"},
		RestartLeader:       {restart, "leader, stop 10, start 10, whole", "broker 10 (leader of t/0, leader epoch 7)"},
		"restart by kill":   {kill, "leader, kill 10, start 10, whole", "broker 10 (leader of t/0, leader epoch 7)"},
		RestartFollowers:    {followers, "wait a leader, stop 11, start 11, whole, stop 12, start 12, whole, replicas", "brokers [11 12] (followers of t/0, which broker 10 leads)"},
		"followers by kill": {killed, "wait a leader, kill 11, start 11, whole, kill 12, start 12, whole, replicas", "brokers [11 12] (followers of t/0, which broker 10 leads)"},
		RollingRestart:      {planned(RollingRestart, history.TriggerRecords, 1), "stop 10, start 10, whole, stop 11, start 11, whole, stop 12, start 12, whole", "3 brokers, one after the other"},
		"a roll by kill": {func() history.PlannedFault {
			f := planned(RollingRestart, history.TriggerRecords, 1)
			f.How = "kill"
			return f
		}(), "kill 10, start 10, whole, kill 11, start 11, whole, kill 12, start 12, whole", "3 brokers, one after the other"},
		MoveLeader:          {planned(MoveLeader, history.TriggerRecords, 1), "leader, move t/0", "broker 10 (leader of t/0, leader epoch 7)"},
		Latency + " on one": {func() history.PlannedFault { f := healIn(Latency); f.Delay, f.Target.Broker = time.Second, 1; return f }(), "latency downstream on 1: map[latency:1000], remove latency on 1", "links of 1 brokers"},
		Bandwidth: {func() history.PlannedFault { f := healIn(Bandwidth); f.Rate = 64; return f }(),
			"bandwidth upstream on 0: map[rate:64], bandwidth upstream on 1: map[rate:64], bandwidth upstream on 2: map[rate:64], remove bandwidth on 0, remove bandwidth on 1, remove bandwidth on 2", "links of 3 brokers"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if c.fault.Fault == RestartFollowers {
				w.replicas = cluster.Replicas{Leader: 10, Epoch: 7, Assigned: []int32{11, 10, 12}, InSync: []int32{10, 11, 12}}
			}
			n := begin(t, w, c.fault)
			n.Called(0)
			eventually(t, "its end", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.faults[0].state == over })
			n.Heal()
			n.Report()
			calls := strings.Join(w.did(), ", ")
			if calls != c.calls {
				t.Errorf("did %s\nwant %s", calls, c.calls)
			}
			if lines := w.journal(0); w.statuses(0) != "started ended" || lines[0].Target != c.target || n.Err() != nil {
				t.Errorf("%+v, %v", lines, n.Err())
			}
		})
	}
}

func TestABrokerFaultThatFailsIsBrokenAndBringsTheBrokerBack(t *testing.T) {
	for name, c := range map[string]struct {
		fault, call string
		calls       string
		statuses    string
	}{
		"the leader is not known":  {KillLeader, "leader", "leader", "broken"},
		"the kill fails half-way":  {KillLeader, "kill 10", "leader, kill 10, start 10", "broken"},
		"the pause fails half-way": {PauseLeader, "pause 10", "leader, pause 10, resume 10", "broken"},
		"the start fails":          {KillLeader, "start 10", "leader, kill 10, wait leader not 10, start 10", "started broken"},
		"the stop fails":           {RestartLeader, "stop 10", "leader, stop 10, start 10", "started broken"},
		"it does not become whole": {RestartLeader, "whole", "leader, stop 10, start 10, whole", "started broken"},
		"the roll stops":           {RollingRestart, "start 11", "stop 10, start 10, whole, stop 11, start 11", "started broken"},
		"a follower fails":         {RestartFollowers, "start 11", "wait a leader, stop 11, start 11", "started broken"},
		"the move fails":           {MoveLeader, "move t/0", "leader, move t/0", "started broken"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.replicas = cluster.Replicas{Leader: 10, Assigned: []int32{10, 11, 12}}
			w.fail[c.call] = errors.New("no way")
			f := planned(c.fault, history.TriggerRecords, 1)
			n := begin(t, w, f)
			n.Called(0)
			if strings.HasPrefix(c.statuses, "started") {
				w.awaits(t, 0, "started")
			} else {
				eventually(t, "the error", func() bool { return n.Err() != nil })
			}
			n.Heal()
			n.Report()
			if calls := strings.Join(w.did(), ", "); calls != c.calls {
				t.Errorf("did %s\nwant %s", calls, c.calls)
			}
			lines := w.journal(0)
			if w.statuses(0) != c.statuses || !strings.Contains(lines[len(lines)-1].Error, "no way") {
				t.Errorf("%s: %+v", w.statuses(0), lines)
			}
			if err := n.Err(); err == nil || !strings.Contains(err.Error(), "fault 0 ("+c.fault+")") || !strings.Contains(err.Error(), "no way") {
				t.Errorf("Err: %v", err)
			}
			if fired, _ := n.Fired(); fired != strings.Count(c.statuses, "started") {
				t.Errorf("%d fired", fired)
			}
		})
	}
}

func TestAToxicThatOneLinkRefusesIsTakenOffTheOthers(t *testing.T) {
	w := newWorld()
	f := planned(Bandwidth, history.TriggerRecords, 1)
	f.Rate = 1
	w.fail["bandwidth upstream on 1: map[rate:1]"] = errors.New("no way")
	n := begin(t, w, f)
	n.Called(0)
	eventually(t, "the error", func() bool { return n.Err() != nil })
	n.Heal()
	for _, want := range []string{"remove bandwidth on 0", "remove bandwidth on 2"} {
		if !slices.Contains(w.did(), want) {
			t.Errorf("never did: %s", want)
		}
	}
}

func TestNoOtherLeaderIsADetailAndNoError(t *testing.T) {
	w := newWorld()
	w.fail["wait leader not 10"] = errors.New("nobody leads")
	n := begin(t, w, planned(KillLeader, history.TriggerRecords, 1))
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Heal()
	n.Report()
	if lines := w.journal(0); n.Err() != nil || !strings.Contains(lines[1].Detail, "no other leader: nobody leads") {
		t.Errorf("%v, %+v", n.Err(), lines)
	}
}

func TestAPlanThatDrawCannotHaveMadeIsRefused(t *testing.T) {
	good := planned(KillLeader, history.TriggerAcks, 1)
	for name, c := range map[string]struct {
		spoil func(*history.PlannedFault)
		says  string
	}{
		"an unknown fault":          {func(f *history.PlannedFault) { f.Fault = "x" }, "unknown fault"},
		"an id out of place":        {func(f *history.PlannedFault) { f.ID = 5 }, "id 5"},
		"an unknown trigger":        {func(f *history.PlannedFault) { f.Trigger.Kind = "x" }, `trigger "x"`},
		"a trigger on nothing":      {func(f *history.PlannedFault) { f.Trigger.Kind, f.Trigger.Count = history.TriggerFaultEnd, 7 }, "fault 7"},
		"a trigger on itself":       {func(f *history.PlannedFault) { f.Trigger.Kind, f.Trigger.Count = history.TriggerFaultEnd, 0 }, "fault 0"},
		"a heal at nothing":         {func(f *history.PlannedFault) { f.HealAt = &history.Trigger{Count: -1} }, "fault -1"},
		"a topic that is not there": {func(f *history.PlannedFault) { f.Target.Topic = 2 }, "target topic 2"},
	} {
		f := good
		c.spoil(&f)
		if _, err := New([]history.PlannedFault{f}, Env{Cluster: newWorld(), Topics: []string{"t"}}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if _, err := New([]history.PlannedFault{good}, Env{Cluster: weak{newWorld()}, Topics: []string{"t"}}); err == nil || !strings.Contains(err.Error(), "capability power") {
		t.Errorf("a cluster without power: %v", err)
	}
}
