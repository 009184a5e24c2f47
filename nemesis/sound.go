package nemesis

import (
	"fmt"
	"math"
	"slices"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// boundless stands in a Shape for a number that nobody knows.
const boundless = math.MaxInt

// Sound holds a plan against what everything else relies on, and against what
// there is to strike. Draw makes no other; but a plan may also come from a file
// that somebody edited, or from another cluster. The error is of the first
// fault that cannot be carried out as it stands.
func Sound(plan []history.PlannedFault, shape Shape) error {
	for i, p := range plan {
		if _, err := sound(plan, i, shape); err != nil {
			return fmt.Errorf("planned fault %d (%s): %w", i, p.Fault, err)
		}
	}
	return nil
}

func sound(plan []history.PlannedFault, at int, shape Shape) (Kind, error) {
	p := plan[at]
	kind, err := ByName(p.Fault)
	if err != nil {
		return kind, err
	}
	if p.ID != int32(at) {
		return kind, fmt.Errorf("id %d: want its place in the plan, %d", p.ID, at)
	}
	kinds := []history.TriggerKind{
		history.TriggerAcks, history.TriggerRequests, history.TriggerRecords, history.TriggerSequence, history.TriggerUnacked,
		history.TriggerFaultStart, history.TriggerFaultEnd,
	}
	if !slices.Contains(kinds, p.Trigger.Kind) {
		return kind, fmt.Errorf("trigger %q: want one of %v", p.Trigger.Kind, kinds)
	}
	refers := func(what string, to int64) error {
		switch {
		case len(plan) == 1:
			return fmt.Errorf("%s fault %d: there is no other fault in the plan", what, to)
		case to < 0 || to >= int64(len(plan)) || to == int64(at):
			return fmt.Errorf("%s fault %d: want another one of the plan, 0 to %d", what, to, len(plan)-1)
		}
		return nil
	}
	if p.Trigger.Kind == history.TriggerFaultStart || p.Trigger.Kind == history.TriggerFaultEnd {
		if err := refers("trigger on", p.Trigger.Count); err != nil {
			return kind, err
		}
	}
	if p.HealAt != nil {
		if err := refers("heal at", p.HealAt.Count); err != nil {
			return kind, err
		}
		if p.HealAt.Kind != history.TriggerFaultEnd {
			return kind, fmt.Errorf("heal at %q: want %s, of another fault", p.HealAt.Kind, history.TriggerFaultEnd)
		}
	}
	if p.Families < 0 || p.Families > len(families()) {
		return kind, fmt.Errorf("families %d: want 0 to %d", p.Families, len(families()))
	}
	return kind, within(p, kind, shape)
}

// within wants every index of a planned fault to be one that there is, and to
// be there at all where the fault needs it.
func within(p history.PlannedFault, kind Kind, shape Shape) error {
	byBroker := kind.role == "broker" && slices.Contains(kind.targets, "broker")
	for _, index := range []struct {
		what   string
		is     int32
		of     int
		things string
		needed bool
	}{
		{"trigger producer", p.Trigger.Producer, shape.Producers, "producers", false},
		{"trigger partition", p.Trigger.Partition, shape.Partitions, "partitions", false},
		{"target topic", int32(p.Target.Topic), shape.Topics, "topics", onTopic(kind.role)},
		{"target partition", p.Target.Partition, shape.Partitions, "partitions", onTopic(kind.role) && kind.role != "topic"},
		{"target broker", p.Target.Broker, shape.Brokers, "brokers", byBroker},
		{"target producer", p.Target.Producer, shape.Producers, "producers", kind.role == "producer"},
	} {
		switch {
		case int(index.is) >= index.of:
			return fmt.Errorf("%s %d: there are %d %s, counted from 0", index.what, index.is, index.of, index.things)
		case index.needed && index.is < 0:
			return fmt.Errorf("%s %d: %s needs one, from 0", index.what, index.is, p.Fault)
		case index.is < history.Any:
			return fmt.Errorf("%s %d: want an index from 0, or %d for any", index.what, index.is, history.Any)
		}
	}
	return nil
}

// able wants a cluster, and producers, that a fault can be done to.
func able(kind Kind, env Env) error {
	if kind.role == "producer" && env.Producers == nil {
		return fmt.Errorf("%s: want a run whose producers can be reached", kind.Name)
	}
	for _, need := range kind.Needs {
		able := env.Cluster.Has(need)
		switch need {
		case cluster.CanPower:
			_, is := env.Cluster.(cluster.Power)
			able = able && is
		case cluster.CanIsolate:
			_, is := env.Cluster.(cluster.Isolator)
			able = able && is
		case cluster.CanUpgrade:
			_, is := env.Cluster.(cluster.Upgrader)
			able = able && is
		case cluster.CanMoveLeader:
			_, is := env.Cluster.(cluster.Mover)
			able = able && is
		case cluster.CanDisk:
			_, is := env.Cluster.(cluster.Disks)
			able = able && is
		case cluster.CanConfigure, cluster.CanExpire:
			able = able && env.State != nil
		}
		if !able {
			return fmt.Errorf("%s: the cluster cannot do it (it needs the capability %s)", kind.Name, need)
		}
	}
	return nil
}
