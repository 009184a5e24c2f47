package workloads

import (
	"fmt"
	"math/rand/v2"

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

// drawLanes gives every producer partitions of its own choice.
func drawLanes(plan *history.WorkloadPlan, spec history.WorkloadSpec, partitions int, from *rand.Rand) error {
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
