package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// Shape is what a plan can refer to.
type Shape struct {
	Topics     int
	Partitions int
	Producers  int
	Brokers    int
}

// Draw turns what a scenario asks for into a concrete plan. Each entry draws
// from a stream of its own, named after the fault and its place among the
// entries of that name, so that adding an entry shifts no other.
func Draw(specs []history.FaultSpec, shape Shape, seed uint64) ([]history.PlannedFault, error) {
	seen := make(map[string]int)
	var plan []history.PlannedFault
	for at, spec := range specs {
		if problems := Check(specs, at); len(problems) > 0 {
			return nil, fmt.Errorf("nemesis entry %d (%s): %s", at, spec.Fault, problems[0].Message)
		}
		if err := inShape(spec, shape); err != nil {
			return nil, fmt.Errorf("nemesis entry %d (%s): %w", at, spec.Fault, err)
		}
		from := history.Stream(seed, fmt.Sprintf("fault/%s/%d", spec.Fault, seen[spec.Fault]))
		seen[spec.Fault]++
		var reached int64
		for range max(spec.Times, 1) {
			f := concrete(spec, shape, from)
			f.ID = int32(len(plan))
			if cumulative(f.Trigger.Kind) {
				f.Trigger.Count += reached
				reached = f.Trigger.Count
			}
			plan = append(plan, f)
		}
	}
	link(plan, specs)
	return plan, nil
}

// cumulative triggers count on from the time before.
func cumulative(kind history.TriggerKind) bool {
	return kind == history.TriggerAcks || kind == history.TriggerRequests ||
		kind == history.TriggerRecords || kind == history.TriggerSequence
}

func inShape(spec history.FaultSpec, shape Shape) error {
	for _, check := range []struct {
		what  string
		index int32
		of    int
	}{
		{"producer", spec.When.Producer.Index(), shape.Producers},
		{"partition", spec.When.Partition.Index(), shape.Partitions},
		{"target producer", spec.Target.Producer.Index(), shape.Producers},
		{"target partition", spec.Target.Partition.Index(), shape.Partitions},
		{"target broker", spec.Target.Broker.Index(), shape.Brokers},
		{"target topic", spec.Target.Topic.Index(), shape.Topics},
	} {
		if check.index != history.Any && int(check.index) >= check.of {
			return fmt.Errorf("%s %d: there are %d, counted from 0", check.what, check.index, check.of)
		}
	}
	return nil
}

// concrete draws one occurrence. References to other faults are filled in by link.
func concrete(spec history.FaultSpec, shape Shape, from *rand.Rand) history.PlannedFault {
	f := history.PlannedFault{Fault: spec.Fault, HealIn: spec.Heal.After, Optional: spec.Optional, Families: spec.Families, Knobs: spec.Knobs}
	f.Trigger = history.Trigger{Producer: spec.When.Producer.Index(), Partition: spec.When.Partition.Index()}
	for _, counted := range []struct {
		kind history.TriggerKind
		r    *history.Range
	}{
		{history.TriggerAcks, spec.When.Acks}, {history.TriggerRequests, spec.When.Requests},
		{history.TriggerRecords, spec.When.Records}, {history.TriggerSequence, spec.When.Sequence},
		{history.TriggerUnacked, spec.When.Unacked},
	} {
		if counted.r != nil {
			f.Trigger.Kind, f.Trigger.Count = counted.kind, counted.r.Draw(from)
		}
	}
	kind, err := ByName(spec.Fault)
	if err != nil {
		panic("nemesis: a fault that Check let pass: " + err.Error())
	}
	f.Target = history.Target{
		Role: kind.role, Broker: spec.Target.Broker.Index(),
		Partition: spec.Target.Partition.Index(), Producer: spec.Target.Producer.Index(),
	}
	if kind.role == "producer" && f.Target.Producer == history.Any {
		f.Target.Producer = int32(from.IntN(shape.Producers))
	}
	if kind.draws {
		f.Seed = max(from.Uint64(), 1) // 0 is none
		if spec.Seed != 0 {
			f.Seed = spec.Seed
		}
	}
	if onTopic(kind.role) {
		f.Target.Topic = from.IntN(shape.Topics) // drawn in any case: the partition is to stay
		if topic := spec.Target.Topic.Index(); topic != history.Any {
			f.Target.Topic = int(topic)
		}
		if f.Target.Partition == history.Any && kind.role != "topic" {
			f.Target.Partition = int32(from.IntN(shape.Partitions))
		}
	}
	if kind.role == "broker" && slices.Contains(kind.targets, "broker") && f.Target.Broker == history.Any {
		f.Target.Broker = int32(from.IntN(shape.Brokers))
	}
	if kind.draw != nil {
		kind.draw(&f, from)
	}
	if spec.Share != 0 {
		f.Share = spec.Share
	}
	return f
}

// onTopic says whether a fault is done to a topic, or to a partition of one or
// its leader.
func onTopic(role string) bool { return role == "leader" || role == "partition" || role == "topic" }

// link resolves "when that fault started, ended" to ids.
func link(plan []history.PlannedFault, specs occasions) {
	at := 0
	for entry, spec := range specs {
		for time := range specs.times(entry) {
			refer := func(reference string) int64 {
				o, err := specs.refer(reference, time)
				if err != nil {
					panic("nemesis: a reference that Check let pass: " + err.Error())
				}
				return int64(specs.id(o))
			}
			f := &plan[at]
			at++
			if spec.When.Started != "" {
				f.Trigger.Kind, f.Trigger.Count = history.TriggerFaultStart, refer(spec.When.Started)
			}
			if spec.When.Ended != "" {
				f.Trigger.Kind, f.Trigger.Count = history.TriggerFaultEnd, refer(spec.When.Ended)
			}
			if spec.Heal.Ended != "" {
				f.HealAt = &history.Trigger{
					Kind: history.TriggerFaultEnd, Count: refer(spec.Heal.Ended),
					Producer: history.Any, Partition: history.Any,
				}
			}
		}
	}
}
