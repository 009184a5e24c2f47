package workloads

import (
	"context"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

func TestAProducerThatIsReplacedNumbersFromZeroAndNothingIsSentInBetween(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 200, Rate: 2000, Size: 80}, []int32{0})
	ctx := context.Background()
	next := new(fake)
	sent := make(chan error)
	go func() { sent <- Send(ctx, r.env) }()
	time.Sleep(20 * time.Millisecond)
	seat := r.env.Producers[0]
	if old, err := seat.Take(ctx); err != nil || old.Process != 10 {
		t.Fatalf("%+v, %v", old, err)
	}
	before := r.env.Recorder.Sent(10)
	time.Sleep(20 * time.Millisecond)
	if after := r.env.Recorder.Sent(10); after != before || before == 0 {
		t.Errorf("%d records begun, then %d while nobody had the seat", before, after)
	}
	seat.Change(Producer{Process: 11, Producer: next})
	seat.Give()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if r.env.Recorder.Sent(10) != before || r.env.Recorder.Sent(11) != 200-before || len(next.sent) == 0 {
		t.Errorf("%d and then %d records, want 200 in all", r.env.Recorder.Sent(10), r.env.Recorder.Sent(11))
	}
	if id, err := history.ParseValue(next.sent[0].Value); err != nil || id.Process != 11 || id.Number != 0 {
		t.Errorf("the new process began with %+v, %v", id, err)
	}
}

func TestWaitingForASeatEndsWithItsContext(t *testing.T) {
	seat := NewSeat(Producer{})
	if _, err := seat.Take(context.Background()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := seat.Take(ctx); err == nil {
		t.Error("two have the seat")
	}
	seat.Give()
	if _, err := seat.Take(ctx); err == nil { // free, but nobody wants it any more
		t.Error("a cancelled sender got the seat")
	}
}
