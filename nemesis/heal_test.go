package nemesis

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// weak is a cluster that can do nothing special.
type weak struct{ cluster.Cluster }

func (weak) Has(cluster.Capability) bool { return false }

func TestHealEndsEverythingInForce(t *testing.T) {
	w := newWorld()
	latency := planned(Latency, history.TriggerRecords, 2)
	latency.Delay = time.Second
	delay := planned(DelayAcks, history.TriggerAcks, 2)
	delay.Delay = time.Hour
	n := begin(t, w, planned(BlackholeAcks, history.TriggerAcks, 1), delay, latency, planned(KillLeader, history.TriggerRecords, 1))
	var fr frames
	n.Called(0)
	n.Called(0)
	n.OnAnswer(fr.next(0, 0))
	held := n.OnAnswer(fr.next(1, 0))
	for id := range int32(4) {
		w.awaits(t, id, "started")
	}
	n.Heal()
	if !released(held) {
		t.Error("an answer is still held")
	}
	for _, want := range []string{"start 10", "unhold 0", "remove latency on 2"} {
		if !slices.Contains(w.did(), want) {
			t.Errorf("never did: %s", want)
		}
	}
	if len(n.Active()) > 0 {
		t.Errorf("still in force: %v", n.Active())
	}
	n.Heal() // again, at no cost
	n.Report()
	for id := range int32(4) {
		if s := w.statuses(id); s != "started ended" {
			t.Errorf("fault %d: %s", id, s)
		}
	}
}

func TestNothingStrikesAfterHeal(t *testing.T) {
	w := newWorld()
	delay := planned(DelayAcks, history.TriggerFaultStart, 0)
	n := begin(t, w,
		planned(MoveLeader, history.TriggerRecords, 1), delay, // ready when healing begins
		planned(CutBeforeRequest, history.TriggerFaultStart, 0), // so is this one
		planned(CutAfterAppend, history.TriggerAcks, 1), planned(KillLeader, history.TriggerRecords, 2))
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Heal()
	var fr frames
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Pass {
		t.Errorf("a request was struck: %+v", d)
	}
	if d := n.OnAnswer(fr.next(0, 0)); d.Verb != proxy.Pass {
		t.Errorf("an answer was struck: %+v", d)
	}
	n.Called(0)
	n.Report()
	for id := int32(1); id < 5; id++ {
		if s := w.statuses(id); s != "never-fired" {
			t.Errorf("fault %d: %s", id, s)
		}
	}
	if lines := w.journal(1); !strings.Contains(lines[0].Detail, "no fitting frame") {
		t.Errorf("%+v does not say that its trigger came", lines)
	}
}

func TestFaultsOnBrokersTakeTurns(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(KillLeader, history.TriggerRecords, 1), planned(MoveLeader, history.TriggerRecords, 1), planned(PauseLeader, history.TriggerRecords, 1))
	n.Called(0)
	eventually(t, "one that has the token", func() bool { return len(n.Active()) > 0 })
	n.Heal()
	n.Report()
	fired := 0
	for id := range int32(3) {
		switch lines := w.journal(id); w.statuses(id) {
		case "started ended":
			fired++
		case "never-fired":
			if !strings.Contains(lines[0].Detail, "lasted until the end") {
				t.Errorf("fault %d does not say why: %+v", id, lines)
			}
		default:
			t.Errorf("fault %d: %s", id, w.statuses(id))
		}
	}
	if fired == 0 || len(n.turn) != 0 {
		t.Errorf("%d fired, %d tokens are still taken", fired, len(n.turn))
	}
}

func TestAnErrorOfHealingIsKept(t *testing.T) {
	w := newWorld()
	w.fail["start 10"] = errors.New("no way")
	n := begin(t, w, planned(KillLeader, history.TriggerRecords, 1)) // until healed
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Heal()
	if err := n.Err(); err == nil || !strings.Contains(err.Error(), "bring back broker 10") {
		t.Errorf("the broker is still down, and Err is %v", err)
	}
}

// heldAt begins with a fault that strikes at once, and waits until it has come to
// a call of the world's; that ends when its channel in enter is closed.
func heldAt(t *testing.T, w *world, fault, call string) *Nemesis {
	t.Helper()
	w.enter[call] = make(chan struct{})
	n := begin(t, w, planned(fault, history.TriggerRecords, 1))
	n.Called(0)
	eventually(t, call, func() bool { return slices.Contains(w.did(), call) })
	return n
}

func TestWhatRestartsBrokersInTurnGoesNoFurtherOnceTheRunIsOver(t *testing.T) {
	for fault, c := range map[string]struct{ did, says string }{
		RollingRestart:   {"stop 10, start 10, whole", "cut short after 1 brokers"},
		RestartFollowers: {"wait a leader, stop 10, start 10, whole", "cut short after 1 followers"},
	} {
		t.Run(fault, func(t *testing.T) {
			w := newWorld()
			w.replicas = cluster.Replicas{Leader: 11, Assigned: []int32{10, 11, 12}}
			n := heldAt(t, w, fault, "stop 10")
			healed := make(chan struct{})
			go func() { n.Heal(); close(healed) }()
			eventually(t, "healing", n.ending)
			close(w.enter["stop 10"])
			<-healed
			n.Report()
			if calls := strings.Join(w.did(), ", "); calls != c.did {
				t.Errorf("did %s", calls)
			}
			if lines := w.journal(0); !strings.Contains(lines[1].Detail, c.says) {
				t.Errorf("%+v", lines[1])
			}
		})
	}
}

func TestALeaderThatDidNotStayWhileItsFollowersRestartedIsNoted(t *testing.T) {
	for name, c := range map[string]struct {
		after int32
		says  bool
	}{"it stayed": {10, false}, "it did not": {12, true}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.replicas = cluster.Replicas{Leader: 10, Assigned: []int32{10, 11, 12}}
			n := heldAt(t, w, RestartFollowers, "stop 12")
			w.mu.Lock()
			w.replicas.Leader = c.after
			w.mu.Unlock()
			close(w.enter["stop 12"])
			eventually(t, "its end", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.faults[0].state == over })
			n.Heal()
			n.Report()
			if detail := w.journal(0)[1].Detail; strings.Contains(detail, "leadership moved from broker 10 to 12 meanwhile") != c.says {
				t.Errorf("the detail is %q", detail)
			}
		})
	}
}

func TestLastingFaultsHealByTimeOrByAnothersEnd(t *testing.T) {
	w := newWorld()
	timed := planned(KillLeader, history.TriggerRecords, 1)
	timed.HealIn = 20 * time.Millisecond
	after := planned(Latency, history.TriggerRecords, 1)
	after.Delay, after.HealAt = time.Second, &history.Trigger{Kind: history.TriggerFaultEnd, Count: 0}
	n := begin(t, w, timed, after)
	n.Called(0)
	if err := n.Settle(context.Background(), func() int64 { return 1 }); err != nil {
		t.Fatal(err)
	}
	if active := n.Active(); len(active) > 0 {
		t.Errorf("settled, with %v in force", active)
	}
}

func settles(t *testing.T, n *Nemesis, pending int64) time.Duration {
	t.Helper()
	began := time.Now()
	if err := n.Settle(context.Background(), func() int64 { return pending }); err != nil {
		t.Fatal(err)
	}
	return time.Since(began)
}

func TestSettleReturnsAtOnceWhenAllIsDone(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerAcks, 1))
	var fr frames
	n.OnAnswer(fr.next(0, 0))
	if took := settles(t, n, 5); took > 100*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func TestSettleReturnsAtOnceWhenNothingIsSentAnyMore(t *testing.T) {
	n := begin(t, newWorld(), planned(CutAfterAppend, history.TriggerAcks, 1))
	if took := settles(t, n, 0); took > 100*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

func TestSettleReturnsWhenOnlyWhatLastsUntilHealedIsLeft(t *testing.T) {
	n := begin(t, newWorld(), planned(BlackholeAcks, history.TriggerAcks, 1), planned(CutAfterAppend, history.TriggerAcks, 99))
	var fr frames
	n.OnAnswer(fr.next(0, 0))
	if took := settles(t, n, 1); took < n.env.Quiet || took > 20*n.env.Quiet {
		t.Errorf("took %s", took)
	}
}

func TestSettleWaitsForWhatIsUnderWay(t *testing.T) {
	w := newWorld()
	w.enter["whole"] = make(chan struct{})
	n := begin(t, w, planned(RestartLeader, history.TriggerRecords, 1))
	n.Called(0)
	time.AfterFunc(3*n.env.Quiet, func() { close(w.enter["whole"]) })
	if took := settles(t, n, 0); took < 2*n.env.Quiet {
		t.Errorf("returned after %s, with the broker still on its way", took)
	}
}

func TestSettleWaitsForTriggersThatRetriesStillBring(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(CutAfterAppend, history.TriggerAcks, 4))
	var fr frames
	go func() {
		for range 4 {
			time.Sleep(n.env.Quiet / 2)
			n.OnAnswer(fr.next(0, 0))
		}
	}()
	settles(t, n, 1)
	if fired, _ := n.Fired(); fired != 1 {
		t.Error("settled before the last answer came")
	}
}

func TestSettleEndsWithItsContext(t *testing.T) {
	n := begin(t, newWorld(), planned(CutAfterAppend, history.TriggerAcks, 1))
	n.env.Quiet = time.Hour
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := n.Settle(ctx, func() int64 { return 1 }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestNoGoroutineIsLeftAndNothingRacesWhileEverythingHappensAtOnce(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		w := newWorld()
		plan := []history.PlannedFault{}
		for i := range int64(6) {
			for _, name := range []string{CutAfterAppend, CutBeforeRequest, DelayAcks, BlackholeAcks} {
				f := planned(name, history.TriggerAcks, 1+5*i)
				f.Delay = time.Duration(i) * time.Millisecond
				plan = append(plan, f)
			}
			latency := planned(Latency, history.TriggerRequests, 10*(i+1))
			latency.Delay = time.Second
			plan = append(plan, planned(MoveLeader, history.TriggerUnacked, i+1), latency, planned(KillLeader, history.TriggerRecords, 9*(i+1)))
		}
		n := begin(t, w, plan...)
		var all sync.WaitGroup
		stop := make(chan struct{})
		for producer := range int32(6) {
			all.Go(func() {
				var fr frames
				for {
					select {
					case <-stop:
						return
					default:
					}
					e := fr.next(producer, producer%3, 3)
					n.Called(int(producer))
					if d := n.OnRequest(e); d.Verb == proxy.Pass {
						if d := n.OnAnswer(e); d.Verb == proxy.Cut {
							n.OnLost(fr.next(producer, 0), d.Fault)
						}
					}
					n.Fired()
					n.Active()
				}
			})
		}
		time.Sleep(3 * time.Millisecond)
		healed := make(chan struct{})
		go func() { n.Heal(); n.Heal(); close(healed) }()
		select {
		case <-healed:
		case <-time.After(20 * time.Second):
			text := make([]byte, 1<<20)
			t.Fatalf("Heal hangs:\n%s", text[:runtime.Stack(text, true)])
		}
		close(stop)
		all.Wait()
		n.Report()
		for id := range int32(len(plan)) {
			if s := w.statuses(id); s != "started ended" && s != "never-fired" {
				t.Errorf("fault %d (%s): %s", id, plan[id].Fault, s)
			}
		}
		kills := strings.Count(strings.Join(w.did(), ","), "kill 10")
		starts := strings.Count(strings.Join(w.did(), ","), "start 10")
		if kills != starts || len(w.holds) > 0 {
			t.Errorf("%d kills, %d starts, %d black holes left", kills, starts, len(w.holds))
		}
	}
	eventually(t, "every goroutine to end", func() bool { return runtime.NumGoroutine() <= before })
}

func TestItIsCalmWhenNothingIsUnderWay(t *testing.T) {
	w := newWorld()
	w.enter["whole"] = make(chan struct{})
	waits := planned(CutAfterAppend, history.TriggerAcks, 99)
	n := begin(t, w, planned(BlackholeAcks, history.TriggerAcks, 1), waits, planned(RestartLeader, history.TriggerRecords, 1))
	var fr frames
	n.OnAnswer(fr.next(0, 0))
	if !n.Calm() {
		t.Error("what lasts until the run is over, or waits for its trigger, is taken for under way")
	}
	n.Called(0)
	if n.Calm() {
		t.Error("a restart is under way")
	}
	close(w.enter["whole"])
	w.awaits(t, 2, "started")
	eventually(t, "the restart is over", n.Calm)
}
