package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/history"
)

// ring is a journal as a run's would be: it stamps and keeps rows.
type ring struct {
	mu   sync.Mutex
	rows []history.WireEvent
	seen int
	base time.Time
}

func newRing() *ring { return &ring{rows: make([]history.WireEvent, 4096), base: time.Now()} }

func (r *ring) Wire(e history.WireEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.At == 0 {
		e.At = r.Now()
	}
	r.rows[r.seen%len(r.rows)] = e
	r.seen++
}

func (r *ring) Now() int64 { return int64(time.Since(r.base)) }

// The three ways to a broker that are compared.
var ways = []string{"none", "toxiproxy", "idemcheck"}

// way opens one of the ways to the broker at upstream, and returns its address.
func way(b *testing.B, name, upstream string) net.Addr {
	b.Helper()
	switch name {
	case "none":
		addr, err := net.ResolveTCPAddr("tcp", upstream)
		if err != nil {
			b.Fatal(err)
		}
		return addr
	case "toxiproxy":
		server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
		p := toxiproxy.NewProxy(server, "plain", "127.0.0.1:0", upstream)
		if err := p.Start(); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(p.Stop)
		addr, err := net.ResolveTCPAddr("tcp", p.Listen)
		if err != nil {
			b.Fatal(err)
		}
		return addr
	case "idemcheck":
		f, err := Listen(1)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { f.Close() })
		f.Serve(0, 0, dialer(upstream))
		f.Attach("0123abcd", newRing(), nil)
		return f.lanes[0].address
	}
	panic("no such way: " + name)
}

// compare runs one round of every way in turn, b.N times, and reports how the
// throughput through this proxy relates to the others': medians over rounds.
func compare(b *testing.B, megabytes float64, rounds map[string]func()) {
	ratios := map[string][]float64{}
	var speeds []float64
	for _, name := range ways {
		rounds[name]() // warm
	}
	for i := 0; b.Loop(); i++ {
		took := map[string]float64{}
		// In all six orders by turns, so that none always comes behind the same one.
		order := slices.Concat(ways[i%3:], ways[:i%3])
		if i%2 == 1 {
			slices.Reverse(order)
		}
		for _, name := range order {
			runtime.GC() // none sweeps up after another
			start := time.Now()
			rounds[name]()
			took[name] = time.Since(start).Seconds()
		}
		for _, name := range ways[:2] {
			ratios[name] = append(ratios[name], took[name]/took["idemcheck"])
		}
		speeds = append(speeds, megabytes/took["idemcheck"])
	}
	median := func(values []float64) float64 {
		slices.Sort(values)
		return values[len(values)/2]
	}
	b.ReportMetric(median(ratios["toxiproxy"]), "of-toxiproxy")
	b.ReportMetric(median(ratios["none"]), "of-no-proxy")
	b.ReportMetric(median(speeds), "MB/s")
	b.ReportMetric(0, "ns/op") // of all ways together: left out
}

// BenchmarkThroughput is bulk produce throughput of franz-go against kfake.
func BenchmarkThroughput(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprintf("records of %d bytes", size), func(b *testing.B) {
			const megabytes = 16
			count := megabytes << 20 / size
			rounds := map[string]func(){}
			for _, name := range ways {
				rounds[name] = bulk(b, name, size, count)
			}
			compare(b, megabytes, rounds)
		})
	}
}

func bulk(b *testing.B, name string, size, count int) func() {
	real, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	addr := way(b, name, real.Addr().String())
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "t"),
		kfake.ListenFn(func(string, string) (net.Listener, error) { return advertised{real, addr}, nil }))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(fake.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(addr.String()), kgo.DefaultProduceTopic("t"),
		kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	values := make([][]byte, count)
	for i := range values {
		values[i] = record("t", 0, 1, int64(i), size).Value
	}
	return func() {
		ctx := context.Background()
		for _, v := range values {
			client.Produce(ctx, &kgo.Record{Value: v}, func(_ *kgo.Record, err error) {
				if err != nil {
					b.Error(err)
				}
			})
		}
		if err := client.Flush(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThroughputRaw is the same without the cost of a client and a
// broker: ready-made requests of 1 MB, five in flight, answered at once. It
// shows the proxy's own cost at its worst.
func BenchmarkThroughputRaw(b *testing.B) {
	for _, size := range []int{100, 1024} {
		b.Run(fmt.Sprintf("records of %d bytes", size), func(b *testing.B) {
			rounds := map[string]func(){}
			const requests = 64
			request := produceFrame(1, 9, -1, load{"a", 0, 0, 1 << 20 / size, size})
			answer := answerFrame(1, 9, verdict{"a", 0, 0, 1})
			for _, name := range ways {
				rounds[name] = raw(b, name, request, answer, requests)
			}
			compare(b, requests*float64(len(request))/(1<<20), rounds)
		})
	}
}

func raw(b *testing.B, name string, request, answer []byte, requests int) func() {
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { behind.Close() })
	addr := way(b, name, behind.Addr().String())
	client, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Fatal(err)
	}
	broker, err := behind.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close(); broker.Close() })
	go func() {
		buffer := make([]byte, len(request))
		for {
			if _, err := io.ReadFull(broker, buffer); err != nil {
				return
			}
			if _, err := broker.Write(answer); err != nil {
				return
			}
		}
	}()
	return func() {
		inFlight := make(chan struct{}, 5)
		go func() {
			for range requests {
				inFlight <- struct{}{}
				client.Write(request)
			}
		}()
		buffer := make([]byte, len(answer))
		for range requests {
			if _, err := io.ReadFull(client, buffer); err != nil {
				b.Error(err)
				return
			}
			<-inFlight
		}
	}
}
