package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func TestAnExpiredProducerIDMakesALateRetryASecondCopy(t *testing.T) {
	p := prove(t, onBrokers, "faults/expire-producer-ids", during{"expire-producer-ids": func(s stage) {
		topic, partition := placeIn(t, s.event.Target)
		_, all, err := s.admin.Producers(t.Context(), topic, partition)
		if err != nil || len(all) > 0 {
			t.Errorf("the leader remembers %v, %v when the fault says that it has forgotten", all, err)
		}
	}})
	if detail := p.ended(t, "expire-producer-ids").Detail; !strings.Contains(detail, "DescribeProducers listed producer id") {
		t.Errorf("the fault does not say whom it saw before: %q", detail)
	}
	lost := p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.Action == history.ActionCut })
	if len(lost) == 0 {
		t.Fatal("no acknowledgement was lost")
	}
	for _, first := range lost {
		again := p.wire(t, func(e history.WireEvent) bool {
			return e.Kind == history.WireAnswer && e.At > first.At && e.Error == 0 && e.ProducerID == first.ProducerID &&
				e.Epoch == first.Epoch && e.BaseSequence == first.BaseSequence
		})
		if len(again) != 1 || again[0].BaseOffset <= first.BaseOffset {
			t.Errorf("sequence %d, stored at offset %d, came again and was answered %+v, want one answer at a higher offset", first.BaseSequence, first.BaseOffset, again)
		}
	}
}

func TestAnIdleProducerWhoseIDExpiredGoesOnWithItsNextSequence(t *testing.T) {
	p := prove(t, onBrokers, "faults/expire-producer-ids-idle", during{"expire-producer-ids": func(s stage) {
		topic, partition := placeIn(t, s.event.Target)
		if _, all, err := s.admin.Producers(t.Context(), topic, partition); err != nil || len(all) > 0 {
			t.Errorf("the leader remembers %v, %v when the fault says that it has forgotten", all, err)
		}
	}})
	expired := p.ended(t, "expire-producer-ids")
	after := p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.At > expired.At })
	if len(after) == 0 || after[0].Error != 0 || after[0].BaseSequence == 0 || after[0].Epoch != 0 {
		t.Errorf("the first answers after the expiry are %+v, want success for a sequence above 0 of epoch 0", after)
	}
}

func TestDeletedRecordsWereReadBefore(t *testing.T) {
	p := prove(t, onBrokers, "faults/delete-records", nil)
	for _, e := range p.run.Faults {
		if e.Fault != "delete-records" || e.Status != history.FaultEnded {
			continue
		}
		if len(e.Deleted) != 1 || !e.Deleted[0].Kept || !strings.Contains(e.Detail, fmt.Sprintf("the log begins at %d", e.Deleted[0].To)) {
			t.Fatalf("fault %d says %q and deleted %+v", e.ID, e.Detail, e.Deleted)
		}
		d := e.Deleted[0]
		for _, at := range []int64{d.From, d.To - 1, d.To} {
			if _, found, err := p.run.FindLog(history.TopicPartition{Topic: d.Topic, Partition: d.Partition}, at); err != nil || !found {
				t.Errorf("offset %d of %s/%d is not in the run's log (%v), and %d to %d were deleted", at, d.Topic, d.Partition, err, d.From, d.To-1)
			}
		}
	}
}

// placeIn reads the partition out of "producer ids of t/0 on broker 2".
func placeIn(t *testing.T, target string) (topic string, partition int32) {
	t.Helper()
	for _, word := range strings.Fields(target) {
		at := strings.LastIndexByte(word, '/')
		if at < 0 {
			continue
		}
		if _, err := fmt.Sscanf(word[at+1:], "%d", &partition); err == nil {
			return word[:at], partition
		}
	}
	t.Fatalf("no partition in the target %q", target)
	return "", 0
}

func TestADeletedTopicIsGone(t *testing.T) {
	p := prove(t, onBrokers, "faults/delete-topic", nil)
	gone := p.ended(t, "delete-topic").Deleted
	if len(gone) == 0 {
		t.Fatal("the fault does not say what it deleted")
	}
	for _, topic := range p.run.Manifest.Topics {
		if topic.Deleted != (topic.Name == gone[0].Topic) {
			t.Errorf("topic %s: gone at the end is %v, and the fault deleted %s", topic.Name, topic.Deleted, gone[0].Topic)
		}
	}
	refused := p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireAnswer && slices.Contains([]int16{3, 6, 100}, e.Error)
	})
	for _, e := range refused {
		if e.Topic != gone[0].Topic {
			t.Errorf("%s/%d was answered %d, and the fault deleted %s", e.Topic, e.Partition, e.Error, gone[0].Topic)
		}
	}
}

func TestARecreatedTopicHasAnotherIDAndBeginsAnew(t *testing.T) {
	was := ""
	p := prove(t, onBrokers, "faults/recreate-topic", nil)
	again := p.ended(t, "recreate-topic").Deleted
	if len(again) == 0 {
		t.Fatal("the fault does not say what it deleted")
	}
	for _, topic := range p.run.Manifest.Topics {
		if topic.Name == again[0].Topic {
			was = topic.ID
			if topic.Deleted {
				t.Errorf("topic %s is gone at the end", topic.Name)
			}
		}
	}
	if was == "" || !strings.Contains(p.ended(t, "recreate-topic").Detail, "-> "+was) {
		t.Errorf("topic %s has the id %q at the end, and the fault says %q", again[0].Topic, was, p.ended(t, "recreate-topic").Detail)
	}
}

func TestAChangedConfigurationIsInForceAndComesBack(t *testing.T) {
	p := prove(t, onBrokers, "faults/change-config", during{"change-config": func(s stage) {
		topic := strings.TrimPrefix(s.event.Target, "topic ")
		for range 20 { // it takes a moment until all brokers have it
			if now, err := s.admin.TopicProperties(t.Context(), topic, "max.message.bytes"); err == nil && now["max.message.bytes"].Value == "200" {
				return
			}
		}
		t.Error("max.message.bytes was never seen to be 200")
	}})
	var spans [][2]int64
	for _, e := range p.run.Faults {
		switch e.Status {
		case history.FaultStarted:
			spans = append(spans, [2]int64{e.At})
		case history.FaultEnded:
			spans[e.ID][1] = e.At
		}
	}
	tooLarge := p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.Error == 10 })
	for _, e := range tooLarge {
		if !slices.ContainsFunc(spans, func(s [2]int64) bool { return s[0] <= e.At && e.At <= s[1]+1e9 }) {
			t.Errorf("MESSAGE_TOO_LARGE at %.3f s, and the fault was in force in %v", float64(e.At)/1e9, spans)
		}
	}
}

func TestStateFaultsHoldOnTheEmbeddedCluster(t *testing.T) {
	takesSeconds(t)
	for _, name := range []string{"delete-records", "delete-topic", "recreate-topic", "change-config"} {
		prove(t, onEmbedded, "faults/"+name, nil)
	}
}
