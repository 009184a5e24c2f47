package forge

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Where fields stand in a record batch (Kafka protocol, magic 2), bytes.
const (
	lengthAt    = 8
	lengthEnds  = 12 // the length counts what comes from here on
	crcAt       = 17
	crcFrom     = 21 // the CRC covers what comes from here on
	producerAt  = 43 // id, epoch and first sequence
	sequenceAt  = 53
	countAt     = 57
	recordsFrom = 61

	transactional = 1 << 4 // attribute bits
	control       = 1 << 5
)

// batch is a batch of a produce request on its way to the broker, and what it is
// answered.
type batch struct {
	id          int64
	epoch       int16
	first, last int32
	acks        int16
	broker      int32  // that it is sent to
	raw         []byte // as the broker is to get it
	records     []byte // as the client sent them

	before  *stored // the batch that it repeats, within the window; else nil
	code    int16
	offset  int64
	local   bool   // answered here; the broker does not get it
	claimed bool   // it is said to be stored, and is not
	changed bool   // the answer is not the broker's
	extra   []byte // to be appended besides, once the broker has answered
}

// answer answers in the broker's place.
func (b *batch) answer(code int16, offset int64) {
	b.code, b.offset, b.local, b.changed = code, offset, true, true
}

// say changes what the broker answered.
func (b *batch) say(code int16, offset int64) { b.code, b.offset, b.changed = code, offset, true }

// readBatch reads what stands in a produce request for one partition. What is no
// single, sound batch of an idempotent producer outside of transactions is
// none's business here, and ok is false.
func readBatch(raw []byte) (b *batch, ok bool) {
	if len(raw) < recordsFrom || lengthEnds+int(int32(binary.BigEndian.Uint32(raw[lengthAt:]))) != len(raw) {
		return nil, false
	}
	var read kmsg.RecordBatch
	if err := read.ReadFrom(raw); err != nil || read.Magic != 2 || read.Attributes&(control|transactional) != 0 ||
		read.ProducerID < 0 || read.ProducerEpoch < 0 || read.FirstSequence < 0 || read.NumRecords < 1 ||
		uint32(read.CRC) != sum(raw) {
		return nil, false
	}
	return &batch{
		id: read.ProducerID, epoch: read.ProducerEpoch, first: read.FirstSequence,
		last: int32((int64(read.FirstSequence) + int64(read.NumRecords) - 1) & 0x7fffffff),
		raw:  raw, records: raw[recordsFrom:],
	}, true
}

// countRecords is how many records a batch says that it has.
func countRecords(raw []byte) int64 {
	if len(raw) < recordsFrom {
		return 0
	}
	return int64(binary.BigEndian.Uint32(raw[countAt:]))
}

// plain is the same batch of no producer, which a broker appends as often as it
// comes.
func plain(raw []byte) []byte {
	out := append([]byte(nil), raw...)
	binary.BigEndian.PutUint64(out[producerAt:], ^uint64(0))
	binary.BigEndian.PutUint16(out[producerAt+8:], ^uint16(0))
	binary.BigEndian.PutUint32(out[sequenceAt:], ^uint32(0))
	return summed(out)
}

// summed puts the CRC right.
func summed(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[crcAt:], sum(raw))
	return raw
}

func sum(raw []byte) uint32 {
	return crc32.Checksum(raw[crcFrom:], crc32.MakeTable(crc32.Castagnoli))
}
