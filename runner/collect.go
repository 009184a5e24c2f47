package runner

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// still is how long end offsets must not move before they count as the
// frontier: a late request of a client that has given up would move them.
const still = 300 * time.Millisecond

// frontier waits until the end offsets of every partition stand still, and
// writes them into the manifest.
func (r *run) frontier(ctx context.Context) error {
	for i := range r.manifest.Topics {
		topic := &r.manifest.Topics[i]
		there, err := r.state.settle(ctx, topic)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		var last []int64
		for {
			_, ends, err := r.site.admin.Offsets(ctx, topic.Name)
			if err != nil {
				return err
			}
			logEnds, err := r.site.admin.ListOffsets(ctx, topic.Name, cluster.LogEnd)
			if err != nil {
				return err
			}
			// The high watermark must have reached the end of the log, or what
			// stands above it would be read by nobody.
			if last != nil && slices.Equal(ends, last) && slices.Equal(ends, logEnds) {
				topic.Ends = ends
				break
			}
			last = ends
			select {
			case <-time.After(still):
			case <-ctx.Done():
				return fmt.Errorf("end offsets of %s do not come to rest (high watermarks %v, log ends %v): %w", topic.Name, ends, logEnds, context.Cause(ctx))
			}
		}
	}
	return nil
}

// readBack reads every partition from its start to the frontier, past the
// proxies, and writes down every record. What a fault deleted from the head of
// a log was read before it went.
func (r *run) readBack(ctx context.Context) error {
	var broken error
	for i := range r.manifest.Topics {
		topic := &r.manifest.Topics[i]
		for partition := range topic.Partitions {
			at := history.TopicPartition{Topic: topic.Name, Partition: int32(partition)}
			if topic.Deleted {
				topic.Read[partition] = true // there is nothing
				continue
			}
			if err := r.readPartition(ctx, at, r.state.readFrom(at, topic.Starts[partition]), topic.Ends[partition]); err != nil {
				broken = errors.Join(broken, fmt.Errorf("read %s/%d: %w", topic.Name, partition, err))
				continue
			}
			topic.Read[partition] = true
		}
	}
	return broken
}

// readPartition writes down the records of a partition from an offset up to but
// not including another.
func (r *run) readPartition(ctx context.Context, at history.TopicPartition, from, to int64) error {
	return r.site.admin.ReadPartition(ctx, at.Topic, at.Partition, from, to,
		func(b cluster.BatchInfo, raw cluster.RawRecord) error {
			return r.writer.Log(r.recognise(at.Topic, at.Partition, b, raw))
		})
}

// recognise says what one record of the log is.
func (r *run) recognise(topic string, partition int32, b cluster.BatchInfo, raw cluster.RawRecord) history.LogRecord {
	rec := history.LogRecord{
		Topic: topic, Partition: partition, Offset: raw.Offset, Process: -1, Number: -1,
		ProducerID: b.ProducerID, Epoch: b.Epoch, Sequence: raw.Sequence, LeaderEpoch: b.LeaderEpoch,
		Timestamp: raw.Timestamp, Compression: b.Compression, BatchBase: b.Base, BatchRecords: b.Records,
		Bytes: int32(len(raw.Value)),
	}
	if b.Control {
		rec.Standing, rec.Marker = history.Control, marker(raw.Key)
		return rec
	}
	id, err := history.ParseValue(raw.Value)
	switch {
	case errors.Is(err, history.ErrForeign):
		rec.Standing = history.Foreign
		return rec
	case err != nil:
		rec.Standing = history.Corrupt
		return rec
	case id.Run != r.manifest.Run:
		rec.Standing = history.Foreign
		return rec
	}
	rec.Process, rec.Number = id.Process, id.Number
	rec.Message = history.ParseMessage(raw.Key)
	if id.Topic != topic || id.Partition != partition {
		rec.Standing = history.Misplaced
		rec.Claims = history.TopicPartition{Topic: id.Topic, Partition: id.Partition}.String()
	}
	return rec
}

// marker reads the key of a control record: a version and a type, 0 for abort
// and 1 for commit (Kafka's ControlRecordType). Empty for any other.
func marker(key []byte) string {
	if len(key) < 4 {
		return ""
	}
	switch binary.BigEndian.Uint16(key[2:]) {
	case 0:
		return history.MarkerAbort
	case 1:
		return history.MarkerCommit
	}
	return ""
}
