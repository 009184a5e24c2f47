package nemesis

import (
	"fmt"
	"slices"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// sound holds one fault of a plan against what everything else relies on. Draw
// makes no other; but a plan may also come from a file that somebody edited.
func sound(plan []history.PlannedFault, at int, env Env) (Kind, error) {
	p := plan[at]
	kind, err := ByName(p.Fault)
	if err != nil {
		return kind, err
	}
	refers := func(what string, to int64) error {
		if to < 0 || to >= int64(len(plan)) || to == int64(at) {
			return fmt.Errorf("%s fault %d: want another one of the plan, 0 to %d", what, to, len(plan)-1)
		}
		return nil
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
	if p.Trigger.Kind == history.TriggerFaultStart || p.Trigger.Kind == history.TriggerFaultEnd {
		if err := refers("trigger on", p.Trigger.Count); err != nil {
			return kind, err
		}
	}
	if p.HealAt != nil {
		if err := refers("heal at", p.HealAt.Count); err != nil {
			return kind, err
		}
	}
	if p.Families < 0 || p.Families > len(families()) {
		return kind, fmt.Errorf("families %d: want 0 to %d", p.Families, len(families()))
	}
	if onTopic(kind.role) && (p.Target.Topic < 0 || p.Target.Topic >= len(env.Topics) || p.Target.Partition < 0 && kind.role != "topic") {
		return kind, fmt.Errorf("target topic %d, partition %d: there are %d topics, counted from 0", p.Target.Topic, p.Target.Partition, len(env.Topics))
	}
	if kind.role == "producer" && (p.Target.Producer < 0 || env.Producers == nil) {
		return kind, fmt.Errorf("target producer %d: want an index from 0, of a run whose producers can be reached", p.Target.Producer)
	}
	if kind.role == "broker" && slices.Contains(kind.targets, "broker") && (p.Target.Broker < 0 || int(p.Target.Broker) >= len(env.Cluster.Brokers())) {
		return kind, fmt.Errorf("target broker %d: there are %d, counted from 0", p.Target.Broker, len(env.Cluster.Brokers()))
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
			return kind, fmt.Errorf("%s: the cluster cannot do it (it needs the capability %s)", p.Fault, need)
		}
	}
	return kind, nil
}
