package proxy

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/history"
)

// recorder is a Journal that keeps everything.
type recorder struct {
	mu     sync.Mutex
	events []history.WireEvent
	clock  int64 // rises with every event, and every look at it
}

func (r *recorder) Wire(e history.WireEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clock++; e.At == 0 {
		e.At = r.clock
	}
	r.events = append(r.events, e)
}

func (r *recorder) Now() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock++
	return r.clock
}

// of returns the events of one kind, in order.
func (r *recorder) of(kind history.WireKind) []history.WireEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []history.WireEvent
	for _, e := range r.events {
		if e.Kind == kind {
			found = append(found, e)
		}
	}
	return found
}

// script is a Control made of functions; an absent one passes.
type script struct {
	mu       sync.Mutex
	request  func(*Exchange) Decision
	answer   func(*Exchange) Decision
	lost     []Exchange
	lostBy   []int32
	requests int
	answers  int
}

func (s *script) OnRequest(e *Exchange) Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if s.request == nil {
		return Decision{}
	}
	return s.request(e)
}

func (s *script) OnAnswer(e *Exchange) Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers++
	if s.answer == nil {
		return Decision{}
	}
	return s.answer(e)
}

func (s *script) OnLost(e *Exchange, fault int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := *e
	kept.Batches = append([]Batch(nil), e.Batches...)
	s.lost = append(s.lost, kept)
	s.lostBy = append(s.lostBy, fault)
}

func (s *script) losses() ([]Exchange, []int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Exchange(nil), s.lost...), append([]int32(nil), s.lostBy...)
}

// advertised is a listener that claims another address, so that kfake tells
// clients the proxy's.
type advertised struct {
	net.Listener
	addr net.Addr
}

func (a advertised) Addr() net.Addr { return a.addr }

// listen opens a fleet that is closed with the test, which then checks that no
// goroutine of ours is left.
func listen(t testing.TB, n int) *Fleet {
	t.Helper()
	f, err := Listen(n)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		noneLeft(t)
	})
	return f
}

// ours counts goroutines that run code of this package or of toxiproxy.
func ours() (int, string) {
	buffer := make([]byte, 4<<20)
	buffer = buffer[:runtime.Stack(buffer, true)]
	var found []string
	for _, g := range strings.Split(string(buffer), "\n\n") {
		code := strings.Contains(g, "idemcheck/proxy.(*") || strings.Contains(g, "toxiproxy")
		if code && !strings.Contains(g, "testing.tRunner") {
			found = append(found, g)
		}
	}
	return len(found), strings.Join(found, "\n\n")
}

func noneLeft(t testing.TB) {
	t.Helper()
	var left int
	var stacks string
	for range 300 {
		if left, stacks = ours(); left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines are left:\n%s", left, stacks)
}

// cluster starts kfake behind a fleet.
func cluster(t testing.TB, brokers int, topics ...string) *Fleet {
	t.Helper()
	f := listen(t, brokers)
	var real []string
	next := 0
	fake, err := kfake.NewCluster(
		kfake.NumBrokers(brokers), kfake.SeedTopics(4, topics...),
		kfake.ListenFn(func(string, string) (net.Listener, error) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			real = append(real, l.Addr().String())
			at := f.lanes[next].address
			next++
			return advertised{l, at}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	for i := range brokers {
		f.Serve(i, int32(i), dialer(real[i]))
	}
	return f
}

func dialer(address string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", address)
	}
}

func producer(t testing.TB, f *Fleet, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(f.Addresses()...), kgo.ClientID("p0"), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MetadataMinAge(50 * time.Millisecond),
		kgo.RetryBackoffFn(func(int) time.Duration { return 20 * time.Millisecond }),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func record(topic string, partition int32, process int32, number int64, size int) *kgo.Record {
	return &kgo.Record{Topic: topic, Partition: partition, Value: history.AppendValue(nil, history.Identity{
		Run: "0123abcd", Process: process, Topic: topic, Partition: partition, Number: number,
	}, size)}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for range 500 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

func timeout(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}
