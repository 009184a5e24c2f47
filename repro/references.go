package repro

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// reference is a fault that another waits for: an entry of the nemesis, and
// which time of it, from 0. each: it was named without a number, so that the
// k-th time waits for the k-th.
type reference struct {
	entry, time int
	each        bool
}

// none is the reference of a fault that waits for no other.
var none = reference{entry: -1}

// waits is what one entry waits for.
type waits struct{ started, ended, heal reference }

// waiting resolves who waits for whom, so that entries can be dropped and
// renamed; relink writes it back.
func waiting(nemesis []history.FaultSpec) []waits {
	all := make([]waits, len(nemesis))
	for i, f := range nemesis {
		all[i] = waits{refer(nemesis, f.When.Started), refer(nemesis, f.When.Ended), refer(nemesis, f.Heal.Ended)}
	}
	return all
}

// refer resolves NAME or NAME#K. What names nothing is none: the scenario is
// then not valid anyway.
func refer(nemesis []history.FaultSpec, text string) reference {
	if text == "" {
		return none
	}
	name, number, counted := strings.Cut(text, "#")
	k, err := strconv.Atoi(number)
	if !counted || err != nil {
		k = 1
	}
	for i, f := range nemesis {
		if f.Fault != name {
			continue
		}
		if times := max(f.Times, 1); k > times {
			k -= times
			continue
		}
		return reference{i, k - 1, !counted}
	}
	return none
}

// call is what a reference is written as.
func call(nemesis []history.FaultSpec, r reference) string {
	if r.entry < 0 {
		return ""
	}
	name, entries, times, before := nemesis[r.entry].Fault, 0, 0, 0
	for i, f := range nemesis {
		if f.Fault != name {
			continue
		}
		if i < r.entry {
			before += max(f.Times, 1)
		}
		entries++
		times += max(f.Times, 1)
	}
	if entries == 1 && (times == 1 || r.each) {
		return name
	}
	return fmt.Sprintf("%s#%d", name, before+min(r.time, max(nemesis[r.entry].Times, 1)-1)+1)
}

// relink writes who waits for whom into the entries.
func relink(nemesis []history.FaultSpec, all []waits) {
	for i := range nemesis {
		f := &nemesis[i]
		f.When.Started, f.When.Ended, f.Heal.Ended = call(nemesis, all[i].started), call(nemesis, all[i].ended), call(nemesis, all[i].heal)
	}
}

// without drops entries, those that begin only after a dropped one with them.
// An entry that was to heal with a dropped one heals after a time of its own.
// left lists the places of what stays.
func without(nemesis []history.FaultSpec, drop map[int]bool) (rest []history.FaultSpec, left []int) {
	all := waiting(nemesis)
	gone := make([]bool, len(nemesis))
	for more := true; more; {
		more = false
		for i, w := range all {
			lost := drop[i] || w.started.entry >= 0 && gone[w.started.entry] || w.ended.entry >= 0 && gone[w.ended.entry]
			if lost && !gone[i] {
				gone[i], more = true, true
			}
		}
	}
	place := make([]int, len(nemesis)) // where it stands then
	for i := range nemesis {
		if place[i] = len(left); !gone[i] {
			left = append(left, i)
		}
	}
	moved := func(r reference) reference {
		if r.entry >= 0 {
			r.entry = place[r.entry]
		}
		return r
	}
	kept := make([]waits, len(left))
	for at, i := range left {
		f, w := nemesis[i], all[i]
		if w.heal.entry >= 0 && gone[w.heal.entry] {
			w.heal, f.Heal.After = none, healsByItself
		}
		rest = append(rest, f)
		kept[at] = waits{moved(w.started), moved(w.ended), moved(w.heal)}
	}
	relink(rest, kept)
	return rest, left
}

// entriesOf lists the entries of a nemesis of which every planned fault is
// among ids.
func entriesOf(nemesis []history.FaultSpec, ids []int32) []int {
	var entries []int
	next := int32(0)
	for i, f := range nemesis {
		all := true
		for range max(f.Times, 1) {
			all = all && slices.Contains(ids, next)
			next++
		}
		if all {
			entries = append(entries, i)
		}
	}
	return entries
}
