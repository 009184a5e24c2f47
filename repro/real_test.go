package repro

import (
	"slices"
	"testing"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

// vocabulary is the real one, as the command line gathers it, but for the
// libraries.
func vocabulary() suites.Vocabulary {
	v := suites.Vocabulary{
		Library: func(string) error { return nil },
		Counter: checker.KnownCounter,
		API:     func(string) bool { return true },
		Workload: func(s *suites.Scenario) error {
			workload, err := workloads.ByName(s.Workload.Name)
			if err != nil {
				return err
			}
			_, err = workload.Draw(s.Workload, s.Topics.Partitions, history.Stream(0, "check"))
			return err
		},
		Fault: func(all []history.FaultSpec, at int) []suites.FieldProblem {
			var problems []suites.FieldProblem
			for _, p := range nemesis.Check(all, at) {
				problems = append(problems, suites.FieldProblem(p))
			}
			return problems
		},
		Mix: func(history.MixSpec) []suites.FieldProblem { return nil },
		OfProducer: func(fault string) (process, transactional bool) {
			kind, err := nemesis.ByName(fault)
			return err == nil && kind.Process, err == nil && kind.Transactional
		},
		Transactional: workloads.Transactional,
		Checks:        []string{"duplicates"},
	}
	for _, w := range workloads.All() {
		v.Workloads = append(v.Workloads, w.Name())
	}
	return v
}

// drawn is a plan of the hostile mix as a scenario of its own.
func drawn(t *testing.T, seed uint64) suites.Scenario {
	t.Helper()
	all, err := suites.Find("mix/hostile", realForFind())
	if err != nil {
		t.Fatal(err)
	}
	sc := all[0].Drawn(seed)
	shape := nemesis.Shape{Topics: sc.Topics.Count, Partitions: sc.Topics.Partitions, Producers: sc.Workload.Producers, Brokers: sc.Cluster.Brokers}
	plan, err := nemesis.DrawMix(*sc.Mix, shape, seed, 0)
	if err != nil {
		t.Fatal(err)
	}
	if sc.Nemesis, err = nemesis.Specs(plan); err != nil {
		t.Fatal(err)
	}
	sc.Mix, sc.Folder, sc.File, sc.Check = nil, "", "", []string{"duplicates"}
	sc.Workload.Partitions = [][]int32{{5, 4, 3, 2, 1, 0}, {0, 1, 2, 3, 4, 5}, {3, 1, 2, 0, 5, 4}}
	return sc
}

func realForFind() suites.Vocabulary {
	v := vocabulary()
	for _, c := range checker.Names() {
		v.Checks = append(v.Checks, c.Name)
	}
	for _, k := range checker.Kinds() {
		v.Anomalies = append(v.Anomalies, string(k))
	}
	v.Usual = []string{"duplicates"}
	return v
}

// A plan of the mix that idemcheck searches with, the real validation, and a
// bug that needs one fault of every family in turn: nearly every candidate must
// be one that can be run, and what is left must be what the bug needs.
func TestPlansOfTheHostileMixShrinkToWhatTheBugNeeds(t *testing.T) {
	for seed := range uint64(4) {
		start := drawn(t, seed)
		needs := start.Nemesis[int(seed)%len(start.Nemesis)].Fault
		l := newLab(always(func(sc suites.Scenario) bool {
			return sc.Workload.Records >= 5 && slices.ContainsFunc(sc.Nemesis, func(f history.FaultSpec) bool { return f.Fault == needs })
		}))
		task := l.task()
		invalid := map[string]int{}
		task.Start, task.Facts.Partition = start, 3
		task.Valid = func(sc suites.Scenario) error {
			err := sc.Valid(vocabulary())
			if err != nil {
				invalid[err.Error()]++
			}
			return err
		}
		r := shrunk(t, task)
		sc := r.Scenario
		if len(sc.Nemesis) != 1 || sc.Nemesis[0].Fault != needs || sc.Workload.Records != 5 || sc.Workload.Producers != 1 || sc.Topics.Partitions != 1 || !sc.Workload.Step {
			t.Errorf("seed %d, %s: %+v, %+v", seed, needs, sc.Nemesis, sc.Workload)
		}
		if r.Invalid > r.Tried/3 {
			t.Errorf("seed %d: %d candidates are invalid, of %d tried: %v", seed, r.Invalid, r.Tried, invalid)
		}
		t.Logf("seed %d, %s of %d faults: %d runs, %d candidates, invalid %v", seed, needs, len(start.Nemesis), r.Runs, r.Tried, invalid)
	}
}
