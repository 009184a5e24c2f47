package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// fetchBytes is asked for in one fetch; a larger batch still comes whole.
	fetchBytes = 4 << 20
	// fetchWait is how long a broker may hold a fetch that finds nothing.
	fetchWait = 250 * time.Millisecond
	// readPatience is how long a read may stand still, on a cluster that is
	// said to be healed, before it is given up.
	readPatience = 15 * time.Second
)

// ReadPartition reads the log of one partition from its leader, past the
// proxies, with control records and with the records of open and aborted
// transactions, and calls visit with every record from offset from up to but
// not including to: each exactly once, in order. Leader changes are followed.
//
// It fails when an offset is missing, when the log ends before to and stays
// so, when a batch is damaged, and with the error of visit.
func (a *Admin) ReadPartition(ctx context.Context, topic string, partition int32, from, to int64, visit func(BatchInfo, RawRecord) error) error {
	r := reader{
		admin: a, topic: topic, partition: partition, next: from, to: to, visit: visit,
		decompressor: kgo.DefaultDecompressor(),
	}
	for r.next < r.to {
		before := r.next
		ctx, cancel := context.WithTimeoutCause(ctx, readPatience, fmt.Errorf("nothing could be read for %s", readPatience))
		err := poll(ctx, func() error {
			err := r.fetch(ctx)
			if err == nil && r.next == before {
				return fmt.Errorf("the log ends at %d", r.end)
			}
			return err
		})
		cancel()
		if err != nil {
			return fmt.Errorf("read %s/%d at offset %d of %d: %w", topic, partition, r.next, to, err)
		}
	}
	return nil
}

type reader struct {
	admin        *Admin
	topic        string
	partition    int32
	next, to     int64
	end          int64 // high watermark as last told
	visit        func(BatchInfo, RawRecord) error
	decompressor kgo.Decompressor

	leader int32
	id     [16]byte
	known  bool // leader and id are worth trying
}

// locate finds the leader and the topic's id, which newer fetch requests carry.
func (r *reader) locate(ctx context.Context) error {
	if r.known {
		return nil
	}
	leader, _, err := r.admin.Leader(ctx, r.topic, r.partition)
	if err != nil {
		return err
	}
	view, err := r.admin.askOne(ctx, leader, []string{r.topic})
	if err != nil {
		return err
	}
	seen, err := findTopic(view, r.topic)
	if err != nil {
		return err
	}
	r.leader, r.id, r.known = leader, seen.TopicID, true
	return nil
}

// fetch asks the leader once and visits what came. An errFinal means that
// asking again is of no use.
func (r *reader) fetch(ctx context.Context) error {
	if err := r.locate(ctx); err != nil {
		return err
	}
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID = -1
	req.MaxWaitMillis = int32(fetchWait / time.Millisecond)
	req.MinBytes = 1
	req.MaxBytes = fetchBytes
	req.SessionEpoch = -1 // no fetch session
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = r.topic, r.id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = r.partition, r.next, fetchBytes, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := r.admin.send(ctx, r.leader, req)
	if err != nil {
		r.known = false
		return fmt.Errorf("fetch from broker %d: %w", r.leader, err)
	}
	resp := answer.(*kmsg.FetchResponse)
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		r.known = false
		return fmt.Errorf("fetch from broker %d: %w", r.leader, err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return fmt.Errorf("fetch from broker %d: it answered for no partition", r.leader)
	}
	p := &resp.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		r.known = false
		err = fmt.Errorf("fetch from broker %d: %w", r.leader, err)
		if errors.Is(err, kerr.OffsetOutOfRange) {
			if p.LogStartOffset > r.next {
				return errFinal{fmt.Errorf("%w: the log begins at %d", err, p.LogStartOffset)}
			}
			return err // past the high watermark of a new leader: it may rise yet
		}
		if !kerr.IsRetriable(err) {
			return errFinal{err}
		}
		return err
	}
	r.end = p.HighWatermark
	return r.take(p.RecordBatches)
}

// take visits the batches of one fetch answer.
func (r *reader) take(src []byte) error {
	for len(src) > 0 && r.next < r.to {
		info, raw, size, err := parseBatch(src)
		if errors.Is(err, errPartialBatch) {
			return nil // it comes whole with the next fetch
		}
		if err != nil {
			return errFinal{err}
		}
		src = src[size:]
		if info.Last < r.next {
			continue
		}
		if info.Base > r.next {
			return errFinal{fmt.Errorf("offsets %d to %d are missing from the log", r.next, info.Base-1)}
		}
		err = eachRecord(info, &raw, r.decompressor, func(record RawRecord) error {
			if record.Offset < r.next || record.Offset >= r.to {
				return nil
			}
			r.next = record.Offset + 1
			return r.visit(info, record)
		})
		if err != nil {
			return errFinal{err}
		}
	}
	return nil
}
