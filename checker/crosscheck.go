package checker

import (
	"errors"
	"fmt"
	"io"

	"github.com/idemcheck/idemcheck/history"
)

// CrossCheck is a second judge of one partition, which shares no code with the
// first. checker/linear has one built on porcupine; whoever calls Judge hands
// it in, so that this package need not know it.
type CrossCheck interface {
	// Partition judges the ops of every process and the final read of one
	// partition; when whole is false, the beginning of the final read with the
	// ops up to the highest number in it. It returns counts by anomaly kind:
	// duplicate, lost (0 unless whole), failed-visible, unsent, and
	// stale-order, which is 1 when the partition is not linearizable and 0 when
	// it is. Acknowledgements of the processes in unproven prove no append
	// (acks=0).
	Partition(ops map[int32]*history.OpBlock, log *history.LogBlock, unproven map[int32]bool, whole bool) (map[string]int64, error)
}

// CrossCheckRows is how many log records of a run the second judge goes over
// at most: all of them in most runs, a sample of each partition in larger ones.
const CrossCheckRows = 1_000_000

// crossCheck lets the second judge go over a partition, or the first rows of
// it, and compares. It returns how many log records that were.
func crossCheck(second CrossCheck, s *sweep, src rows, processes []history.Process, rows int64) (int64, error) {
	log, all, err := readLog(src.Log(s.tp), rows)
	if err != nil {
		return 0, fmt.Errorf("read the log of %s again: %w", s.tp, err)
	}
	whole := all && s.complete
	upTo := make(map[int32]int64)
	for i, number := range log.Number {
		if log.Standing[i] == history.Intact {
			upTo[log.Process[i]] = max(upTo[log.Process[i]], number+1)
		}
	}
	ops, unproven := make(map[int32]*history.OpBlock), make(map[int32]bool)
	for _, id := range src.Lanes(s.tp) {
		limit := upTo[id]
		if whole {
			limit = history.Forever
		}
		if ops[id], err = readOps(src.Ops(s.tp, id), limit); err != nil {
			return 0, fmt.Errorf("read the ops of process %d in %s again: %w", id, s.tp, err)
		}
	}
	for _, p := range processes {
		unproven[p.ID] = p.Acks == "0"
	}
	counts, err := second.Partition(ops, log, unproven, whole)
	if err != nil {
		return 0, fmt.Errorf("cross-check of %s: %w", s.tp, err)
	}
	return int64(len(log.Offset)), s.compare(counts, log, all)
}

// compare holds the second judge's counts against the sweep's. Of a sample only
// the order can be compared: its end cuts through everything else.
func (s *sweep) compare(counts map[string]int64, log *history.LogBlock, all bool) error {
	stale := int64(0)
	if n := len(log.Offset); s.firstStale >= 0 && n > 0 && s.firstStale <= log.Offset[n-1] {
		stale = 1
	}
	if counts[string(StaleOrder)] != stale {
		return broken("the two judges of %s disagree about %s (sweep: %d, cross-check: %d): this is a bug in idemcheck, please report it with the run directory",
			s.tp, StaleOrder, stale, counts[string(StaleOrder)])
	}
	if !all {
		return nil
	}
	for _, kind := range []Kind{Duplicate, Lost, FailedVisible, Unsent} {
		if kind == Lost && s.anyUnproven() {
			continue // scenarios that set out to show loss count it where nothing is promised
		}
		if mine, theirs := s.found.count(kind), counts[string(kind)]; mine != theirs {
			return broken("the two judges of %s disagree about %s (sweep: %d, cross-check: %d): this is a bug in idemcheck, please report it with the run directory",
				s.tp, kind, mine, theirs)
		}
	}
	return nil
}

// readLog reads up to limit records; all says whether that was everything.
func readLog(c logCursor, limit int64) (to *history.LogBlock, all bool, err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	to = &history.LogBlock{}
	for {
		b, err := c.Next()
		if errors.Is(err, io.EOF) {
			return to, true, nil
		}
		if err != nil {
			return nil, false, err
		}
		n := len(b.Offset)
		if room := limit - int64(len(to.Offset)); int64(n) > room {
			n = int(room)
		}
		to.Offset = append(to.Offset, b.Offset[:n]...)
		to.Number = append(to.Number, b.Number[:n]...)
		to.Process = append(to.Process, b.Process[:n]...)
		to.Standing = append(to.Standing, b.Standing[:n]...)
		if n < len(b.Offset) {
			return to, false, nil
		}
	}
}

// readOps reads the ops with numbers below limit.
func readOps(c opCursor, limit int64) (to *history.OpBlock, err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	to = &history.OpBlock{}
	for {
		b, err := c.Next()
		if errors.Is(err, io.EOF) {
			return to, nil
		}
		if err != nil {
			return nil, err
		}
		n := len(b.Number)
		for n > 0 && b.Number[n-1] >= limit {
			n--
		}
		to.Number = append(to.Number, b.Number[:n]...)
		to.Call = append(to.Call, b.Call[:n]...)
		to.Return = append(to.Return, b.Return[:n]...)
		to.Offset = append(to.Offset, b.Offset[:n]...)
		to.Outcome = append(to.Outcome, b.Outcome[:n]...)
		if n < len(b.Number) {
			return to, nil
		}
	}
}

// anyUnproven says whether some producer here sends with acks=0.
func (s *sweep) anyUnproven() bool {
	for _, l := range s.lanes {
		if l.unproven {
			return true
		}
	}
	return false
}
