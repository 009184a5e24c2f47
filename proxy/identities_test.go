package proxy

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// plainly reads what identities reads, without any of its short cuts.
func plainly(records []byte, count int32) (process int32, first, last int64) {
	process, first, last = -1, -1, -1
	for range count {
		var one, value []byte
		ok := true
		piece := func(b []byte, least int64) (piece, rest []byte) { // with its length in front
			size, n := binary.Varint(b)
			if ok = ok && n > 0 && size >= least && size <= int64(len(b)-n); !ok {
				return nil, nil
			}
			end := n + int(max(size, 0))
			return b[n:end], b[end:]
		}
		if one, records = piece(records, 0); len(one) == 0 {
			return -1, -1, -1
		}
		one = one[1:] // attributes
		for range 2 { // timestamp and offset
			_, n := binary.Varint(one)
			if n <= 0 {
				return -1, -1, -1
			}
			one = one[n:]
		}
		_, one = piece(one, -1) // key
		value, _ = piece(one, 0)
		id, ours := history.ParseIdentity(value)
		if !ok || !ours || process >= 0 && id.Process != process {
			return -1, -1, -1
		}
		if process < 0 || id.Number < first {
			first = id.Number
		}
		process, last = id.Process, max(last, id.Number)
	}
	return process, first, last
}

// appendRecord appends a record as clients encode it.
func appendRecord(to []byte, timeDelta int64, offsetDelta int32, key, value []byte) []byte {
	r := kmsg.Record{TimestampDelta64: timeDelta, OffsetDelta: offsetDelta, Key: key, Value: value}
	r.Length = int32(len(r.AppendTo(nil)) - 1) // without the length field, which is one byte while it says 0
	return r.AppendTo(to)
}

func TestIdentitiesAreThoseOfEveryRecord(t *testing.T) {
	from := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...int64) int64 { return all[from.IntN(len(all))] }
	kinds := map[bool]int{}
	for round := range 20_000 {
		var r batchReader
		var records []byte
		id := history.Identity{
			Run: "0123abcd", Process: int32(pick(0, 7, 1<<31-1)), Topic: "t", Partition: 3,
			Number: pick(0, 8, 9, 98, 99, 12345, mostNumber-1, mostNumber),
		}
		count := int32(from.IntN(30))
		for i := range count {
			value := history.AppendValue(nil, id, int(pick(0, 60, 100, 9000)))
			var key []byte
			switch from.IntN(200) {
			case 0:
				key = []byte("key")
			case 1:
				value = value[:from.IntN(len(value))]
			case 2:
				value = append([]byte("x"), value...)
			case 3:
				id.Process++
			case 4:
				key = []byte{}
			}
			records = appendRecord(records, pick(0, 63, 64, 8191, 8192, 1<<20, 1<<21, 1<<40, -1), i+int32(pick(0, 0, 0, 9000, 2_000_000)), key, value)
			switch from.IntN(20) {
			case 0:
				id.Number = pick(id.Number, id.Number/2, 999, 99_999)
			case 1:
			default:
				id.Number++
			}
		}
		if round%10 == 0 && len(records) > 0 {
			records = records[:from.IntN(len(records))]
		}
		if round%10 == 1 && len(records) > 0 {
			records[from.IntN(len(records))] ^= 1 << from.IntN(8)
		}
		gotProcess, gotFirst, gotLast := r.identities(records, count)
		process, first, last := plainly(records, count)
		if gotProcess != process || gotFirst != first || gotLast != last {
			t.Fatalf("round %d: process %d, numbers %d to %d; want %d, %d to %d, of %q", round,
				gotProcess, gotFirst, gotLast, process, first, last, records)
		}
		kinds[process >= 0]++
	}
	if kinds[true] < 1000 || kinds[false] < 1000 {
		t.Errorf("%v: the cases are one-sided", kinds)
	}
}

// BenchmarkIdentities is what it costs to look at every record of a batch.
func BenchmarkIdentities(b *testing.B) {
	const count = 10_000
	var records []byte
	for i := range int32(count) {
		records = appendRecord(records, int64(i/100), i, nil, record("t", 0, 1, int64(i), 100).Value)
	}
	var r batchReader
	for b.Loop() {
		if process, first, last := r.identities(records, count); process != 1 || first != 0 || last != count-1 {
			b.Fatal(process, first, last)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/record")
	b.ReportMetric(0, "ns/op") // of a batch: left out
}
