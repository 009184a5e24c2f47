package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// BatchInfo is the header of a record batch as it stands in the log
// (Kafka protocol, record batch, magic 2).
type BatchInfo struct {
	Base          int64 // offset of its first record
	Last          int64 // offset of its last record
	Records       int32
	LeaderEpoch   int32 // under which it was appended
	CRC           uint32
	Compression   string // none, gzip, snappy, lz4, zstd
	LogAppendTime bool   // timestamps are the broker's, else the producer's
	Transactional bool
	Control       bool  // holds control records (transaction markers), not data
	ProducerID    int64 // -1 when there is none
	Epoch         int16 // -1 when there is none
	BaseSequence  int32 // -1 when there is none
	FirstTime     int64 // ms since the Unix epoch
	MaxTime       int64 // ms since the Unix epoch
	Bytes         int32 // size in the log, header included
}

// RawRecord is one record of a batch. Key and Value are only valid until the
// function that was given them returns.
type RawRecord struct {
	Offset    int64
	Sequence  int32 // base sequence plus its place in the batch; -1 when there is none
	Timestamp int64 // ms since the Unix epoch
	Key       []byte
	Value     []byte
	Headers   []kmsg.Header
}

const (
	batchOverhead = 12 // base offset and length, which the length does not count
	batchCRCFrom  = 21 // the CRC covers everything from the attributes on
	batchHeader   = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var compressions = [...]string{"none", "gzip", "snappy", "lz4", "zstd"}

// errPartialBatch: the bytes end before the batch does, as the last batch of a
// fetch answer may.
var errPartialBatch = errors.New("batch is cut short")

// parseBatch reads the batch at the start of src and says how many bytes it
// takes. The records are still compressed.
func parseBatch(src []byte) (info BatchInfo, raw kmsg.RecordBatch, size int, err error) {
	if len(src) < batchOverhead {
		return info, raw, 0, errPartialBatch
	}
	info.Base = int64(binary.BigEndian.Uint64(src))
	length := int(int32(binary.BigEndian.Uint32(src[8:])))
	if length < batchHeader-batchOverhead {
		return info, raw, 0, fmt.Errorf("batch at offset %d says it is %d bytes long", info.Base, length)
	}
	size = batchOverhead + length
	if len(src) < size {
		return info, raw, 0, errPartialBatch
	}
	src = src[:size]
	if magic := src[16]; magic != 2 {
		return info, raw, 0, fmt.Errorf("batch at offset %d has magic %d: only format 2 (Kafka 0.11 and later) can be read", info.Base, magic)
	}
	if err := raw.UnsafeReadFrom(src); err != nil {
		return info, raw, 0, fmt.Errorf("batch at offset %d: %w", info.Base, err)
	}
	if sum := crc32.Checksum(src[batchCRCFrom:], castagnoli); sum != uint32(raw.CRC) {
		return info, raw, 0, fmt.Errorf("batch at offset %d is damaged: CRC is %08x, its bytes give %08x", info.Base, uint32(raw.CRC), sum)
	}
	codec := int(raw.Attributes & 7)
	if codec >= len(compressions) {
		return info, raw, 0, fmt.Errorf("batch at offset %d has unknown compression %d", info.Base, codec)
	}
	info = BatchInfo{
		Base: raw.FirstOffset, Last: raw.FirstOffset + int64(raw.LastOffsetDelta), Records: raw.NumRecords,
		LeaderEpoch: raw.PartitionLeaderEpoch, CRC: uint32(raw.CRC), Compression: compressions[codec],
		LogAppendTime: raw.Attributes&8 != 0, Transactional: raw.Attributes&16 != 0, Control: raw.Attributes&32 != 0,
		ProducerID: raw.ProducerID, Epoch: raw.ProducerEpoch, BaseSequence: raw.FirstSequence,
		FirstTime: raw.FirstTimestamp, MaxTime: raw.MaxTimestamp, Bytes: int32(size),
	}
	return info, raw, size, nil
}

// eachRecord calls yield with every record of a batch, in order. Offsets that
// are missing inside the batch, which only compaction leaves behind, are an
// error.
func eachRecord(info BatchInfo, raw *kmsg.RecordBatch, decompressor kgo.Decompressor, yield func(RawRecord) error) error {
	body := raw.Records
	if codec := kgo.CompressionCodecType(raw.Attributes & 7); codec != 0 {
		var err error
		if body, err = decompressor.Decompress(body, codec); err != nil {
			return fmt.Errorf("batch at offset %d: %s: %w", info.Base, info.Compression, err)
		}
	}
	if int64(info.Records) != info.Last-info.Base+1 {
		return fmt.Errorf("batch at offset %d spans offsets %d to %d but holds %d records: some were removed (is the topic compacted?)", info.Base, info.Base, info.Last, info.Records)
	}
	for i := range info.Records {
		length, width := binary.Varint(body)
		if width <= 0 || length < 0 || length > int64(len(body)-width) {
			return fmt.Errorf("batch at offset %d: record %d of %d does not fit", info.Base, i, info.Records)
		}
		var record kmsg.Record
		if err := record.UnsafeReadFrom(body[:width+int(length)]); err != nil {
			return fmt.Errorf("batch at offset %d: record %d: %w", info.Base, i, err)
		}
		body = body[width+int(length):]
		if record.OffsetDelta != i {
			return fmt.Errorf("batch at offset %d: record %d has offset delta %d", info.Base, i, record.OffsetDelta)
		}
		timestamp := info.FirstTime + record.TimestampDelta64
		if info.LogAppendTime {
			timestamp = info.MaxTime
		}
		err := yield(RawRecord{
			Offset: info.Base + int64(i), Sequence: sequence(info.BaseSequence, i), Timestamp: timestamp,
			Key: record.Key, Value: record.Value, Headers: record.Headers,
		})
		if err != nil {
			return err
		}
	}
	if len(body) > 0 {
		return fmt.Errorf("batch at offset %d: %d bytes are left after its %d records", info.Base, len(body), info.Records)
	}
	return nil
}

// sequence adds to a sequence number, which goes from 2^31-1 to 0.
func sequence(base, delta int32) int32 {
	if base < 0 {
		return -1
	}
	return int32((int64(base) + int64(delta)) & 0x7fffffff)
}
