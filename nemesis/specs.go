package nemesis

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// Specs is the inverse of Draw: entries of a nemesis, one for each planned
// fault, from which any seed draws that plan again. A plan of which that cannot
// be said (it names what there is not, has what its faults do not take, or
// waits for itself) is refused: the error joins one for each fault that is to blame.
func Specs(plan []history.PlannedFault) ([]history.FaultSpec, error) {
	shape := Shape{Topics: boundless, Partitions: boundless, Producers: boundless, Brokers: boundless}
	if err := Sound(plan, shape); err != nil {
		return nil, err
	}
	specs := make(occasions, len(plan))
	for i, p := range plan {
		specs[i] = specOf(p)
	}
	for i, p := range plan { // when all names are there
		call := func(id int64) string { return specs.call(occasion{int(id), 0}) }
		switch p.Trigger.Kind {
		case history.TriggerFaultStart:
			specs[i].When.Started = call(p.Trigger.Count)
		case history.TriggerFaultEnd:
			specs[i].When.Ended = call(p.Trigger.Count)
		}
		if p.HealAt != nil {
			specs[i].Heal.Ended = call(p.HealAt.Count)
		}
	}
	var all []error
	for i, p := range plan {
		kind, _ := ByName(p.Fault) // Sound found it
		if kind.draws && p.Seed == 0 {
			all = append(all, fmt.Errorf("planned fault %d (%s): seed 0: want the number that its choices come from, from 1", i, p.Fault))
		} else if kind.draw != nil && p.Share == 0 {
			all = append(all, fmt.Errorf("planned fault %d (%s): share 0: want the part of the log that goes, above 0 and below 1", i, p.Fault))
		} else if problems := Check(specs, i); len(problems) > 0 {
			all = append(all, fmt.Errorf("planned fault %d (%s): %s: %s", i, p.Fault, problems[0].Field, problems[0].Message))
		}
	}
	if len(all) > 0 {
		return nil, errors.Join(all...)
	}
	again, err := Draw(specs, shape, 0)
	if err != nil {
		return nil, err
	}
	for i, p := range plan {
		if field, is, want := differ(reflect.ValueOf(p), reflect.ValueOf(again[i])); field != "" {
			return nil, fmt.Errorf("planned fault %d (%s): %s %s: %s has %s there", i, p.Fault, field, is, p.Fault, want)
		}
	}
	return specs, nil
}

// specOf says a planned fault in the words of a scenario, save for what it
// waits for.
func specOf(p history.PlannedFault) history.FaultSpec {
	spec := history.FaultSpec{
		Fault: p.Fault, Heal: history.HealSpec{After: p.HealIn}, Optional: p.Optional,
		Families: p.Families, Seed: p.Seed, Share: p.Share, Knobs: p.Knobs,
		When: history.TriggerSpec{Producer: which(p.Trigger.Producer), Partition: which(p.Trigger.Partition)},
		Target: history.TargetSpec{
			Partition: which(p.Target.Partition), Broker: which(p.Target.Broker), Producer: which(p.Target.Producer),
		},
	}
	if kind, err := ByName(p.Fault); err == nil && onTopic(kind.role) {
		spec.Target.Topic = history.Only(int32(p.Target.Topic))
	}
	count := &history.Range{Least: p.Trigger.Count, Most: p.Trigger.Count}
	switch p.Trigger.Kind {
	case history.TriggerAcks:
		spec.When.Acks = count
	case history.TriggerRequests:
		spec.When.Requests = count
	case history.TriggerRecords:
		spec.When.Records = count
	case history.TriggerSequence:
		spec.When.Sequence = count
	case history.TriggerUnacked:
		spec.When.Unacked = count
	}
	return spec
}

func which(index int32) history.Which {
	if index == history.Any {
		return history.Which{}
	}
	return history.Only(index)
}

// differ finds the first field in which two values of one struct type differ,
// by its name in a plan file, and what stands there; "" for none.
func differ(a, b reflect.Value) (field, is, other string) {
	if a.Kind() == reflect.Pointer && !a.IsNil() && !b.IsNil() {
		a, b = a.Elem(), b.Elem()
	}
	if a.Kind() != reflect.Struct {
		if reflect.DeepEqual(a.Interface(), b.Interface()) {
			return "", "", ""
		}
		return ".", fmt.Sprintf("%v", a), fmt.Sprintf("%v", b)
	}
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("json"), ",")
		if field, is, other = differ(a.Field(i), b.Field(i)); field != "" {
			return strings.Trim(name+"."+field, "."), is, other
		}
	}
	return "", "", ""
}
