package nemesis

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// carriedOut runs one fault on brokers to its end, and returns what was done.
func carriedOut(t *testing.T, w *world, f history.PlannedFault) (calls string, lines []history.FaultEvent, err error) {
	t.Helper()
	f.HealIn = time.Millisecond
	n := begin(t, w, f)
	n.Called(0)
	eventually(t, "its end", func() bool { n.mu.Lock(); defer n.mu.Unlock(); return n.faults[0].state == over })
	n.Heal()
	n.Report()
	return strings.Join(w.did(), ", "), w.journal(0), n.Err()
}

func TestABrokerIsIsolatedFromWhomAndInWhichWaysTheScenarioSays(t *testing.T) {
	for _, c := range []struct {
		fault, from, way string
		calls, target    string
	}{
		{IsolateBroker, "", "", "isolate 11 from [] in true out true, gone [11], reunite 11, whole", "broker 11, from the other brokers, both ways"},
		{IsolateBroker, "brokers", "in", "isolate 11 from [] in true out false, gone [11], reunite 11, whole", "broker 11, from the other brokers, towards it"},
		{IsolateBroker, "clients", "out", "silence 1, to client true, to broker false, end silence 1, whole", "broker 11, from clients, from it"},
		{IsolateBroker, "clients", "in", "silence 1, to client false, to broker true, end silence 1, whole", "broker 11, from clients, towards it"},
		{IsolateBroker, "both", "both", "isolate 11 from [] in true out true, silence 1, to client true, to broker true, gone [11], end silence 1, reunite 11, whole", "broker 11, from the other brokers, from clients, both ways"},
		{IsolateLeader, "", "", "leader, isolate 10 from [] in true out true, wait leader not 10, view of 10, reunite 10, whole", "broker 10 (leader of t/0, leader epoch 7), from the other brokers, both ways"},
		{IsolateLeader, "clients", "", "leader, silence 0, to client true, to broker true, end silence 0, whole", "broker 10 (leader of t/0, leader epoch 7), from clients, both ways"},
		{Split, "", "", "isolate 11 from [10 12] in true out true, gone [11], reunite 11, whole", "brokers [11] from [10 12], both ways"},
		{Split, "", "out", "isolate 11 from [10 12] in false out true, gone [11], reunite 11, whole", "brokers [11] from [10 12], from the first"},
	} {
		t.Run(fmt.Sprintf("%s from %s, %s", c.fault, c.from, c.way), func(t *testing.T) {
			f := planned(c.fault, history.TriggerRecords, 1)
			f.From, f.Way = c.from, c.way
			calls, lines, err := carriedOut(t, newWorld(), f)
			if calls != c.calls || err != nil {
				t.Errorf("did %s, %v\nwant %s", calls, err, c.calls)
			}
			if len(lines) != 2 || lines[0].Target != c.target {
				t.Errorf("%+v, want target %q", lines, c.target)
			}
		})
	}
}

func TestAnIsolatedLeaderThatBelievesItLeadsIsNoted(t *testing.T) {
	w := newWorld()
	w.replicas = cluster.Replicas{Leader: 10, Epoch: 7, Assigned: []int32{10, 11, 12}, InSync: []int32{10, 11, 12}}
	_, lines, _ := carriedOut(t, w, planned(IsolateLeader, history.TriggerRecords, 1))
	if !strings.Contains(lines[1].Detail, "broker 10 itself still says: leader 10 (epoch 7)") {
		t.Errorf("%+v", lines[1])
	}
}

func TestACutThatCannotBeHealedIsBroken(t *testing.T) {
	w := newWorld()
	w.fail["reunite 11"] = errors.New("no way")
	_, lines, err := carriedOut(t, w, planned(IsolateBroker, history.TriggerRecords, 1))
	if err == nil || lines[1].Status != history.FaultBroken {
		t.Errorf("%+v, %v", lines, err)
	}
}

func TestHalvesCoverEveryBroker(t *testing.T) {
	n := &Nemesis{env: Env{Cluster: newWorld()}}
	for first, want := range []string{"[10] [11 12]", "[11] [10 12]", "[12] [10 11]"} {
		less, more := n.halves(int32(first))
		if got := fmt.Sprint(less, " ", more); got != want {
			t.Errorf("from %d: %s, want %s", first, got, want)
		}
	}
}

func TestAnImpossibleIsolationIsRefused(t *testing.T) {
	for _, spec := range []history.FaultSpec{
		{Fault: IsolateBroker, Knobs: history.Knobs{From: "everywhere"}}, {Fault: IsolateLeader, Knobs: history.Knobs{Way: "sideways"}}, {Fault: Split, Knobs: history.Knobs{From: "clients"}},
	} {
		spec.When.Records = &history.Range{Least: 1, Most: 1}
		if len(Check([]history.FaultSpec{spec}, 0)) == 0 {
			t.Errorf("%+v was accepted", spec)
		}
	}
}

// threeReplicas of a partition, and what remains when one is held back.
func threeReplicas() (all, left cluster.Replicas) {
	all = cluster.Replicas{Leader: 10, Epoch: 7, Assigned: []int32{10, 11, 12}, InSync: []int32{10, 11, 12}}
	left = all
	left.InSync = []int32{10, 12}
	return all, left
}

func TestTheISRShrinksByAFollowerThatIsNotTheController(t *testing.T) {
	for controller, held := range map[int32]int32{10: 11, 11: 12, 12: 11} {
		w := newWorld()
		all, left := threeReplicas()
		w.replicas, w.after, w.controller = all, &left, controller
		w.config = map[string]string{"min.insync.replicas": "3"}
		calls, lines, err := carriedOut(t, w, planned(ShrinkISR, history.TriggerRecords, 1))
		want := fmt.Sprintf("config min.insync.replicas, replicas, controller, isolate 10 from [%d] in true out true, wait an ISR of 2, reunite 10, whole", held)
		if calls != want || err != nil {
			t.Errorf("controller %d: did %s, %v\nwant %s", controller, calls, err, want)
		}
		if !strings.Contains(lines[1].Detail, "in-sync replicas [10 12] of [10 11 12]") {
			t.Errorf("%+v", lines[1])
		}
	}
}

func TestAnISRThatCannotShrinkIsBroken(t *testing.T) {
	for least, says := range map[string]string{"1": "set it to 2 or more", "2": "lose the majority of the controllers", "4": "nothing to shrink to 3"} {
		w := newWorld()
		w.replicas, _ = threeReplicas()
		w.config = map[string]string{"min.insync.replicas": least}
		if _, _, err := carriedOut(t, w, planned(ShrinkISR, history.TriggerRecords, 1)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("min.insync.replicas %s: %v, want %q", least, err, says)
		}
	}
}

func TestAnUncleanElectionKillsALeaderThatWentOnAlone(t *testing.T) {
	w := newWorld()
	w.replicas = cluster.Replicas{Leader: 10, Epoch: 7, Assigned: []int32{10, 11}, InSync: []int32{10, 11}}
	w.after = &cluster.Replicas{Leader: 10, Epoch: 7, Assigned: []int32{10, 11}, InSync: []int32{10}}
	w.config = map[string]string{"min.insync.replicas": "1"}
	w.ends = []int64{50, 50, 60, 50}
	dead := make(chan struct{})
	w.enter["kill 10"] = dead
	f := planned(UncleanElection, history.TriggerRecords, 1)
	go func() {
		w.awaits(t, 0, "started")
		w.mu.Lock()
		w.after = nil
		w.mu.Unlock()
		eventually(t, "the kill", func() bool { return strings.Contains(strings.Join(w.did(), ", "), "kill 10") })
		w.mu.Lock()
		w.replicas.Leader = -1
		w.mu.Unlock()
		close(dead)
	}()
	calls, lines, err := carriedOut(t, w, f)
	want := "config min.insync.replicas, replicas, controller, isolate 10 from [11] in true out true, wait an ISR of 1, " +
		"offsets: high watermark, offsets: high watermark, offsets: high watermark, kill 10, reunite 10, replicas, elect unclean, replicas, offsets: log end, start 10, whole"
	if calls != want || err != nil {
		t.Errorf("did %s, %v\nwant %s", calls, err, want)
	}
	if !strings.Contains(lines[1].Detail, "broker 11 elected though out of sync (leader epoch 9): its log ended at 50 or before, and that of broker 10 was committed up to 60 or more") {
		t.Errorf("%+v", lines[1])
	}
}

func TestAnUncleanElectionWithNothingToLoseIsRefused(t *testing.T) {
	w := newWorld()
	w.replicas, _ = threeReplicas()
	w.config = map[string]string{"min.insync.replicas": "2"}
	if calls, _, err := carriedOut(t, w, planned(UncleanElection, history.TriggerRecords, 1)); err == nil || calls != "config min.insync.replicas" {
		t.Errorf("did %s, %v", calls, err)
	}
}
