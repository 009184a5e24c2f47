package cluster

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// CreateTopic creates a topic and returns its id when every broker that
// answers sees all its partitions with a leader and a full ISR. A topic that
// exists already is an error (kerr.TopicAlreadyExists).
//
// Replicas are placed by index, so that a plan that is run again finds the same
// leaders: the first of partition n is the n-th broker, counted round and round,
// and the others are those behind it. Where the cluster is somebody else's
// (OwnTopicsOnly) it places them itself.
func (a *Admin) CreateTopic(ctx context.Context, name string, partitions, replication int, config map[string]string) (id [16]byte, err error) {
	existed := false
	for _, got := range a.ask(ctx, false, name) {
		if got.err == nil {
			_, missing := findTopic(got.view, name)
			existed = existed || missing == nil
		}
	}
	message, err := a.createTopic(ctx, a.newTopic(name, partitions, replication, config))
	if errors.Is(err, kerr.TopicAlreadyExists) && !existed {
		// The client asked again when no answer came in time, and its first request
		// was carried out.
		err = nil
	}
	if err != nil {
		if message != "" {
			err = fmt.Errorf("%w: %s", err, message)
		}
		return id, fmt.Errorf("create topic %s: %w", name, err)
	}
	a.own.add(name)
	err = poll(ctx, func() error {
		answered := 0
		for _, got := range a.ask(ctx, false, name) {
			if got.err != nil {
				continue
			}
			answered++
			topic, err := findTopic(got.view, name)
			if err != nil {
				return fmt.Errorf("broker %d: %w", got.broker, err)
			}
			if len(topic.Partitions) != partitions {
				return fmt.Errorf("broker %d: topic %s has %d of %d partitions", got.broker, name, len(topic.Partitions), partitions)
			}
			if err := fullTopic(topic); err != nil {
				return fmt.Errorf("broker %d: %w", got.broker, err)
			}
			id = topic.TopicID
		}
		if answered == 0 {
			return errors.New("no broker answers")
		}
		return nil
	})
	if err != nil {
		return id, fmt.Errorf("create topic %s: not ready: %w", name, err)
	}
	return id, nil
}

// newTopic is the request for a topic.
func (a *Admin) newTopic(name string, partitions, replication int, config map[string]string) kmsg.CreateTopicsRequestTopic {
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), int16(replication)
	for _, key := range slices.Sorted(maps.Keys(config)) {
		entry := kmsg.NewCreateTopicsRequestTopicConfig()
		entry.Name, entry.Value = key, kmsg.StringPtr(config[key])
		topic.Configs = append(topic.Configs, entry)
	}
	brokers := a.cluster.Brokers()
	if a.own != nil || replication > len(brokers) {
		return topic // what is wrong with that the cluster says itself
	}
	topic.NumPartitions, topic.ReplicationFactor = -1, -1
	for p := range partitions {
		replicas := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		replicas.Partition = int32(p)
		for r := range replication {
			replicas.Replicas = append(replicas.Replicas, brokers[(p+r)%len(brokers)].ID)
		}
		topic.ReplicaAssignment = append(topic.ReplicaAssignment, replicas)
	}
	return topic
}

// createTopic asks the controller. message is what it says of a refusal.
func (a *Admin) createTopic(ctx context.Context, topic kmsg.CreateTopicsRequestTopic) (message string, err error) {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, topic)
	request.TimeoutMillis = createLimit
	answer, err := request.RequestWith(ctx, a.shared)
	if err != nil {
		return "", err
	}
	if len(answer.Topics) != 1 {
		return "", fmt.Errorf("an answer about %d topics", len(answer.Topics))
	}
	if answer.Topics[0].ErrorMessage != nil {
		message = *answer.Topics[0].ErrorMessage
	}
	return message, kerr.ErrorForCode(answer.Topics[0].ErrorCode)
}

// createLimit is how long brokers may take to create a topic, in ms.
const createLimit = 15_000

// fullTopic returns nil when every partition has a leader and all replicas in
// its ISR.
func fullTopic(topic *kmsg.MetadataResponseTopic) error {
	partitions := slices.Clone(topic.Partitions)
	slices.SortFunc(partitions, func(x, y kmsg.MetadataResponseTopicPartition) int {
		return int(x.Partition) - int(y.Partition)
	})
	for _, p := range partitions {
		where := fmt.Sprintf("%s/%d", *topic.Topic, p.Partition)
		if p.Leader < 0 {
			return fmt.Errorf("%s has no leader", where)
		}
		if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
		if len(p.ISR) < len(p.Replicas) || len(p.OfflineReplicas) > 0 {
			return fmt.Errorf("%s has in-sync replicas %v of %v", where, p.ISR, p.Replicas)
		}
	}
	return nil
}

// Whole returns nil when every broker of the cluster answers and sees every
// other, and every partition of every topic (after OwnTopicsOnly: of the topics
// created here) has a leader and its full ISR in the eyes of each of them. Otherwise the error names the first thing that is
// not so.
func (a *Admin) Whole(ctx context.Context) error {
	brokers := a.cluster.Brokers()
	var topics []string // all
	if a.own != nil {
		topics = a.own.names()
	}
	answers := a.ask(ctx, true, topics...)
	for _, got := range answers {
		if got.err != nil {
			return fmt.Errorf("cluster is not whole: %w", got.err)
		}
	}
	for _, got := range answers {
		for _, b := range brokers {
			if !slices.ContainsFunc(got.view.Brokers, func(seen kmsg.MetadataResponseBroker) bool { return seen.NodeID == b.ID }) {
				return fmt.Errorf("cluster is not whole: broker %d does not see broker %d", got.broker, b.ID)
			}
		}
		for i := range got.view.Topics {
			topic := &got.view.Topics[i]
			if topic.Topic == nil {
				continue
			}
			if err := kerr.ErrorForCode(topic.ErrorCode); err != nil {
				return fmt.Errorf("cluster is not whole: broker %d: topic %s: %w", got.broker, *topic.Topic, err)
			}
			if err := fullTopic(topic); err != nil {
				return fmt.Errorf("cluster is not whole: broker %d: %w", got.broker, err)
			}
		}
	}
	return nil
}

// WaitWhole waits until Whole returns nil.
func (a *Admin) WaitWhole(ctx context.Context) error {
	return poll(ctx, func() error { return a.Whole(ctx) })
}

// MoveLeader makes another in-sync replica lead the partition, without a
// failure, and returns its id once metadata says so. The replica list is
// turned so that the next in-sync replica comes first, and a preferred
// election is asked for; turning it again later comes round to every replica.
func (a *Admin) MoveLeader(ctx context.Context, topic string, partition int32) (to int32, err error) {
	fail := func(err error) (int32, error) {
		return -1, fmt.Errorf("move the leader of %s/%d: %w", topic, partition, err)
	}
	if _, err := a.WaitLeader(ctx, topic, partition, -1); err != nil {
		return fail(err)
	}
	// Followers that fall behind for a while, on a machine with much to do, come
	// back into the in-sync replicas by themselves.
	var now kmsg.MetadataResponseTopicPartition
	var order []int32
	err = poll(ctx, func() error {
		var err error
		if now, err = a.partition(ctx, topic, partition); err != nil {
			return err
		}
		if order = nextLeaderFirst(now); order != nil {
			return nil
		}
		err = fmt.Errorf("broker %d is the only in-sync replica of %v", now.Leader, now.Replicas)
		if len(now.Replicas) < 2 {
			return errFinal{err}
		}
		return err
	})
	if err != nil {
		return fail(err)
	}
	to = order[0]
	if now.Replicas[0] != to {
		var change kadm.AlterPartitionAssignmentsReq
		change.Assign(topic, partition, order)
		done, err := a.adm.AlterPartitionAssignments(ctx, change)
		if err == nil {
			err = done.Error()
		}
		if err != nil {
			return fail(fmt.Errorf("reorder replicas to %v: %w", order, err))
		}
	}
	err = poll(ctx, func() error {
		p, err := a.partition(ctx, topic, partition)
		switch {
		case err != nil:
			return err
		case p.Leader == to:
			return nil
		case p.Replicas[0] != to:
			return fmt.Errorf("replicas are still %v", p.Replicas)
		}
		elected, err := a.adm.ElectLeaders(ctx, kadm.ElectPreferredReplica, kadm.TopicsSet{topic: {partition: {}}})
		if err == nil {
			err = elected[topic][partition].Err
		}
		if err != nil && !errors.Is(err, kerr.ElectionNotNeeded) {
			return fmt.Errorf("preferred election: %w", err)
		}
		return fmt.Errorf("broker %d still leads", p.Leader)
	})
	if err != nil {
		return fail(fmt.Errorf("to broker %d: %w", to, err))
	}
	return to, nil
}

// nextLeaderFirst returns the replicas in an order that begins with the
// in-sync replica that follows the leader, or nil when there is no other.
func nextLeaderFirst(p kmsg.MetadataResponseTopicPartition) []int32 {
	at := slices.Index(p.Replicas, p.Leader)
	for step := 1; step < len(p.Replicas); step++ {
		i := (at + step) % len(p.Replicas)
		if next := p.Replicas[i]; next != p.Leader && slices.Contains(p.ISR, next) {
			return append(slices.Clone(p.Replicas[i:]), p.Replicas[:i]...)
		}
	}
	return nil
}

// Reassign gives a partition to other replicas, and returns once they are its
// only ones and the first of them leads (KIP-455, Kafka 2.4 or newer).
func (a *Admin) Reassign(ctx context.Context, topic string, partition int32, replicas []int32) error {
	fail := func(err error) error {
		return fmt.Errorf("reassign %s/%d to brokers %v: %w", topic, partition, replicas, err)
	}
	var change kadm.AlterPartitionAssignmentsReq
	change.Assign(topic, partition, replicas)
	done, err := a.adm.AlterPartitionAssignments(ctx, change)
	if err == nil {
		err = done.Error()
	}
	if err != nil {
		return fail(err)
	}
	_, err = a.WaitReplicas(ctx, topic, partition, "its new replicas", func(r Replicas) bool {
		return slices.Equal(r.Assigned, replicas) && len(r.InSync) == len(replicas) && r.Leader == replicas[0]
	})
	if err != nil {
		return fail(err)
	}
	return nil
}
