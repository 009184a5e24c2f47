package checker

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker/linear"
	"github.com/idemcheck/idemcheck/history"
)

// benchRecords is how many records the benchmark's run directory holds:
// IDEMCHECK_BENCH_RECORDS, or a million.
func benchRecords(b *testing.B) int {
	text := os.Getenv("IDEMCHECK_BENCH_RECORDS")
	if text == "" {
		return 1_000_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 {
		b.Fatalf("IDEMCHECK_BENCH_RECORDS=%q is no number of records from 1000", text)
	}
	return n
}

// benchRun writes a sound run: four processes on four partitions, in batches of
// batch records that interleave, some retried.
func benchRun(b *testing.B, dir string, records, batch int) {
	b.Helper()
	const processes, partitions = 4, 4
	m := newMemoryRun().manifest
	m.Topics[0].Partitions = partitions
	m.Topics[0].Starts, m.Topics[0].Ends = make([]int64, partitions), make([]int64, partitions)
	m.Topics[0].Read = []bool{true, true, true, true}
	for p := range int32(processes) {
		m.Processes = append(m.Processes, idempotent(p))
	}
	w, err := history.Create(dir, &m, &history.Plan{Schema: history.PlanSchema}, history.WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	from := rand.New(rand.NewPCG(1, 2))
	now := int64(second)
	var numbers [processes][partitions]int64
	for done := 0; done < records; done += batch {
		p, part := int32(from.IntN(processes)), int32(from.IntN(partitions))
		first, base := numbers[p][part], m.Topics[0].Ends[part]
		now += 1000 * int64(batch)
		ev := request(p, first, int32(batch), now)
		ev.Partition, ev.ProducerID, ev.Correlation = part, 1000+int64(p), int32(done/batch)
		must(w.Wire(ev))
		ev.Kind, ev.At, ev.BaseOffset = history.WireAnswer, now+500, base
		must(w.Wire(ev))
		for i := range int64(batch) {
			must(w.Op(history.Op{
				Process: p, Topic: "t", Partition: part, Number: first + i,
				Call: now - 900*int64(batch) + from.Int64N(100) + i*200, Return: now + 1000 + from.Int64N(100), Outcome: history.Acked, Offset: base + i,
			}))
			must(w.Log(history.LogRecord{
				Topic: "t", Partition: part, Offset: base + i, Process: p, Number: first + i, ProducerID: ev.ProducerID,
				Sequence: int32(first + i), Timestamp: now / 1e6, Compression: "none", BatchBase: base, BatchRecords: int32(batch), Bytes: 100,
			}))
		}
		numbers[p][part] += int64(batch)
		m.Topics[0].Ends[part] += int64(batch)
		m.Processes[p].Sent += int64(batch)
	}
	m.Ended, m.EndedIn = history.EndedComplete, ""
	must(w.Close(&m))
}

// cpuTime is what the process has used so far.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory runs f and returns the most memory, in MB, that the Go runtime
// held while it ran.
func peakMemory(f func()) float64 {
	debug.FreeOSMemory()
	stop, done := make(chan struct{}), make(chan uint64)
	go func() {
		var peak uint64
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			metrics.Read(sample)
			peak = max(peak, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			select {
			case <-stop:
				tick.Stop()
				done <- peak
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(stop)
	return float64(<-done) / 1e6
}

// BenchmarkJudgeRunDirectory judges a run from its files, with one worker:
// time, processor time and memory per record, hashing of the files included.
func BenchmarkJudgeRunDirectory(b *testing.B) {
	records := benchRecords(b)
	for _, batch := range []int{100, 10} {
		dir := filepath.Join(b.TempDir(), "run")
		benchRun(b, dir, records, batch)
		b.Run(fmt.Sprintf("records=%d,batch=%d", records, batch), func(b *testing.B) {
			var peak float64
			began := cpuTime()
			for b.Loop() {
				peak = max(peak, peakMemory(func() {
					v, err := Judge(dir, Options{Workers: 1})
					if err != nil || v.Overall != Pass {
						b.Fatalf("%v %+v", err, v)
					}
				}))
			}
			total := float64(b.N) * float64(records)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/total, "ns/record")
			b.ReportMetric(float64((cpuTime()-began).Nanoseconds())/total, "cpu-ns/record")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}

// benchOps is a burst of ops that overlap, as the sweep, the cross-check and
// plain porcupine take them.
func benchOps(n, open int) (*memoryRun, []linear.Append, []linear.Record) {
	m := newMemoryRun(idempotent(1))
	m.block = 4096
	ops, final := make([]linear.Append, n), make([]linear.Record, n)
	for i := range int64(n) {
		call, ret := i*100, (i+int64(open))*100-50
		m.ops = append(m.ops, history.Op{Process: 1, Topic: "t", Number: i, Call: call, Return: ret, Outcome: history.Acked, Offset: i})
		m.log = append(m.log, history.LogRecord{Topic: "t", Process: 1, Number: i, Offset: i})
		final[i] = linear.Record{Process: 1, Number: i}
		ops[i] = linear.Append{Record: final[i], Call: call, Return: ret, Outcome: history.Acked, Offset: i}
	}
	return m, ops, final
}

// readyRows hands out blocks made beforehand.
type readyRows struct {
	*memoryRun
	ops []*history.OpBlock
	log []*history.LogBlock
}

func (r readyRows) Ops(history.TopicPartition, int32) opCursor {
	return &cursor[history.OpBlock]{r.ops}
}
func (r readyRows) Log(history.TopicPartition) logCursor { return &cursor[history.LogBlock]{r.log} }

// BenchmarkSweepAgainstPorcupine puts the judges side by side, in memory, at
// sizes where plain porcupine still finishes.
func BenchmarkSweepAgainstPorcupine(b *testing.B) {
	perRecord := func(b *testing.B, n int) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
	}
	for _, n := range []int{1_000, 10_000, 100_000} {
		m, ops, final := benchOps(n, 5)
		ready := readyRows{m, m.Ops(tp0, 1).(*cursor[history.OpBlock]).blocks, m.Log(tp0).(*cursor[history.LogBlock]).blocks}
		b.Run(fmt.Sprintf("sweep/records=%d", n), func(b *testing.B) {
			for b.Loop() {
				s, err := newSweep(partition{tp: tp0, end: int64(n), whole: true}, m.manifest.Processes, ready, &runClock{}, 3)
				if err != nil {
					b.Fatal(err)
				}
				if err := s.run(ready.Log(tp0)); err != nil || len(s.found.kinds) > 0 {
					b.Fatal(err, s.found.kinds)
				}
			}
			perRecord(b, n)
		})
		b.Run(fmt.Sprintf("windows/records=%d", n), func(b *testing.B) {
			log, _, _ := readLog(m.Log(tp0), int64(n))
			block, _ := readOps(m.Ops(tp0, 1), int64(n))
			for b.Loop() {
				counts, err := linear.CrossCheck{}.Partition(map[int32]*history.OpBlock{1: block}, log, nil, true)
				if err != nil || len(counts) > 0 {
					b.Fatal(counts, err)
				}
			}
			perRecord(b, n)
		})
		if n > 10_000 {
			continue // quadratic in memory: 100,000 ops take gigabytes
		}
		b.Run(fmt.Sprintf("plain-porcupine/records=%d", n), func(b *testing.B) {
			for b.Loop() {
				if !linear.Plain(ops, final) {
					b.Fatal("not linearizable")
				}
			}
			perRecord(b, n)
		})
	}
}
