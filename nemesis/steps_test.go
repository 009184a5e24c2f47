package nemesis

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func TestWhatFaultsMeanForAStep(t *testing.T) {
	w := newWorld()
	w.enter["whole"] = make(chan struct{})
	hole := planned(BlackholeAcks, history.TriggerAcks, 1)
	hole.HealAt = &history.Trigger{Kind: history.TriggerFaultEnd, Count: 1}
	n := begin(t, w, hole, planned(RestartLeader, history.TriggerRecords, 1), planned(CutAfterAppend, history.TriggerAcks, 99))
	if is := n.Standing(); is != Undisturbed {
		t.Errorf("%d where every fault waits for its trigger", is)
	}
	var fr frames
	n.OnAnswer(fr.next(0, 0))
	eventually(t, "the black hole keeps answers back", func() bool { return n.Standing() == KeptBack })
	n.Called(0)
	if is := n.Standing(); is != Striking {
		t.Errorf("%d where a restart was asked for", is)
	}
	w.awaits(t, 1, "started")
	if is := n.Standing(); is != Striking {
		t.Errorf("%d where a restart is under way", is)
	}
	close(w.enter["whole"])
	eventually(t, "the restart is over and has healed the black hole", func() bool { return n.Standing() == Undisturbed })
}

func TestAFaultThatWaitsForItsTurnIsNotAwaited(t *testing.T) {
	w := newWorld()
	n := begin(t, w, planned(KillLeader, history.TriggerRecords, 1), planned(PauseLeader, history.TriggerRecords, 2))
	n.Called(0)
	w.awaits(t, 0, "started")
	eventually(t, "the dead leader is a disturbance", func() bool { return n.Standing() == Disturbed })
	n.Called(0)
	if is := n.Standing(); is != Disturbed {
		t.Errorf("%d where the second waits for the first to heal", is)
	}
}

// Clients put the partitions of a request in any order.
func TestTheBatchesOfARequestCountByPartition(t *testing.T) {
	for _, order := range [][2]int32{{0, 1}, {1, 0}} {
		w := newWorld()
		second := planned(AnswerError, history.TriggerRequests, 2)
		second.Error = 7
		n := begin(t, w, second)
		var fr frames
		e := fr.next(0, order[0])
		other := e.Batches[0]
		other.Partition = order[1]
		e.Batches = append(e.Batches, other)
		d := n.OnRequest(e)
		for i := range d.Codes {
			if e.Batches[i].Partition != 1 {
				t.Errorf("order %v: partition %d counts second", order, e.Batches[i].Partition)
			}
		}
		if len(d.Codes) != 1 {
			t.Errorf("order %v: %+v", order, d)
		}
	}
}
