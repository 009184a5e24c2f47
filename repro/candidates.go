package repro

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// A pass tries simplifications of one sort on the best scenario so far. It may
// depend on the best and on what try answers, and on nothing else, so that a
// resumed search tries the same.
type pass func(*search)

// passes lists them in the order in which they are tried, again and again until
// none helps: first what makes every later run shorter, then what makes it
// plainer.
func passes() []pass {
	return []pass{
		dropFaults, plainFaults, // a broker that need not die saves seconds a run, and what hangs on its timing
		inStep,
		fewerClients, fewerProducers, fewerTopics, fewerPartitions, fewerBrokers,
		fewerRecords,
		allPlain, lessAround,
		plainFlow, plainClients, plainConfig,
		plainKnobs, shorterHeals, weakerTriggers, fewerTimes, anyTarget,
		lessAsked,
	}
}

// edited is a copy of the best scenario with a change. Slices and maps that a
// change may write to are its own; ranges are never written to, only replaced.
func (s *search) edited(change func(*suites.Scenario)) suites.Scenario {
	sc := s.best
	sc.Nemesis, sc.Clients = slices.Clone(sc.Nemesis), slices.Clone(sc.Clients)
	for i := range sc.Nemesis {
		sc.Nemesis[i].Config = maps.Clone(sc.Nemesis[i].Config)
	}
	sc.Cluster.Config, sc.Topics.Config = maps.Clone(sc.Cluster.Config), maps.Clone(sc.Topics.Config)
	change(&sc)
	return sc
}

// change tries one edit.
func (s *search) change(what string, change func(*suites.Scenario)) bool {
	return s.try(what, s.edited(change))
}

// lower looks for the least value that still counts, from what it is now down
// to least: in leaps first, since most of a long run has nothing to do with an
// anomaly, then by halving what lies between. set makes the edit; now is 0 for
// a value that is left out, which is then left alone.
func (s *search) lower(what string, now, least int64, set func(*suites.Scenario, int64)) {
	if now <= least {
		return
	}
	attempt := func(to int64) bool {
		return s.change(fmt.Sprintf("%s %d -> %d", what, now, to), func(sc *suites.Scenario) { set(sc, to) })
	}
	failed := least - 1 // the greatest that is known not to do
	for _, by := range []int64{0, 16, 4, 2} {
		for now > least {
			to := least
			if by > 0 {
				to = max(now/by, least)
			}
			if to <= failed {
				break
			}
			if !attempt(to) {
				failed = max(failed, to)
				break
			}
			now = to
		}
	}
	for now-failed > max(1, now/8) {
		to := failed + (now-failed)/2
		if attempt(to) {
			now = to
		} else {
			failed = to
		}
	}
}

// fault names an entry as it stood at the start: "fault 3, reset".
func (s *search) fault(i int) string {
	return fmt.Sprintf("fault %d, %s", s.origin[i], s.best.Nemesis[i].Fault)
}

// faults names several.
func (s *search) faults(entries []int) string {
	if len(entries) == 1 {
		return s.fault(entries[0])
	}
	var numbers []string
	for _, i := range entries {
		numbers = append(numbers, fmt.Sprint(s.origin[i]))
	}
	return "faults " + strings.Join(numbers, ", ")
}

// inStep has every call wait until the wire is at rest: a run in step comes
// back more often than one that races, and what follows goes faster for it. Where
// an anomaly needs several records under way, a burst of them is one step.
func inStep(s *search) {
	if s.best.Workload.Step {
		return
	}
	step := func(w *history.WorkloadSpec) { w.Step, w.Rate, w.Tail = true, "", 0 } // neither goes with it
	if s.change("in step", func(sc *suites.Scenario) { step(&sc.Workload) }) || s.best.Workload.Burst > 0 {
		return
	}
	for _, burst := range []int{5, 20} {
		if s.change(fmt.Sprintf("in step, in bursts of %d", burst), func(sc *suites.Scenario) {
			step(&sc.Workload)
			sc.Workload.Burst, sc.Workload.Outstanding, sc.Workload.Batch = burst, 0, 0
		}) {
			return
		}
	}
}

// allPlain tries at once what the passes behind it try one by one and what
// mostly has nothing to do with an anomaly: every step that counts costs
// several runs, so one in the place of ten is worth the one run that it costs
// in vain.
func allPlain(s *search) {
	s.change("all plain: no warm-up, tail, options, properties, families, cover, nothing optional", func(sc *suites.Scenario) {
		sc.Workload.Warmup, sc.Workload.Tail = 0, 0
		sc.Workload.Size = min(sc.Workload.Size, plainSize)
		for i := range sc.Clients {
			sc.Clients[i].Options = suites.Options{TransactionalID: sc.Clients[i].Options.TransactionalID}
		}
		for i := range sc.Nemesis {
			sc.Nemesis[i].Families, sc.Nemesis[i].Optional = 0, false
		}
		sc.Topics.Config, sc.Cluster.Config, sc.Cover = nil, nil, nil
		sc.Budget = min(sc.Budget, leastBudget)
	})
}

// lessAsked drops what the result itself does not need.
func lessAsked(s *search) {
	if len(s.best.Cover) > 0 {
		s.change("drop cover", func(sc *suites.Scenario) { sc.Cover = nil })
	}
	optional := func(f history.FaultSpec) bool { return f.Optional }
	if slices.ContainsFunc(s.best.Nemesis, optional) {
		s.change("no fault is optional", func(sc *suites.Scenario) {
			for i := range sc.Nemesis {
				sc.Nemesis[i].Optional = false
			}
		})
	}
	for i := range s.best.Nemesis {
		if s.best.Nemesis[i].Optional {
			s.change(s.fault(i)+" is not optional", func(sc *suites.Scenario) { sc.Nemesis[i].Optional = false })
		}
	}
	for s.best.Budget > leastBudget {
		to := max(s.best.Budget/2, leastBudget).Round(time.Second)
		if !s.change(fmt.Sprintf("budget %s -> %s", s.best.Budget, to), func(sc *suites.Scenario) { sc.Budget = to }) {
			return
		}
	}
}

// leastBudget of a run is what a cluster in containers needs on a slow machine.
const leastBudget = 30 * time.Second
