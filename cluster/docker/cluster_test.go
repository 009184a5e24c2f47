package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/cluster"
)

// TestAClusterOfThreeBrokers holds everything that can share one cluster. Each
// subtest leaves it whole.
func TestAClusterOfThreeBrokers(t *testing.T) {
	needDocker(t)
	began := time.Now()
	c, admin, proxies := startCluster(t, 3)
	answering := time.Since(began)
	if _, err := admin.CreateTopic(within(t, 60*time.Second), "first", 4, 3, nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("three brokers answered after %.2f s, a replicated topic had its full ISR after %.2f s", answering.Seconds(), time.Since(began).Seconds())

	steps := []struct {
		name string
		test func(*testing.T, *Cluster, *cluster.Admin, *forwarders)
	}{
		{"a record produced through loopback is read back with its batch header", producedIsRead},
		{"facts say what runs", factsAreComplete},
		{"the log end runs ahead of the high watermark while the followers are paused", logEndAhead},
		{"leadership moves to another in-sync replica", leaderMoves},
		{"a killed leader is replaced and comes back into the ISR", killedLeader},
		{"a leader paused for longer than its session is replaced, and is whole after it goes on", pausedLeader},
		{"a paused broker can be killed and started again", pausedThenKilled},
		{"a graceful stop hands leadership over, and start brings the broker back", stoppedLeader},
		{"power calls on a broker in the wrong state are errors", wrongState},
		{"a second cluster runs beside the first", secondCluster},
		{"logs are written, one file a broker", logsAreWritten},
	}
	for _, step := range steps {
		ok := t.Run(step.name, func(t *testing.T) {
			step.test(t, c, admin, proxies)
			if err := admin.WaitWhole(within(t, 60*time.Second)); err != nil {
				t.Error(err)
			}
		})
		if !ok {
			t.FailNow()
		}
	}
}

func producedIsRead(t *testing.T, _ *Cluster, admin *cluster.Admin, proxies *forwarders) {
	ctx := within(t, 60*time.Second)
	producer := newProducer(t, proxies.addresses)
	const records = 20
	var id int64
	for i := range records {
		record := &kgo.Record{Topic: "first", Partition: 2, Value: fmt.Appendf(nil, "value %d %0200d", i, 0)}
		if err := producer.ProduceSync(ctx, record).FirstErr(); err != nil {
			t.Fatal(err)
		}
		id = record.ProducerID
	}
	starts, ends, err := admin.Offsets(ctx, "first")
	if err != nil {
		t.Fatal(err)
	}
	if starts[2] != 0 || ends[2] != records || ends[0] != 0 || len(ends) != 4 {
		t.Fatalf("offsets are %v to %v", starts, ends)
	}
	next := int64(5)
	err = admin.ReadPartition(ctx, "first", 2, 5, records, func(batch cluster.BatchInfo, record cluster.RawRecord) error {
		want := fmt.Sprintf("value %d %0200d", next, 0)
		if record.Offset != next || string(record.Value) != want || record.Sequence != int32(next) {
			return fmt.Errorf("offset %d, sequence %d is %q, want %d %q", record.Offset, record.Sequence, record.Value, next, want)
		}
		if batch.ProducerID != id || batch.Epoch != 0 || batch.BaseSequence != int32(batch.Base) || batch.LeaderEpoch < 0 || batch.Compression != "snappy" {
			return fmt.Errorf("batch header %+v, want producer %d", batch, id)
		}
		next++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if next != records {
		t.Fatalf("read up to %d of %d", next, records)
	}
}

func newProducer(t *testing.T, addresses []string) *kgo.Client {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(addresses...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.SnappyCompression()), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

func factsAreComplete(t *testing.T, c *Cluster, _ *cluster.Admin, _ *forwarders) {
	facts := c.Facts()
	if facts.Kind != "docker" || facts.Kafka != kafkaVersion || facts.Image == "" || facts.Digest == "" || len(facts.Brokers) != 3 ||
		facts.Config["broker.session.timeout.ms"] != "1500" {
		t.Errorf("facts are %+v", facts)
	}
}

func leaderMoves(t *testing.T, c *Cluster, admin *cluster.Admin, _ *forwarders) {
	ctx := within(t, 60*time.Second)
	seen := map[int32]bool{}
	for range 4 {
		before, _, err := admin.Leader(ctx, "first", 0)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		to, err := c.MoveLeader(ctx, "first", 0)
		if err != nil {
			t.Fatal(err)
		}
		after, _, err := admin.Leader(ctx, "first", 0)
		if err != nil || to == before || after != to {
			t.Fatalf("leader was %d, moved to %d, is %d (%v)", before, to, after, err)
		}
		t.Logf("leader %d -> %d in %s", before, to, time.Since(began).Round(time.Millisecond))
		seen[to] = true
	}
	if len(seen) != 3 {
		t.Errorf("four moves came to %v, want every broker", seen)
	}
}

func killedLeader(t *testing.T, c *Cluster, admin *cluster.Admin, _ *forwarders) {
	ctx := within(t, 60*time.Second)
	before, epoch := leader(t, admin, 1)
	began := time.Now()
	if err := c.Kill(ctx, before); err != nil {
		t.Fatal(err)
	}
	killed := time.Since(began)
	if _, err := c.Dial(ctx, c.Brokers()[before-1].Advertised); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("dialling a killed broker gives %v, want a refusal", err)
	}
	if err := admin.Whole(ctx); err == nil {
		t.Error("a cluster with a killed broker is said to be whole")
	}
	after, err := admin.WaitLeader(ctx, "first", 1, before)
	if err != nil {
		t.Fatal(err)
	}
	elected := time.Since(began)
	if elected > 15*time.Second {
		t.Errorf("another leader was elected only after %s", elected)
	}
	if _, now := leader(t, admin, 1); now <= epoch {
		t.Errorf("leader epoch went from %d to %d", epoch, now)
	}
	began = time.Now()
	if err := c.Start(ctx, before); err != nil {
		t.Fatal(err)
	}
	started := time.Since(began)
	if err := admin.WaitWhole(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("kill took %s, leader %d -> %d in %s, start until it answered %s, until whole %s", killed.Round(time.Millisecond),
		before, after, elected.Round(time.Millisecond), started.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

func pausedLeader(t *testing.T, c *Cluster, admin *cluster.Admin, _ *forwarders) {
	ctx := within(t, 60*time.Second)
	before, _ := leader(t, admin, 1)
	began := time.Now()
	if err := c.Pause(ctx, before); err != nil {
		t.Fatal(err)
	}
	after, err := admin.WaitLeader(ctx, "first", 1, before)
	if err != nil {
		t.Fatal(err)
	}
	elected := time.Since(began)
	began = time.Now()
	if err := c.Resume(ctx, before); err != nil {
		t.Fatal(err)
	}
	resumed := time.Since(began)
	if err := admin.WaitWhole(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("leader %d -> %d in %s, resume took %s, until whole %s", before, after, elected.Round(time.Millisecond),
		resumed.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

func pausedThenKilled(t *testing.T, c *Cluster, _ *cluster.Admin, _ *forwarders) {
	ctx := within(t, 60*time.Second)
	for _, act := range []func(context.Context, int32) error{c.Pause, c.Kill, c.Start} {
		if err := act(ctx, 3); err != nil {
			t.Fatal(err)
		}
	}
}

func stoppedLeader(t *testing.T, c *Cluster, admin *cluster.Admin, _ *forwarders) {
	ctx := within(t, 60*time.Second)
	before, _ := leader(t, admin, 3)
	began := time.Now()
	if err := c.Stop(ctx, before); err != nil {
		t.Fatal(err)
	}
	stopped := time.Since(began)
	if now, _ := leader(t, admin, 3); now == before {
		t.Errorf("broker %d was stopped gracefully and is still told to lead", before)
	}
	if err := c.Start(ctx, before); err != nil {
		t.Fatal(err)
	}
	t.Logf("graceful stop took %s", stopped.Round(time.Millisecond))
}

func logEndAhead(t *testing.T, c *Cluster, admin *cluster.Admin, proxies *forwarders) {
	ctx := within(t, 60*time.Second)
	producer, err := kgo.NewClient(kgo.SeedBrokers(proxies.addresses...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite(), kgo.MetadataMinAge(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	produce := func() {
		if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "single", Value: []byte("x")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := admin.CreateTopic(ctx, "single", 1, 3, nil); err != nil {
		t.Fatal(err)
	}
	produce() // connects
	if err := admin.WaitWhole(ctx); err != nil {
		t.Fatal(err)
	}
	highWatermark := func() int64 {
		t.Helper()
		marks, err := admin.ListOffsets(ctx, "single", cluster.HighWatermark)
		if err != nil {
			t.Fatal(err)
		}
		return marks[0]
	}
	for highWatermark() < 1 { // acks=1 is answered before followers have the record
		time.Sleep(10 * time.Millisecond)
	}
	at, _, err := admin.Leader(ctx, "single", 0)
	if err != nil {
		t.Fatal(err)
	}
	// With both followers paused there is no controller either, which could
	// take them out of the ISR: so the high watermark can't rise.
	followers := []int32{at%3 + 1, (at+1)%3 + 1}
	for _, follower := range followers {
		if err := c.Pause(ctx, follower); err != nil {
			t.Fatal(err)
		}
	}
	produce()
	ends, err := admin.ListOffsets(ctx, "single", cluster.LogEnd)
	if err != nil {
		t.Fatal(err)
	}
	if mark := highWatermark(); ends[0] != 2 || mark != 1 {
		t.Errorf("log end is %d and high watermark %d, want 2 and 1", ends[0], mark)
	}
	for _, follower := range followers {
		if err := c.Resume(ctx, follower); err != nil {
			t.Fatal(err)
		}
	}
}

func wrongState(t *testing.T, c *Cluster, _ *cluster.Admin, _ *forwarders) {
	ctx := within(t, 30*time.Second)
	for name, err := range map[string]error{
		"start of a running broker":  c.Start(ctx, 1),
		"resume of a running broker": c.Resume(ctx, 1),
		"kill of a broker not there": c.Kill(ctx, 4),
		"stop of a broker not there": c.Stop(ctx, 0),
	} {
		if err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	if _, err := c.Dial(ctx, "127.0.0.1:1"); err == nil {
		t.Error("an address that no broker advertises could be dialled")
	}
}

func secondCluster(t *testing.T, _ *Cluster, _ *cluster.Admin, _ *forwarders) {
	_, admin, _ := startCluster(t, 1)
	if _, err := admin.CreateTopic(within(t, 60*time.Second), "first", 1, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, ends, err := admin.Offsets(within(t, 20*time.Second), "first"); err != nil || ends[0] != 0 {
		t.Errorf("the second cluster's topic ends at %v (%v)", ends, err)
	}
}

func logsAreWritten(t *testing.T, c *Cluster, _ *cluster.Admin, _ *forwarders) {
	dir := t.TempDir()
	if err := c.Logs(within(t, 30*time.Second), dir); err != nil {
		t.Fatal(err)
	}
	for id := 1; id <= 3; id++ {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("broker-%d.log", id)))
		if err != nil || !bytes.Contains(text, []byte("Kafka Server started")) {
			t.Errorf("log of broker %d: %d bytes without its start (%v)", id, len(text), err)
		}
	}
}

func leader(t *testing.T, admin *cluster.Admin, partition int32) (broker, epoch int32) {
	t.Helper()
	broker, epoch, err := admin.Leader(within(t, 20*time.Second), "first", partition)
	if err != nil {
		t.Fatal(err)
	}
	return broker, epoch
}
