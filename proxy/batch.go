package proxy

import (
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
	next   expected
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
	b.Process, b.First, b.Last = r.identities(records, b.Records)
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
