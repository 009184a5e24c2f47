package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// Problem is one thing wrong with a fault spec: Field is its key ("when",
// "error", ...), empty for the entry as a whole.
type Problem struct {
	Field   string
	Message string
}

// Check finds what is impossible in one entry of a scenario's nemesis, given
// the names of all entries.
func Check(spec history.FaultSpec, all []history.FaultSpec) []Problem {
	kind, err := ByName(spec.Fault)
	if err != nil {
		return []Problem{{"fault", err.Error()}}
	}
	var problems []Problem
	complain := func(field, format string, values ...any) {
		problems = append(problems, Problem{field, fmt.Sprintf(format, values...)})
	}
	for field, set := range map[string]bool{
		"error": spec.Error != 0, "append": spec.Append, "delay": spec.Delay != 0, "rate": spec.Rate != 0, "size": spec.Size != 0, "batches": spec.Batches != 0,
		"how": spec.How != "", "from": spec.From != "", "way": spec.Way != "", "kafka": spec.Kafka != "", "config": len(spec.Config) > 0,
	} {
		if set && !slices.Contains(kind.knobs, field) {
			complain(field, "%s takes no %s", spec.Fault, field)
		}
	}
	if spec.Times < 0 || spec.Times > mostTimes {
		complain("times", "times %d: want 1 to %d", spec.Times, mostTimes)
	}
	checkTrigger(spec, kind, all, complain)
	checkTarget(spec, kind, complain)
	checkHeal(spec, kind, all, complain)
	if field, what, circle := waitsForItself(spec.Fault, all); circle != "" {
		complain(field, "the %s of %s never comes: %s", what, spec.Fault, circle)
	}
	checkDeletions(spec, all, complain)
	if kind.check != nil {
		kind.check(spec, complain)
	}
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Field+a.Message, b.Field+b.Message) })
	return problems
}

const (
	mostTimes = 10_000
	mostCount = 1_000_000_000_000 // of a trigger; more than any run comes to
)

func checkTrigger(spec history.FaultSpec, kind Kind, all []history.FaultSpec, complain complain) {
	w, set := spec.When, 0
	for name, r := range map[string]*history.Range{
		"acks": w.Acks, "requests": w.Requests, "records": w.Records, "sequence": w.Sequence, "unacked": w.Unacked,
	} {
		if r == nil {
			continue
		}
		set++
		least := int64(1)
		if name == "sequence" {
			least = 0
		}
		switch {
		case r.Least < least:
			complain("when", "%s %d: want %d or more", name, r.Least, least)
		case r.Most < r.Least:
			complain("when", "%s %d..%d: the range runs backwards", name, r.Least, r.Most)
		case r.Most > mostCount:
			complain("when", "%s %d: want %d at most", name, r.Most, int64(mostCount))
		}
	}
	if w.Records != nil && w.Partition != (history.Which{}) {
		complain("when", "records are counted by producer only: leave partition out (requests and acks are counted by partition)")
	}
	if (w.Started != "" || w.Ended != "") && kind.beside != nil && (w.Producer != history.Which{} || w.Partition != history.Which{}) {
		complain("when", "%s after another fault is not about a producer or partition: leave them out", spec.Fault)
	}
	for name, other := range map[string]string{"started": w.Started, "ended": w.Ended} {
		if other != "" {
			set++
			checkReference("when", name, other, spec, all, complain)
		}
	}
	if set != 1 {
		complain("when", "want exactly one of acks, requests, records, sequence, unacked, started, ended; there are %d", set)
	}
}

// checkTarget wants no target that the fault would not look at.
func checkTarget(spec history.FaultSpec, kind Kind, complain complain) {
	takes := kind.targets
	for name, which := range map[string]history.Which{
		"partition": spec.Target.Partition, "broker": spec.Target.Broker, "producer": spec.Target.Producer,
	} {
		if which == (history.Which{}) || slices.Contains(takes, name) {
			continue
		}
		if len(takes) == 0 {
			complain("target", "%s takes no target", spec.Fault)
		} else {
			complain("target", "%s takes no target %s, only %s", spec.Fault, name, strings.Join(takes, ", "))
		}
	}
}

func checkHeal(spec history.FaultSpec, kind Kind, all []history.FaultSpec, complain complain) {
	if spec.Heal == (history.HealSpec{}) {
		return
	}
	if !kind.lasting {
		complain("heal", "%s is over by itself and takes no heal", spec.Fault)
	}
	if spec.Heal.After < 0 {
		complain("heal", "after %s: want a time above 0, like 3s", spec.Heal.After)
	}
	if spec.Heal.After != 0 && spec.Heal.Ended != "" {
		complain("heal", "want one of after and ended, not both")
	}
	if spec.Heal.Ended != "" {
		checkReference("heal", "ended", spec.Heal.Ended, spec, all, complain)
		if other, err := ByName(spec.Heal.Ended); err == nil && kind.alone && other.alone {
			complain("heal", "ended: faults that are to be alone take turns: %s would wait for %s, and %s for its turn (heal after a time instead)",
				spec.Fault, other.Name, other.Name)
		}
	}
}

// waitsForItself follows what must have happened before a fault starts and
// ends: the other faults that it waits for, and its own start before its end. It returns the circle in words, the moment (start
// or end) that waits for itself, and the field to look at; empty for none.
func waitsForItself(fault string, all []history.FaultSpec) (field, what, circle string) {
	specs := make(map[string]history.FaultSpec)
	for _, s := range all {
		specs[s.Fault] = s
	}
	type moment struct{ fault, what string }
	before := func(m moment) (all []moment) {
		s := specs[m.fault]
		if m.what == "end" {
			all = append(all, moment{m.fault, "start"})
			if s.Heal.Ended != "" {
				all = append(all, moment{s.Heal.Ended, "end"})
			}
			return all
		}
		if s.When.Started != "" {
			all = append(all, moment{s.When.Started, "start"})
		}
		if s.When.Ended != "" {
			all = append(all, moment{s.When.Ended, "end"})
		}
		return all
	}
	var walk func(at, to moment, seen map[moment]bool) string
	walk = func(at, to moment, seen map[moment]bool) string {
		for _, m := range before(at) {
			if m == to {
				return fmt.Sprintf("the %s of %s waits for the %s of %s", at.what, at.fault, m.what, m.fault)
			}
			if seen[m] {
				continue
			}
			seen[m] = true
			if rest := walk(m, to, seen); rest != "" {
				return fmt.Sprintf("the %s of %s waits for the %s of %s, %s", at.what, at.fault, m.what, m.fault, rest)
			}
		}
		return ""
	}
	for field, what := range map[string]string{"when": "start", "heal": "end"} {
		at := moment{fault, what}
		if circle := walk(at, at, make(map[moment]bool)); circle != "" {
			return field, what, circle
		}
	}
	return "", "", ""
}

// checkReference wants exactly one other entry of that name.
func checkReference(field, name, other string, spec history.FaultSpec, all []history.FaultSpec, complain complain) {
	count := 0
	for _, s := range all {
		if s.Fault == other {
			count++
		}
	}
	switch {
	case other == spec.Fault:
		complain(field, "%s: %s cannot wait for itself", name, other)
	case count == 0:
		complain(field, "%s: no fault %q in this nemesis", name, other)
	case count > 1:
		complain(field, "%s: %q stands %d times in this nemesis; which one is meant?", name, other, count)
	}
}
