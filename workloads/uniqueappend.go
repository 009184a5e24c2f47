package workloads

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// uniqueAppend: every producer appends unique records to a fixed set of
// partitions, one after the other in turn.
type uniqueAppend struct{}

func (uniqueAppend) Name() string { return "unique-append" }

func (uniqueAppend) Explain() string {
	return "each producer appends unique records to its own fixed partitions, in turn"
}

func (uniqueAppend) Draw(spec history.WorkloadSpec, partitions int, from *rand.Rand) (history.WorkloadPlan, error) {
	plan, err := common(spec)
	if err != nil {
		return plan, err
	}
	return plan, drawLanes(&plan, spec, partitions, from)
}

// drawLanes gives every producer partitions of its own choice, unless the
// scenario says which.
func drawLanes(plan *history.WorkloadPlan, spec history.WorkloadSpec, partitions int, from *rand.Rand) error {
	if len(spec.Partitions) > 0 {
		return saidLanes(plan, spec, partitions)
	}
	lanes := spec.Lanes
	if lanes == 0 {
		lanes = partitions
	}
	if lanes < 0 {
		return fmt.Errorf("lanes %d: want 1 or more, or leave it out for every partition", lanes)
	}
	if lanes > partitions {
		return fmt.Errorf("lanes %d: the topic has %d partitions", lanes, partitions)
	}
	for producer := range spec.Producers {
		order := from.Perm(partitions)[:lanes]
		lane := history.LanePlan{Producer: producer}
		for _, partition := range order {
			lane.Partitions = append(lane.Partitions, int32(partition))
		}
		plan.Partitions = append(plan.Partitions, lane)
	}
	return nil
}

// saidLanes gives every producer the partitions that the scenario names.
func saidLanes(plan *history.WorkloadPlan, spec history.WorkloadSpec, partitions int) error {
	if spec.Lanes != 0 {
		return fmt.Errorf("lanes %d: partitions says already which they are", spec.Lanes)
	}
	if len(spec.Partitions) != spec.Producers {
		return fmt.Errorf("partitions has %d lists: want one for each of %d producers", len(spec.Partitions), spec.Producers)
	}
	for producer, lane := range spec.Partitions {
		if len(lane) == 0 {
			return fmt.Errorf("partitions of producer %d: want one at least", producer)
		}
		for i, partition := range lane {
			if partition < 0 || int(partition) >= partitions {
				return fmt.Errorf("partitions of producer %d: %d: the topic has %d, counted from 0", producer, partition, partitions)
			}
			if slices.Contains(lane[:i], partition) {
				return fmt.Errorf("partitions of producer %d: %d stands there twice", producer, partition)
			}
		}
		plan.Partitions = append(plan.Partitions, history.LanePlan{Producer: producer, Partitions: slices.Clone(lane)})
	}
	return nil
}
