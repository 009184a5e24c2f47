package suites

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/workloads"
)

// vocabulary is the real one, gathered as the command line gathers it. Only
// the libraries are named here, so that no client is linked in.
func vocabulary() Vocabulary {
	v := Vocabulary{
		Library: func(spec string) error {
			names := []string{"confluent-kafka-python", "franz-go", "kafka-clients", "kafka-go", "kafka-python", "kafkajs", "platformatic-kafka", "sarama"}
			if name, _, _ := strings.Cut(spec, "@"); !slices.Contains(names, name) {
				return fmt.Errorf("unknown client library %q (there are %s)", spec, strings.Join(names, ", "))
			}
			return nil
		},
		Counter: checker.KnownCounter,
		API:     func(name string) bool { return name == "InitProducerId" },
		Workload: func(s *Scenario) error {
			workload, err := workloads.ByName(s.Workload.Name)
			if err != nil {
				return err
			}
			_, err = workload.Draw(s.Workload, max(s.Topics.Partitions, 1), history.Stream(0, "check"))
			return err
		},
		Fault: func(all []history.FaultSpec, at int) []FieldProblem {
			var problems []FieldProblem
			for _, p := range nemesis.Check(all, at) {
				problems = append(problems, FieldProblem(p))
			}
			return problems
		},
		Mix: func(mix history.MixSpec) []FieldProblem {
			var problems []FieldProblem
			for _, p := range nemesis.CheckMix(mix) {
				problems = append(problems, FieldProblem(p))
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
