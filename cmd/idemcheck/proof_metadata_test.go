package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// forgedMetadata lists what clients were told by the faults of a run.
func forgedMetadata(t *testing.T, p proof) []history.WireEvent {
	return p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireMetadata && e.Action == history.ActionForged
	})
}

// sentAfter is the first produce request of a client to a partition after a
// time; partition -1 is any.
func sentAfter(t *testing.T, p proof, client string, partition int32, at int64) *history.WireEvent {
	t.Helper()
	for _, e := range p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireRequest && e.ClientID == client && e.At > at && (partition < 0 || e.Partition == partition)
	}) {
		return &e
	}
	return nil
}

// told holds what a proof's faults say against the wire: each of them altered
// Metadata of the producer it names, the manifest says so, and the producer went
// on afterwards.
func told(t *testing.T, p proof, fault string, times int, want func(history.WireEvent) error) {
	t.Helper()
	if !p.run.Manifest.Forged {
		t.Error("the manifest does not say that answers were forged")
	}
	struck := make(map[int32]bool)
	for _, e := range forgedMetadata(t, p) {
		struck[e.Fault] = true
		if err := want(e); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
		if sentAfter(t, p, e.ClientID, e.Partition, e.At) == nil {
			t.Errorf("%s sent nothing to partition %d after it was told that %s", e.ClientID, e.Partition, e.Note)
		}
	}
	if len(struck) != times {
		t.Errorf("%d faults altered Metadata, want %d", len(struck), times)
	}
	for _, e := range p.run.Faults {
		if e.Fault == fault && (!e.Forged || e.Detail == "" && e.Status == history.FaultEnded) {
			t.Errorf("fault %d does not say what it forged: %+v", e.ID, e)
		}
	}
}

func everywhereMetadata(t *testing.T, prove func(t *testing.T, on setting)) {
	t.Run("embedded", func(t *testing.T) { prove(t, onEmbedded) })
	t.Run("docker", func(t *testing.T) { prove(t, onBrokers) })
}

func TestHideTopicTellsAProducerThatItsTopicIsNotThere(t *testing.T) {
	everywhereMetadata(t, func(t *testing.T, on setting) {
		p := prove(t, on, "faults/hide-topic", nil)
		told(t, p, "hide-topic", 4, func(e history.WireEvent) error {
			if e.Topic != p.run.Manifest.Topics[0].Name || e.Error != 3 || e.BrokerCode != 0 {
				return fmt.Errorf("want error 3 for the run's topic, where the broker said 0")
			}
			return nil
		})
	})
}

func TestHideLeaderTellsAProducerThatThereIsNoLeader(t *testing.T) {
	everywhereMetadata(t, func(t *testing.T, on setting) {
		p := prove(t, on, "faults/hide-leader", nil)
		told(t, p, "hide-leader", 4, func(e history.WireEvent) error {
			if e.Error != 5 || e.BrokerCode != 0 || e.Partition < 0 {
				return fmt.Errorf("want LEADER_NOT_AVAILABLE for a partition, where the broker said 0")
			}
			return nil
		})
	})
}

// A producer that believes the old leader is refused with error 6, one that
// knows the newer leader epoch stays with it; either is right. What matters is
// that nothing it sends to the old leader is acknowledged there.
func TestHideLeaderOldNamesALeaderThatTheWireShowsToHaveLedBefore(t *testing.T) {
	everywhereMetadata(t, func(t *testing.T, on setting) {
		p := prove(t, on, "faults/hide-leader-old", nil)
		told(t, p, "hide-leader", 3, func(e history.WireEvent) error {
			var old, epoch, now, nowEpoch int32
			if _, err := fmt.Sscanf(e.Note, "leader %d (leader epoch %d), where the broker said %d (%d)", &old, &epoch, &now, &nowEpoch); err != nil {
				return err
			}
			if old == now || epoch >= nowEpoch || e.Error != 0 {
				return fmt.Errorf("want an older leader epoch of another leader, and no error")
			}
			if !p.moved(e, old) {
				return fmt.Errorf("no fault moved %s/%d from or to broker %d before", e.Topic, e.Partition, old)
			}
			return nil
		})
	})
}

// moved says whether a move-leader fault that began before an event made the
// broker lead the event's partition, or lead it no more.
func (p proof) moved(e history.WireEvent, broker int32) bool {
	began := map[int32]bool{}
	for _, f := range p.run.Faults {
		if f.Fault != "move-leader" {
			continue
		}
		var from, to int32
		switch f.Status {
		case history.FaultStarted:
			began[f.ID] = f.At < e.At && strings.Contains(f.Target, fmt.Sprintf("%s/%d,", e.Topic, e.Partition))
		case history.FaultEnded:
			if _, err := fmt.Sscanf(f.Detail, "leader %d -> %d", &from, &to); err == nil && began[f.ID] && (from == broker || to == broker) {
				return true
			}
		}
	}
	return false
}
