package nemesis

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// kept is what made-up brokers keep of the one topic there is.
type kept struct {
	mu        sync.Mutex
	producers []cluster.ProducerState
	config    map[string]string // of the topic itself
	trimmed   int64
	topic     string // "there", "gone", "again"
}

var _ State = (*kept)(nil)

func (k *kept) Producers(context.Context, string, int32) (int32, []cluster.ProducerState, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return 10, append([]cluster.ProducerState(nil), k.producers...), nil
}

func (k *kept) BrokerProperties(context.Context, int32, ...string) (map[string]cluster.Property, error) {
	return map[string]cluster.Property{"producer.id.expiration.ms": {Value: "1000"}}, nil
}

func (k *kept) TopicProperties(context.Context, string, ...string) (map[string]cluster.Property, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := map[string]cluster.Property{"max.message.bytes": {Value: "1048588"}}
	for name, value := range k.config {
		all[name] = cluster.Property{Value: value, Own: true}
	}
	return all, nil
}

func (k *kept) SetTopicProperties(_ context.Context, _ string, set map[string]*string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, value := range set {
		delete(k.config, name)
		if value != nil {
			k.config[name] = *value
		}
	}
	return nil
}

func (k *kept) Offsets(context.Context, string) (starts, ends []int64, err error) {
	return []int64{0}, []int64{100}, nil
}

func (k *kept) TrimLog(_ context.Context, _ string, _ int32, before int64) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trimmed = before
	return nil
}

func (k *kept) DeleteTopic(context.Context, string) error {
	k.become("gone")
	return nil
}

func (k *kept) CreateTopic(context.Context, string) (was, is [16]byte, err error) {
	k.become("again")
	return was, [16]byte{1}, nil
}

func (k *kept) become(what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.topic = what
}

func (k *kept) is() (topic string, trimmed int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.topic, k.trimmed
}

// strikes carries out one planned fault on state at once, and returns how it
// stands when it is in force, and a call that heals it and says how it ended.
func strikes(t *testing.T, k *kept, f history.PlannedFault) (n *Nemesis, w *world, end func() history.FaultEvent) {
	t.Helper()
	w = newWorld()
	f.Trigger = history.Trigger{Kind: history.TriggerRecords, Count: 1, Producer: history.Any, Partition: history.Any}
	began := time.Now()
	n, err := New([]history.PlannedFault{f}, Env{
		Cluster: w, Leaders: w, Links: w, State: k, Topics: []string{"t"}, Replication: 3, Record: w.record,
		Producer: func(string) int32 { return 0 }, Now: func() int64 { return int64(time.Since(began)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Heal)
	n.Arm()
	n.Called(0)
	return n, w, func() history.FaultEvent {
		n.Heal()
		n.Report()
		all := w.journal(0)
		return all[len(all)-1]
	}
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 400 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s: never seen", what)
}

func TestAShareOfALogIsDrawnAndDeleted(t *testing.T) {
	plan, err := Draw([]history.FaultSpec{{Fault: DeleteRecords, When: history.TriggerSpec{Records: &history.Range{Least: 5, Most: 5}}, Times: 50}},
		Shape{Topics: 1, Partitions: 1, Producers: 1, Brokers: 3}, 7)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range plan {
		if f.Share < 0.25 || f.Share > 0.9 || f.Target.Partition != 0 {
			t.Errorf("share %.2f of partition %d", f.Share, f.Target.Partition)
		}
	}
	k := &kept{}
	_, w, end := strikes(t, k, history.PlannedFault{Fault: DeleteRecords, Share: 0.5})
	until(t, "the end of the fault", func() bool { _, trimmed := k.is(); return w.statuses(0) == "started" && trimmed == 50 })
	e := end()
	if len(e.Deleted) != 1 || e.Deleted[0] != (history.Deletion{Topic: "t", To: 50, Kept: true}) {
		t.Errorf("deleted %+v", e.Deleted)
	}
}

func TestATopicIsDeletedForGoodOrMadeAgain(t *testing.T) {
	for fault, becomes := range map[string]string{DeleteTopic: "gone", RecreateTopic: "again"} {
		k := &kept{topic: "there"}
		n, _, end := strikes(t, k, history.PlannedFault{Fault: fault, Target: history.Target{Partition: history.Any}})
		until(t, fault, func() bool { topic, _ := k.is(); return len(n.Active()) == 0 && topic == becomes })
		e := end()
		if len(e.Deleted) != 1 || e.Deleted[0].Kept || (e.Deleted[0].Until == history.Forever) != (fault == DeleteTopic) {
			t.Errorf("%s: deleted %+v", fault, e.Deleted)
		}
	}
}

func TestAChangedConfigurationComesBackWhenHealed(t *testing.T) {
	k := &kept{config: map[string]string{"retention.ms": "-1"}}
	f := history.PlannedFault{Fault: ChangeConfig, Target: history.Target{Partition: history.Any}}
	f.Config = map[string]string{"retention.ms": "5", "max.message.bytes": "200"}
	_, _, end := strikes(t, k, f)
	until(t, "the change", func() bool {
		now, _ := k.TopicProperties(t.Context(), "t")
		return now["retention.ms"].Value == "5" && now["max.message.bytes"].Value == "200"
	})
	if e := end(); e.Status != history.FaultEnded || len(k.config) != 1 || k.config["retention.ms"] != "-1" {
		t.Errorf("%s %s, and the topic has %v", e.Status, e.Error, k.config)
	}
}

func TestExpiryTakesEffectWhenTheLeaderHasForgotten(t *testing.T) {
	k := &kept{producers: []cluster.ProducerState{{ID: 7, LastSequence: 3}}}
	_, w, end := strikes(t, k, history.PlannedFault{Fault: ExpireProducerIDs})
	time.Sleep(3 * lookEvery)
	if got := w.statuses(0); got != "" {
		t.Errorf("the id is still remembered, and the fault has %s", got)
	}
	k.mu.Lock()
	k.producers = nil
	k.mu.Unlock()
	until(t, "the expiry", func() bool { return w.statuses(0) == "started" })
	if e := end(); e.Status != history.FaultEnded || !strings.Contains(e.Detail, "producer id 7 (epoch 0, last sequence 3)") {
		t.Errorf("%s: %s", e.Status, e.Detail)
	}
}

func TestExpiryThatIsHealedBeforeItCameNeverFired(t *testing.T) {
	k := &kept{producers: []cluster.ProducerState{{ID: 7}}}
	_, _, end := strikes(t, k, history.PlannedFault{Fault: ExpireProducerIDs})
	time.Sleep(2 * lookEvery)
	if e := end(); e.Status != history.FaultNeverFired {
		t.Errorf("%s: %s", e.Status, e.Detail)
	}
}

func TestATopicIsFollowedThroughOneDeletionOnly(t *testing.T) {
	spec := func(fault string) history.FaultSpec {
		return history.FaultSpec{Fault: fault, When: history.TriggerSpec{Records: &history.Range{Least: 5, Most: 5}}}
	}
	twice := spec(DeleteTopic)
	twice.Times = 2
	for _, all := range [][]history.FaultSpec{{twice}, {spec(RecreateTopic), spec(DeleteTopic)}, {spec(RecreateTopic), spec(DeleteRecords)}} {
		if len(Check(all, 0)) == 0 {
			t.Errorf("%+v is let pass", all)
		}
	}
}
