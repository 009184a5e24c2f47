package checker

import (
	"cmp"
	"maps"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// place names a record and where it stands.
type place struct {
	process int32
	number  int64
	offset  int64
}

// nowhere is the zero of place: no such record.
var nowhere = place{process: -1, number: -1, offset: history.NoOffset}

// finding is one record that breaks a guarantee.
type finding struct {
	kind Kind
	place
	acked int64 // acked offset, or history.NoOffset
	due   int64 // stuck: when it should have been answered
	cause place // order kinds: the record that stands before it and should not
}

// continues says whether the finding has the same root cause as the one before
// it: the same overtaking record, or the next record of the same batch.
func (f finding) continues(before finding) bool {
	switch f.kind {
	case Reorder, StaleOrder:
		return f.cause == before.cause
	case Foreign, Corrupt, Misplaced, Unsent:
		return f.offset == before.offset+1
	}
	if f.process != before.process || f.number != before.number+1 {
		return false
	}
	if f.kind == WrongOffset && f.acked-f.offset != before.acked-before.offset {
		return false
	}
	return f.offset == before.offset+1 || f.offset == history.NoOffset && before.offset == history.NoOffset
}

// group is a root cause: its first finding, and how many there are.
type group struct {
	tp history.TopicPartition
	finding
	count int64
}

// tally sums up one kind.
type tally struct {
	count, causes int64
	// foreign counts, for stale-order, the findings whose cause is another
	// process's record: those that reordering within a process does not explain.
	foreign int64
	kept    []group // the first few
}

// add takes another tally in, behind this one.
func (t *tally) add(other *tally, limit int) {
	t.count += other.count
	t.causes += other.causes
	t.foreign += other.foreign
	t.kept = append(t.kept, other.kept[:min(len(other.kept), max(0, limit-len(t.kept)))]...)
}

// findings collects what is wrong in one partition, grouped by root cause as it
// comes, so that its size does not grow with the number of findings.
type findings struct {
	tp    history.TopicPartition
	limit int // groups kept of each kind
	kinds map[Kind]*tally
	open  map[openGroup]*openState
}

// openGroup names the group that the next finding may continue. Findings of
// different processes interleave, so each has its own; the cause of a stale
// order is one per partition.
type openGroup struct {
	kind    Kind
	process int32
}

type openState struct {
	last finding
	kept int // index in tally.kept, or -1
}

func newFindings(tp history.TopicPartition, limit int) *findings {
	return &findings{tp: tp, limit: limit, kinds: make(map[Kind]*tally), open: make(map[openGroup]*openState)}
}

func (fs *findings) add(f finding) {
	t := fs.kinds[f.kind]
	if t == nil {
		t = &tally{}
		fs.kinds[f.kind] = t
	}
	t.count++
	key := openGroup{f.kind, f.process}
	if f.kind == StaleOrder {
		key.process = -1
		if f.cause.process != f.process {
			t.foreign++
		}
	}
	open := fs.open[key]
	if open != nil && f.continues(open.last) {
		open.last = f
		if open.kept >= 0 {
			t.kept[open.kept].count++
		}
		return
	}
	if open == nil {
		open = &openState{}
		fs.open[key] = open
	}
	open.last, open.kept = f, -1
	t.causes++
	if len(t.kept) < fs.limit {
		open.kept = len(t.kept)
		t.kept = append(t.kept, group{tp: fs.tp, finding: f, count: 1})
	}
}

// count returns how many findings of a kind there are.
func (fs *findings) count(kind Kind) int64 {
	if t := fs.kinds[kind]; t != nil {
		return t.count
	}
	return 0
}

// sortedKeys lists a map's keys, rising.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
