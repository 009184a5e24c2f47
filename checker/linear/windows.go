package linear

import (
	"math"
	"slices"

	"github.com/anishathalye/porcupine"
)

const (
	// windowOps is how many new ops a window brings. porcupine's work in a
	// window grows with its square; below 64 the overhead of a call shows.
	windowOps = 128
	// carriedOps is how many ops of earlier windows go into a window at most.
	carriedOps = 64
)

// ranked is one op whose place in the log is known: it is the rank-th record.
// ret is math.MaxInt64 when it never returned.
type ranked struct {
	call, ret int64
}

// rankModel is a log whose content is given: the append of the record at a
// rank can take effect only when the log is that long.
func rankModel() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return 0 },
		Step: func(state, input, _ any) (bool, any) {
			at := state.(int)
			return input.(int) == at, at + 1
		},
		Hash: func(state any) uint64 { return uint64(state.(int)) },
	}
}

// windows decides, window by window, whether ops handed in by rank are
// linearizable in that order. A window holds the next ops, and those of
// earlier windows that are open while some op of it is: an op that returned
// before any of the window's did cannot be in the way of one (its call is
// earlier still). Only if too many are open the ones called first are left
// out, which constrain least: the latest call alone decides, and it is kept.
// So no violation is missed, and, as leaving ops out of a linearizable history
// leaves it linearizable, none is made up.
type windows struct {
	model   porcupine.Model
	size    int      // new ops in a window
	most    int      // ops carried over
	carried []ranked // by rank
	fresh   []ranked
	broken  bool
}

func newWindows(size, most int) *windows {
	return &windows{model: rankModel(), size: size, most: most}
}

func (w *windows) add(op ranked) {
	w.fresh = append(w.fresh, op)
	if len(w.fresh) == w.size {
		w.close()
	}
}

// finish judges what is left and returns the answer.
func (w *windows) finish() (linearizable bool) {
	w.close()
	return !w.broken
}

func (w *windows) close() {
	if len(w.fresh) == 0 {
		return
	}
	if !w.broken {
		w.broken = !w.linearizable()
	}
	w.carried = append(w.carried, w.fresh...)
	w.fresh = w.fresh[:0]
	w.thin()
}

// linearizable asks porcupine about the window.
func (w *windows) linearizable() bool {
	earliest := int64(math.MaxInt64)
	for _, op := range w.fresh {
		earliest = min(earliest, op.ret)
	}
	all := make([]porcupine.Operation, 0, len(w.carried)+len(w.fresh))
	add := func(op ranked) {
		all = append(all, porcupine.Operation{Input: len(all), Call: op.call, Return: op.ret})
	}
	for _, op := range w.carried {
		if op.ret >= earliest {
			add(op)
		}
	}
	for _, op := range w.fresh {
		add(op)
	}
	return porcupine.CheckOperations(w.model, all)
}

// thin keeps the carried ops that were called last, in the order of rank.
func (w *windows) thin() {
	extra := len(w.carried) - w.most
	if extra <= 0 {
		return
	}
	calls := make([]int64, len(w.carried))
	for i, op := range w.carried {
		calls[i] = op.call
	}
	slices.Sort(calls)
	last := calls[extra-1] // the latest call to go
	for _, call := range calls[:extra] {
		if call < last {
			extra--
		}
	}
	w.carried = slices.DeleteFunc(w.carried, func(op ranked) bool {
		if op.call == last && extra > 0 { // of equal calls some go and some stay
			extra--
			return true
		}
		return op.call < last
	})
}
