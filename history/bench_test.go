package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// benchRows is how many ops (and log records) the reading and writing
// benchmarks use; IDEMCHECK_BENCH_ROWS sets another number.
func benchRows(b *testing.B) int {
	if text := os.Getenv("IDEMCHECK_BENCH_ROWS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return 1_000_000
}

// benchRun writes a run as one looks that was recorded: two producers, four
// partitions, five records in flight, one op in a thousand unknown.
func benchRun(b *testing.B, n int, processes, partitions int32) (dir string, opTime, logTime time.Duration) {
	dir = filepath.Join(b.TempDir(), "run")
	m := testManifest()
	m.Topics = []Topic{{Name: "bench", Partitions: int(partitions)}}
	w, err := Create(dir, m, &Plan{}, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	lanes := int64(processes) * int64(partitions)
	start := time.Now()
	for i := range int64(n) {
		lane := i % lanes
		op := Op{
			Process: int32(lane) % processes, Topic: "bench", Partition: int32(lane) / processes, Number: i / lanes,
			Call: i*1000 + i*7919%900, Return: i*1000 + 5_000_000 + i*104729%400_000, Outcome: Acked, Offset: i / lanes * int64(processes),
		}
		if i%1000 == 999 {
			op.Outcome, op.Return, op.Offset, op.Error = Unknown, Forever, NoOffset, "request timed out"
		}
		if err := w.Op(op); err != nil {
			b.Fatal(err)
		}
	}
	w.rotate(false)
	for w.finished() < w.ops.seq {
		time.Sleep(time.Millisecond)
	}
	opTime = time.Since(start)
	start = time.Now()
	for i := range int64(n) {
		lane := i % lanes
		err := w.Log(LogRecord{
			Topic: "bench", Partition: int32(lane) / processes, Offset: i/lanes*int64(processes) + lane%int64(processes),
			Process: int32(lane) % processes, Number: i / lanes, ProducerID: 1000 + lane%int64(processes), Sequence: int32(i / lanes),
			Timestamp: 1_700_000_000_000 + i/1000, Compression: "none", BatchBase: i / lanes / 10 * 10, BatchRecords: 10, Bytes: 100,
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(m); err != nil {
		b.Fatal(err)
	}
	return dir, opTime, time.Since(start)
}

func BenchmarkWrite(b *testing.B) {
	n := benchRows(b)
	for b.Loop() {
		dir, ops, log := benchRun(b, n, 2, 4)
		b.ReportMetric(float64(ops.Nanoseconds())/float64(n), "ns/op-row")
		b.ReportMetric(float64(log.Nanoseconds())/float64(n), "ns/log-row")
		b.ReportMetric(float64(sizeOf(b, dir, "ops-*"))/float64(n), "B/op-row")
		b.ReportMetric(float64(sizeOf(b, dir, "log-*"))/float64(n), "B/log-row")
	}
}

// finished counts the part files that are on disk.
func (w *Writer) finished() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.files)
}

func sizeOf(b *testing.B, dir, pattern string) (sum int64) {
	paths, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			b.Fatal(err)
		}
		sum += info.Size()
	}
	return sum
}

func BenchmarkRead(b *testing.B) {
	n := benchRows(b)
	for _, shape := range []struct{ processes, partitions int32 }{{2, 4}, {10, 100}} {
		dir, _, _ := benchRun(b, n, shape.processes, shape.partitions)
		run, err := Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprintf("lanes=%d", shape.processes*shape.partitions)
		b.Run("Open/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Open(dir); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("Ops/"+name, func(b *testing.B) {
			for b.Loop() {
				rows := 0
				for _, tp := range run.Partitions() {
					for _, process := range run.Lanes(tp) {
						c := run.Ops(tp, process)
						for {
							block, err := c.Next()
							if errors.Is(err, io.EOF) {
								break
							}
							if err != nil {
								b.Fatal(err)
							}
							rows += len(block.Number)
						}
					}
				}
				if rows != n {
					b.Fatalf("%d rows of %d", rows, n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
		b.Run("Log/"+name, func(b *testing.B) {
			for b.Loop() {
				rows := 0
				for _, tp := range run.Partitions() {
					c := run.Log(tp)
					for {
						block, err := c.Next()
						if errors.Is(err, io.EOF) {
							break
						}
						if err != nil {
							b.Fatal(err)
						}
						rows += len(block.Number)
					}
				}
				if rows != n {
					b.Fatalf("%d rows of %d", rows, n)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
		b.Run("AllOps/"+name, func(b *testing.B) {
			for b.Loop() {
				for _, err := range run.AllOps() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/row")
		})
		b.Run("FindOp/"+name, func(b *testing.B) {
			number := int64(n) / int64(shape.processes*shape.partitions) / 2
			for b.Loop() {
				if _, ok, err := run.FindOp(1, TopicPartition{"bench", 2}, number); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// BenchmarkRecorder measures Begin and End together, five records in flight
// per partition, with everything that is written behind them. "paced" leaves
// the writer time to keep up, as every real client does; the others run into
// the speed at which part files are encoded.
func BenchmarkRecorder(b *testing.B) {
	record := func(b *testing.B, r *Recorder, process int32, next func() bool) {
		tps := []TopicPartition{{"a", 0}, {"a", 1}, {"a", 2}, {"b", 0}}
		var flying [20]Ticket
		i := 0
		for ; next(); i++ {
			at := i % len(flying)
			if i >= len(flying) {
				if err := r.End(flying[at], Acked, int64(i), ""); err != nil {
					b.Error(err)
					return
				}
			}
			flying[at] = r.Begin(process, tps[i%len(tps)])
		}
	}
	b.Run("paced", func(b *testing.B) {
		w, _ := testWriter(b, WriterOptions{PartRows: 1 << 16})
		r := NewRecorder(w, time.Now())
		left := b.N
		b.ResetTimer()
		record(b, r, 0, func() bool {
			if left--; left%(1<<16) == 0 {
				b.StopTimer()
				w.rotate(false)
				for w.finished() < w.ops.seq {
					time.Sleep(time.Millisecond)
				}
				b.StartTimer()
			}
			return left >= 0
		})
	})
	b.Run("alone", func(b *testing.B) {
		w, _ := testWriter(b, WriterOptions{})
		record(b, NewRecorder(w, time.Now()), 0, b.Loop)
	})
	b.Run("parallel", func(b *testing.B) {
		w, _ := testWriter(b, WriterOptions{})
		r := NewRecorder(w, time.Now())
		processes := make(chan int32, 1000)
		for i := range cap(processes) {
			processes <- int32(i)
		}
		b.RunParallel(func(pb *testing.PB) { record(b, r, <-processes, pb.Next) })
	})
	b.Run("clock", func(b *testing.B) { // what two readings of the clock cost
		r := &Recorder{base: time.Now()}
		for b.Loop() {
			r.Now()
			r.Now()
		}
	})
	b.Run("wire", func(b *testing.B) {
		w, _ := testWriter(b, WriterOptions{})
		r := NewRecorder(w, time.Now())
		e := WireEvent{Kind: WireRequest, Action: ActionPassed, Fault: NoFault, ClientID: "c", Topic: "a"}
		for b.Loop() {
			r.Wire(e)
		}
	})
}

// BenchmarkReadWireJournal reads a wire journal as a run leaves it: requests and
// answers of several connections, one note in a thousand.
func BenchmarkReadWireJournal(b *testing.B) {
	n := benchRows(b) / 2
	dir := filepath.Join(b.TempDir(), "run")
	m := testManifest()
	w, err := Create(dir, m, &Plan{}, WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for i := range int64(n) {
		conn := i / 2 % 4
		e := WireEvent{
			At: i*40_000 + i*7919%9000, Kind: WireRequest + WireKind(i%2), Action: ActionPassed, Fault: NoFault, Broker: int32(conn % 3), Conn: conn,
			Correlation: int32(i / 8), ClientID: fmt.Sprintf("p%d", conn), Version: 11, Acks: -1, Topic: "bench", Partition: int32(i / 2 % 8),
			ProducerID: 1000 + conn, BaseSequence: int32(i / 8 * 10), Records: 10, CRC: uint32(i * 2654435761), Bytes: 1200, Process: int32(conn),
			First: i / 8 * 10, Last: i/8*10 + 9, BaseOffset: NoOffset,
		}
		if e.Kind == WireAnswer {
			e.BaseOffset = i / 2 * 10
		}
		if i%1000 == 0 {
			e.Note = fmt.Sprintf("from 127.0.0.1:%d", 30000+i%20000)
		}
		if err := w.Wire(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Close(m); err != nil {
		b.Fatal(err)
	}
	run, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		rows := 0
		for _, err := range run.Wire() {
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != n {
			b.Fatalf("%d events of %d", rows, n)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/event")
	b.ReportMetric(0, "ns/op") // of the whole journal: left out
}
