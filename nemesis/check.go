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

// Check finds what is impossible in one entry of a scenario's nemesis, the one
// at that place of all.
func Check(all []history.FaultSpec, at int) []Problem {
	spec := all[at]
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
		"share": spec.Share != 0,
	} {
		if set && !slices.Contains(kind.knobs, field) {
			complain(field, "%s takes no %s", spec.Fault, field)
		}
	}
	if spec.Times < 0 || spec.Times > mostTimes {
		complain("times", "times %d: want 1 to %d", spec.Times, mostTimes)
	}
	checkTrigger(kind, all, at, complain)
	checkTarget(spec, kind, complain)
	checkHeal(kind, all, at, complain)
	checkPinned(spec, kind, complain)
	if field, what, whose, circle := occasions(all).waitsForItself(at); circle != "" {
		complain(field, "the %s of %s never comes: %s", what, whose, circle)
	}
	checkDeletions(all, at, complain)
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

func checkTrigger(kind Kind, all []history.FaultSpec, at int, complain complain) {
	spec := all[at]
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
			checkReference("when", name, other, all, at, complain)
		}
	}
	if set != 1 {
		complain("when", "want exactly one of acks, requests, records, sequence, unacked, started, ended; there are %d", set)
	}
}

// checkTarget wants no target that the fault would not look at.
func checkTarget(spec history.FaultSpec, kind Kind, complain complain) {
	takes := kind.targets
	if onTopic(kind.role) {
		takes = append(slices.Clone(takes), "topic")
	}
	for name, which := range map[string]history.Which{
		"partition": spec.Target.Partition, "broker": spec.Target.Broker, "producer": spec.Target.Producer, "topic": spec.Target.Topic,
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

func checkHeal(kind Kind, all []history.FaultSpec, at int, complain complain) {
	spec := all[at]
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
		checkReference("heal", "ended", spec.Heal.Ended, all, at, complain)
		name, _, _ := strings.Cut(spec.Heal.Ended, "#")
		if other, err := ByName(name); err == nil && kind.alone && other.alone {
			complain("heal", "ended: faults that are to be alone take turns: %s would wait for %s, and %s for its turn (heal after a time instead)",
				spec.Fault, other.Name, other.Name)
		}
	}
}

// checkPinned wants what a plan says beyond a scenario's usual words where it
// means something.
func checkPinned(spec history.FaultSpec, kind Kind, complain complain) {
	if spec.Seed != 0 && !kind.draws {
		complain("seed", "%s makes no choices while it is in force, and takes no seed", spec.Fault)
	}
	if families := len(families()); spec.Families < 0 || spec.Families > families {
		complain("families", "families %d: want 1 to %d, or leave it out to wait for nobody", spec.Families, families)
	}
	if spec.Families > 0 && kind.lasting && spec.Heal.After == 0 {
		complain("heal", "%s lasts until it is healed, and with families others wait for it: say when, like heal: {after: 2s}", spec.Fault)
	}
}
