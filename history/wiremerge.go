package history

import (
	"cmp"
	"errors"
	"io"
	"iter"
	"math"
	"slices"
)

// wireHead is a part of the wire journal that is being read, at its next event.
type wireHead struct {
	rows  *rowReader[WireEvent]
	block []WireEvent
}

// advance reads the next events; io.EOF when there are none.
func (h *wireHead) advance() (err error) {
	h.block, err = h.rows.next()
	return err
}

// errEnough: whom the events were yielded to wants no more.
var errEnough = errors.New("enough")

// yieldBefore yields the first event, and those after it that came before a
// moment. The error is io.EOF at the end of the part.
func (h *wireHead) yieldBefore(limit int64, yield func(WireEvent, error) bool) error {
	for {
		for i := range h.block {
			if i > 0 && h.block[i].At >= limit {
				h.block = h.block[i:]
				return nil
			}
			if !yield(h.block[i], nil) {
				return errEnough
			}
		}
		if err := h.advance(); err != nil {
			return err
		}
		if h.block[0].At >= limit {
			return nil
		}
	}
}

// Wire yields the wire journal in time order. Parts overlap a little in time
// (an event is stamped before it is written), so a part is opened as soon as
// its first event is due and merged with those that are not yet through. It
// ends after an error.
func (r *Run) Wire() iter.Seq2[WireEvent, error] {
	return func(yield func(WireEvent, error) bool) {
		if err := r.mergeWire(yield); err != nil {
			yield(WireEvent{}, err)
		}
	}
}

func (r *Run) mergeWire(yield func(WireEvent, error) bool) error {
	var waiting []*part
	for _, p := range r.wire {
		if p.err != nil {
			return p.err
		}
		if p.rows > 0 && len(p.runs) > 0 {
			waiting = append(waiting, p)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *part) int { return cmp.Compare(a.runs[0].First, b.runs[0].First) })
	columns := wireColumns()
	var open []*wireHead // two at most, but for odd clocks
	defer func() {
		for _, h := range open {
			h.rows.close()
		}
	}()
	for {
		next := -1
		for i, h := range open {
			if next < 0 || h.block[0].At < open[next].block[0].At {
				next = i
			}
		}
		if len(waiting) > 0 && (next < 0 || waiting[0].runs[0].First < open[next].block[0].At) {
			rows, err := openRows(waiting[0], columns, 0, waiting[0].rows)
			if err != nil {
				return err
			}
			waiting = waiting[1:]
			h := &wireHead{rows: rows}
			open = append(open, h)
			if err := h.advance(); err != nil {
				return err
			}
			continue
		}
		if next < 0 {
			return nil
		}
		// Everything before the next part's next event comes from this one.
		limit := int64(math.MaxInt64)
		if len(waiting) > 0 {
			limit = waiting[0].runs[0].First
		}
		for i, h := range open {
			if i != next {
				limit = min(limit, h.block[0].At)
			}
		}
		err := open[next].yieldBefore(limit, yield)
		if errors.Is(err, errEnough) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			open[next].rows.close()
			open = slices.Delete(open, next, next+1)
			continue
		}
		if err != nil {
			return err
		}
	}
}
