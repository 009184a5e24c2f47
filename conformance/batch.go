package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	batchPrefix = 12 // base offset and length, which the length does not count
	crcFrom     = 21 // the CRC covers everything from the attributes on
	crcAt       = 17

	gzipped       = 1      // compression, in the attributes
	transactional = 1 << 4 // attribute bits (Kafka protocol, record batch)
	control       = 1 << 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// noProducer is the producer id, epoch and sequence of a batch of no producer.
const noProducer = -1

// batch is a record batch (magic 2) as a conversation sends it.
type batch struct {
	id    int64
	epoch int16
	first int32 // base sequence
	n     int   // records
	text  string
	key   string // of every record; empty is none
	attrs int16
	time  int64 // of its records, ms since the Unix epoch; 0 is now
	// spoil changes the batch once it is built, and before its CRC is.
	spoil  func(*kmsg.RecordBatch)
	badCRC bool
	// twice: two batches, the second with the sequences behind the first.
	twice bool
}

// last is its last sequence: from 2147483647 it goes on at 0.
func (b batch) last() int32 { return int32((int64(b.first) + int64(b.n) - 1) & 0x7fffffff) }

// next is the batch of n records that comes after it.
func (b batch) next(n int) batch {
	b.first, b.n = int32((int64(b.last())+1)&0x7fffffff), n
	b.text += "'"
	return b
}

// with changes a copy.
func (b batch) with(change func(*batch)) batch {
	change(&b)
	return b
}

// raw builds the bytes that stand in a produce request.
func (b batch) raw() []byte {
	var body []byte
	for i := range b.n {
		body = appendRecord(body, i, b.key, fmt.Sprintf("%s %d of %d", b.text, i, b.n))
	}
	if b.attrs&7 == gzipped {
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		_, _ = w.Write(body) // to memory
		_ = w.Close()
		body = packed.Bytes()
	}
	at := b.time
	if at == 0 {
		at = time.Now().UnixMilli()
	}
	raw := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: b.attrs, LastOffsetDelta: int32(b.n - 1),
		FirstTimestamp: at, MaxTimestamp: at, ProducerID: b.id, ProducerEpoch: b.epoch, FirstSequence: b.first,
		NumRecords: int32(b.n), Records: body,
	}
	if b.spoil != nil {
		b.spoil(&raw)
	}
	out := raw.AppendTo(nil)
	binary.BigEndian.PutUint32(out[8:], uint32(len(out)-batchPrefix))
	sum := crc32.Checksum(out[crcFrom:], castagnoli)
	if b.badCRC {
		sum++
	}
	binary.BigEndian.PutUint32(out[crcAt:], sum)
	if b.twice {
		second := b.next(b.n)
		second.twice = false
		out = append(out, second.raw()...)
	}
	return out
}

// appendRecord adds a record without headers (record format, magic 2).
func appendRecord(dst []byte, delta int, key, value string) []byte {
	var r []byte
	r = append(r, 0)                         // attributes
	r = binary.AppendVarint(r, 0)            // timestamp delta
	r = binary.AppendVarint(r, int64(delta)) // offset delta
	if key == "" {
		r = binary.AppendVarint(r, -1) // none
	} else {
		r = binary.AppendVarint(r, int64(len(key)))
		r = append(r, key...)
	}
	r = binary.AppendVarint(r, int64(len(value)))
	r = append(r, value...)
	r = binary.AppendVarint(r, 0) // no headers
	dst = binary.AppendVarint(dst, int64(len(r)))
	return append(dst, r...)
}

// span spells its sequences: "[0..2]".
func (b batch) span() string {
	if b.n == 1 {
		return fmt.Sprintf("[%d]", b.first)
	}
	return fmt.Sprintf("[%d..%d]", b.first, b.last())
}
