package franz

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

func broker(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "t"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func open(t *testing.T, c *kfake.Cluster, o clients.Options) clients.Producer {
	t.Helper()
	o.ClientID = "test"
	p, err := Library{}.Open(t.Context(), c.ListenAddrs(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// answers takes callbacks, by record.
type answers struct {
	mu  sync.Mutex
	all map[int][]clients.Result
}

func (a *answers) send(ctx context.Context, p clients.Producer, partition int32, n int) {
	a.mu.Lock()
	if a.all == nil {
		a.all = make(map[int][]clients.Result)
	}
	first := len(a.all)
	for i := range n {
		a.all[first+i] = nil
	}
	a.mu.Unlock()
	for i := range n {
		p.Send(ctx, clients.Record{Topic: "t", Partition: partition, Value: fmt.Appendf(nil, "record %d", i)}, func(r clients.Result) {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.all[first+i] = append(a.all[first+i], r)
		})
	}
}

// each wants exactly one answer for every record.
func (a *answers) each(t *testing.T, check func(i int, r clients.Result) bool) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range len(a.all) {
		if len(a.all[i]) != 1 || !check(i, a.all[i][0]) {
			t.Fatalf("record %d was answered %+v", i, a.all[i])
		}
	}
}

func (a *answers) await(t *testing.T, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		a.mu.Lock()
		got := 0
		for _, r := range a.all {
			got += len(r)
		}
		a.mu.Unlock()
		if got >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d answers of %d", got, n)
		}
	}
}

func TestRecordsAreAckedAtTheirOffsets(t *testing.T) {
	for name, o := range map[string]clients.Options{
		"idempotent":        {Idempotence: true},
		"not idempotent":    {},
		"pipelined":         {InFlight: 5},
		"acks of leader":    {Acks: "1"},
		"gzip":              {Idempotence: true, Compression: "gzip"},
		"snappy":            {Idempotence: true, Compression: "snappy"},
		"lz4":               {Idempotence: true, Compression: "lz4"},
		"zstd":              {Idempotence: true, Compression: "zstd"},
		"with every option": {Idempotence: true, InFlight: 5, Acks: "all", Linger: time.Millisecond, BatchSize: 512, Retries: 5, RetryBackoff: time.Millisecond, RequestTimeout: time.Second, DeliveryTimeout: 5 * time.Second, MetadataMaxAge: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			c := broker(t)
			p := open(t, c, o)
			var a answers
			a.send(t.Context(), p, 1, 50)
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.each(t, func(i int, r clients.Result) bool {
				return r == clients.Result{Outcome: history.Acked, Offset: int64(i)}
			})
			if end := c.PartitionInfo("t", 1).HighWatermark; end != 50 {
				t.Errorf("the log ends at %d", end)
			}
		})
	}
}

// franz-go reports success for acks 0 as soon as the request is written, with
// offsets that it counts from 0 in every batch. Nobody confirmed anything.
func TestWithAcksZeroNothingIsClaimed(t *testing.T) {
	p := open(t, broker(t), clients.Options{Acks: "0"})
	var a answers
	for range 3 {
		a.send(t.Context(), p, 0, 2)
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	a.each(t, func(_ int, r clients.Result) bool {
		return r.Outcome == history.Unknown && r.Offset == history.NoOffset && strings.Contains(r.Error, "acks 0")
	})
}

// mute makes a broker swallow produce requests.
func mute(c *kfake.Cluster) (release func()) {
	stop := make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		c.SleepControl(func() { <-stop })
		return nil, fmt.Errorf("never"), true
	})
	return sync.OnceFunc(func() { close(stop) })
}

func TestADeliveryTimeoutLeavesTheOutcomeUnknown(t *testing.T) {
	c := broker(t)
	p := open(t, c, clients.Options{DeliveryTimeout: time.Second, RequestTimeout: 300 * time.Millisecond, RetryBackoff: 50 * time.Millisecond})
	release := mute(c)
	defer release()
	var a answers
	a.send(t.Context(), p, 0, 3)
	a.await(t, 3)
	a.each(t, func(_ int, r clients.Result) bool {
		return r.Outcome == history.Unknown && r.Offset == history.NoOffset && r.Error != ""
	})
}

func TestCloseCallsBackWhatIsStillBuffered(t *testing.T) {
	c := broker(t)
	p := open(t, c, clients.Options{Idempotence: true, Linger: time.Minute})
	var a answers
	a.send(t.Context(), p, 0, 10)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
	a.await(t, 10)
	a.each(t, func(_ int, r clients.Result) bool { return r.Outcome == history.Unknown && r.Error != "" })
}

func TestFlushEndsWithItsContext(t *testing.T) {
	c := broker(t)
	p := open(t, c, clients.Options{Idempotence: true})
	release := mute(c)
	defer release()
	var a answers
	a.send(t.Context(), p, 0, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := p.Flush(ctx); err == nil || !strings.Contains(err.Error(), "flush franz-go: ") {
		t.Errorf("%v", err)
	}
}

func TestABootstrapWhereNobodyListensIsSaidInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err = Library{}.Open(ctx, []string{nobody}, clients.Options{ClientID: "me", Idempotence: true})
	if err == nil || !strings.Contains(err.Error(), "open franz-go producer me: no broker answers at ["+nobody+"]") || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
