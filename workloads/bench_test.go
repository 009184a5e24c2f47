package workloads

import (
	"context"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// What the overhead benchmark sends in a round.
const (
	benchRecords    = 100_000
	benchPartitions = 4
	benchSize       = 100 // bytes of a value
	benchRun        = "0badcafe"
)

// broker is a kfake with one empty topic, new for every round so that none
// pays for the records of another.
func broker(b *testing.B) *kfake.Cluster {
	b.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(benchPartitions, "t"))
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// library opens franz-go as both ways use it.
func library(b *testing.B, c *kfake.Cluster) *kgo.Client {
	b.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ClientID("bench"),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		b.Fatal(err)
	}
	if err := client.Ping(context.Background()); err != nil {
		b.Fatal(err)
	}
	return client
}

// adapted is the least that makes it a producer for workloads.
type adapted struct{ client *kgo.Client }

func (adapted) Info() clients.Info { return clients.Info{} }

func (a adapted) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	a.client.Produce(ctx, &kgo.Record{Topic: r.Topic, Partition: r.Partition, Value: r.Value}, func(sent *kgo.Record, err error) {
		if err != nil {
			done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: err.Error()})
			return
		}
		done(clients.Result{Outcome: history.Acked, Offset: sent.Offset})
	})
}

func (a adapted) Flush(ctx context.Context) error { return a.client.Flush(ctx) }

func (a adapted) Close(context.Context) error {
	a.client.Close()
	return nil
}

// values are the records that both ways send, in order, made beforehand.
func values() [][]byte {
	all := make([][]byte, benchRecords)
	for i := range all {
		all[i] = history.AppendValue(nil, history.Identity{
			Run: benchRun, Topic: "t", Partition: int32(i % benchPartitions), Number: int64(i / benchPartitions),
		}, benchSize)
	}
	return all
}

// clientAlone sends the values with nothing but the library: records that are
// ready, and a callback that counts.
func clientAlone(b *testing.B, values [][]byte) time.Duration {
	c := broker(b)
	defer c.Close()
	client := library(b, c)
	defer client.Close()
	ctx := context.Background()
	var acked atomic.Int64
	runtime.GC() // neither way sweeps up after the other
	began := time.Now()
	for i, value := range values {
		client.Produce(ctx, &kgo.Record{Topic: "t", Partition: int32(i % benchPartitions), Value: value}, func(_ *kgo.Record, err error) {
			if err == nil {
				acked.Add(1)
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	if n := acked.Load(); n != benchRecords {
		b.Fatalf("%d of %d records acked", n, benchRecords)
	}
	return took
}

// throughRecorder sends the same records as a run does: identities drawn, values
// made, every call and return recorded, a run directory written meanwhile. It
// returns the time until all was answered, and until all was on disk.
func throughRecorder(b *testing.B, dir string) (answered, written time.Duration) {
	c := broker(b)
	defer c.Close()
	manifest := &history.Manifest{Schema: history.Schema, Run: benchRun, Topics: []history.Topic{{Name: "t", Partitions: benchPartitions}}}
	writer, err := history.Create(dir, manifest, &history.Plan{}, history.WriterOptions{})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	producer := adapted{library(b, c)}
	defer producer.Close(ctx)
	recorder := history.NewRecorder(writer, time.Now())
	lanes := history.LanePlan{}
	for p := range int32(benchPartitions) {
		lanes.Partitions = append(lanes.Partitions, p)
	}
	env := Env{
		Run: benchRun, Topics: []string{"t"}, Producers: []*Seat{NewSeat(Producer{Producer: producer})}, Recorder: recorder,
		Plan:   history.WorkloadPlan{Producers: 1, Records: benchRecords, Size: benchSize, Partitions: []history.LanePlan{lanes}},
		Called: func(int) {}, Broken: func(err error) { b.Error(err) },
	}
	runtime.GC()
	began := time.Now()
	if err := Send(ctx, env); err != nil {
		b.Fatal(err)
	}
	if err := producer.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	answered = time.Since(began)
	if err := writer.Close(manifest); err != nil {
		b.Fatal(err)
	}
	written = time.Since(began)
	if n := recorder.Counts().Acked; n != benchRecords {
		b.Fatalf("%d of %d records acked", n, benchRecords)
	}
	return answered, written
}

// BenchmarkOverhead is what the harness adds to a client: 100,000 records sent
// by franz-go alone and through the recorder, in turn, against kfake. Reported
// are medians over the rounds: how many times as long sending took
// (x-client-alone), the same with the wait until the run directory was on disk
// (x-client-alone-on-disk), and what the client alone took for a record.
func BenchmarkOverhead(b *testing.B) {
	all := values()
	clientAlone(b, all) // warm
	throughRecorder(b, filepath.Join(b.TempDir(), "run"))
	var sending, onDisk, alone []float64
	for b.Loop() {
		client := clientAlone(b, all)
		answered, written := throughRecorder(b, filepath.Join(b.TempDir(), "run"))
		sending = append(sending, answered.Seconds()/client.Seconds())
		onDisk = append(onDisk, written.Seconds()/client.Seconds())
		alone = append(alone, float64(client.Nanoseconds())/benchRecords)
	}
	median := func(values []float64) float64 {
		slices.Sort(values)
		return values[len(values)/2]
	}
	b.ReportMetric(median(sending), "x-client-alone")
	b.ReportMetric(median(onDisk), "x-client-alone-on-disk")
	b.ReportMetric(median(alone), "client-alone-ns/record")
	b.ReportMetric(0, "ns/op") // of both ways together: left out
}
