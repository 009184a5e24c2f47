package nemesis

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// occasion is one time of one entry of a nemesis: what becomes one planned
// fault. Both numbers count from 0.
type occasion struct{ entry, time int }

// occasions are those of a nemesis, in its order. Their places are the ids of
// the planned faults.
type occasions []history.FaultSpec

// times is how often an entry strikes. What Check complains of is cut to bounds.
func (all occasions) times(entry int) int { return min(max(all[entry].Times, 1), mostTimes) }

// id is the place of an occasion among all.
func (all occasions) id(o occasion) int {
	id := o.time
	for entry := range o.entry {
		id += all.times(entry)
	}
	return id
}

// named counts the entries of a name, and their occasions.
func (all occasions) named(name string) (entries, times int) {
	for i, spec := range all {
		if spec.Fault == name {
			entries++
			times += all.times(i)
		}
	}
	return entries, times
}

// nth is the k-th occasion of a name, from 1; false when there are fewer.
func (all occasions) nth(name string, k int) (occasion, bool) {
	for i, spec := range all {
		if spec.Fault != name {
			continue
		}
		if times := all.times(i); k > times {
			k -= times
			continue
		}
		return occasion{i, k - 1}, k >= 1
	}
	return occasion{}, false
}

// refer finds which occasion one of another entry means by NAME#K, the K-th of
// that name over the whole nemesis, or by NAME: when one entry has it, the k-th
// time means the k-th of the other, or its last.
func (all occasions) refer(reference string, time int) (occasion, error) {
	name, number, counted := strings.Cut(reference, "#")
	entries, times := all.named(name)
	if entries == 0 {
		return occasion{}, fmt.Errorf("no fault %q in this nemesis", name)
	}
	if !counted {
		if entries > 1 {
			return occasion{}, fmt.Errorf("%q stands %d times in this nemesis; which one is meant? (%s#1 is the first)", name, entries, name)
		}
		o, _ := all.nth(name, min(time+1, times))
		return o, nil
	}
	k, err := strconv.Atoi(number)
	if err != nil || k < 1 || strconv.Itoa(k) != number {
		return occasion{}, fmt.Errorf("%q: want a number from 1 behind the #, like %s#1", reference, name)
	}
	o, ok := all.nth(name, k)
	if !ok {
		return o, fmt.Errorf("there is no %s: %s strikes %d times in this nemesis", reference, name, times)
	}
	return o, nil
}

// call is the shortest reference to an occasion.
func (all occasions) call(o occasion) string {
	name, before := all[o.entry].Fault, 0
	if _, times := all.named(name); times == 1 {
		return name
	}
	for i := range o.entry {
		if all[i].Fault == name {
			before += all.times(i)
		}
	}
	return fmt.Sprintf("%s#%d", name, before+o.time+1)
}

// checkReference wants a reference to one occasion of another entry.
func checkReference(field, name, other string, all occasions, at int, complain complain) {
	o, err := all.refer(other, 0)
	switch own := all[at].Fault; {
	case other == own && err == nil:
		complain(field, "%s: %s cannot wait for itself", name, other)
	case err != nil:
		complain(field, "%s: %v", name, err)
	case o.entry == at:
		complain(field, "%s: %s is a fault of this entry, which cannot wait for itself", name, other)
	}
}
