package checker

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// investigation follows one root cause through log, ops and wire.
type investigation struct {
	group
	watch   *watch // what the wire showed of its first record
	caused  *watch // order kinds: of the record that stands before it; else nil
	copies  []int64
	op      history.Op
	hasOp   bool
	anomaly Anomaly
}

func investigate(g group, watches *watches) *investigation {
	inv := &investigation{group: g}
	inv.watch = watches.add(g.tp, &watch{process: g.process, offset: history.NoOffset})
	if g.number >= 0 && g.kind != Foreign && g.kind != Misplaced {
		inv.watch.numbers = []int64{g.number}
	}
	switch g.kind {
	case Foreign, Corrupt, Misplaced, Unsent, FailedVisible:
		inv.watch.offset = g.offset
	case Lost:
		inv.watch.offset = g.acked
	}
	if g.cause != nowhere {
		inv.caused = watches.add(g.tp, &watch{process: g.cause.process, numbers: []int64{g.cause.number}, offset: history.NoOffset})
	}
	return inv
}

// solve fills in the anomalies once the journal has been read.
func (j *judgement) solve() error {
	if err := j.findCopies(); err != nil {
		return err
	}
	for _, inv := range j.kept {
		if err := j.gather(inv); err != nil {
			return err
		}
		d := j.diagnose(inv)
		inv.anomaly.Blame, inv.anomaly.Cause, inv.anomaly.Diagnosis = d.blame, d.cause, d.text
		if inv.count > 1 {
			inv.anomaly.Diagnosis += fmt.Sprintf(" (and %s more the same way)", records(inv.count-1))
		}
	}
	return nil
}

// findCopies reads the log of partitions with duplicates once more, to find
// where every copy of the kept ones stands. The sweep does not remember that
// for every record on the chance that a second copy comes.
func (j *judgement) findCopies() error {
	wanted := make(map[history.TopicPartition]map[place][]*investigation)
	for _, inv := range j.kept {
		if inv.kind == Duplicate {
			if wanted[inv.tp] == nil {
				wanted[inv.tp] = make(map[place][]*investigation)
			}
			// A record that stands three times is two of them.
			at := place{process: inv.process, number: inv.number}
			wanted[inv.tp][at] = append(wanted[inv.tp][at], inv)
		}
	}
	for _, p := range j.parts {
		if wanted[p.tp] != nil {
			if err := j.copiesIn(p.tp, wanted[p.tp]); err != nil {
				return fmt.Errorf("read the log of %s again: %w", p.tp, err)
			}
		}
	}
	return nil
}

func (j *judgement) copiesIn(tp history.TopicPartition, wanted map[place][]*investigation) (err error) {
	log := j.rows.Log(tp)
	defer func() { err = errors.Join(err, log.Close()) }()
	for {
		b, err := log.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i, number := range b.Number {
			if b.Standing[i] != history.Intact {
				continue
			}
			for _, inv := range wanted[place{process: b.Process[i], number: number}] {
				inv.copies = append(inv.copies, b.Offset[i])
			}
		}
	}
}

// gather collects the evidence of one anomaly: ops, log records, wire events.
func (j *judgement) gather(inv *investigation) error {
	a := &inv.anomaly
	*a = Anomaly{
		Kind: inv.kind, Count: inv.count, Process: inv.process, Number: inv.number,
		Topic: inv.tp.Topic, Partition: inv.tp.Partition, Wire: inv.watch.events,
	}
	switch {
	case inv.kind == Duplicate:
		a.Offsets = inv.copies
	case inv.caused != nil:
		a.Offsets = []int64{inv.cause.offset, inv.offset}
		a.Wire = mergeEvents(inv.watch.events, inv.caused.events)
	case inv.offset >= 0:
		a.Offsets = []int64{inv.offset}
	}
	if inv.process >= 0 && inv.number >= 0 && inv.kind != Misplaced && inv.kind != Foreign && inv.kind != Unsent {
		op, ok, err := j.rows.FindOp(inv.process, inv.tp, inv.number)
		if err != nil {
			return fmt.Errorf("look up op %d of process %d: %w", inv.number, inv.process, err)
		}
		if ok {
			inv.op, inv.hasOp = op, true
			a.Ops = append(a.Ops, op)
		}
	}
	if inv.caused != nil {
		op, ok, err := j.rows.FindOp(inv.cause.process, inv.tp, inv.cause.number)
		if err != nil {
			return fmt.Errorf("look up op %d of process %d: %w", inv.cause.number, inv.cause.process, err)
		}
		if ok {
			a.Ops = append(a.Ops, op)
		}
	}
	at := slices.Clone(a.Offsets)
	if inv.acked >= 0 && !slices.Contains(at, inv.acked) {
		at = append(at, inv.acked) // what stands where the record should
	}
	for _, offset := range at {
		found, ok, err := j.rows.FindLog(inv.tp, offset)
		if err != nil {
			return fmt.Errorf("look up offset %d of %s: %w", offset, inv.tp, err)
		}
		if ok {
			a.Log = append(a.Log, found)
		}
	}
	return nil
}

// mergeEvents puts two stretches of the journal together in time order, an
// event that is in both once.
func mergeEvents(a, b []history.WireEvent) []history.WireEvent {
	merged := make([]history.WireEvent, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] == b[0]:
			merged, a, b = append(merged, a[0]), a[1:], b[1:]
		case a[0].At <= b[0].At:
			merged, a = append(merged, a[0]), a[1:]
		default:
			merged, b = append(merged, b[0]), b[1:]
		}
	}
	return append(append(merged, a...), b...)
}
