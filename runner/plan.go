package runner

import (
	"fmt"
	"slices"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

// Draw turns a scenario and a seed into a concrete plan. The same two give the
// same plan, anywhere. What varies is drawn as well: the plan's scenario is the
// one that is left.
func Draw(sc suites.Scenario, seed uint64) (*history.Plan, error) {
	sc = sc.Drawn(seed)
	plan := &history.Plan{Schema: history.PlanSchema, Seed: seed}
	var err error
	if plan.Scenario, err = suites.Resolve(sc); err != nil {
		return nil, err
	}
	if plan.Workload, err = drawWorkload(sc, seed); err != nil {
		return nil, err
	}
	plan.Faults, err = nemesis.Draw(sc.Nemesis, shape(sc), seed)
	if err != nil || sc.Mix == nil {
		return plan, err
	}
	mixed, err := nemesis.DrawMix(*sc.Mix, shape(sc), seed, len(plan.Faults))
	plan.Faults = append(plan.Faults, mixed...)
	return plan, err
}

func drawWorkload(sc suites.Scenario, seed uint64) (history.WorkloadPlan, error) {
	workload, err := workloads.ByName(sc.Workload.Name)
	if err != nil {
		return history.WorkloadPlan{}, err
	}
	plan, err := workload.Draw(sc.Workload, sc.Topics.Partitions, history.Stream(seed, "workload/"+sc.Workload.Name))
	if err != nil {
		return plan, fmt.Errorf("workload %s: %w", sc.Workload.Name, err)
	}
	plan.Budget = sc.Budget
	return plan, nil
}

// shape is what the faults of a scenario can refer to.
func shape(sc suites.Scenario) nemesis.Shape {
	return nemesis.Shape{
		Topics: sc.Topics.Count, Partitions: sc.Topics.Partitions,
		Producers: sc.Workload.Producers, Brokers: sc.Cluster.Brokers,
	}
}

// Pin is the scenario from which every seed draws this plan: its faults are
// listed one by one with all that was drawn of them, in place of ranges, a mix
// and what varies, and so are the partitions that its producers send to. Everything else,
// the rest of the workload included, stays as the scenario has it.
func Pin(sc suites.Scenario, plan *history.Plan) (suites.Scenario, error) {
	sc = sc.Drawn(plan.Seed)
	specs, err := nemesis.Specs(plan.Faults)
	if err != nil {
		return sc, err
	}
	sc.Mix, sc.Nemesis = nil, nil
	if len(specs) > 0 {
		sc.Nemesis = specs
	}
	sc.Workload.Lanes, sc.Workload.Partitions = 0, nil
	for _, lane := range plan.Workload.Partitions {
		sc.Workload.Partitions = append(sc.Workload.Partitions, slices.Clone(lane.Partitions))
	}
	return sc, nil
}
