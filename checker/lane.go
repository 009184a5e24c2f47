package checker

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// op is the part of history.Op that judging needs.
type op struct {
	number, call, ret, offset int64
	outcome                   history.Outcome
}

// lane is one process in one partition: a cursor over its ops in number order,
// which the log drags along. Numbers are dense, so everything below next was
// either met in the log or waits; no table of all ops is needed.
type lane struct {
	process  int32
	order    bool  // the API promises that sends land in order
	inCall   bool  // ... or at least the records of one call
	deadline int64 // ns the client may take over a record; 0 is without limit
	unproven bool  // acks=0: success proves no append
	mayLose  bool  // acks=0: nothing is promised
	clock    *runClock
	found    *findings

	cursor  opCursor
	block   *history.OpBlock
	row     int
	next    int64 // number of the op that the cursor is at
	ended   bool
	op      op           // the one found or consumed last
	waiting map[int64]op // passed by, not met in the log yet

	lastCall int64
	before   int64           // when the ops read so far were answered, the latest of them
	top      place           // highest acked record met in the log so far
	tops     map[int64]place // the same by call time, where order is promised in a call only
	tallies  opTallies
}

// opTallies counts ops as they are read.
type opTallies struct {
	sent, acked, failed, unknown, unanswered, ackedAfterFault int64
	givenUpEarly                                              int64 // by the harness, before the deadline
}

func (t *opTallies) add(o opTallies) {
	t.sent += o.sent
	t.acked += o.acked
	t.failed += o.failed
	t.unknown += o.unknown
	t.unanswered += o.unanswered
	t.ackedAfterFault += o.ackedAfterFault
	t.givenUpEarly += o.givenUpEarly
}

// runClock holds the moments of the run that ops are held against, in ns since
// the clock base.
type runClock struct {
	firstFault int64 // history.Forever when there was none
	healed     int64
	drained    int64
}

// brokenAssumption is an error that makes the run unfit for judging.
type brokenAssumption string

func (b brokenAssumption) Error() string { return string(b) }

func broken(format string, args ...any) error {
	return brokenAssumption(fmt.Sprintf(format, args...))
}

func newLane(p history.Process, cursor opCursor, clock *runClock, found *findings) *lane {
	return &lane{
		process: p.ID, order: p.OrderPromised, inCall: p.OrderInCall, deadline: int64(p.Deadline), clock: clock, found: found, cursor: cursor,
		unproven: p.Acks == "0", mayLose: p.Acks == "0", waiting: make(map[int64]op), lastCall: math.MinInt64, top: nowhere,
	}
}

// answered is an op's return for the sake of order: an op that was not acked,
// or whose ack proves nothing, may be appended at any time after its call, so
// it never returned.
func (l *lane) answered(o *op) int64 {
	if o.outcome == history.Acked && !l.unproven {
		return o.ret
	}
	return history.Forever
}

// consume puts the op at the cursor into l.op and moves on; false at the end.
// What it finds out of order in the ops themselves is a broken assumption.
func (l *lane) consume() (bool, error) {
	if l.block == nil || l.row == len(l.block.Number) {
		if err := l.load(); err != nil || l.ended {
			return false, err
		}
	}
	b, i := l.block, l.row
	l.op = op{number: b.Number[i], call: b.Call[i], ret: b.Return[i], offset: b.Offset[i], outcome: b.Outcome[i]}
	l.row++
	o := &l.op
	if o.number != l.next || o.call < l.lastCall || o.ret < o.call || o.outcome != history.Acked || o.ret == history.Forever {
		if err := l.sane(*o); err != nil {
			return false, err
		}
	}
	l.next++
	l.lastCall = o.call
	l.tallies.sent++
	l.checkAnswered(o)
	switch o.outcome {
	case history.Acked:
		l.tallies.acked++
		if o.ret > l.clock.firstFault {
			l.tallies.ackedAfterFault++
		}
	case history.Failed:
		l.tallies.failed++
	case history.Unknown:
		l.tallies.unknown++
		if o.ret == history.Forever {
			l.tallies.unanswered++
		}
	}
	return true, nil
}

// load gets the next block that holds rows, or sets ended.
func (l *lane) load() error {
	for !l.ended {
		block, err := l.cursor.Next()
		switch {
		case errors.Is(err, io.EOF):
			l.block, l.ended = nil, true
		case err != nil:
			return fmt.Errorf("read the ops of process %d: %w", l.process, err)
		case len(block.Number) > 0:
			l.block, l.row = block, 0
			return nil
		}
	}
	return nil
}

// sane checks what every op of a sound run fulfils.
func (l *lane) sane(o op) error {
	switch {
	case o.number == l.next && o.call >= l.lastCall && o.ret >= o.call &&
		(o.outcome == history.Acked && o.ret != history.Forever || o.outcome > history.Acked && o.offset < 0) && o.outcome <= history.Unknown:
		return nil
	case o.number < l.next:
		return broken("process %d has two ops with number %d: an identity must be unique", l.process, o.number)
	case o.number > l.next:
		return broken("op %d of process %d is missing", l.next, l.process)
	case o.call < l.lastCall:
		return broken("the clock ran backwards: op %d of process %d was called before the op before it", o.number, l.process)
	case o.ret < o.call:
		return broken("the clock ran backwards: op %d of process %d returned before it was called", o.number, l.process)
	case o.outcome == history.Pending:
		return broken("op %d of process %d is still pending: the run was not drained", o.number, l.process)
	case o.outcome == history.Acked:
		return broken("op %d of process %d is acked and was never answered", o.number, l.process)
	case o.outcome == history.Failed, o.outcome == history.Unknown:
		return broken("op %d of process %d has outcome %s and an acked offset %d: it was answered twice", o.number, l.process, o.outcome, o.offset)
	}
	return broken("op %d of process %d has an impossible outcome %d", o.number, l.process, uint8(o.outcome))
}

// match is what became of a record of the log when its op was looked up.
type match uint8

const (
	matchedOp match = iota
	matchedAgain
	matchedNothing
)

// find looks up the op of a record met in the log, and puts it into l.op.
func (l *lane) find(number int64) (match, error) {
	if number < l.next {
		o, ok := l.waiting[number]
		if !ok {
			if number < 0 {
				return matchedNothing, nil
			}
			return matchedAgain, nil
		}
		delete(l.waiting, number)
		l.op = o
		return matchedOp, nil
	}
	for {
		ok, err := l.consume()
		if err != nil || !ok {
			return matchedNothing, err
		}
		if l.op.number == number {
			return matchedOp, nil
		}
		l.waiting[l.op.number] = l.op
	}
}

// rest hands every op that was not met in the log to f, by rising number.
func (l *lane) rest(f func(op)) error {
	for _, number := range slices.Sorted(maps.Keys(l.waiting)) {
		f(l.waiting[number])
	}
	l.waiting = nil
	for {
		ok, err := l.consume()
		if err != nil || !ok {
			return err
		}
		f(l.op)
	}
}
