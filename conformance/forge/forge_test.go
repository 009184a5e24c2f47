package forge

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/embedded"
)

func kfake(t *testing.T) cluster.Cluster {
	t.Helper()
	c, err := embedded.Start(embedded.Config{Advertised: []string{"127.0.0.1:9091", "127.0.0.1:9092"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// able is a cluster that says it can do everything, and is a Power.
type able struct {
	cluster.Cluster
	cluster.Power
}

func (able) Has(cluster.Capability) bool { return true }

func TestAWrappedClusterIsWhatItWasAndClaimsNoMore(t *testing.T) {
	mover := kfake(t)
	for name, c := range map[string]struct {
		inner         cluster.Cluster
		powers, moves bool
	}{
		"a mover":       {mover, false, true},
		"a power":       {able{Cluster: mover}, true, false},
		"neither":       {struct{ cluster.Cluster }{mover}, false, false},
		"a break twice": {Wrap(mover, Nothing), false, true},
	} {
		wrapped := Wrap(c.inner, Nothing)
		_, powers := wrapped.(cluster.Power)
		_, moves := wrapped.(cluster.Mover)
		if powers != c.powers || moves != c.moves {
			t.Errorf("%s: a Power: %v, a Mover: %v", name, powers, moves)
		}
		if _, isolates := wrapped.(cluster.Isolator); isolates != wrapped.Has(cluster.CanIsolate) {
			t.Errorf("%s: it is not what it says it is", name)
		}
	}
}

// client is a producer that goes through a cluster; every client library's
// requests are to pass.
func client(t *testing.T, c cluster.Cluster, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	opts = append(opts, kgo.SeedBrokers(c.Brokers()[0].Advertised), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return c.Dial(ctx, address) }))
	k, err := kgo.NewClient(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func TestAClientThatKnowsNothingOfABreakProducesAndConsumesThroughIt(t *testing.T) {
	c := Wrap(kfake(t), Nothing)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	k := client(t, c, kgo.ConsumeTopics("t"))
	if _, err := kadm.NewClient(k).CreateTopic(t.Context(), 2, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	const n = 200
	for i := range n {
		k.Produce(t.Context(), &kgo.Record{Topic: "t", Partition: int32(i % 2), Value: []byte{byte(i)}}, func(_ *kgo.Record, err error) {
			if err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		})
	}
	if err := k.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []byte
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for len(got) < n {
		fetches := k.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("after %d records: %v", len(got), err)
		}
		fetches.EachRecord(func(r *kgo.Record) { got = append(got, r.Value...) })
	}
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != n {
		t.Errorf("%d of %d records came back", len(got), n)
	}
}

func TestAClosedWrapperEndsItsConnectionsAndLeavesTheClusterToOthers(t *testing.T) {
	inner := kfake(t)
	c := Wrap(inner, Nothing)
	address := inner.Brokers()[0].Advertised
	through, err := c.Dial(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close(t.Context())
	_ = through.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := through.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is not closed: %v", err)
	}
	if _, err := c.Dial(t.Context(), address); err == nil {
		t.Error("a closed wrapper can be dialled")
	}
	past, err := inner.Dial(t.Context(), address)
	if err != nil {
		t.Fatalf("the cluster itself is gone: %v", err)
	}
	_ = past.Close()
}

func TestEveryBreakHasANameOfItsOwnAndSaysWhatItDoes(t *testing.T) {
	var names []string
	for _, b := range append(Promises(), BadInput()...) {
		if b.Name == "" || b.How == "" || slices.Contains(names, b.Name) {
			t.Errorf("%q: %q", b.Name, b.How)
		}
		if b.asked == nil && b.answered == nil && b.write == nil {
			t.Errorf("%s breaks nothing", b.Name)
		}
		names = append(names, b.Name)
	}
}

func TestARefusedEpochFencesTheOneBeforeOnItsPartitionOnly(t *testing.T) {
	// kfake does so by itself, so that nothing else shows it without containers.
	here, elsewhere := &partition{epochs: make(map[int64]int16)}, &partition{epochs: make(map[int64]int16)}
	for _, p := range []*partition{here, elsewhere} {
		p.keep(&batch{id: 1})
	}
	RaisesEpochOnRefusal.answered(here, &batch{id: 1, epoch: 1, first: 1, last: 1, code: outOfOrder})
	for p, want := range map[*partition]int16{here: invalidEpoch, elsewhere: 0} {
		b := &batch{id: 1, first: 1, last: 1}
		RaisesEpochOnRefusal.asked(p, b)
		if b.code != want || b.local != (want != 0) {
			t.Errorf("the epoch before is answered %d, and was to be %d", b.code, want)
		}
	}
}
