package workloads

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// fake is a client that answers as told, by default at once.
type fake struct {
	mu     sync.Mutex
	sent   []clients.Record
	done   []func(clients.Result)
	answer func(ctx context.Context, done func(clients.Result)) // nil: acked at once
	flush  func(context.Context) error
}

func (*fake) Info() clients.Info { return clients.Info{} }

func (f *fake) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	f.mu.Lock()
	f.sent = append(f.sent, r)
	f.done = append(f.done, done)
	f.mu.Unlock()
	if f.answer != nil {
		f.answer(ctx, done)
		return
	}
	done(clients.Result{Outcome: history.Acked, Offset: 1})
}

func (f *fake) Flush(ctx context.Context) error {
	if f.flush != nil {
		return f.flush(ctx)
	}
	return nil
}
func (*fake) Close(context.Context) error { return nil }

type rig struct {
	env    Env
	fakes  []*fake
	dir    string
	writer *history.Writer
	mu     sync.Mutex
	called []int
	broken []error
}

func newRig(t *testing.T, plan history.WorkloadPlan, lanes ...[]int32) *rig {
	t.Helper()
	r := &rig{dir: filepath.Join(t.TempDir(), "run")}
	manifest := &history.Manifest{Schema: history.Schema, Run: "0badcafe", Topics: []history.Topic{{Name: "a", Partitions: 4}, {Name: "b", Partitions: 4}}}
	var err error
	if r.writer, err = history.Create(r.dir, manifest, &history.Plan{}, history.WriterOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.writer.Close(manifest) })
	plan.Producers = len(lanes)
	r.env = Env{
		Life: t.Context(), Run: "0badcafe", Topics: []string{"a", "b"}, Recorder: history.NewRecorder(r.writer, time.Now()),
		Called: func(p int) { r.mu.Lock(); defer r.mu.Unlock(); r.called = append(r.called, p) },
		Broken: func(err error) { r.mu.Lock(); defer r.mu.Unlock(); r.broken = append(r.broken, err) },
	}
	for i, partitions := range lanes {
		plan.Partitions = append(plan.Partitions, history.LanePlan{Producer: i, Partitions: partitions})
		f := new(fake)
		r.fakes = append(r.fakes, f)
		r.env.Producers = append(r.env.Producers, NewSeat(Producer{Process: int32(10 + i), Producer: f}))
	}
	r.env.Plan = plan
	return r
}

func (r *rig) complaints() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

func TestEveryRecordIsSentOnceWithTheIdentityItWasBegunWith(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 37, Warmup: 5, Size: 120}, []int32{2, 0}, []int32{1, 3, 0})
	ctx := context.Background()
	if err := Warm(ctx, r.env); err != nil {
		t.Fatal(err)
	}
	if len(r.called) > 0 {
		t.Error("the nemesis was told of warm-up records")
	}
	if err := Send(ctx, r.env); err != nil {
		t.Fatal(err)
	}
	for i, f := range r.fakes {
		process := int32(10 + i)
		if len(f.sent) != 42 || r.env.Recorder.Sent(process) != 42 {
			t.Errorf("producer %d was handed %d records, %d were begun; want 42", i, len(f.sent), r.env.Recorder.Sent(process))
		}
		next := map[history.TopicPartition]int64{}
		for _, sent := range f.sent {
			lane := history.TopicPartition{Topic: sent.Topic, Partition: sent.Partition}
			id, err := history.ParseValue(sent.Value)
			want := history.Identity{Run: "0badcafe", Process: process, Topic: lane.Topic, Partition: lane.Partition, Number: next[lane]}
			if err != nil || id != want || len(sent.Value) != 120 {
				t.Fatalf("value %q of %d bytes: %v, %v; want %v", sent.Value, len(sent.Value), id, err, want)
			}
			next[lane]++
		}
		if want := 2 * len(r.env.Plan.Partitions[i].Partitions); len(next) != want {
			t.Errorf("producer %d sent to %d lanes, want %d", i, len(next), want)
		}
		for lane, n := range next { // in turn, once in the warm-up and once after it
			if even := int64(42 / len(next)); n < even-1 || n > even+2 {
				t.Errorf("producer %d sent %d records to %v: that is not in turn", i, n, lane)
			}
		}
	}
	if counts := r.env.Recorder.Counts(); counts.Calls != 84 || counts.Acked != 84 || counts.Pending != 0 {
		t.Errorf("%+v", counts)
	}
	if len(r.called) != 74 || len(r.complaints()) > 0 {
		t.Errorf("called %d times, complaints %v", len(r.called), r.complaints())
	}
}

func TestWarmUpWaitsForEveryAnswer(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Warmup: 3, Size: 80}, []int32{0})
	r.fakes[0].answer = func(context.Context, func(clients.Result)) {}
	flushed := false
	r.fakes[0].flush = func(context.Context) error { flushed = true; return nil }
	if err := Warm(context.Background(), r.env); err != nil || !flushed {
		t.Errorf("flushed %v, %v", flushed, err)
	}
	r.fakes[0].flush = func(context.Context) error { return errors.New("no answer") }
	if err := Warm(context.Background(), r.env); err == nil || !strings.Contains(err.Error(), "producer 0: no answer") {
		t.Errorf("%v", err)
	}
}

func TestACancelledSendingEndsPromptlyAlsoInsideAClientThatBlocks(t *testing.T) {
	stop := errors.New("enough")
	for name, answer := range map[string]func(context.Context, func(clients.Result)){
		"waiting for its turn": nil,
		"inside the client": func(ctx context.Context, done func(clients.Result)) {
			<-ctx.Done()
			done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: ctx.Err().Error()})
		},
	} {
		r := newRig(t, history.WorkloadPlan{Records: 1000, Rate: 0.01, Size: 80}, []int32{0}, []int32{1})
		for _, f := range r.fakes {
			f.answer = answer
		}
		ctx, cancel := context.WithCancelCause(context.Background())
		time.AfterFunc(30*time.Millisecond, func() { cancel(stop) })
		began := time.Now()
		if err := Send(ctx, r.env); !errors.Is(err, stop) || time.Since(began) > 2*time.Second {
			t.Errorf("%s: %v after %s", name, err, time.Since(began))
		}
		if len(r.complaints()) > 0 {
			t.Errorf("%s: %v", name, r.complaints())
		}
	}
}

func TestAProducerThatFailsInWarmUpStopsTheOthers(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Warmup: 1, Size: 80}, []int32{0}, []int32{1})
	r.fakes[0].flush = func(context.Context) error { return errors.New("gone") }
	r.fakes[1].flush = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	if err := Warm(context.Background(), r.env); err == nil || err.Error() != "producer 0: gone" {
		t.Errorf("%v", err)
	}
}

func TestAClientThatAnswersTwiceIsReported(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 2, Size: 80}, []int32{0})
	r.fakes[0].answer = func(_ context.Context, done func(clients.Result)) {
		done(clients.Result{Outcome: history.Acked, Offset: 0})
		done(clients.Result{Outcome: history.Acked, Offset: 0})
	}
	if err := Send(context.Background(), r.env); err != nil {
		t.Fatal(err)
	}
	broken := r.complaints()
	if len(broken) != 2 || !errors.Is(broken[0], history.ErrAnsweredTwice) || !strings.HasPrefix(broken[0].Error(), "producer 0: ") {
		t.Errorf("%v", broken)
	}
}

func TestAnImpossibleOutcomeIsReported(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 1, Size: 80}, []int32{0})
	r.fakes[0].answer = func(_ context.Context, done func(clients.Result)) { done(clients.Result{}) }
	if err := Send(context.Background(), r.env); err != nil || len(r.complaints()) != 1 {
		t.Errorf("%v, %v", err, r.complaints())
	}
}

func TestAnAnswerAfterTheWaitWasGivenUpIsNoNews(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 3, Size: 80}, []int32{0})
	r.fakes[0].answer = func(context.Context, func(clients.Result)) {}
	if err := Send(context.Background(), r.env); err != nil {
		t.Fatal(err)
	}
	if n := r.env.Recorder.GiveUp("the wait is over"); n != 3 {
		t.Fatalf("%d given up", n)
	}
	for _, done := range r.fakes[0].done {
		done(clients.Result{Outcome: history.Acked, Offset: 5})
	}
	if counts := r.env.Recorder.Counts(); len(r.complaints()) > 0 || counts.Late != 3 || counts.Unknown != 3 {
		t.Errorf("%v, %+v", r.complaints(), counts)
	}
}

func TestThePaceIsKeptAndALateStartIsNotMadeUpForByABurst(t *testing.T) {
	ctx := context.Background()
	p := newPacer(500)
	began := time.Now()
	for range 51 {
		if err := p.wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took < 99*time.Millisecond {
		t.Errorf("51 calls at 500 a second took %s", took)
	}
	p = newPacer(10)
	p.next = time.Now().Add(-time.Hour) // a stall
	began = time.Now()
	calls := 0
	for time.Since(began) < 50*time.Millisecond {
		if err := p.wait(ctx); err != nil {
			t.Fatal(err)
		}
		if time.Since(began) < 50*time.Millisecond {
			calls++
		}
	}
	if calls > burst || calls < burst/2 {
		t.Errorf("%d calls at once after a stall, want %d at most", calls, burst)
	}
}

func TestWithoutARateNothingWaits(t *testing.T) {
	p := newPacer(0)
	began := time.Now()
	for range 100_000 {
		if err := p.wait(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Error(fmt.Sprint("a hundred thousand calls took ", took))
	}
}

func TestATailGoesOnUntilFaultsAreOver(t *testing.T) {
	for name, c := range map[string]struct {
		records, tail int
		calm, asked   int // how often Calm says yes at first, and then no
		want          int
	}{
		"nothing under way":              {records: 20, tail: 5, want: 20},
		"a fault that ends in time":      {records: 20, tail: 5, asked: 10, want: 20},
		"a fault that ends at the end":   {records: 20, tail: 5, asked: 18, want: 23},
		"a fault that outlasts the rest": {records: 20, tail: 5, asked: 100, want: 105},
		"a fault that begins late":       {records: 20, tail: 5, calm: 15, asked: 10, want: 30},
		"no tail":                        {records: 20, asked: 100, want: 20},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, history.WorkloadPlan{Records: c.records, Tail: c.tail, Rate: 1e6, Size: 100}, []int32{0})
			asked := 0
			r.env.Calm = func() bool { asked++; return asked <= c.calm || asked > c.calm+c.asked }
			if err := Send(t.Context(), r.env); err != nil {
				t.Fatal(err)
			}
			if sent := len(r.fakes[0].sent); sent != c.want {
				t.Errorf("sent %d, want %d", sent, c.want)
			}
		})
	}
}
