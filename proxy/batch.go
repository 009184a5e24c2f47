package proxy

import (
	"bytes"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Layout of a record batch, magic 2 (Kafka documentation, "Record Batch"):
// offsets in bytes from its start.
const (
	batchLength       = 8
	batchMagic        = 16
	batchCRC          = 17
	batchAttributes   = 21
	batchProducerID   = 43
	batchEpoch        = 51
	batchBaseSequence = 53
	batchCount        = 57
	batchRecords      = 61

	// Message sets, magic 0 and 1, carry a CRC-32 in each message.
	messageCRC  = 12
	compression = 0x7 // bits of the attributes
)

// share is what one partition brings in a produce request: the Batch that
// controls see, and what only the journal wants.
type share struct {
	crc   uint32
	bytes int32
	note  string
}

// batchReader reads record batches in place. It keeps the buffers it needs for
// compressed ones, and belongs to one goroutine.
type batchReader struct {
	codecs kgo.Decompressor // made when first needed
}

// read fills b and s from the records field of one partition. Whatever cannot
// be read is -1.
func (r *batchReader) read(data []byte, b *Batch, s *share) {
	b.ProducerID, b.Epoch, b.BaseSequence = -1, -1, -1
	b.Process, b.First, b.Last = -1, -1, -1
	b.BaseOffset = -1
	s.bytes = int32(len(data))
	if len(data) <= batchMagic {
		return
	}
	if data[batchMagic] != 2 {
		r.readMessages(data, b, s)
		return
	}
	if len(data) < batchRecords {
		return
	}
	end := batchLength + 4 + int(int32(binary.BigEndian.Uint32(data[batchLength:])))
	s.crc = binary.BigEndian.Uint32(data[batchCRC:])
	b.ProducerID = int64(binary.BigEndian.Uint64(data[batchProducerID:]))
	b.Epoch = int16(binary.BigEndian.Uint16(data[batchEpoch:]))
	b.BaseSequence = int32(binary.BigEndian.Uint32(data[batchBaseSequence:]))
	b.Records = int32(binary.BigEndian.Uint32(data[batchCount:]))
	if end < batchRecords || end > len(data) {
		s.note = "the batch's length field does not fit the request"
		return
	}
	if end < len(data) {
		// Producers may send one batch per partition only; brokers refuse more.
		s.note = "more than one batch for the partition; the first is shown"
	}
	records := data[batchRecords:end]
	if codec := kgo.CompressionCodecType(data[batchAttributes+1] & compression); codec != kgo.CodecNone {
		if r.codecs == nil {
			r.codecs = kgo.DefaultDecompressor()
		}
		plain, err := r.codecs.Decompress(records, codec)
		if err != nil {
			return
		}
		records = plain
	}
	b.Process, b.First, b.Last = identities(records, b.Records)
}

// readMessages counts the messages of an old message set (produce versions 0
// to 2). They carry no producer id.
func (r *batchReader) readMessages(data []byte, b *Batch, s *share) {
	s.crc = binary.BigEndian.Uint32(data[messageCRC:])
	for len(data) >= 12 {
		size := int(int32(binary.BigEndian.Uint32(data[8:])))
		if size < 0 || size > len(data)-12 {
			return
		}
		b.Records++
		data = data[12+size:]
	}
}

// identities reads which process the records are of, and their lowest and
// highest number; -1 throughout unless every record is ours and of one process.
func identities(records []byte, count int32) (process int32, first, last int64) {
	process, first, last = -1, -1, -1
	var before []byte // what stands before the number in the record before
	for i := int32(0); i < count; i++ {
		size, n := binary.Varint(records)
		if n <= 0 || size < 0 || size > int64(len(records)-n) {
			return -1, -1, -1
		}
		value, ok := recordValue(records[n : n+int(size)])
		records = records[n+int(size):]
		if !ok {
			return -1, -1, -1
		}
		// Records of one batch mostly differ in the number only.
		number, found := int64(0), false
		if before != nil && bytes.HasPrefix(value, before) {
			number, found = leadingDecimal(value[len(before):])
		}
		if !found {
			p, n, at, ok := scanIdentity(value)
			if !ok || (process >= 0 && p != process) {
				return -1, -1, -1
			}
			process, number, before = p, n, value[:at]
		}
		if first < 0 || number < first {
			first = number
		}
		if number > last {
			last = number
		}
	}
	return process, first, last
}

// recordValue returns the value of one record, without its length field.
func recordValue(b []byte) ([]byte, bool) {
	if len(b) == 0 {
		return nil, false
	}
	b = b[1:]     // attributes
	for range 2 { // timestamp delta, offset delta
		_, n := binary.Varint(b)
		if n <= 0 {
			return nil, false
		}
		b = b[n:]
	}
	key, n := binary.Varint(b)
	if n <= 0 || key < -1 || key > int64(len(b)-n) {
		return nil, false
	}
	b = b[n+max(int(key), 0):]
	size, n := binary.Varint(b)
	if n <= 0 || size < 0 || size > int64(len(b)-n) {
		return nil, false
	}
	return b[n : n+int(size)], true
}

var identityMagic = []byte("idem1 ")

// scanIdentity reads process and number as history.ParseIdentity does, and
// where the number begins, without making strings of the fields in between: it
// runs for many of the records on the wire. A test holds the two together.
func scanIdentity(value []byte) (process int32, number int64, at int, ok bool) {
	rest, ok := bytes.CutPrefix(value, identityMagic)
	if !ok {
		return 0, 0, 0, false
	}
	var fields [5]int64
	for i := range fields {
		end := bytes.IndexByte(rest, ' ')
		if end <= 0 {
			return 0, 0, 0, false
		}
		if i == 1 || i >= 3 { // PROCESS, PARTITION, NUMBER
			if fields[i], ok = leadingDecimal(rest[:end+1]); !ok {
				return 0, 0, 0, false
			}
		}
		at = len(value) - len(rest)
		rest = rest[end+1:]
	}
	if fields[1] > 1<<31-1 || fields[3] > 1<<31-1 {
		return 0, 0, 0, false
	}
	return int32(fields[1]), fields[4], at, true
}

// leadingDecimal reads a canonical decimal of at most 18 digits that a space
// ends.
func leadingDecimal(text []byte) (int64, bool) {
	var n int64
	for i, c := range text {
		switch {
		case c == ' ':
			return n, i > 0 && i <= 18 && (i == 1 || text[0] != '0')
		case c < '0' || c > '9' || i >= 18:
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return 0, false
}
