package history

import (
	"fmt"
	"sync"
)

// flushOps is how many finished ops of a lane are handed to the writer at once.
const flushOps = 256

// lane holds the ops of one process in one partition that the writer does not
// have yet: the pending ones, and those that wait behind them, since ops are
// written in number order.
type lane struct {
	key laneKey

	mu     sync.Mutex // guards what follows
	held   []heldOp
	head   int   // of held: what stands before it was handed over
	first  int64 // number of held[head]
	ready  int   // finished ops from head on
	called int64 // when the last one was
	gone   map[int64]struct{}
	counts Counts // but for Pending
	closed bool   // everything was handed over, for good
}

// heldOp is an Op without what its lane knows.
type heldOp struct {
	call, ret, offset int64
	err               string
	outcome           Outcome
}

// begin adds the pending ops of one call and returns the first one's number.
func (l *lane) begin(r *Recorder, n int) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	number := l.first + int64(len(l.held)-l.head)
	l.called = max(r.Now(), l.called+1) // on a coarse clock two calls would look like one
	for range n {
		l.held = append(l.held, heldOp{call: l.called, ret: Forever, offset: NoOffset})
	}
	l.counts.Calls += int64(n)
	return number
}

// end finishes one op, and hands over what no longer waits.
func (l *lane) end(r *Recorder, number int64, outcome Outcome, offset int64, errText string) error {
	now := r.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.about(number, ErrClosed)
	}
	if _, given := l.gone[number]; given {
		l.counts.Late++
		return l.about(number, ErrGivenUp)
	}
	at := number - l.first
	if at < 0 || l.held[l.head+int(at)].outcome != Pending {
		l.counts.AnsweredTwice++
		return l.about(number, ErrAnsweredTwice)
	}
	op := &l.held[l.head+int(at)]
	op.ret, op.outcome, op.offset, op.err = now, outcome, offset, errText
	l.count(outcome)
	if at != int64(l.ready) {
		return nil
	}
	l.advance()
	if l.ready >= flushOps {
		return l.flush(r, l.ready)
	}
	return nil
}

func (l *lane) about(number int64, err error) error {
	return fmt.Errorf("end op: process %d, %s/%d, number %d: %w", l.key.Process, l.key.Topic, l.key.Partition, number, err)
}

func (l *lane) count(outcome Outcome) {
	switch outcome {
	case Acked:
		l.counts.Acked++
	case Failed:
		l.counts.Failed++
	case Unknown:
		l.counts.Unknown++
	default:
		panic(fmt.Sprintf("history: impossible outcome %d of an answered op", uint8(outcome)))
	}
}

// advance moves ready over the finished ops in front. l.mu is held.
func (l *lane) advance() {
	for l.head+l.ready < len(l.held) && l.held[l.head+l.ready].outcome != Pending {
		l.ready++
	}
}

// giveUp makes the pending ops unknown, with ret as their return time, and
// returns how many there were.
func (l *lane) giveUp(r *Recorder, ret int64, reason string) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for i := range l.held[l.head:] {
		op := &l.held[l.head+i]
		if op.outcome != Pending {
			continue
		}
		op.outcome, op.ret, op.err = Unknown, max(ret, op.call), reason
		l.counts.Unknown++
		if l.gone == nil {
			l.gone = make(map[int64]struct{})
		}
		l.gone[l.first+int64(i)] = struct{}{}
		n++
	}
	l.advance()
	return n, l.flush(r, l.ready)
}

// handOver hands over what is ready or, the last time, everything.
func (l *lane) handOver(r *Recorder, last bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !last {
		return l.flush(r, l.ready)
	}
	l.closed = true
	return l.flush(r, len(l.held)-l.head)
}

// flush hands the first n ops held to the writer. l.mu is held, so that two
// flushes of a lane reach the writer in order. What the writer refuses is
// lost, and said so by the error; keeping it would only fill the memory.
func (l *lane) flush(r *Recorder, n int) error {
	var failed error
	for n > 0 {
		some := min(n, pageRows)
		if err := put(r.w, r.w.ops, l.key, some, l.fill); err != nil {
			failed = err
		}
		l.head += some
		l.first += int64(some)
		l.ready = max(0, l.ready-some)
		n -= some
	}
	// Move the rest to the front when that is no more work than was just done.
	if rest := len(l.held) - l.head; rest <= l.head {
		copy(l.held, l.held[l.head:])
		clear(l.held[rest:])
		l.held, l.head = l.held[:rest], 0
	}
	return failed
}

// fill writes the first len(to) ops held to to.
func (l *lane) fill(to []Op) {
	for i := range to {
		op := &l.held[l.head+i]
		to[i] = Op{
			Process: l.key.Process, Topic: l.key.Topic, Partition: l.key.Partition, Number: l.first + int64(i),
			Call: op.call, Return: op.ret, Outcome: op.outcome, Offset: op.offset, Error: op.err,
		}
	}
}
