package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/history"
)

// What the benchmark sends in a round.
const (
	benchRecords    = 100_000
	benchPartitions = 4
	benchSize       = 100 // bytes of a value
)

// benchValues are the values that every way sends, made beforehand.
func benchValues() [][]byte {
	all := make([][]byte, benchRecords)
	for i := range all {
		all[i] = history.AppendValue(nil, history.Identity{
			Run: "0badcafe", Topic: "t", Partition: int32(i % benchPartitions), Number: int64(i / benchPartitions),
		}, benchSize)
	}
	return all
}

// sendAll sends the values, one call each, waits until everything is answered,
// and says how long that took. A broker, if the library needs one, is new, so
// that no way pays for the records of another.
func sendAll(b *testing.B, library clients.Library, values [][]byte, broker bool) time.Duration {
	b.Helper()
	var addresses []string
	if broker {
		c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(benchPartitions, "t"))
		if err != nil {
			b.Fatal(err)
		}
		defer c.Close()
		addresses = c.ListenAddrs()
	}
	ctx := context.Background()
	p, err := library.Open(ctx, addresses, clients.Options{ClientID: "bench", Idempotence: true, Acks: "all", Compression: "none"})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close(ctx)
	var acked atomic.Int64
	runtime.GC() // no way sweeps up after another
	began := time.Now()
	for i, value := range values {
		p.Send(ctx, clients.Record{Topic: "t", Partition: int32(i % benchPartitions), Value: value}, func(r clients.Result) {
			if r.Outcome == history.Acked {
				acked.Add(1)
			}
		})
	}
	if err := p.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	if n := acked.Load(); n != benchRecords {
		b.Fatalf("%d of %d records acked", n, benchRecords)
	}
	return took
}

// BenchmarkProtocol is what the protocol costs: 100,000 records sent one by one
// by franz-go in this process, by franz-go in a driver, both against a kfake in
// this process, and by a driver that acks at once, in turn. Reported are medians
// over the rounds: records a second each way, and how many times as long the
// driver took as the client in process (x-in-process).
func BenchmarkProtocol(b *testing.B) {
	values := benchValues()
	through := func(how string) Library {
		return Library{Command: program(how), Log: filepath.Join(b.TempDir(), how), Broken: func(err error) { b.Error(err) }}
	}
	var inProcess, driven, echoed, ratio []float64
	round := func() {
		alone := sendAll(b, franz.Library{}, values, true)
		piped := sendAll(b, through("franz-go"), values, true)
		echo := sendAll(b, through("good"), values, false)
		inProcess, driven, echoed = append(inProcess, benchRecords/alone.Seconds()), append(driven, benchRecords/piped.Seconds()), append(echoed, benchRecords/echo.Seconds())
		ratio = append(ratio, piped.Seconds()/alone.Seconds())
	}
	round() // warm
	inProcess, driven, echoed, ratio = nil, nil, nil, nil
	for b.Loop() {
		round()
	}
	median := func(values []float64) float64 {
		slices.Sort(values)
		return values[len(values)/2]
	}
	b.ReportMetric(median(inProcess), "in-process-records/s")
	b.ReportMetric(median(driven), "driven-records/s")
	b.ReportMetric(median(echoed), "memory-records/s")
	b.ReportMetric(median(ratio), "x-in-process")
	b.ReportMetric(0, "ns/op") // of all ways together: left out
	if testing.Verbose() {
		fmt.Fprintln(os.Stderr, "in process", inProcess, "driven", driven, "memory", echoed)
	}
}
