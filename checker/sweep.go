package checker

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/idemcheck/idemcheck/history"
)

// partition is what judging one partition starts from.
type partition struct {
	tp         history.TopicPartition
	start, end int64 // offsets: the log's first, and the frontier of the final read
	whole      bool  // the final read claims to have reached the frontier
}

// sweep joins the final read of one partition with the ops of all processes,
// in one pass in offset order, and judges order on the way.
//
// Order in linear time: a record at rank o has to take effect before the one at
// rank o+1, and within the interval of its op. Such points exist if and only if
// no op returned before an op that stands earlier was called; so it is enough
// to hold every return against the latest call so far (latest).
type sweep struct {
	partition
	found *findings
	lanes map[int32]*lane
	lane  *lane // of the record before: neighbours mostly come from one process

	latest     int64 // latest call of the records so far
	latestFrom place // the record that was called then

	// misacked holds records that stand elsewhere than they were acked, while
	// a second copy may still turn up at the acked offset.
	misacked map[place]misack // by place without offset

	nextOffset int64
	complete   bool // the log went up to the frontier
	controls   int64
	intact     int64
	copies     int64 // after the first
	unacked    int64 // in the log, outcome unknown
	records    int64
	tallies    opTallies
	firstStale int64 // offset of the first record that broke real-time order, or history.NoOffset

	crossChecked int64 // log records that the second judge went over
}

func newSweep(p partition, processes []history.Process, src rows, clock *runClock, limit int) (*sweep, error) {
	s := &sweep{
		partition: p, found: newFindings(p.tp, limit), lanes: make(map[int32]*lane),
		latest: math.MinInt64, latestFrom: nowhere, misacked: make(map[place]misack),
		nextOffset: p.start, firstStale: history.NoOffset,
	}
	known := make(map[int32]history.Process, len(processes))
	for _, process := range processes {
		known[process.ID] = process
	}
	for _, id := range src.Lanes(p.tp) {
		process, ok := known[id]
		if !ok {
			return nil, broken("%s has ops of process %d, which the manifest does not list", p.tp, id)
		}
		s.lanes[id] = newLane(process, src.Ops(p.tp, id), clock, s.found)
	}
	return s, nil
}

// expectAll has order, or loss, judged also where nothing of it is promised: for
// scenarios that set out to show it. Where order is promised within a call, what
// is to be shown is that it is not kept there: calls that overlap prove nothing.
func (s *sweep) expectAll(kind Kind) {
	for _, l := range s.lanes {
		l.order = l.order || kind == Reorder && !l.inCall
		l.mayLose = l.mayLose && kind != Lost
	}
}

// run reads the partition to its end.
func (s *sweep) run(log logCursor) error {
	for {
		block, err := log.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", s.tp, err)
		}
		if err := s.readBlock(block); err != nil {
			return err
		}
	}
	s.complete = s.whole && s.nextOffset == s.end
	return s.settle()
}

// close ends the cursors of all lanes.
func (s *sweep) close() error {
	var first error
	for _, l := range s.lanes {
		if err := l.cursor.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}

func (s *sweep) readBlock(b *history.LogBlock) error {
	for i, offset := range b.Offset {
		if offset != s.nextOffset {
			return s.wrongNextOffset(offset)
		}
		s.nextOffset++
		var err error
		switch standing := b.Standing[i]; standing {
		case history.Intact:
			err = s.meet(place{b.Process[i], b.Number[i], offset})
		case history.Control:
			s.controls++
		default:
			s.strange(standing, place{b.Process[i], b.Number[i], offset})
		}
		if err != nil {
			return err
		}
	}
	s.records += int64(len(b.Offset))
	if len(s.misacked) > settleAbove {
		s.settleMisacked()
	}
	return nil
}

// wrongNextOffset says what is wrong with a final read that does not go on
// where it was. Without compaction and retention a partition has no holes, so
// a hole is the reader's.
func (s *sweep) wrongNextOffset(offset int64) error {
	switch {
	case offset > s.nextOffset:
		return broken("the final read of %s skips from offset %d to %d", s.tp, s.nextOffset, offset)
	default:
		return broken("the final read of %s has offset %d twice or out of order", s.tp, offset)
	}
}

// meet takes one intact record of the log.
func (s *sweep) meet(at place) error {
	s.intact++
	l := s.lane
	if l == nil || l.process != at.process {
		if l = s.lanes[at.process]; l == nil {
			s.unsent(at)
			return nil
		}
		s.lane = l
	}
	what, err := l.find(at.number)
	switch {
	case err != nil:
		return err
	case what == matchedNothing:
		s.unsent(at)
	case what == matchedAgain:
		s.again(at)
	default:
		s.first(l, &l.op, at)
	}
	return nil
}

// first takes the first copy of a record, the one that counts for order.
func (s *sweep) first(l *lane, o *op, at place) {
	switch o.outcome {
	case history.Acked:
		if o.offset != at.offset && o.offset != history.NoOffset {
			s.ackedElsewhere(o, at)
		}
		s.checkOrder(l, o, at)
	case history.Failed:
		s.failedVisible(at)
	case history.Unknown:
		s.unacked++
	}
	s.checkRealTime(o, l.answered(o), at)
}

// settle deals with what the end of the log leaves open.
func (s *sweep) settle() error {
	s.settleMisacked()
	for _, process := range s.processes() {
		l := s.lanes[process]
		err := l.rest(func(o op) {
			if o.outcome == history.Acked && s.complete && !l.mayLose {
				s.lost(l, o)
			}
		})
		if err != nil {
			return err
		}
		s.tallies.add(l.tallies)
	}
	return nil
}

// processes lists the lanes by rising process, so that findings come in the
// same order every time.
func (s *sweep) processes() []int32 { return sortedKeys(s.lanes) }
