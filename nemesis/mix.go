package nemesis

import (
	"fmt"
	"math"

	"github.com/idemcheck/idemcheck/history"
)

const (
	mostWeight = 1000
	// longestGap is how many times the mean an exponential gap may be: so that
	// one draw does not use up the whole run.
	longestGap = 4
)

// CheckMix finds what is impossible in a mix. The fields of its problems are
// paths below it: "gap.spread", "faults[2].heal".
func CheckMix(mix history.MixSpec) []Problem {
	var problems []Problem
	complain := func(field, format string, values ...any) {
		problems = append(problems, Problem{field, fmt.Sprintf(format, values...)})
	}
	if len(mix.Faults) == 0 {
		complain("faults", "a mix needs faults: name at least one, like [{fault: cut-after-append, weight: 3}]")
	}
	if mix.Budget < 1 || mix.Budget > mostTimes {
		complain("budget", "budget %d: want the number of faults, 1 to %d", mix.Budget, mostTimes)
	}
	if families := len(families()); mix.Family < 0 || mix.Family > families {
		complain("families", "families %d: want 1 to %d", mix.Family, families)
	}
	switch g := mix.Gap; {
	case (g.Records != 0) == (g.Acks != 0):
		complain("gap", "want exactly one of records and acks: how many of them lie between two faults on average, like {records: 200}")
	case g.Records < 0 || g.Acks < 0 || g.Records+g.Acks > mostCount:
		complain("gap", "gap %d: want 1 or more", g.Records+g.Acks)
	}
	switch mix.Gap.Spread {
	case "", history.SpreadExponential, history.SpreadUniform:
	default:
		complain("gap.spread", "spread %q: want %s or %s", mix.Gap.Spread, history.SpreadExponential, history.SpreadUniform)
	}
	for i, spec := range mix.Specs() {
		at := func(field string) string {
			if field == "" {
				return fmt.Sprintf("faults[%d]", i)
			}
			return fmt.Sprintf("faults[%d].%s", i, field)
		}
		if w := mix.Faults[i].Weight; w < 0 || w > mostWeight {
			complain(at("weight"), "weight %d: want 1 to %d", w, mostWeight)
		}
		if spec.Heal.Ended != "" {
			complain(at("heal"), "ended: in a mix nobody knows which fault comes next: heal after a time, like {after: 2s}")
			continue
		}
		if spec.Fault == DeleteTopic || spec.Fault == RecreateTopic {
			complain(at("fault"), "%s happens once in a run, and a mix may draw it again: list it in the nemesis", spec.Fault)
			continue
		}
		for _, p := range Check([]history.FaultSpec{spec}, 0) {
			complain(at(p.Field), "%s", p.Message)
		}
		if kind, err := ByName(spec.Fault); err == nil && kind.lasting && spec.Heal.After == 0 {
			complain(at("heal"), "%s lasts until it is healed, and in a mix others wait for it: say when, like heal: {after: 2s}", spec.Fault)
		}
	}
	return problems
}

// DrawMix turns a mix into planned faults that follow on first others of a plan.
//
// Everything is drawn from streams of its own: the gaps from one; which fault
// strikes at a place, from one per entry; what it hits, from one per entry and
// place. So another entry takes some places over, in proportion to its weight,
// and leaves all others as they were.
func DrawMix(mix history.MixSpec, shape Shape, seed uint64, first int) ([]history.PlannedFault, error) {
	if problems := CheckMix(mix); len(problems) > 0 {
		return nil, fmt.Errorf("mix: %s: %s", problems[0].Field, problems[0].Message)
	}
	specs, names := mix.Specs(), entryNames(mix)
	for i, spec := range specs {
		if err := inShape(spec, shape); err != nil {
			return nil, fmt.Errorf("mix: fault %d (%s): %w", i, spec.Fault, err)
		}
	}
	picked := race(mix, names, seed)
	gaps := history.Stream(seed, "mix/gap")
	var plan []history.PlannedFault
	var reached int64
	for place, entry := range picked {
		f := concrete(specs[entry], shape, history.Stream(seed, fmt.Sprintf("mix/fault/%s/%d", names[entry], place)))
		f.ID = int32(first + place)
		reached += gap(mix.Gap, gaps.ExpFloat64(), gaps.Float64())
		f.Trigger.Count = reached
		f.Families, f.Optional = mix.Families(), true
		plan = append(plan, f)
	}
	return plan, nil
}

// entryNames names every entry by its fault and its place among those of it.
func entryNames(mix history.MixSpec) []string {
	seen := make(map[string]int)
	names := make([]string, len(mix.Faults))
	for i, f := range mix.Faults {
		names[i] = fmt.Sprintf("%s/%d", f.Fault, seen[f.Fault])
		seen[f.Fault]++
	}
	return names
}

// race picks the entry for every place. Each entry runs for each place in an
// exponential time of its own, by its weight, and the first wins: that is a
// choice by weight in which nobody's time depends on who else runs.
func race(mix history.MixSpec, names []string, seed uint64) []int {
	picked, best := make([]int, mix.Budget), make([]float64, mix.Budget)
	for i, f := range mix.Faults {
		from := history.Stream(seed, "mix/choice/"+names[i])
		for place := range picked {
			if t := from.ExpFloat64() / float64(max(f.Weight, 1)); i == 0 || t < best[place] {
				picked[place], best[place] = i, t
			}
		}
	}
	return picked
}

// gap is how much is sent between two faults, at least one. It uses one of two
// numbers drawn, so that the spread of a mix does not shift the other.
func gap(spec history.GapSpec, exponential, uniform float64) int64 {
	share := min(exponential, longestGap)
	if spec.Spread == history.SpreadUniform {
		share = 0.5 + uniform
	}
	return max(int64(math.Round(share*float64(spec.Records+spec.Acks))), 1)
}
