package runner

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

// Draw turns a scenario and a seed into a concrete plan. The same two give the
// same plan, anywhere.
func Draw(sc suites.Scenario, seed uint64) (*history.Plan, error) {
	workload, err := workloads.ByName(sc.Workload.Name)
	if err != nil {
		return nil, err
	}
	plan := &history.Plan{Schema: history.PlanSchema, Seed: seed}
	plan.Workload, err = workload.Draw(sc.Workload, sc.Topics.Partitions, history.Stream(seed, "workload/"+sc.Workload.Name))
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", sc.Workload.Name, err)
	}
	plan.Workload.Budget = sc.Budget
	shape := nemesis.Shape{
		Topics: sc.Topics.Count, Partitions: sc.Topics.Partitions,
		Producers: sc.Workload.Producers, Brokers: sc.Cluster.Brokers,
	}
	plan.Faults, err = nemesis.Draw(sc.Nemesis, shape, seed)
	if err != nil || sc.Mix == nil {
		return plan, err
	}
	mixed, err := nemesis.DrawMix(*sc.Mix, shape, seed, len(plan.Faults))
	plan.Faults = append(plan.Faults, mixed...)
	return plan, err
}
