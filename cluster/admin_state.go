package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ProducerState is what the leader of a partition remembers of a producer id
// there, and recognizes its retries by (KIP-664).
type ProducerState struct {
	ID            int64
	Epoch         int32
	LastSequence  int32 // of the last batch it appended; -1 when it knows none
	LastTimestamp int64 // of that batch, ms since the Unix epoch: expiry counts from it
}

// Producers lists what the leader of a partition remembers of producer ids. It
// needs Kafka 2.8 or newer.
func (a *Admin) Producers(ctx context.Context, topic string, partition int32) (leader int32, all []ProducerState, err error) {
	err = poll(ctx, func() error {
		if leader, _, err = a.Leader(ctx, topic, partition); err != nil {
			return err
		}
		req := kmsg.NewPtrDescribeProducersRequest()
		rt := kmsg.NewDescribeProducersRequestTopic()
		rt.Topic, rt.Partitions = topic, []int32{partition}
		req.Topics = append(req.Topics, rt)
		answer, err := a.send(ctx, leader, req)
		if err != nil {
			return fmt.Errorf("broker %d: %w", leader, err)
		}
		all = nil
		for _, t := range answer.(*kmsg.DescribeProducersResponse).Topics {
			for _, p := range t.Partitions {
				if err := orFinal(kerr.ErrorForCode(p.ErrorCode)); err != nil {
					return fmt.Errorf("broker %d: %w", leader, err)
				}
				for _, s := range p.ActiveProducers {
					all = append(all, ProducerState{ID: s.ProducerID, Epoch: s.ProducerEpoch, LastSequence: s.LastSequence, LastTimestamp: s.LastTimestamp})
				}
			}
		}
		return nil
	})
	if err != nil {
		return -1, nil, fmt.Errorf("producers of %s/%d: %w", topic, partition, err)
	}
	return leader, all, nil
}

// orFinal keeps poll from asking again where asking again will not mend it.
func orFinal(err error) error {
	if err == nil || kerr.IsRetriable(err) {
		return err
	}
	return errFinal{err}
}

// DeleteRecords makes the log of a partition begin at an offset, and returns
// when its leader says that it does. The offset must not be above the high
// watermark (Kafka 0.11 or newer).
func (a *Admin) DeleteRecords(ctx context.Context, topic string, partition int32, before int64) error {
	err := poll(ctx, func() error {
		leader, _, err := a.Leader(ctx, topic, partition)
		if err != nil {
			return err
		}
		req := kmsg.NewPtrDeleteRecordsRequest()
		rt := kmsg.NewDeleteRecordsRequestTopic()
		rp := kmsg.NewDeleteRecordsRequestTopicPartition()
		rp.Partition, rp.Offset = partition, before
		rt.Topic, rt.Partitions = topic, append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		answer, err := a.send(ctx, leader, req)
		if err != nil {
			return fmt.Errorf("broker %d: %w", leader, err)
		}
		for _, t := range answer.(*kmsg.DeleteRecordsResponse).Topics {
			for _, p := range t.Partitions {
				if err := orFinal(kerr.ErrorForCode(p.ErrorCode)); err != nil {
					return fmt.Errorf("broker %d: %w", leader, err)
				}
				if p.LowWatermark < before {
					return fmt.Errorf("broker %d: the log still begins at offset %d", leader, p.LowWatermark)
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete records of %s/%d before offset %d: %w", topic, partition, before, err)
	}
	return nil
}

// RemoveTopic deletes a topic and returns when no broker that answers knows it
// or holds a replica of it any more.
func (a *Admin) RemoveTopic(ctx context.Context, topic string, partitions int) error {
	if err := a.DeleteTopic(ctx, topic); err != nil {
		return err
	}
	if err := poll(ctx, func() error { return a.gone(ctx, topic, partitions) }); err != nil {
		return fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return nil
}

// Exists says whether any broker that answers knows a topic; an error means
// that none answered.
func (a *Admin) Exists(ctx context.Context, topic string) (bool, error) {
	last := errors.New("no broker answers")
	for _, got := range a.ask(ctx, false, topic) {
		if got.err != nil {
			last = got.err
			continue
		}
		last = nil
		if _, err := findTopic(got.view, topic); !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return true, nil
		}
	}
	if last != nil {
		return false, fmt.Errorf("does topic %s exist: %w", topic, last)
	}
	return false, nil
}

// gone returns nil when every broker that answers says, of each partition,
// that it neither knows it nor holds a replica. The offsets are asked for
// because metadata may be ahead of what a broker has done.
func (a *Admin) gone(ctx context.Context, topic string, partitions int) error {
	answered := 0
	for _, got := range a.ask(ctx, true, topic) {
		if got.err != nil {
			continue
		}
		answered++
		if _, err := findTopic(got.view, topic); !errors.Is(err, kerr.UnknownTopicOrPartition) {
			return errors.Join(fmt.Errorf("broker %d still knows it", got.broker), err)
		}
		for p := range partitions {
			leaders := make([]int32, partitions)
			for i := range leaders {
				leaders[i] = -1
			}
			leaders[p] = got.broker // as if it led it
			err := a.listFrom(ctx, got.broker, topic, HighWatermark, leaders, make([]int64, partitions))
			if !errors.Is(err, kerr.UnknownTopicOrPartition) {
				return errors.Join(fmt.Errorf("broker %d still has a replica of partition %d", got.broker, p), err)
			}
		}
	}
	if answered == 0 {
		return errors.New("no broker answers")
	}
	return nil
}
