package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Faults on what brokers keep: of producers, of records, of topics.
const (
	ChangeConfig      = "change-config"
	DeleteRecords     = "delete-records"
	DeleteTopic       = "delete-topic"
	ExpireProducerIDs = "expire-producer-ids"
	RecreateTopic     = "recreate-topic"
)

// State is what brokers keep, reached past the proxies, and the harness's own
// book about it: what is deleted on purpose must be accounted for.
type State interface {
	// Producers lists what the leader of a partition remembers of producer ids.
	Producers(ctx context.Context, topic string, partition int32) (leader int32, all []cluster.ProducerState, err error)
	BrokerProperties(ctx context.Context, broker int32, names ...string) (map[string]cluster.Property, error)
	TopicProperties(ctx context.Context, topic string, names ...string) (map[string]cluster.Property, error)
	// SetTopicProperties returns when every broker has the properties in force; a
	// nil value is the default.
	SetTopicProperties(ctx context.Context, topic string, set map[string]*string) error
	Offsets(ctx context.Context, topic string) (starts, ends []int64, err error)
	// TrimLog reads the records before an offset into the run's log, and then
	// deletes them from the broker's. It returns when the leader's log begins
	// at that offset.
	TrimLog(ctx context.Context, topic string, partition int32, before int64) error
	// DeleteTopic returns when no broker knows the topic or has a replica of it.
	// The run takes it for gone.
	DeleteTopic(ctx context.Context, topic string) error
	// CreateTopic makes a topic as it was at the start of the run, and returns
	// when every broker sees it whole. The run expects it to be there. The ids
	// are what brokers call the topic from Kafka 2.8 on; zero before.
	CreateTopic(ctx context.Context, topic string) (was, is [16]byte, err error)
}

func stateFaults() []Kind {
	configure := []cluster.Capability{cluster.CanConfigure}
	return []Kind{
		{Name: ChangeConfig, Family: OnState, Needs: configure, lasting: true, role: "topic", knobs: []string{"config"},
			Explain: "topic properties are changed while producers send; the old values come back when healed",
			check:   checkConfig, beside: (*Nemesis).changeConfig},
		{Name: DeleteRecords, Family: OnState, Needs: configure, alone: true, role: "partition", targets: []string{"partition"}, knobs: []string{"share"},
			Explain: "the records before an offset, drawn as a share of the log, are deleted; they are read before, so that they are judged like all others",
			check:   checkShare, draw: drawShare, beside: (*Nemesis).deleteRecords},
		{Name: DeleteTopic, Family: OnState, Needs: configure, alone: true, role: "topic",
			Explain: "the topic is deleted, with what was acknowledged there, and stays so",
			beside:  (*Nemesis).deleteTopic},
		{Name: ExpireProducerIDs, Family: OnState, Needs: []cluster.Capability{cluster.CanExpire}, alone: true, role: "partition", targets: []string{"partition"},
			Explain: "waits until the leader of a partition has forgotten the producer ids that it knew, after producer.id.expiration.ms without a batch of theirs",
			beside:  (*Nemesis).expireProducerIDs},
		{Name: RecreateTopic, Family: OnState, Needs: configure, alone: true, role: "topic",
			Explain: "the topic is deleted, with what was acknowledged there, and created again under its name, with another id and from offset 0",
			beside:  (*Nemesis).recreateTopic},
	}
}

// checkDeletions: a topic is deleted once in a run, so that there is no doubt in
// which of its lives a record was acknowledged or read.
func checkDeletions(all []history.FaultSpec, at int, complain complain) {
	spec := all[at]
	if spec.Fault != DeleteTopic && spec.Fault != RecreateTopic {
		return
	}
	switch entries, _ := occasions(all).named(spec.Fault); {
	case entries > 1:
		complain("fault", "%s stands %d times in this nemesis, and happens once in a run", spec.Fault, entries)
	case spec.Times > 1:
		complain("times", "%s happens once in a run", spec.Fault)
	}
	for _, other := range all {
		if other.Fault != spec.Fault && slices.Contains([]string{DeleteTopic, RecreateTopic, DeleteRecords}, other.Fault) {
			complain("fault", "%s and %s do not go together: a topic is followed through one deletion", spec.Fault, other.Fault)
		}
	}
}

func checkConfig(spec history.FaultSpec, complain complain) {
	if len(spec.Config) == 0 {
		complain("config", "%s needs the topic properties to change, like {min.insync.replicas: 3}", spec.Fault)
	}
}

// topic is the one that the plan means.
func (n *Nemesis) topic(f *fault) string { return n.env.Topics[f.plan.Target.Topic] }

// errUnfired is returned by a fault that was healed before it took effect, or had
// nothing to take effect on.
var errUnfired = errors.New("healed before it took effect")

// deleted notes what the fault deleted on purpose.
func (n *Nemesis) deleted(f *fault, what ...history.Deletion) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f.event.Deleted = append(f.event.Deleted, what...)
}

// offsets lists a topic's partitions with where their logs begin and end.
func (n *Nemesis) offsets(ctx context.Context, topic string) (starts, ends []int64, err error) {
	starts, ends, err = n.env.State.Offsets(ctx, topic)
	if err == nil && len(starts) != len(ends) {
		err = fmt.Errorf("topic %s: %d partitions with a start, %d with an end", topic, len(starts), len(ends))
	}
	return starts, ends, err
}
