package cluster

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestEveryCompressionIsReadBack(t *testing.T) {
	f, admin := startFake(t, 2)
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			createTopic(t, admin, name, 2)
			ctx := within(t, 10*time.Second)
			producer := newProducer(t, f, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(20*time.Millisecond))
			var records []*kgo.Record
			for i := range 50 {
				records = append(records, &kgo.Record{Topic: name, Partition: 1, Key: fmt.Append(nil, i), Value: bytes.Repeat([]byte{'x'}, 100)})
			}
			if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
				t.Fatal(err)
			}
			next := int64(7)
			err := admin.ReadPartition(ctx, name, 1, 7, 43, func(batch BatchInfo, record RawRecord) error {
				if batch.Compression != name || batch.ProducerID != records[0].ProducerID || batch.Control || record.Sequence != int32(record.Offset) ||
					record.Offset < batch.Base || record.Offset > batch.Last {
					t.Errorf("record %+v of batch %+v", record, batch)
				}
				if record.Offset != next || string(record.Key) != fmt.Sprint(next) || len(record.Value) != 100 || record.Timestamp != records[next].Timestamp.UnixMilli() {
					return fmt.Errorf("offset %d, key %q at %d; want %d", record.Offset, record.Key, record.Timestamp, next)
				}
				next++
				return nil
			})
			if err != nil || next != 43 {
				t.Errorf("read up to %d: %v", next, err)
			}
		})
	}
}

func TestControlRecordsAndAbortedRecordsAreRead(t *testing.T) {
	f, admin := startFake(t, 1)
	createTopic(t, admin, "t", 1)
	ctx := within(t, 10*time.Second)
	producer := newProducer(t, f, kgo.TransactionalID("x"))
	for _, how := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		if err := producer.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: []byte("v")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := producer.EndTransaction(ctx, how); err != nil {
			t.Fatal(err)
		}
	}
	var kinds []string
	err := admin.ReadPartition(ctx, "t", 0, 0, 4, func(batch BatchInfo, record RawRecord) error {
		kind := "data"
		if batch.Control {
			kind = map[uint16]string{0: "abort", 1: "commit"}[binary.BigEndian.Uint16(record.Key[2:])]
		}
		if !batch.Transactional {
			t.Errorf("batch %+v is not transactional", batch)
		}
		kinds = append(kinds, kind)
		return nil
	})
	if got := strings.Join(kinds, " "); err != nil || got != "data abort data commit" {
		t.Errorf("the log holds %q (%v)", got, err)
	}
}

func TestAReadFollowsTheLeader(t *testing.T) {
	f, admin := startFake(t, 2)
	createTopic(t, admin, "t", 1)
	ctx := within(t, 20*time.Second)
	producer := newProducer(t, f, kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(1<<20))
	const records = 12 // of nearly 1 MiB, more than one fetch answer holds
	for range records {
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "t", Value: make([]byte, 1000<<10)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	next := int64(0)
	err := admin.ReadPartition(ctx, "t", 0, 0, records, func(_ BatchInfo, record RawRecord) error {
		if record.Offset != next {
			return fmt.Errorf("offset %d, want %d", record.Offset, next)
		}
		next++
		leader, _, err := admin.Leader(ctx, "t", 0)
		if err == nil {
			err = f.MoveTopicPartition("t", 0, 1-leader)
		}
		return err
	})
	if err != nil || next != records {
		t.Errorf("read up to %d: %v", next, err)
	}
}

func TestTheErrorOfTheVisitorEndsTheRead(t *testing.T) {
	f, admin := startFake(t, 1)
	createTopic(t, admin, "t", 1)
	ctx := within(t, 10*time.Second)
	if err := newProducer(t, f).ProduceSync(ctx, &kgo.Record{Topic: "t"}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := admin.ReadPartition(ctx, "t", 0, 0, 1, func(BatchInfo, RawRecord) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("error is %v", err)
	}
}

func TestALogThatEndsTooEarlyIsAnError(t *testing.T) {
	_, admin := startFake(t, 1)
	createTopic(t, admin, "t", 1)
	err := admin.ReadPartition(within(t, time.Second), "t", 0, 0, 5, func(BatchInfo, RawRecord) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "the log ends at 0") {
		t.Errorf("error is %v", err)
	}
}

// makeBatch builds an uncompressed batch as it stands in a log.
func makeBatch(base int64, records int32, change func(*kmsg.RecordBatch)) []byte {
	b := kmsg.RecordBatch{
		FirstOffset: base, Magic: 2, LastOffsetDelta: records - 1, NumRecords: records,
		ProducerID: 7, FirstSequence: int32(base), FirstTimestamp: 1000, MaxTimestamp: 2000,
	}
	for i := range records {
		r := kmsg.Record{OffsetDelta: i, TimestampDelta64: int64(i), Value: fmt.Append(nil, base+int64(i))}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself takes one byte here
		b.Records = r.AppendTo(b.Records)
	}
	if change != nil {
		change(&b)
	}
	b.Length = int32(batchHeader - batchOverhead + len(b.Records))
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[batchCRCFrom:], castagnoli))
	return raw
}

// takeAll runs fetch answers through a reader.
func takeAll(from, to int64, answers ...[]byte) (offsets []int64, err error) {
	r := reader{topic: "t", next: from, to: to, decompressor: kgo.DefaultDecompressor(), visit: func(_ BatchInfo, record RawRecord) error {
		offsets = append(offsets, record.Offset)
		return nil
	}}
	for _, answer := range answers {
		if err = r.take(answer); err != nil {
			break
		}
	}
	return offsets, err
}

func TestARecordIsReadOnceHoweverBatchesAreCut(t *testing.T) {
	log := append(makeBatch(3, 4, nil), makeBatch(7, 3, nil)...)
	for cut := range len(log) + 1 {
		offsets, err := takeAll(4, 9, log[:cut], log)
		if err != nil || fmt.Sprint(offsets) != "[4 5 6 7 8]" {
			t.Fatalf("cut at byte %d: %v (%v)", cut, offsets, err)
		}
	}
}

func TestALogThatIsNotWholeIsAnError(t *testing.T) {
	damaged := makeBatch(0, 2, nil)
	damaged[len(damaged)-1] ^= 1
	old := makeBatch(0, 2, nil)
	old[16] = 1
	for want, log := range map[string][]byte{
		"offsets 2 to 4 are missing": append(makeBatch(0, 2, nil), makeBatch(5, 1, nil)...),
		"is damaged":                 damaged,
		"magic 1":                    old,
		"some were removed":          makeBatch(0, 2, func(b *kmsg.RecordBatch) { b.LastOffsetDelta = 5 }),
		"does not fit":               makeBatch(0, 2, func(b *kmsg.RecordBatch) { b.Records = b.Records[:5] }),
		"are left after":             makeBatch(0, 2, func(b *kmsg.RecordBatch) { b.Records = append(b.Records, 0) }),
		"has offset delta 1":         makeBatch(0, 1, func(b *kmsg.RecordBatch) { b.Records[3] = 2 /* zigzag of 1 */ }),
		"gzip":                       makeBatch(0, 1, func(b *kmsg.RecordBatch) { b.Attributes = 1 }),
		"unknown compression 7":      makeBatch(0, 1, func(b *kmsg.RecordBatch) { b.Attributes = 7 }),
		"bytes long":                 append([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}, make([]byte, 30)...),
	} {
		if offsets, err := takeAll(0, 10, log); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v after offsets %v, want one with %q", err, offsets, want)
		}
	}
}

func TestALogAppendTimeIsTheTimeOfEveryRecord(t *testing.T) {
	info, raw, _, err := parseBatch(makeBatch(0, 3, func(b *kmsg.RecordBatch) { b.Attributes = 8 }))
	if err != nil {
		t.Fatal(err)
	}
	if err := eachRecord(info, &raw, nil, func(r RawRecord) error {
		if r.Timestamp != 2000 {
			return fmt.Errorf("timestamp %d", r.Timestamp)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

func TestSequencesWrapAround(t *testing.T) {
	if got := sequence(math.MaxInt32-1, 3); got != 1 {
		t.Errorf("three after 2^31-2 is %d", got)
	}
	if got := sequence(-1, 3); got != -1 {
		t.Errorf("without a sequence it is %d", got)
	}
}

func FuzzABatchOfAnyBytesIsReadOrRefused(f *testing.F) {
	f.Add(makeBatch(0, 3, nil))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, log []byte) {
		if len(log) > batchHeader { // let more of them past the checksum
			binary.BigEndian.PutUint32(log[17:], crc32.Checksum(log[batchCRCFrom:], castagnoli))
		}
		takeAll(0, 100, log)
	})
}

func BenchmarkReadingBatches(b *testing.B) {
	const records = 100
	batch := makeBatch(0, records, nil)
	b.SetBytes(int64(len(batch)))
	for b.Loop() {
		info, raw, _, err := parseBatch(batch)
		if err == nil {
			err = eachRecord(info, &raw, nil, func(RawRecord) error { return nil })
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
}
