package conformance

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// found is a batch as it stands in a log.
type found struct {
	offset, lastOffset int64
	id                 int64
	epoch              int16
	first              int32
	n                  int32
	attrs              int16
	body               []byte
}

// settled is how long a log may take to show what was acknowledged.
const settled = 4 * time.Second

// settledFailed is how long where the case has failed already, and the log is
// there to be read with the answers.
const settledFailed = 500 * time.Millisecond

// lookAtLogs holds every log of the conversation to what should stand in it.
func (t *talk) lookAtLogs() {
	for _, topic := range t.topics {
		for _, p := range topic.partitions {
			if !p.loose && (len(p.kept) > 0 || p.end > 0 || len(topic.partitions) == 1) {
				t.lookAt(p)
			}
		}
	}
}

// lookAt reads one log, and what the leader remembers of producer ids there.
func (t *talk) lookAt(p *partition) {
	want := spellKept(p)
	var got string
	var frames []matrix.Frame
	limit := settled
	if t.cell.Verdict == matrix.Fail {
		limit = settledFailed
	}
	for deadline := time.Now().Add(t.on.settles(limit)); ; t.pause(100 * time.Millisecond) {
		var seen []found
		var err error
		var end int64
		seen, end, frames, err = t.readLog(p)
		if err == nil {
			if got = spellFound(p, seen, end); got == want {
				break
			}
		} else {
			got = err.Error()
		}
		if time.Now().After(deadline) {
			if err != nil {
				t.stop(matrix.Error, "read the log of %s: %v", p, err)
			}
			break
		}
	}
	t.check(fmt.Sprintf("the log of %s", p), got, want, got == want, frames...)
	t.lookAtProducers(p)
}

// spellKept says what a log should hold.
func spellKept(p *partition) string {
	var lines []string
	for _, k := range p.kept {
		lines = append(lines, spellEntry(k.offset, k.id, k.epoch, k.first, int32(k.n), k.attrs, true))
	}
	return spellLog(lines, p.end)
}

// spellFound says what it holds, in the same words.
func spellFound(p *partition, seen []found, end int64) string {
	var lines []string
	for _, f := range seen {
		if f.attrs&control != 0 {
			continue // a marker of a transaction's end
		}
		intact := true
		for _, k := range p.kept {
			if k.offset == f.offset && k.attrs&7 == 0 && k.raw != nil {
				intact = bytes.HasSuffix(k.raw, f.body)
			}
		}
		lines = append(lines, spellEntry(f.offset, f.id, f.epoch, f.first, f.n, f.attrs, intact))
	}
	return spellLog(lines, end)
}

func spellEntry(offset, id int64, epoch int16, first, n int32, attrs int16, intact bool) string {
	b := batch{first: first, n: int(n)}
	text := fmt.Sprintf("%d: producer id %d, epoch %d, %s", offset, id, epoch, b.span())
	if id < 0 {
		text = fmt.Sprintf("%d: no producer id, %d records", offset, n)
	}
	if attrs&7 != 0 {
		text += ", compressed"
	}
	if !intact {
		text += ", other bytes than were sent"
	}
	return text
}

func spellLog(lines []string, end int64) string {
	if len(lines) == 0 {
		return fmt.Sprintf("nothing, and ends at offset %d", end)
	}
	return strings.Join(append(lines, fmt.Sprintf("and ends at offset %d", end)), "; ")
}

// readLog fetches all of a log up to its high watermark.
func (t *talk) readLog(p *partition) (seen []found, end int64, frames []matrix.Frame, err error) {
	for next := p.start; ; {
		resp, exchanged, err := t.fetch(p, next)
		if err != nil {
			return nil, 0, exchanged, err
		}
		frames = exchanged
		end = resp.HighWatermark
		for _, f := range parseBatches(resp.RecordBatches) {
			if f.lastOffset < next || f.offset >= end {
				continue
			}
			seen = append(seen, f)
			next = f.lastOffset + 1
		}
		if next >= end || len(resp.RecordBatches) == 0 {
			return seen, end, frames, nil
		}
	}
}

// fetch asks the leader for what stands from an offset on.
func (t *talk) fetch(p *partition, from int64) (*kmsg.FetchResponseTopicPartition, []matrix.Frame, error) {
	broker := t.leader(p)
	req := kmsg.NewPtrFetchRequest()
	t.newest(broker, req)
	req.ReplicaID, req.SessionEpoch = -1, -1
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 100, 1, 4<<20
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = p.topic.name, p.topic.id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes, rp.CurrentLeaderEpoch = p.number, from, 4<<20, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, frames, err := t.ask(broker, req)
	if err != nil {
		return nil, frames, fmt.Errorf("fetch from broker %d: %w", broker, err)
	}
	got := resp.(*kmsg.FetchResponse)
	if got.ErrorCode != 0 || len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
		return nil, frames, fmt.Errorf("fetch from broker %d is answered %s, %d topics", broker, codeName(got.ErrorCode), len(got.Topics))
	}
	part := &got.Topics[0].Partitions[0]
	if part.ErrorCode != 0 {
		if notYet(part.ErrorCode) {
			delete(t.leaders, p)
		}
		return nil, frames, fmt.Errorf("fetch from broker %d at offset %d is answered %s", broker, from, codeName(part.ErrorCode))
	}
	return part, frames, nil
}

// parseBatches reads whole record batches; a fetch may end within one.
func parseBatches(src []byte) (all []found) {
	for len(src) >= batchPrefix {
		size := batchPrefix + int(int32(binary.BigEndian.Uint32(src[8:])))
		if size < 61 || size > len(src) {
			return all
		}
		var raw kmsg.RecordBatch
		if err := raw.ReadFrom(src[:size]); err != nil {
			return all
		}
		all = append(all, found{
			offset: raw.FirstOffset, lastOffset: raw.FirstOffset + int64(raw.LastOffsetDelta), id: raw.ProducerID,
			epoch: raw.ProducerEpoch, first: raw.FirstSequence, n: raw.NumRecords, attrs: raw.Attributes, body: raw.Records,
		})
		src = src[size:]
	}
	return all
}

// offset asks the leader where the log begins (-2) or ends (-1). A broker that
// is not the leader yet, or does not know its high watermark yet, is asked again.
func (t *talk) offset(p *partition, which int64) (int64, []matrix.Frame) {
	for deadline := time.Now().Add(settleLimit); ; t.pause(50 * time.Millisecond) {
		broker := t.leader(p)
		req := kmsg.NewPtrListOffsetsRequest()
		t.newest(broker, req)
		req.ReplicaID = -1
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = p.topic.name
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp, rp.CurrentLeaderEpoch = p.number, which, -1
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		resp, frames, err := t.ask(broker, req)
		t.must(err)
		got := resp.(*kmsg.ListOffsetsResponse)
		if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
			t.stop(matrix.Error, "broker %d does not tell the offsets of %s: %s", broker, p, describe(got))
		}
		part := got.Topics[0].Partitions[0]
		if part.ErrorCode == 0 {
			return part.Offset, frames
		}
		const notAvailable = 78 // KIP-207: a new leader, before its first high watermark
		if !notYet(part.ErrorCode) && part.ErrorCode != notAvailable || time.Now().After(deadline) {
			t.stop(matrix.Error, "broker %d does not tell the offsets of %s: %s", broker, p, codeName(part.ErrorCode))
		}
		delete(t.leaders, p)
	}
}
