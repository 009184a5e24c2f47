package history

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

var testTP = TopicPartition{"a", 1}

func TestNumbersAreDensePerProcessAndPartition(t *testing.T) {
	w, _ := testWriter(t, WriterOptions{})
	r := NewRecorder(w, time.Now())
	for want := range int64(3) {
		for _, process := range []int32{0, 1} {
			for _, tp := range []TopicPartition{{"a", 0}, {"a", 1}, {"b", 0}} {
				if got := r.Begin(process, tp).Number; got != want {
					t.Fatalf("process %d, %s: number %d, want %d", process, tp, got, want)
				}
			}
		}
	}
}

func TestAnOpThatFinishesLastDoesNotUpsetTheOrder(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartRows: 100})
	r := NewRecorder(w, time.Now())
	first := r.Begin(1, testTP)
	for i := range 5000 {
		ticket := r.Begin(1, testTP)
		if err := r.End(ticket, Acked, int64(i), ""); err != nil {
			t.Fatal(err)
		}
	}
	if w.ops.seq != 0 || w.ops.rows != 0 {
		t.Fatal("ops behind an unfinished one were written")
	}
	if err := r.End(first, Unknown, 99, "late\nand in two lines"); err != nil {
		t.Fatal(err)
	}
	run := finish(t, w, dir)
	ops := readOps(t, run, testTP, 1)
	if len(ops) != 5001 || ops[0].Outcome != Unknown || ops[0].Offset != NoOffset || ops[0].Return < ops[5000].Return {
		t.Fatalf("%d ops, the first is %+v", len(ops), ops[0])
	}
	for i, op := range ops {
		if op.Number != int64(i) || op.Call > op.Return {
			t.Fatalf("op %d is %+v", i, op)
		}
	}
	op, ok, err := run.FindOp(1, testTP, 0)
	if err != nil || !ok || op.Error != "late and in two lines" {
		t.Fatalf("FindOp = %+v, %v, %v", op, ok, err)
	}
	for _, number := range []int64{1, 255, 256, 4999, 5000} {
		op, ok, err := run.FindOp(1, testTP, number)
		if err != nil || !ok || op.Number != number || op.Offset != number-1 || op.Topic != "a" || op.Partition != 1 || op.Process != 1 {
			t.Fatalf("FindOp(%d) = %+v, %v, %v", number, op, ok, err)
		}
	}
	for _, number := range []int64{-1, 5001} {
		if _, ok, err := run.FindOp(1, testTP, number); ok || err != nil {
			t.Fatalf("FindOp(%d) found something: %v, %v", number, ok, err)
		}
	}
}

func TestASecondAnswerIsRefusedAndCounted(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	r := NewRecorder(w, time.Now())
	held := r.Begin(1, testTP)
	ticket := r.Begin(1, testTP)
	for i := range 2 {
		if err := r.End(ticket, Acked, 7, ""); (i == 0) != (err == nil) || (i > 0 && !errors.Is(err, ErrAnsweredTwice)) {
			t.Fatalf("answer %d of a held ticket: %v", i, err)
		}
	}
	for range flushOps { // so that the first ones have left the recorder
		if err := r.End(r.Begin(1, testTP), Acked, 7, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.End(held, Failed, 7, "no"); err != nil {
		t.Fatal(err)
	}
	if err := r.End(held, Acked, 7, ""); !errors.Is(err, ErrAnsweredTwice) {
		t.Fatalf("second answer of a written op: %v", err)
	}
	want := Counts{Calls: 2 + flushOps, Acked: 1 + flushOps, Failed: 1, AnsweredTwice: 2}
	if got := r.Counts(); got != want {
		t.Fatalf("counts %+v, want %+v", got, want)
	}
	if r.Err() != nil {
		t.Fatalf("a second answer counts as a write error: %v", r.Err())
	}
	run := finish(t, w, dir)
	if ops := readOps(t, run, testTP, 1); ops[0].Outcome != Failed || ops[1].Outcome != Acked {
		t.Fatalf("the first answers were not kept: %+v", ops[:2])
	}
}

func TestGivingUpMakesPendingOpsUnknownForEver(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	r := NewRecorder(w, time.Now())
	var tickets []Ticket
	for range 10 {
		tickets = append(tickets, r.Begin(3, testTP))
	}
	if err := r.End(tickets[4], Acked, 1, ""); err != nil {
		t.Fatal(err)
	}
	if n := r.GiveUp("past its deadline"); n != 9 {
		t.Fatalf("%d given up, want 9", n)
	}
	if err := r.End(tickets[0], Acked, 2, ""); !errors.Is(err, ErrGivenUp) || errors.Is(err, ErrAnsweredTwice) {
		t.Fatalf("late answer: %v", err)
	}
	if n := r.GiveUp("again"); n != 0 {
		t.Fatalf("%d given up twice", n)
	}
	if got, want := r.Counts(), (Counts{Calls: 10, Acked: 1, Unknown: 9, Late: 1}); got != want {
		t.Fatalf("counts %+v, want %+v", got, want)
	}
	run := finish(t, w, dir)
	for i, op := range readOps(t, run, testTP, 3) {
		if (i == 4) != (op.Outcome == Acked) || (i != 4 && (op.Outcome != Unknown || op.Return != Forever || op.Offset != NoOffset)) {
			t.Fatalf("op %d is %+v", i, op)
		}
	}
	if op, _, _ := run.FindOp(3, testTP, 9); op.Error != "past its deadline" {
		t.Fatalf("the reason was not kept: %+v", op)
	}
}

func TestClosingWritesPendingOpsAsPending(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	r := NewRecorder(w, time.Now())
	pending := r.Begin(1, testTP)
	if err := r.End(r.Begin(1, testTP), Acked, 5, ""); err != nil {
		t.Fatal(err)
	}
	run := finish(t, w, dir)
	ops := readOps(t, run, testTP, 1)
	if len(ops) != 2 || ops[0].Outcome != Pending || ops[0].Return != Forever || ops[1].Outcome != Acked {
		t.Fatalf("ops are %+v", ops)
	}
	if err := r.End(pending, Acked, 6, ""); !errors.Is(err, ErrClosed) {
		t.Fatalf("answer after closing: %v", err)
	}
}

func TestTicketsAndOutcomesThatCannotBeAreRefused(t *testing.T) {
	w, _ := testWriter(t, WriterOptions{})
	r := NewRecorder(w, time.Now())
	if err := r.End(Ticket{}, Acked, 0, ""); err == nil {
		t.Error("a ticket out of nowhere was accepted")
	}
	if err := r.End(r.Begin(0, testTP), Pending, 0, ""); err == nil {
		t.Error("an op ended as pending")
	}
	if w.Op(Op{Outcome: 4}) == nil || w.Log(LogRecord{Standing: 5}) == nil || w.Wire(WireEvent{}) == nil || w.Wire(WireEvent{Kind: WireRequest}) == nil {
		t.Error("a row with an impossible word was accepted")
	}
}

func TestManyProducersRecordAtOnce(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{PartRows: 1000, PartEvery: 5 * time.Millisecond})
	r := NewRecorder(w, time.Now())
	const producers, records = 4, 1500
	tps := []TopicPartition{{"a", 0}, {"a", 1}, {"b", 2}}
	var wg sync.WaitGroup
	for process := range int32(producers) {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(process)))
			var answers sync.WaitGroup
			var flying []Ticket
			for i := range records {
				flying = append(flying, r.Begin(process, tps[i%len(tps)]))
				r.Wire(WireEvent{Kind: WireRequest, Action: ActionPassed, Process: process})
				if i%200 == 0 {
					r.Counts()
				}
				if len(flying) > 10 || i == records-1 {
					random.Shuffle(len(flying), func(a, b int) { flying[a], flying[b] = flying[b], flying[a] })
					batch := slices.Clone(flying)
					flying = flying[:0]
					answers.Go(func() {
						for _, ticket := range batch {
							if err := r.End(ticket, Outcome(1+ticket.Number%3), ticket.Number, ""); err != nil {
								t.Error(err)
							}
						}
					})
				}
			}
			answers.Wait()
		})
	}
	wg.Wait()
	if counts := r.Counts(); counts.Calls != producers*records || counts.Pending != 0 || r.Err() != nil {
		t.Fatalf("counts %+v, error %v", counts, r.Err())
	}
	run := finish(t, w, dir)
	seen := 0
	var readers sync.WaitGroup
	var mu sync.Mutex
	for _, tp := range tps {
		for _, process := range run.Lanes(tp) {
			readers.Go(func() { // cursors of several goroutines share part files
				ops := readOps(t, run, tp, process)
				for i, op := range ops {
					if op.Number != int64(i) {
						t.Errorf("process %d in %s: number %d at place %d", process, tp, op.Number, i)
						return
					}
				}
				mu.Lock()
				seen += len(ops)
				mu.Unlock()
			})
		}
	}
	readers.Wait()
	events := 0
	last := int64(-1)
	for e, err := range run.Wire() {
		if err != nil || e.At < last {
			t.Fatalf("wire event at %d after %d: %v", e.At, last, err)
		}
		last = e.At
		events++
	}
	if seen != producers*records || events != producers*records {
		t.Fatalf("%d ops and %d events, want %d of each", seen, events, producers*records)
	}
	for _, p := range slices.Concat(run.ops, run.log, run.wire) {
		if p.users != 0 || p.file != nil {
			t.Fatalf("%s is still open for %d users", p.name, p.users)
		}
	}
}

func TestOneProcessIsGivenUpAndTheOthersGoOn(t *testing.T) {
	w, dir := testWriter(t, WriterOptions{})
	r := NewRecorder(w, time.Now())
	killed, answered, other := r.Begin(1, testTP), r.Begin(1, testTP), r.Begin(2, testTP)
	if err := r.End(answered, Acked, 5, ""); err != nil {
		t.Fatal(err)
	}
	if n := r.GiveUpOn(1, "killed"); n != 1 || r.GiveUpOn(1, "again") != 0 || r.GiveUpOn(9, "nobody") != 0 {
		t.Errorf("%d given up, want 1 and then none", n)
	}
	if err := r.End(killed, Acked, 4, ""); !errors.Is(err, ErrGivenUp) {
		t.Errorf("an answer of a process that is gone: %v", err)
	}
	if err := r.End(other, Acked, 6, ""); err != nil {
		t.Errorf("an answer of another process: %v", err)
	}
	if c := r.CountsOf(1); c.Calls != 2 || c.Acked != 1 || c.Unknown != 1 || c.Pending != 0 || c.Late != 1 {
		t.Errorf("%+v", c)
	}
	ops := readOps(t, finish(t, w, dir), testTP, 1)
	// It was not left unanswered: from then on it was known that no answer comes.
	if op := ops[0]; op.Outcome != Unknown || op.Return == Forever || op.Return < op.Call {
		t.Errorf("%+v", op)
	}
}
