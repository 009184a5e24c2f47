package workloads

import (
	"context"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// batching is a fake that takes several records in one call.
type batching struct {
	*fake
	calls []int
}

func (b *batching) SendAll(ctx context.Context, records []clients.Record, done func(int, clients.Result)) {
	b.calls = append(b.calls, len(records))
	for i, r := range records {
		b.Send(ctx, r, func(result clients.Result) { done(i, result) })
	}
}

// unanswered keeps the answers back, and notes how many were at most.
func unanswered(f *fake, most *int) (answer func(n int)) {
	open := 0
	f.answer = func(context.Context, func(clients.Result)) {
		f.mu.Lock()
		defer f.mu.Unlock()
		open++
		*most = max(*most, open)
	}
	return func(n int) {
		f.mu.Lock()
		some := f.done[:n]
		f.done = f.done[n:]
		open -= n
		f.mu.Unlock()
		for _, done := range some {
			done(clients.Result{Outcome: history.Acked, Offset: 1})
		}
	}
}

// waiting returns how many records wait for their answer, once that stands still.
func waiting(f *fake) int {
	for last := -1; ; time.Sleep(10 * time.Millisecond) {
		f.mu.Lock()
		now := len(f.done)
		f.mu.Unlock()
		if now == last {
			return now
		}
		last = now
	}
}

func TestAProducerWaitsWhileAsManyRecordsAsItMayHaveAreUnanswered(t *testing.T) {
	for name, c := range map[string]struct {
		plan         history.WorkloadPlan
		first, later int // unanswered at first, and after one was answered
	}{
		"outstanding": {history.WorkloadPlan{Outstanding: 3}, 3, 3},
		"a burst":     {history.WorkloadPlan{Burst: 3}, 3, 2}, // the next begins when all are answered
	} {
		c.plan.Records, c.plan.Size = 9, 100
		r := newRig(t, c.plan, []int32{0})
		most := 0
		answer := unanswered(r.fakes[0], &most)
		sent := make(chan error)
		go func() { sent <- Send(context.Background(), r.env) }()
		if n := waiting(r.fakes[0]); n != c.first {
			t.Errorf("%s: %d are unanswered, want %d", name, n, c.first)
		}
		answer(1)
		if n := waiting(r.fakes[0]); n != c.later {
			t.Errorf("%s: %d are unanswered after an answer, want %d", name, n, c.later)
		}
		for open := true; open; {
			select {
			case err := <-sent:
				if err != nil {
					t.Error(err)
				}
				open = false
			default:
				answer(waiting(r.fakes[0]))
			}
		}
		if most != 3 || r.env.Recorder.Sent(10) != 9 || len(r.complaints()) > 0 {
			t.Errorf("%s: at most %d unanswered, %d sent, %v", name, most, r.env.Recorder.Sent(10), r.complaints())
		}
	}
}

func TestACallHasAsManyRecordsAsItIsToAndOneCallTime(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 12, Size: 100, Batch: 4}, []int32{0})
	b := &batching{fake: r.fakes[0]}
	r.env.Producers[0] = NewSeat(Producer{Process: 10, Producer: b})
	if err := Send(context.Background(), r.env); err != nil {
		t.Fatal(err)
	}
	if len(b.calls) != 3 || b.calls[0] != 4 || len(r.called) != 12 {
		t.Errorf("calls %v, the nemesis was told of %d records", b.calls, len(r.called))
	}
	for i := 1; i < len(b.sent); i++ {
		if same := b.sent[i].Topic == b.sent[i-1].Topic && b.sent[i].Partition == b.sent[i-1].Partition; same != (i%4 != 0) {
			t.Errorf("record %d goes to %s/%d, the one before to %s/%d", i, b.sent[i].Topic, b.sent[i].Partition, b.sent[i-1].Topic, b.sent[i-1].Partition)
		}
	}
	manifest := &history.Manifest{Schema: history.Schema, Run: "0badcafe"}
	if err := r.writer.Close(manifest); err != nil {
		t.Fatal(err)
	}
	run, err := history.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	times := map[int64]int{}
	for op, err := range run.AllOps() {
		if err != nil {
			t.Fatal(err)
		}
		times[op.Call]++
	}
	if len(times) != 3 {
		t.Errorf("the ops have %d call times, want one for each of 3 calls: %v", len(times), times)
	}
}

func TestAClientThatTakesOneRecordInACallGetsThemOneByOne(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 12, Size: 100, Batch: 4}, []int32{0})
	if err := Send(context.Background(), r.env); err != nil {
		t.Fatal(err)
	}
	if len(r.fakes[0].sent) != 12 || r.env.Recorder.Sent(10) != 12 {
		t.Errorf("%d were handed over", len(r.fakes[0].sent))
	}
}
