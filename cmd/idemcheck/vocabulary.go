package main

import (
	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/proxy"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

// vocabulary gathers the names that a scenario may use from the rooms that own
// them.
func vocabulary() suites.Vocabulary {
	v := suites.Vocabulary{
		Library: provision.Check,
		Counter: checker.KnownCounter,
		API: func(name string) bool {
			_, ok := proxy.APIKey(name)
			return ok
		},
		Workload: func(s *suites.Scenario) error {
			workload, err := workloads.ByName(s.Workload.Name)
			if err != nil {
				return err
			}
			_, err = workload.Draw(s.Workload, max(s.Topics.Partitions, 1), history.Stream(0, "check"))
			return err
		},
		Fault: func(all []history.FaultSpec, at int) []suites.FieldProblem {
			var problems []suites.FieldProblem
			for _, p := range nemesis.Check(all, at) {
				problems = append(problems, suites.FieldProblem(p))
			}
			return problems
		},
		Mix: func(mix history.MixSpec) []suites.FieldProblem {
			var problems []suites.FieldProblem
			for _, p := range nemesis.CheckMix(mix) {
				problems = append(problems, suites.FieldProblem(p))
			}
			return problems
		},
		OfProducer: func(fault string) (process, transactional bool) {
			kind, err := nemesis.ByName(fault) // an unknown name is complained of elsewhere
			return err == nil && kind.Process, err == nil && kind.Transactional
		},
		Transactional: workloads.Transactional,
	}
	for _, w := range workloads.All() {
		v.Workloads = append(v.Workloads, w.Name())
	}
	for _, c := range checker.Names() {
		v.Checks = append(v.Checks, c.Name)
		if !c.ByName {
			v.Usual = append(v.Usual, c.Name)
		}
	}
	for _, kind := range checker.Kinds() {
		v.Anomalies = append(v.Anomalies, string(kind))
	}
	return v
}
