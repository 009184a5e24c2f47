package history

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

// testManifest describes a run of two topics with three partitions each.
func testManifest() *Manifest {
	return &Manifest{
		Run: "0badcafe", Scenario: "test", Resolved: []byte(`{}`), ClockBase: time.Unix(0, 0).UTC(),
		Topics: []Topic{{Name: "a", Partitions: 3}, {Name: "b", Partitions: 3}},
	}
}

func testWriter(t testing.TB, o WriterOptions) (*Writer, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	w, err := Create(dir, testManifest(), &Plan{Seed: 7}, o)
	if err != nil {
		t.Fatal(err)
	}
	// Tests that stop like a killed harness leave the writer open.
	t.Cleanup(func() { _ = w.Close(testManifest()) })
	return w, dir
}

func finish(t testing.TB, w *Writer, dir string) *Run {
	t.Helper()
	m := testManifest()
	m.Ended = EndedComplete
	if err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	run, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if wrong := run.Verify(); len(wrong) > 0 {
		t.Fatalf("a whole run directory is called wrong: %q", wrong)
	}
	return run
}

// odd draws integers of all sizes, the extreme ones often.
func odd(r *rand.Rand, lowest, highest int64) int64 {
	switch r.IntN(6) {
	case 0:
		return lowest
	case 1:
		return highest
	case 2:
		return -1
	case 3:
		return int64(r.IntN(1000))
	}
	v := int64(r.Uint64()) >> r.IntN(64)
	return max(lowest, min(highest, v))
}

func odd32(r *rand.Rand) int32 { return int32(odd(r, math.MinInt32, math.MaxInt32)) }
func odd16(r *rand.Rand) int16 { return int16(odd(r, math.MinInt16, math.MaxInt16)) }
func odd64(r *rand.Rand) int64 { return odd(r, math.MinInt64, math.MaxInt64) }

func oddText(r *rand.Rand) string {
	return []string{"", "x", "timed out", "naïve ✓ \"quoted\" \\ \t", string(make([]byte, 300))}[r.IntN(5)]
}

func randomOps(r *rand.Rand, n int) []Op {
	next := map[laneKey]int64{}
	ops := make([]Op, n)
	for i := range ops {
		key := laneKey{[]string{"a", "b"}[r.IntN(2)], int32(r.IntN(3)), int32(r.IntN(3))}
		ops[i] = Op{
			Process: key.Process, Topic: key.Topic, Partition: key.Partition, Number: next[key],
			Call: odd64(r), Return: odd64(r), Outcome: Outcome(r.IntN(4)), Offset: odd64(r), Error: oddText(r),
		}
		next[key]++
	}
	return ops
}

func TestOpsComeBackAsTheyWereWritten(t *testing.T) {
	for _, size := range []int{1, 100, 15000} {
		r := rand.New(rand.NewPCG(1, uint64(size)))
		w, dir := testWriter(t, WriterOptions{PartRows: 5777})
		ops := randomOps(r, size)
		lanes := map[laneKey][]Op{}
		for _, op := range ops {
			if err := w.Op(op); err != nil {
				t.Fatal(err)
			}
			key := laneKey{op.Topic, op.Partition, op.Process}
			lanes[key] = append(lanes[key], op)
		}
		run := finish(t, w, dir)
		seen := 0
		for _, tp := range run.Partitions() {
			for _, process := range run.Lanes(tp) {
				want := lanes[laneKey{tp.Topic, tp.Partition, process}]
				got := readOps(t, run, tp, process)
				seen += len(got)
				for i := range want {
					want[i].Error = ""
				}
				if !slices.Equal(got, want) {
					t.Fatalf("size %d: process %d in %s differs: %d ops, want %d", size, process, tp, len(got), len(want))
				}
			}
		}
		if seen != size {
			t.Fatalf("%d ops came back of %d", seen, size)
		}
		every := map[[4]any]Op{}
		for op, err := range run.AllOps() {
			if err != nil {
				t.Fatal(err)
			}
			every[[4]any{op.Topic, op.Partition, op.Process, op.Number}] = op
		}
		for _, op := range ops {
			if got := every[[4]any{op.Topic, op.Partition, op.Process, op.Number}]; got != op {
				t.Fatalf("AllOps: got %+v, want %+v", got, op)
			}
		}
	}
}

// readOps walks a lane by its cursor.
func readOps(t testing.TB, run *Run, tp TopicPartition, process int32) []Op {
	t.Helper()
	c := run.Ops(tp, process)
	defer c.Close()
	var ops []Op
	for {
		b, err := c.Next()
		if errors.Is(err, io.EOF) {
			return ops
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Number {
			ops = append(ops, Op{
				Process: process, Topic: tp.Topic, Partition: tp.Partition, Number: b.Number[i],
				Call: b.Call[i], Return: b.Return[i], Outcome: b.Outcome[i], Offset: b.Offset[i],
			})
		}
	}
}

func TestTheLogComesBackAsItWasWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	w, dir := testWriter(t, WriterOptions{PartRows: 3000})
	want := map[TopicPartition][]LogRecord{}
	offsets := map[TopicPartition]int64{}
	for range 10000 {
		tp := TopicPartition{[]string{"a", "b"}[r.IntN(2)], int32(r.IntN(3))}
		rec := LogRecord{
			Topic: tp.Topic, Partition: tp.Partition, Offset: offsets[tp], Standing: Standing(r.IntN(5)),
			Process: odd32(r), Number: odd64(r), Claims: oddText(r), ProducerID: odd64(r), Epoch: odd16(r),
			Sequence: odd32(r), LeaderEpoch: odd32(r), Timestamp: odd64(r), Compression: "zstd",
			BatchBase: odd64(r), BatchRecords: odd32(r), Bytes: odd32(r),
			Message: odd64(r), Marker: []string{"", MarkerCommit, MarkerAbort}[r.IntN(3)],
		}
		offsets[tp] += 1 + int64(r.IntN(2)*r.IntN(5)) // with gaps
		want[tp] = append(want[tp], rec)
		if err := w.Log(rec); err != nil {
			t.Fatal(err)
		}
	}
	run := finish(t, w, dir)
	got := map[TopicPartition][]LogRecord{}
	for rec, err := range run.AllLog() {
		if err != nil {
			t.Fatal(err)
		}
		tp := TopicPartition{rec.Topic, rec.Partition}
		got[tp] = append(got[tp], rec)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatal("AllLog differs from what was written")
	}
	for tp, records := range want {
		c := run.Log(tp)
		i := 0
		for {
			b, err := c.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for k := range b.Offset {
				w := records[i]
				if b.Offset[k] != w.Offset || b.Number[k] != w.Number || b.Process[k] != w.Process || b.Standing[k] != w.Standing {
					t.Fatalf("%s: record %d differs", tp, i)
				}
				i++
			}
		}
		if i != len(records) {
			t.Fatalf("%s: %d records, want %d", tp, i, len(records))
		}
		for range 50 {
			w := records[r.IntN(len(records))]
			got, ok, err := run.FindLog(tp, w.Offset)
			if err != nil || !ok || got != w {
				t.Fatalf("FindLog(%s, %d) = %+v, %v, %v; want %+v", tp, w.Offset, got, ok, err, w)
			}
		}
		if _, ok, err := run.FindLog(tp, offsets[tp]+10); ok || err != nil {
			t.Fatalf("FindLog behind the end: %v, %v", ok, err)
		}
	}
}

func TestWireEventsComeBackInTimeOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	w, dir := testWriter(t, WriterOptions{PartRows: 500})
	var want []WireEvent
	for i := range 5000 {
		want = append(want, WireEvent{
			At: int64(i), Kind: WireRequest + WireKind(r.IntN(7)), Action: ActionPassed + Action(r.IntN(6)), Fault: odd32(r),
			Broker: odd32(r), Conn: odd64(r), Correlation: odd32(r), ClientID: oddText(r), Version: odd16(r), Acks: odd16(r),
			Topic: oddText(r), Partition: odd32(r), ProducerID: odd64(r), Epoch: odd16(r), BaseSequence: odd32(r),
			Records: odd32(r), CRC: uint32(odd64(r)), Bytes: odd32(r), Process: odd32(r), First: odd64(r), Last: odd64(r),
			Error: odd16(r), BrokerCode: odd16(r), BaseOffset: odd64(r), Note: oddText(r),
		})
	}
	// Written a little out of order, as it happens with many connections.
	shuffled := slices.Clone(want)
	for i := range shuffled {
		j := min(len(shuffled)-1, i+r.IntN(20))
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	for _, e := range shuffled {
		if err := w.Wire(e); err != nil {
			t.Fatal(err)
		}
	}
	run := finish(t, w, dir)
	var got []WireEvent
	for e, err := range run.Wire() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("%d events came back, want %d, or they differ", len(got), len(want))
	}
}
