package proxy

import (
	"bytes"
	"errors"
	"io"
	"math/rand"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/history"
)

func isReset(err error) bool { return errors.Is(err, syscall.ECONNRESET) }

func TestToxicsChangeUnderLoadWithoutLosingAByte(t *testing.T) {
	f := cluster(t, 1, "t")
	j := &recorder{}
	f.Attach("0123abcd", j, nil)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(1)
	changes := 0
	go func() {
		defer wg.Done()
		rng := rand.New(rand.NewSource(1))
		for {
			select {
			case <-stop:
				return
			default:
			}
			kinds := []struct {
				kind string
				with map[string]any
			}{
				{"latency", map[string]any{"latency": 2}}, {"bandwidth", map[string]any{"rate": 50_000}},
				{"slicer", map[string]any{"size": 500, "delay": 10, "seed": 1}}, {"jitter", map[string]any{"most": 2000, "seed": 1}},
			}
			k := kinds[rng.Intn(len(kinds))]
			remove, err := f.AddToxic(0, k.kind, []string{"upstream", "downstream"}[rng.Intn(2)], k.with)
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Duration(rng.Intn(5)) * time.Millisecond)
			if err := remove(); err != nil {
				t.Error(err)
				return
			}
			changes++
		}
	}()
	const records = 2000
	var producers sync.WaitGroup
	for k := range 3 {
		p := producer(t, f, kgo.MaxBufferedRecords(100))
		producers.Add(1)
		go func() {
			defer producers.Done()
			for i := range records {
				p.Produce(timeout(t, 30*time.Second), record("t", int32(k), int32(k), int64(i), 300), func(_ *kgo.Record, err error) {
					if err != nil {
						t.Error(err)
					}
				})
			}
			p.Flush(timeout(t, 30*time.Second))
			p.Close()
		}()
	}
	producers.Wait()
	close(stop)
	wg.Wait()
	if x := j.of(history.WireNotKafka); len(x) != 0 {
		t.Errorf("%+v", x)
	}
	var total int32
	for _, e := range j.of(history.WireAnswer) {
		total += e.Records
	}
	same(t, "records answered", total, int32(3*records))
	if changes < 10 {
		t.Errorf("only %d changes", changes)
	}
}

func TestALatencyToxicDelaysAndLeavesNothingBehind(t *testing.T) {
	r := newRig(t, nil)
	remove, err := r.f.AddToxic(0, "latency", "downstream", map[string]any{"latency": 150})
	if err != nil {
		t.Fatal(err)
	}
	client, broker := r.connect()
	for i := range int32(2) {
		write(t, client, produceFrame(i, 9, -1, load{"a", 0, 0, 1, 100}))
		readFrame(t, broker)
		start := time.Now()
		write(t, broker, answerFrame(i, 9, verdict{"a", 0, 0, 1}))
		readAnswer(t, client, i, 9)
		if d := time.Since(start); (i == 0) != (d > 140*time.Millisecond) {
			t.Errorf("answer %d took %v", i, d)
		}
		if err := remove(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAnswerStillInAToxicWhenTheClientLeavesIsLost(t *testing.T) {
	r := newRig(t, nil)
	if _, err := r.f.AddToxic(0, "latency", "downstream", map[string]any{"latency": 500}); err != nil {
		t.Fatal(err)
	}
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	eventually(t, "answer", func() bool { return len(r.j.of(history.WireAnswer)) == 1 })
	client.Close()
	eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
	same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{passed})
	same(t, "releases", actions(r.j.of(history.WireRelease)), []history.Action{dropped})
	lost, _ := r.s.losses()
	same(t, "lost", len(lost), 1)
}

func TestToxicsChangeWhileAPeerDoesNotRead(t *testing.T) {
	r := newRig(t, nil)
	remove, err := r.f.AddToxic(0, "latency", "upstream", map[string]any{"latency": 1})
	if err != nil {
		t.Fatal(err)
	}
	client, _ := r.connect() // the broker never reads
	go func() {
		big := produceFrame(1, 9, 0, load{"a", 0, 0, 1, 1 << 20})
		for {
			if _, err := client.Write(big); err != nil {
				return
			}
		}
	}()
	time.Sleep(500 * time.Millisecond)
	start := time.Now()
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 2*changeLimit {
		t.Errorf("the change took %v", d)
	}
}

func TestToxicsThatLoseBytesAreRefused(t *testing.T) {
	r := newRig(t, nil)
	for _, kind := range []string{"timeout", "limit_data", "reset_peer", requestToxicType, "nonsense"} {
		if _, err := r.f.AddToxic(0, kind, "upstream", nil); err == nil {
			t.Errorf("%s was taken", kind)
		}
	}
	if _, err := r.f.AddToxic(0, "latency", "sideways", nil); err == nil {
		t.Error("sideways was taken")
	}
}

func TestConnectionsThatLeaveInMidStreamLeaveNothingBehind(t *testing.T) {
	r := newRig(t, nil)
	r.f.AddToxic(0, "slicer", "upstream", map[string]any{"size": 100, "delay": 1, "seed": 1})
	rng := rand.New(rand.NewSource(1))
	request := produceFrame(1, 9, -1, load{"a", 0, 0, 5, 1000})
	answer := answerFrame(1, 9, verdict{"a", 0, 0, 1})
	for i := range 300 {
		client, broker := r.connect()
		client.Write(request[:rng.Intn(len(request)+1)])
		switch i % 4 {
		case 0:
			broker.Write(answer[:rng.Intn(len(answer)+1)])
		case 1:
			client.(*net.TCPConn).SetLinger(0)
		case 2:
			broker.Close()
		case 3:
			go io.Copy(io.Discard, broker)
			client.Write(bytes.Repeat(request, 3))
		}
		client.Close()
	}
	if err := r.f.Detach(timeout(t, 10*time.Second)); err != nil {
		t.Fatal(err)
	}
	if n := r.f.lanes[0].open(); n != 0 {
		t.Errorf("%d connections are open", n)
	}
	eventually(t, "only the accept loop", func() bool { n, _ := ours(); return n == 1 })
}
