package nemesis

import "fmt"

// moment is the start or the end of one fault of a nemesis.
type moment struct {
	of   occasion
	what string // start, end
}

// before lists what must have happened before a moment comes: the other faults
// that it waits for, and a fault's own start before its end.
func (all occasions) before(m moment) []moment {
	spec := all[m.of.entry]
	var moments []moment
	wait := func(reference, what string) {
		if reference == "" {
			return
		}
		if o, err := all.refer(reference, m.of.time); err == nil { // else checkReference complains
			moments = append(moments, moment{o, what})
		}
	}
	if m.what == "end" {
		moments = append(moments, moment{m.of, "start"})
		wait(spec.Heal.Ended, "end")
		return moments
	}
	wait(spec.When.Started, "start")
	wait(spec.When.Ended, "end")
	return moments
}

// waitsForItself follows what an entry's faults wait for. It returns the circle
// in words, the moment that waits for itself, whose, and the field to look at;
// empty for none.
func (all occasions) waitsForItself(entry int) (field, what, whose, circle string) {
	spec := all[entry]
	if spec.When.Started == "" && spec.When.Ended == "" && spec.Heal.Ended == "" {
		return "", "", "", ""
	}
	for time := range all.times(entry) {
		o := occasion{entry, time}
		for _, m := range []struct{ field, what string }{{"when", "start"}, {"heal", "end"}} {
			at := moment{o, m.what}
			if circle := all.walk(at, at, make(map[moment]bool)); circle != "" {
				return m.field, m.what, all.call(o), circle
			}
		}
	}
	return "", "", "", ""
}

// walk goes back from a moment until it comes to another, and says how; "" when
// it never does.
func (all occasions) walk(at, to moment, seen map[moment]bool) string {
	for _, m := range all.before(at) {
		step := fmt.Sprintf("the %s of %s waits for the %s of %s", at.what, all.call(at.of), m.what, all.call(m.of))
		if m == to {
			return step
		}
		if seen[m] {
			continue
		}
		seen[m] = true
		if rest := all.walk(m, to, seen); rest != "" {
			return step + ", " + rest
		}
	}
	return ""
}
