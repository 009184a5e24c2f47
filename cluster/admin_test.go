package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// fakeCluster is kfake as a Cluster, without proxies.
type fakeCluster struct {
	*kfake.Cluster
	brokers []Broker
	dead    map[string]bool // advertised addresses that refuse
}

func (f *fakeCluster) Facts() history.ClusterFacts        { return history.ClusterFacts{Kind: "embedded"} }
func (f *fakeCluster) Brokers() []Broker                  { return f.brokers }
func (f *fakeCluster) Has(Capability) bool                { return false }
func (f *fakeCluster) Logs(context.Context, string) error { return nil }
func (f *fakeCluster) Close(context.Context) error        { f.Cluster.Close(); return nil }
func (f *fakeCluster) Dial(ctx context.Context, advertised string) (net.Conn, error) {
	if f.dead[advertised] {
		return nil, errors.New("this broker is dead")
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", advertised)
}

func startFake(t *testing.T, brokers int) (*fakeCluster, *Admin) {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(brokers))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	f := &fakeCluster{Cluster: fake, dead: map[string]bool{}}
	for i, address := range fake.ListenAddrs() {
		f.brokers = append(f.brokers, Broker{ID: int32(i), Advertised: address})
	}
	admin, err := NewAdmin(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(admin.Close)
	return f, admin
}

func within(t *testing.T, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

func createTopic(t *testing.T, admin *Admin, name string, partitions int) {
	t.Helper()
	id, err := admin.CreateTopic(within(t, 5*time.Second), name, partitions, 1, map[string]string{"retention.ms": "-1"})
	if err != nil {
		t.Fatal(err)
	}
	if id == [16]byte{} {
		t.Fatal("the topic has no id")
	}
}

func newProducer(t *testing.T, f *fakeCluster, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	producer, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(f.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner())}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(producer.Close)
	return producer
}

func TestATopicIsCreatedOnce(t *testing.T) {
	_, admin := startFake(t, 3)
	createTopic(t, admin, "t", 4)
	if _, err := admin.CreateTopic(within(t, 5*time.Second), "t", 4, 1, nil); !errors.Is(err, kerr.TopicAlreadyExists) {
		t.Errorf("creating it again gives %v", err)
	}
	if _, err := admin.CreateTopic(within(t, 5*time.Second), "u", 1, 99, nil); err == nil {
		t.Error("a replication factor of 99 is accepted")
	}
}

func TestAMovedLeaderIsSeen(t *testing.T) {
	f, admin := startFake(t, 3)
	createTopic(t, admin, "t", 1)
	ctx := within(t, 10*time.Second)
	before, _, err := admin.Leader(ctx, "t", 0)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		time.Sleep(100 * time.Millisecond)
		f.MoveTopicPartition("t", 0, (before+1)%3)
	}()
	if after, err := admin.WaitLeader(ctx, "t", 0, before); err != nil || after != (before+1)%3 {
		t.Errorf("the new leader is %d (%v)", after, err)
	}
	if _, _, err := admin.Leader(ctx, "t", 9); err == nil || !strings.Contains(err.Error(), "no partition 9") {
		t.Errorf("leader of a partition that is not there: %v", err)
	}
	if _, _, err := admin.Leader(ctx, "nothing", 0); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("leader of a topic that is not there: %v", err)
	}
}

func TestWaitingSaysWhatItSawLast(t *testing.T) {
	_, admin := startFake(t, 1)
	createTopic(t, admin, "t", 1)
	_, err := admin.WaitLeader(within(t, 200*time.Millisecond), "t", 0, 0)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "broker 0 still leads") {
		t.Errorf("error is %v", err)
	}
}

func TestAClusterIsWholeWhenEveryBrokerAnswers(t *testing.T) {
	f, admin := startFake(t, 3)
	createTopic(t, admin, "t", 3)
	if err := admin.WaitWhole(within(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	f.dead[f.brokers[1].Advertised] = true
	again, err := NewAdmin(f)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if err := again.Whole(within(t, 5*time.Second)); err == nil || !strings.Contains(err.Error(), "broker 1") {
		t.Errorf("with broker 1 dead the cluster is said to be: %v", err)
	}
}

func TestAPartitionWithoutItsFullISRIsNamed(t *testing.T) {
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic = kmsg.StringPtr("t")
	add := func(partition, leader int32, replicas, isr []int32) {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Partition, p.Leader, p.Replicas, p.ISR = partition, leader, replicas, isr
		topic.Partitions = append(topic.Partitions, p)
	}
	add(1, 2, []int32{1, 2}, []int32{2})
	add(0, 1, []int32{1, 2}, []int32{1, 2})
	if err := fullTopic(&topic); err == nil || err.Error() != "t/1 has in-sync replicas [2] of [1 2]" {
		t.Errorf("error is %v", err)
	}
	topic.Partitions[0].ISR = []int32{2, 1}
	if err := fullTopic(&topic); err != nil {
		t.Error(err)
	}
	topic.Partitions[1].Leader = -1
	if err := fullTopic(&topic); err == nil || err.Error() != "t/0 has no leader" {
		t.Errorf("error is %v", err)
	}
}

func TestTheNextInSyncReplicaComesFirst(t *testing.T) {
	for _, c := range []struct {
		leader        int32
		replicas, isr []int32
		want          []int32
	}{
		{1, []int32{1, 2, 3}, []int32{1, 2, 3}, []int32{2, 3, 1}},
		{3, []int32{1, 2, 3}, []int32{3, 1, 2}, []int32{1, 2, 3}},
		{1, []int32{1, 2, 3}, []int32{1, 3}, []int32{3, 1, 2}},
		{1, []int32{1, 2, 3}, []int32{1}, nil},
		{1, []int32{1}, []int32{1}, nil},
	} {
		p := kmsg.NewMetadataResponseTopicPartition()
		p.Leader, p.Replicas, p.ISR = c.leader, c.replicas, c.isr
		if got := nextLeaderFirst(p); !slices.Equal(got, c.want) {
			t.Errorf("leader %d, replicas %v, ISR %v: %v, want %v", c.leader, c.replicas, c.isr, got, c.want)
		}
	}
}

func TestOffsetsComeFromEveryPartitionsLeader(t *testing.T) {
	f, admin := startFake(t, 3)
	createTopic(t, admin, "t", 5)
	producer := newProducer(t, f)
	ctx := within(t, 10*time.Second)
	for partition := range int32(5) {
		for range partition {
			if err := producer.ProduceSync(ctx, &kgo.Record{Topic: "t", Partition: partition}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	starts, ends, err := admin.Offsets(ctx, "t")
	if err != nil || fmt.Sprint(starts, ends) != "[0 0 0 0 0] [0 1 2 3 4]" {
		t.Errorf("offsets are %v to %v (%v)", starts, ends, err)
	}
	if _, _, err := admin.Offsets(within(t, 200*time.Millisecond), "nothing"); !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Errorf("offsets of a topic that is not there: %v", err)
	}
}
