package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/history"
)

func TestAProducerIsJournaledBatchByBatch(t *testing.T) {
	f := cluster(t, 2, "t")
	j := &recorder{}
	f.Attach("0123abcd", j, nil)
	p := producer(t, f)
	for i := range 100 {
		if err := p.ProduceSync(timeout(t, 10*time.Second), record("t", int32(i%4), 7, int64(i), 100)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	p.Close()
	if err := f.Detach(timeout(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	requests, answers := j.of(history.WireRequest), j.of(history.WireAnswer)
	if len(requests) != 100 || len(answers) != 100 {
		t.Fatalf("%d requests and %d answers, want 100 each", len(requests), len(answers))
	}
	for i, e := range requests {
		if e.Topic != "t" || e.Partition != int32(i%4) || e.Process != 7 || e.First != int64(i) || e.Last != int64(i) ||
			e.BaseSequence != int32(i/4) || e.ProducerID < 0 || e.Records != 1 || e.CRC == 0 || e.Action != history.ActionPassed {
			t.Fatalf("request %d: %+v", i, e)
		}
		if a := answers[i]; a.BaseOffset != int64(i/4) || a.Error != 0 || a.CRC != e.CRC || a.Action != history.ActionPassed {
			t.Fatalf("answer %d: %+v", i, a)
		}
	}
	if n := len(j.of(history.WireInitProducerID)); n != 1 {
		t.Errorf("%d InitProducerId answers, want 1", n)
	}
	if c, d := len(j.of(history.WireConnect)), len(j.of(history.WireDisconnect)); c == 0 || c != d {
		t.Errorf("%d connects, %d disconnects", c, d)
	}
	if x := j.of(history.WireNotKafka); len(x) != 0 {
		t.Errorf("not Kafka: %+v", x)
	}
}

func TestALostAcknowledgementIsRetriedAndSuppressed(t *testing.T) {
	f := cluster(t, 1, "t")
	j, answers := &recorder{}, 0
	s := &script{answer: func(*Exchange) Decision {
		if answers++; answers%10 == 3 {
			return Decision{Verb: Cut, Fault: 4}
		}
		return Decision{}
	}}
	f.Attach("0123abcd", j, s)
	p := producer(t, f)
	for i := range 30 {
		r := record("t", 0, 7, int64(i), 100)
		if err := p.ProduceSync(timeout(t, 10*time.Second), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if r.Offset != int64(i) {
			t.Fatalf("record %d at offset %d", i, r.Offset)
		}
	}
	cut := 0
	for _, e := range j.of(history.WireAnswer) {
		if e.Action == history.ActionCut {
			cut++
			if e.Fault != 4 || e.BaseOffset < 0 {
				t.Errorf("%+v", e)
			}
		}
	}
	if cut != 3 && cut != 4 {
		t.Errorf("%d cut answers", cut)
	}
}

func TestCompressedBatchesAreIdentified(t *testing.T) {
	for _, codec := range []kgo.CompressionCodec{
		kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		compressed(t, codec)
	}
}

func compressed(t *testing.T, codec kgo.CompressionCodec) {
	t.Run(fmt.Sprint(codec), func(t *testing.T) {
		f := cluster(t, 1, "t")
		j := &recorder{}
		f.Attach("0123abcd", j, nil)
		p := producer(t, f, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
		var records []*kgo.Record
		for i := range 50 {
			records = append(records, record("t", 0, 3, int64(i), 200))
		}
		if err := p.ProduceSync(timeout(t, 10*time.Second), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for _, e := range j.of(history.WireRequest) {
			if e.Process != 3 || e.First < 0 || e.Last != e.First+int64(e.Records)-1 {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestAProducerOutlivesABrokerThatCannotBeReached(t *testing.T) {
	f := cluster(t, 1, "t")
	j := &recorder{}
	f.Attach("0123abcd", j, nil)
	var down atomic.Bool
	l := f.lanes[0]
	l.mu.Lock()
	up := l.dial
	l.mu.Unlock()
	f.Serve(0, 0, func(ctx context.Context) (net.Conn, error) {
		if down.Load() {
			return nil, errors.New("connection refused")
		}
		return up(ctx)
	})
	down.Store(true) // also for the very first connection
	p := producer(t, f)
	for i := range 3 {
		time.AfterFunc(300*time.Millisecond, func() { down.Store(false) })
		r := record("t", 0, 7, int64(i), 100)
		if err := p.ProduceSync(timeout(t, 10*time.Second), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if r.Offset != int64(i) {
			t.Errorf("record %d at offset %d", i, r.Offset)
		}
		down.Store(true)
		f.Reset(0, 4, nil)
	}
	down.Store(false)
}
