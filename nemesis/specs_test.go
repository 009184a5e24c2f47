package nemesis

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// everyKind lists an entry for each fault that there is, as little said as
// possible.
func everyKind() []history.FaultSpec {
	knobs := map[string]history.Knobs{
		AnswerError: {Error: 6}, Bandwidth: {Rate: 5}, Jitter: {Delay: time.Second}, Latency: {Delay: time.Second}, DelayAcks: {Delay: time.Second},
		Slicer: {Size: 9}, ChangeConfig: {Config: map[string]string{"a": "b"}}, Upgrade: {Kafka: "4.1.0"}, SlowDisk: {Rate: 5}, HideLeader: {How: "old"},
	}
	var specs []history.FaultSpec
	for _, kind := range Catalogue() {
		if kind.Name == RecreateTopic || kind.Name == DeleteRecords { // not along with delete-topic
			continue
		}
		specs = append(specs, history.FaultSpec{Fault: kind.Name, When: acks(3, 90), Knobs: knobs[kind.Name]})
	}
	return specs
}

func TestSpecsDrawThePlanAgainFromAnySeed(t *testing.T) {
	more := []history.FaultSpec{
		{Fault: CutAfterAppend, When: history.TriggerSpec{Ended: KillLeader, Partition: history.Only(1)}, Times: 3, Optional: true, Target: history.TargetSpec{Broker: history.Only(2)}},
		{Fault: KillLeader, When: acks(5, 50), Times: 2, Heal: history.HealSpec{After: time.Second}},
		{Fault: BlackholeAcks, When: history.TriggerSpec{Started: KillLeader}, Times: 2, Heal: history.HealSpec{Ended: KillLeader + "#1"}},
		{Fault: DeleteRecords, When: history.TriggerSpec{Records: span(1, 900)}, Times: 4},
		{Fault: Slicer, Knobs: history.Knobs{Size: 9}, When: history.TriggerSpec{Unacked: span(1, 4)}, Times: 2},
		{Fault: RestartProducer, When: history.TriggerSpec{Sequence: span(0, 70), Producer: history.Only(2)}, Families: 2},
	}
	mix := mixture(60, someCuts, someMoves, someKills, history.MixFault{Fault: Jitter, Knobs: history.Knobs{Delay: time.Second}, Heal: history.HealSpec{After: time.Second}})
	for seed := range uint64(20) {
		mixed, err := DrawMix(mix, shape, seed, 0)
		if err != nil {
			t.Fatal(err)
		}
		for name, plan := range map[string][]history.PlannedFault{
			"of every kind": draw(t, seed, everyKind()...), "of references": draw(t, seed, more...), "of a mix": mixed, "of nothing": nil,
		} {
			specs, err := Specs(plan)
			if err != nil {
				t.Fatalf("a plan %s: %v", name, err)
			}
			again, err := Draw(specs, shape, seed+1)
			if err != nil || !reflect.DeepEqual(plan, again) {
				t.Fatalf("a plan %s, seed %d: %v\n%+v\nis drawn again as\n%+v", name, seed, err, plan, again)
			}
		}
	}
}

func TestAPlanThatNoScenarioSaysIsRefused(t *testing.T) {
	specs := []history.FaultSpec{
		{Fault: KillLeader, When: acks(5, 5), Heal: history.HealSpec{After: time.Second}},
		{Fault: Jitter, Knobs: history.Knobs{Delay: time.Second}, When: acks(5, 5)},
		{Fault: CutAfterAppend, When: history.TriggerSpec{Started: KillLeader}},
		{Fault: DeleteRecords, When: acks(9, 9)},
	}
	for name, c := range map[string]struct {
		spoil func(plan []history.PlannedFault)
		says  string
	}{
		"a fault that there is not":  {func(p []history.PlannedFault) { p[0].Fault = "kill-all" }, `planned fault 0 (kill-all): unknown fault "kill-all"`},
		"another id":                 {func(p []history.PlannedFault) { p[1].ID = 7 }, "planned fault 1 (jitter): id 7: want its place in the plan, 1"},
		"no trigger":                 {func(p []history.PlannedFault) { p[1].Trigger.Kind = "later" }, `planned fault 1 (jitter): trigger "later": want one of`},
		"a trigger of nothing":       {func(p []history.PlannedFault) { p[0].Trigger.Count = 0 }, "planned fault 0 (kill-leader): when: acks 0: want 1 or more"},
		"a reference to itself":      {func(p []history.PlannedFault) { p[2].Trigger.Count = 2 }, "planned fault 2 (cut-after-append): trigger on fault 2: want another one of the plan, 0 to 3"},
		"a reference to nobody":      {func(p []history.PlannedFault) { p[2].Trigger.Count = 4 }, "trigger on fault 4"},
		"a circle":                   {func(p []history.PlannedFault) { p[0].Trigger.Kind, p[0].Trigger.Count = history.TriggerFaultEnd, 2 }, "planned fault 0 (kill-leader): when: the start of kill-leader never comes"},
		"an end at a start":          {func(p []history.PlannedFault) { p[1].HealAt = &history.Trigger{Kind: history.TriggerFaultStart} }, `planned fault 1 (jitter): heal at "fault-start": want fault-end`},
		"an end of a producer's own": {func(p []history.PlannedFault) { p[1].HealAt = &history.Trigger{Kind: history.TriggerFaultEnd} }, "planned fault 1 (jitter): heal_at.producer 0: jitter has -1 there"},
		"two ends": {func(p []history.PlannedFault) {
			p[1].HealAt, p[1].HealIn = &history.Trigger{Kind: history.TriggerFaultEnd, Producer: -1, Partition: -1}, 1
		}, "heal: want one of after and ended"},
		"a knob that it does not take": {func(p []history.PlannedFault) { p[0].Delay = 5 }, "planned fault 0 (kill-leader): delay: kill-leader takes no delay"},
		"a seed without choices":       {func(p []history.PlannedFault) { p[0].Seed = 5 }, "planned fault 0 (kill-leader): seed: kill-leader makes no choices"},
		"choices without a seed":       {func(p []history.PlannedFault) { p[1].Seed = 0 }, "planned fault 1 (jitter): seed 0: want"},
		"no share":                     {func(p []history.PlannedFault) { p[3].Share = 0 }, "planned fault 3 (delete-records): share 0: want"},
		"more than the log":            {func(p []history.PlannedFault) { p[3].Share = 1.5 }, "planned fault 3 (delete-records): share: share 1.5: want a part"},
		"a share of nothing":           {func(p []history.PlannedFault) { p[0].Share = 0.5 }, "kill-leader takes no share"},
		"another role":                 {func(p []history.PlannedFault) { p[0].Target.Role = "broker" }, "planned fault 0 (kill-leader): target.role broker: kill-leader has leader there"},
		"a broker that it looks past":  {func(p []history.PlannedFault) { p[0].Target.Broker = 1 }, "planned fault 0 (kill-leader): target: kill-leader takes no target broker, only partition"},
		"a topic that it looks past":   {func(p []history.PlannedFault) { p[1].Target.Topic = 1 }, "planned fault 1 (jitter): target.topic 1: jitter has 0 there"},
		"no partition":                 {func(p []history.PlannedFault) { p[0].Target.Partition = -1 }, "target partition -1: kill-leader needs one, from 0"},
		"a producer below any":         {func(p []history.PlannedFault) { p[0].Trigger.Producer = -2 }, "trigger producer -2: want an index from 0, or -1 for any"},
		"families beyond all":          {func(p []history.PlannedFault) { p[0].Families = 9 }, "families 9: want 0 to"},
		"families with no end":         {func(p []history.PlannedFault) { p[1].Families = 1 }, "planned fault 1 (jitter): heal: jitter lasts until it is healed, and with families others wait for it"},
	} {
		plan := draw(t, 1, specs...)
		c.spoil(plan)
		if _, err := Specs(plan); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if _, err := Specs(draw(t, 1, specs...)); err != nil {
		t.Errorf("the plan itself: %v", err)
	}
}

func TestAPlanIsHeldAgainstWhatThereIs(t *testing.T) {
	plan := draw(t, 1, history.FaultSpec{Fault: KillBroker, When: history.TriggerSpec{Acks: span(1, 1), Producer: history.Only(2), Partition: history.Only(3)}, Target: history.TargetSpec{Broker: history.Only(2)}},
		history.FaultSpec{Fault: DeleteTopic, When: acks(1, 1), Target: history.TargetSpec{Topic: history.Only(1)}})
	for says, smaller := range map[string]Shape{
		"":                                 shape,
		"trigger producer 2: there are 2":  {2, 4, 2, 3},
		"trigger partition 3: there are 3": {2, 3, 3, 3},
		"target broker 2: there are 2 brokers, counted from 0":                             {2, 4, 3, 2},
		"planned fault 1 (delete-topic): target topic 1: there are 1 topics, counted from": {1, 4, 3, 3},
	} {
		if err := Sound(plan, smaller); (err == nil) != (says == "") || !strings.Contains(fmt.Sprint(err), says) {
			t.Errorf("in %+v: %v, want %q", smaller, err, says)
		}
	}
}
