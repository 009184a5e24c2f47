package suites

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// Vary lists, under names of one's own, in what a scenario's runs differ beyond
// its faults. For each name the seed chooses one alternative.
type Vary map[string][]Alternative

// Alternative is one way to be: what it sets takes the place of what the
// scenario says, and what it leaves out (or sets to zero) stays.
type Alternative struct {
	Weight      int                  `yaml:"weight,omitempty" json:"weight,omitempty"` // against the others'; 0 is 1
	Idempotence *bool                `yaml:"idempotence,omitempty" json:"idempotence,omitempty"`
	Options     Options              `yaml:"options,omitempty" json:"options"` // of every client
	Topics      Topics               `yaml:"topics,omitempty" json:"topics"`
	Workload    history.WorkloadSpec `yaml:"workload,omitempty" json:"workload"`
	Check       []string             `yaml:"check,omitempty" json:"check,omitempty"`
}

// mostVaried is how many combinations of alternatives a scenario may have: each
// is held to the rules when the file is loaded.
const mostVaried = 1000

// Drawn is the scenario that a seed makes of one whose runs vary: every choice
// made, nothing left to vary. Each alternative has a stream of its own, named
// after its place, so that another name, or one more alternative at the end,
// shifts no other choice. Names are gone through in alphabetical order.
func (s Scenario) Drawn(seed uint64) Scenario {
	vary := s.Vary
	s.Vary = nil
	for _, name := range slices.Sorted(maps.Keys(vary)) {
		picked, best := 0, 0.0
		for i, a := range vary[name] { // a race, as of the faults of a mix
			t := history.Stream(seed, fmt.Sprintf("vary/%s/%d", name, i)).ExpFloat64() / float64(max(a.Weight, 1))
			if i == 0 || t < best {
				picked, best = i, t
			}
		}
		s = s.as(vary[name][picked])
	}
	return s
}

// as is the scenario with one alternative in force.
func (s Scenario) as(a Alternative) Scenario {
	s.Clients = slices.Clone(s.Clients)
	for i := range s.Clients {
		c := &s.Clients[i]
		c.Options = over(c.Options, a.Options)
		if a.Idempotence != nil {
			c.Idempotence = *a.Idempotence
			c.OrWithout = c.OrWithout && c.Idempotence
			c.Defaults = false
		}
	}
	s.Topics = over(s.Topics, a.Topics)
	s.Workload = over(s.Workload, a.Workload)
	if len(a.Check) > 0 {
		s.Check = a.Check
	}
	return s
}

// over lays the fields that are set in top over those of base.
func over[T any](base, top T) T {
	to, from := reflect.ValueOf(&base).Elem(), reflect.ValueOf(top)
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			to.Field(i).Set(from.Field(i))
		}
	}
	return base
}

// validateVary holds every combination of alternatives to the rules of a
// scenario. What is wrong with many is told once.
func validateVary(s *Scenario, v Vocabulary, complain func(path, format string, values ...any)) {
	combinations := 1
	for _, name := range slices.Sorted(maps.Keys(s.Vary)) {
		if len(s.Vary[name]) == 0 {
			complain("$.vary."+name, "%s: want alternatives, at least one", name)
			return
		}
		for i, a := range s.Vary[name] {
			if a.Weight < 0 {
				complain(fmt.Sprintf("$.vary.%s[%d].weight", name, i), "weight %d: want 1 or more", a.Weight)
			}
		}
		if combinations *= len(s.Vary[name]); combinations > mostVaried {
			complain("$.vary", "vary: more than %d combinations", mostVaried)
			return
		}
	}
	plain := *s
	plain.Vary = nil
	known := make(map[string]bool)
	for _, p := range validate(&plain, v) {
		known[p.message] = true // and told already
	}
	var walk func(sc Scenario, names []string, path string)
	walk = func(sc Scenario, names []string, path string) {
		if len(names) == 0 {
			for _, p := range validate(&sc, v) {
				if !known[p.message] {
					known[p.message] = true
					complain(path, "%s", p.message)
				}
			}
			return
		}
		for i, a := range s.Vary[names[0]] {
			walk(sc.as(a), names[1:], fmt.Sprintf("$.vary.%s[%d]", names[0], i))
		}
	}
	walk(plain, slices.Sorted(maps.Keys(s.Vary)), "$.vary")
}
