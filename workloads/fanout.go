package workloads

import (
	"fmt"
	"math/rand/v2"

	"github.com/idemcheck/idemcheck/history"
)

// fanOut: one producer spreads its records over every partition, so that many
// batches of many partitions share its requests.
type fanOut struct{}

func (fanOut) Name() string { return "fan-out" }

func (fanOut) Explain() string {
	return "one producer spreads unique records over every partition, many partitions to a request"
}

func (fanOut) Draw(spec history.WorkloadSpec, partitions int, from *rand.Rand) (history.WorkloadPlan, error) {
	plan, err := common(spec)
	if err != nil {
		return plan, err
	}
	if spec.Producers != 1 {
		return plan, fmt.Errorf("producers %d: fan-out has exactly one", spec.Producers)
	}
	if spec.Lanes != 0 {
		return plan, fmt.Errorf("lanes %d: fan-out always uses every partition (or those that partitions names)", spec.Lanes)
	}
	if len(spec.Partitions) > 0 {
		return plan, saidLanes(&plan, spec, partitions)
	}
	lane := history.LanePlan{}
	for _, partition := range from.Perm(partitions) {
		lane.Partitions = append(lane.Partitions, int32(partition))
	}
	plan.Partitions = []history.LanePlan{lane}
	return plan, nil
}
