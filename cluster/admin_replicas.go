package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Replicas is what one broker knows of a partition's replicas. Lists are sorted
// save Assigned, whose first is the preferred leader.
type Replicas struct {
	Leader   int32 // -1: none
	Epoch    int32 // leader epoch
	Assigned []int32
	InSync   []int32
}

// String says it in words.
func (r Replicas) String() string {
	return fmt.Sprintf("leader %d (epoch %d), in-sync replicas %v of %v", r.Leader, r.Epoch, r.InSync, r.Assigned)
}

func replicasOf(p kmsg.MetadataResponseTopicPartition) Replicas {
	r := Replicas{Leader: p.Leader, Epoch: p.LeaderEpoch, Assigned: slices.Clone(p.Replicas), InSync: slices.Clone(p.ISR)}
	slices.Sort(r.InSync)
	return r
}

// ViewOf returns what one broker itself knows of a partition, however old. A
// broker that does not answer is an error.
func (a *Admin) ViewOf(ctx context.Context, broker int32, topic string, partition int32) (Replicas, error) {
	view, err := a.askOne(ctx, broker, []string{topic})
	if err != nil {
		return Replicas{}, err
	}
	seen, err := findTopic(view, topic)
	if err != nil {
		return Replicas{}, fmt.Errorf("broker %d: %w", broker, err)
	}
	for _, p := range seen.Partitions {
		if p.Partition == partition {
			return replicasOf(p), nil
		}
	}
	return Replicas{}, fmt.Errorf("broker %d knows no %s/%d", broker, topic, partition)
}

// Replicas returns what is known of a partition's replicas: by its leader, who
// is the first to know its ISR, or where there is none by the broker with the
// newest view.
func (a *Admin) Replicas(ctx context.Context, topic string, partition int32) (Replicas, error) {
	p, err := a.partition(ctx, topic, partition)
	if err != nil {
		return Replicas{}, err
	}
	best := replicasOf(p)
	if best.Leader < 0 {
		return best, nil
	}
	if own, err := a.ViewOf(ctx, best.Leader, topic, partition); err == nil && own.Epoch >= best.Epoch {
		return own, nil
	}
	return best, nil
}

// WaitReplicas waits until a partition's replicas are as wanted, which what
// says in a few words.
func (a *Admin) WaitReplicas(ctx context.Context, topic string, partition int32, what string, wanted func(Replicas) bool) (Replicas, error) {
	var r Replicas
	err := poll(ctx, func() (err error) {
		r, err = a.Replicas(ctx, topic, partition)
		if err == nil && !wanted(r) {
			err = errors.New(r.String())
		}
		return err
	})
	if err != nil {
		return r, fmt.Errorf("waiting for %s of %s/%d: %w", what, topic, partition, err)
	}
	return r, nil
}

// ElectUnclean asks for a leader from among the live replicas of a partition
// that has none, in sync or not. It returns when the controller has agreed.
func (a *Admin) ElectUnclean(ctx context.Context, topic string, partition int32) error {
	elected, err := a.adm.ElectLeaders(ctx, kadm.ElectLiveReplica, kadm.TopicsSet{topic: {partition: {}}})
	if err == nil {
		err = elected[topic][partition].Err
	}
	if err != nil && !errors.Is(err, kerr.ElectionNotNeeded) {
		return fmt.Errorf("unclean election for %s/%d: %w", topic, partition, err)
	}
	return nil
}

// TopicConfig returns the value of one property of a topic as it is in force,
// inherited or its own.
func (a *Admin) TopicConfig(ctx context.Context, topic, property string) (string, error) {
	described, err := a.adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return "", fmt.Errorf("configuration of %s: %w", topic, err)
	}
	for _, resource := range described {
		if resource.Err != nil {
			return "", fmt.Errorf("configuration of %s: %w", topic, resource.Err)
		}
		for _, c := range resource.Configs {
			if c.Key == property && c.Value != nil {
				return *c.Value, nil
			}
		}
	}
	return "", fmt.Errorf("configuration of %s has no %s", topic, property)
}

// Sees returns the ids, sorted, of the brokers that one broker holds for alive:
// in KRaft those that are registered and not fenced.
func (a *Admin) Sees(ctx context.Context, broker int32) ([]int32, error) {
	view, err := a.askOne(ctx, broker, nil)
	if err != nil {
		return nil, err
	}
	var alive []int32
	for _, b := range view.Brokers {
		alive = append(alive, b.NodeID)
	}
	slices.Sort(alive)
	return alive, nil
}

// WaitGone waits until no other broker holds any of these for alive.
func (a *Admin) WaitGone(ctx context.Context, gone ...int32) error {
	err := poll(ctx, func() error {
		for _, b := range a.cluster.Brokers() {
			if slices.Contains(gone, b.ID) {
				continue
			}
			alive, err := a.Sees(ctx, b.ID)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(gone, func(id int32) bool { return slices.Contains(alive, id) }) {
				return fmt.Errorf("broker %d sees %v", b.ID, alive)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("waiting for brokers %v to be missed: %w", gone, err)
	}
	return nil
}
