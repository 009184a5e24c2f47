package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// OffsetKind names one of the offsets that a partition's leader keeps.
type OffsetKind uint8

const (
	// LogStart is the first offset that is still in the log.
	LogStart OffsetKind = iota
	// HighWatermark is the end of what all in-sync replicas have, and of what
	// consumers may read.
	HighWatermark
	// LastStable is the end of what read-committed consumers may read.
	LastStable
	// LogEnd is the end of the leader's own log, at or above the high
	// watermark. Brokers tell it to a replica id of -2 (the debugging replica
	// of the ListOffsets request).
	LogEnd
)

// String returns the name of the offset in plain words.
func (k OffsetKind) String() string {
	switch k {
	case LogStart:
		return "log start"
	case HighWatermark:
		return "high watermark"
	case LastStable:
		return "last stable offset"
	case LogEnd:
		return "log end"
	}
	panic(fmt.Sprintf("cluster: impossible offset kind %d", uint8(k)))
}

const (
	earliest = -2 // timestamps of ListOffsets with a meaning of their own
	latest   = -1
)

// Offsets returns the log start and the high watermark of every partition of a
// topic, from their leaders; it waits for leaders where there are none.
func (a *Admin) Offsets(ctx context.Context, topic string) (starts, ends []int64, err error) {
	if starts, err = a.ListOffsets(ctx, topic, LogStart); err != nil {
		return nil, nil, err
	}
	if ends, err = a.ListOffsets(ctx, topic, HighWatermark); err != nil {
		return nil, nil, err
	}
	return starts, ends, nil
}

// ListOffsets returns one kind of offset of every partition of a topic, by
// partition, from their leaders; it waits for leaders where there are none.
func (a *Admin) ListOffsets(ctx context.Context, topic string, kind OffsetKind) ([]int64, error) {
	var offsets []int64
	err := poll(ctx, func() error {
		leaders, err := a.leaders(ctx, topic)
		if err != nil {
			return err
		}
		offsets = make([]int64, len(leaders))
		asked := slices.Clone(leaders)
		slices.Sort(asked)
		for _, broker := range slices.Compact(asked) {
			if err := a.listFrom(ctx, broker, topic, kind, leaders, offsets); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", kind, topic, err)
	}
	return offsets, nil
}

// leaders returns the leader of every partition of a topic.
func (a *Admin) leaders(ctx context.Context, topic string) ([]int32, error) {
	var leaders, epochs []int32
	views, last := a.views(ctx, topic)
	for _, seen := range views {
		for len(leaders) < len(seen.Partitions) {
			leaders, epochs = append(leaders, -1), append(epochs, -2)
		}
		for _, p := range seen.Partitions {
			if int(p.Partition) < len(leaders) && p.LeaderEpoch > epochs[p.Partition] {
				leaders[p.Partition], epochs[p.Partition] = p.Leader, p.LeaderEpoch
			}
		}
	}
	if len(leaders) == 0 {
		return nil, last
	}
	if at := slices.Index(leaders, -1); at >= 0 {
		return nil, fmt.Errorf("%s/%d has no leader", topic, at)
	}
	return leaders, nil
}

// listFrom asks one broker for the offsets of the partitions it leads, and
// puts them into offsets.
func (a *Admin) listFrom(ctx context.Context, broker int32, topic string, kind OffsetKind, leaders []int32, offsets []int64) error {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID = -1
	timestamp := int64(latest)
	switch kind {
	case LogStart:
		timestamp = earliest
	case HighWatermark:
	case LastStable:
		req.IsolationLevel = 1 // read committed
	case LogEnd:
		req.ReplicaID = -2
	}
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for p, leader := range leaders {
		if leader != broker {
			continue
		}
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp, rp.MaxNumOffsets = int32(p), timestamp, 1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := a.send(ctx, broker, req)
	if err != nil {
		return fmt.Errorf("broker %d: %w", broker, err)
	}
	answered := 0
	for _, t := range resp.(*kmsg.ListOffsetsResponse).Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				err = fmt.Errorf("broker %d: %s/%d: %w", broker, topic, p.Partition, err)
				if !kerr.IsRetriable(kerr.ErrorForCode(p.ErrorCode)) {
					return errFinal{err}
				}
				return err
			}
			if int(p.Partition) >= len(offsets) {
				continue
			}
			offsets[p.Partition] = p.Offset
			answered++
		}
	}
	if answered != len(rt.Partitions) {
		return fmt.Errorf("broker %d answered for %d of %d partitions of %s", broker, answered, len(rt.Partitions), topic)
	}
	return nil
}
