package runner

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

// Executable finds out whether a plan can be carried out, as it is written, with
// a scenario: the one it was drawn from, or one like it. Nothing is bent to
// fit. The error names fields as the plan file does, and what there is in
// their place. Whether a cluster has the capabilities is for Session.Can to say,
// of the pinned scenario.
func Executable(sc suites.Scenario, plan *history.Plan) error {
	if err := executable(sc, plan); err != nil {
		return fmt.Errorf("the plan cannot be carried out as it is written: %w", err)
	}
	return nil
}

func executable(sc suites.Scenario, plan *history.Plan) error {
	sc = sc.Drawn(plan.Seed)
	if plan.Schema > history.PlanSchema {
		return fmt.Errorf("it has schema version %d, this idemcheck knows versions up to %d: update idemcheck", plan.Schema, history.PlanSchema)
	}
	if err := agrees(sc, plan); err != nil {
		return err
	}
	if err := nemesis.Sound(plan.Faults, shape(sc)); err != nil {
		return fmt.Errorf("%w (change the plan, or give the scenario more of them)", err)
	}
	pinned, err := Pin(sc, plan)
	if err != nil {
		return err
	}
	var all []error
	for i, spec := range pinned.Nemesis {
		for _, p := range pinned.CheckFault(i, faultWords()) {
			all = append(all, fmt.Errorf("planned fault %d (%s): %s: %s", i, spec.Fault, p.Field, p.Message))
		}
	}
	if err := errors.Join(all...); err != nil {
		return err
	}
	again, err := Draw(pinned, plan.Seed)
	if err != nil {
		return err
	}
	same := func(a, b history.PlannedFault) bool { return reflect.DeepEqual(a, b) }
	if !slices.EqualFunc(again.Faults, plan.Faults, same) || !reflect.DeepEqual(again.Workload, plan.Workload) {
		return errors.New("no scenario says what it holds (was it altered?)")
	}
	return nil
}

// faultWords is what it takes to check faults.
func faultWords() suites.Vocabulary {
	return suites.Vocabulary{
		Fault: func(all []history.FaultSpec, at int) []suites.FieldProblem {
			var problems []suites.FieldProblem
			for _, p := range nemesis.Check(all, at) {
				problems = append(problems, suites.FieldProblem(p))
			}
			return problems
		},
		OfProducer: func(fault string) (process, transactional bool) {
			kind, err := nemesis.ByName(fault) // an unknown name is complained of elsewhere
			return err == nil && kind.Process, err == nil && kind.Transactional
		},
	}
}

// agrees wants plan and scenario to say the same of what is sent: the plan is
// what the producers do, the scenario how many there are and what they are.
func agrees(sc suites.Scenario, plan *history.Plan) error {
	own, err := drawWorkload(sc, plan.Seed)
	if err != nil {
		return err
	}
	planned, drawn := reflect.ValueOf(plan.Workload), reflect.ValueOf(own)
	for i := range planned.NumField() {
		name, _, _ := strings.Cut(planned.Type().Field(i).Tag.Get("json"), ",")
		has, wants := planned.Field(i).Interface(), drawn.Field(i).Interface()
		if name != "partitions" && has != wants {
			return fmt.Errorf("workload.%s %v: scenario %s has %v: change it there as well, or not at all", name, has, sc.Name, wants)
		}
	}
	lanes := plan.Workload.Partitions
	if len(lanes) != len(own.Partitions) {
		return fmt.Errorf("workload.partitions has %d entries: want one for each of the %d producers of scenario %s", len(lanes), len(own.Partitions), sc.Name)
	}
	for i, lane := range lanes {
		its := own.Partitions[i].Partitions
		switch {
		case lane.Producer != i:
			return fmt.Errorf("workload.partitions[%d] is of producer %d: want them in order, producer %d", i, lane.Producer, i)
		case len(sc.Workload.Partitions) > 0 && !slices.Equal(lane.Partitions, its):
			return fmt.Errorf("workload.partitions[%d]: producer %d sends to %v, and in scenario %s to %v", i, i, lane.Partitions, sc.Name, its)
		case len(lane.Partitions) != len(its):
			return fmt.Errorf("workload.partitions[%d]: producer %d sends to %d partitions, and in scenario %s to %d (lanes says how many)",
				i, i, len(lane.Partitions), sc.Name, len(its))
		}
		for k, partition := range lane.Partitions {
			if partition < 0 || int(partition) >= sc.Topics.Partitions {
				return fmt.Errorf("workload.partitions[%d]: partition %d: there are %d, counted from 0", i, partition, sc.Topics.Partitions)
			}
			if slices.Contains(lane.Partitions[:k], partition) {
				return fmt.Errorf("workload.partitions[%d]: partition %d stands there twice", i, partition)
			}
		}
	}
	return nil
}
