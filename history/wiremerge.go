package history

import (
	"cmp"
	"errors"
	"io"
	"iter"
	"slices"
)

// wireHead is a part of the wire journal that is being read, at its next event.
type wireHead struct {
	rows  *rowReader[WireEvent]
	block []WireEvent
}

// advance drops the first event; io.EOF when there is no other.
func (h *wireHead) advance() error {
	if len(h.block) > 1 {
		h.block = h.block[1:]
		return nil
	}
	block, err := h.rows.next()
	h.block = block
	return err
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
		if !yield(open[next].block[0], nil) {
			return nil
		}
		err := open[next].advance()
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
