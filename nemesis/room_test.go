package nemesis

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// mixed is a fault as a mix plans it.
func mixed(families int, name string, count int64, heal time.Duration) history.PlannedFault {
	f := planned(name, history.TriggerRecords, count)
	f.Families, f.Optional, f.HealIn = families, true, heal
	if name == Latency || name == DelayAcks {
		f.Delay = time.Millisecond
	}
	return f
}

func TestAFaultOfAnotherFamilyWaitsUntilTheFirstHasEnded(t *testing.T) {
	w := newWorld()
	n := begin(t, w, mixed(1, Latency, 1, 80*time.Millisecond), mixed(1, KillLeader, 2, 40*time.Millisecond), mixed(1, CutAfterAppend, 2, 0))
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Called(0)
	var fr frames
	if d := n.OnAnswer(fr.next(0, 0)); d.Verb != proxy.Cut {
		t.Errorf("a fault of the same family had to wait: %+v", d)
	}
	w.awaits(t, 1, "started")
	n.Heal()
	n.Report()
	latency, kill := w.journal(0), w.journal(1)
	if len(kill) != 2 || len(latency) != 2 || kill[0].At < latency[1].At {
		t.Errorf("the kill began at %d, the latency ended at %d", kill[0].At, latency[1].At)
	}
	if asked, waited := kill[0].Asked, kill[0].Waited; asked == 0 || waited < int64(20*time.Millisecond) || kill[0].At < asked+waited {
		t.Errorf("asked at %d, waited %d, struck at %d", asked, waited, kill[0].At)
	}
	if ended := kill[1]; ended.HealAsked < kill[0].At || ended.At < ended.HealAsked {
		t.Errorf("struck at %d, to be healed at %d, healed at %d", kill[0].At, ended.HealAsked, ended.At)
	}
}

func TestTwoFamiliesAtOnceMustBeAskedFor(t *testing.T) {
	w := newWorld()
	n := begin(t, w, mixed(2, Latency, 1, time.Hour), mixed(2, KillLeader, 1, time.Hour))
	n.Called(0)
	eventually(t, "both in force", func() bool { return len(n.Active()) == 2 })
}

func TestAFrameFaultWaitsForRoomAndStrikesTheNextFrame(t *testing.T) {
	w := newWorld()
	n := begin(t, w, mixed(1, KillLeader, 1, 60*time.Millisecond), mixed(1, CutBeforeRequest, 2, 0))
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Called(0)
	var fr frames
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Pass {
		t.Errorf("struck beside a fault of another family: %+v", d)
	}
	eventually(t, "the kill ended", func() bool { return len(n.Active()) == 0 })
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Cut {
		t.Errorf("there was room, and it did not strike: %+v", d)
	}
	if line := w.journal(1)[0]; line.Waited == 0 {
		t.Errorf("does not say that it waited: %+v", line)
	}
}

func TestAFamilyThatNeverPausesDoesNotShutOutAnother(t *testing.T) {
	w := newWorld()
	var plan []history.PlannedFault
	for i := range int64(60) { // ever new latency, each before the last has ended
		plan = append(plan, mixed(1, Latency, i+1, 30*time.Millisecond))
	}
	plan = append(plan, mixed(1, KillLeader, 5, 10*time.Millisecond))
	n := begin(t, w, plan...)
	for range 60 {
		n.Called(0)
		time.Sleep(10 * time.Millisecond)
	}
	if !strings.HasPrefix(w.statuses(60), "started") {
		t.Error("the kill never found room among 60 overlapping latencies")
	}
}

func TestAFaultOnFramesThatCameFirstIsLeftRoom(t *testing.T) {
	w := newWorld()
	n := begin(t, w, mixed(1, KillLeader, 1, 60*time.Millisecond), mixed(1, CutBeforeRequest, 2, 0), mixed(1, MoveLeader, 3, 0))
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Called(0)
	n.Called(0)
	eventually(t, "the kill ended", func() bool { return len(n.Active()) == 0 })
	time.Sleep(20 * time.Millisecond)
	var fr frames
	if d := n.OnRequest(fr.next(0, 0)); d.Verb != proxy.Cut {
		t.Errorf("what came first did not strike: %+v", d)
	}
	w.awaits(t, 2, "started") // and the other one comes all the same
}

func TestWithoutFramesNobodyWaitsForThem(t *testing.T) {
	w := newWorld()
	n := begin(t, w, mixed(1, CutBeforeRequest, 1, 0), mixed(1, MoveLeader, 2, 0))
	n.Called(0)
	n.Called(0)
	w.awaits(t, 1, "started")
}

func TestWhatIsLeftOfAMixEndsWithTheRecords(t *testing.T) {
	w := newWorld()
	plan := []history.PlannedFault{mixed(1, Latency, 1, 200*time.Millisecond)}
	for range 20 {
		plan = append(plan, mixed(1, KillLeader, 2, time.Hour))
	}
	n := begin(t, w, plan...)
	n.Called(0)
	w.awaits(t, 0, "started")
	n.Called(0)
	began := time.Now()
	if err := n.Settle(context.Background(), func() int64 { return 0 }); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("settled after %s: it waited for faults that nothing is sent under", took)
	}
	n.Heal()
	n.Report()
	for id := int32(1); id <= 20; id++ {
		if s := w.statuses(id); s == "never-fired" {
			if detail := w.journal(id)[0].Detail; !strings.Contains(detail, "until all records were answered") {
				t.Errorf("fault %d does not say why: %q", id, detail)
			}
		} else if id > 1 || s != "started ended" {
			t.Errorf("fault %d: %s", id, s)
		}
	}
}

// Any mix ends: nothing waits for what waits for it, whatever is in force.
func TestNoMixComesToAStandstill(t *testing.T) {
	kinds := []string{Latency, KillLeader, MoveLeader, PauseLeader, RestartLeader, Bandwidth, CutAfterAppend, BlackholeAcks, DelayAcks}
	for seed := range uint64(30) {
		from := rand.New(rand.NewPCG(seed, 1))
		w := newWorld()
		var plan []history.PlannedFault
		for range 25 {
			name := kinds[from.IntN(len(kinds))]
			var heal time.Duration
			if kind, _ := ByName(name); kind.lasting {
				heal = time.Duration(1+from.IntN(3)) * time.Millisecond
			}
			plan = append(plan, mixed(1+from.IntN(2), name, int64(1+from.IntN(50)), heal))
		}
		n := begin(t, w, plan...)
		var fr frames
		for range 60 {
			n.Called(0)
			n.OnRequest(fr.next(0, 0))
			n.OnAnswer(fr.next(0, 0))
			time.Sleep(100 * time.Microsecond)
		}
		eventually(t, "every fault has struck and ended", func() bool {
			n.OnAnswer(fr.next(0, 0))
			fired, all := n.Fired()
			return fired == all && len(n.Active()) == 0
		})
		n.Heal()
	}
}

func TestAPlanWithFamiliesThatThereAreNotIsRefused(t *testing.T) {
	w := newWorld()
	for _, families := range []int{-1, 5} {
		plan := []history.PlannedFault{mixed(families, CutAfterAppend, 1, 0)}
		if _, err := New(plan, Env{Cluster: w, Topics: []string{"t"}}); err == nil || !strings.Contains(err.Error(), "families") {
			t.Errorf("families %d: %v", families, err)
		}
	}
	if !slices.Contains(families(), OnState) {
		t.Error("a family is missing")
	}
}
