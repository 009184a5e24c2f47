package nemesis

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

var shape = Shape{Topics: 2, Partitions: 4, Producers: 3, Brokers: 3}

func span(least, most int64) *history.Range { return &history.Range{Least: least, Most: most} }

func acks(least, most int64) history.TriggerSpec { return history.TriggerSpec{Acks: span(least, most)} }

func draw(t *testing.T, seed uint64, specs ...history.FaultSpec) []history.PlannedFault {
	t.Helper()
	plan, err := Draw(specs, shape, seed)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestTheSameSeedDrawsTheSamePlan(t *testing.T) {
	specs := []history.FaultSpec{
		{Fault: CutAfterAppend, When: acks(10, 1000), Times: 20},
		{Fault: KillLeader, When: history.TriggerSpec{Records: span(1, 500)}, Heal: history.HealSpec{After: time.Second}},
	}
	first := draw(t, 7, specs...)
	if again := draw(t, 7, specs...); !reflect.DeepEqual(first, again) {
		t.Errorf("two plans of one seed:\n%+v\n%+v", first, again)
	}
	if other := draw(t, 8, specs...); reflect.DeepEqual(first, other) {
		t.Error("two seeds drew the same plan")
	}
}

func TestAnotherEntryShiftsNoNumbers(t *testing.T) {
	cut := history.FaultSpec{Fault: CutAfterAppend, When: acks(10, 100000), Times: 5}
	kill := history.FaultSpec{Fault: KillLeader, When: history.TriggerSpec{Records: span(1, 100000)}}
	alone := draw(t, 7, cut, kill)
	for name, specs := range map[string][]history.FaultSpec{
		"in front": {{Fault: DelayAcks, Knobs: history.Knobs{Delay: time.Second}, When: acks(1, 9), Times: 3}, cut, kill},
		"between":  {cut, {Fault: DelayAcks, Knobs: history.Knobs{Delay: time.Second}, When: acks(1, 9)}, kill},
		"behind, of the same name": {cut, kill,
			{Fault: CutAfterAppend, When: acks(1, 900000)}},
	} {
		plan := draw(t, 7, specs...)
		var kept []history.PlannedFault
		for _, f := range plan {
			if f.Fault == CutAfterAppend && len(kept) < 5 || f.Fault == KillLeader {
				f.ID = int32(len(kept))
				kept = append(kept, f)
			}
		}
		if !reflect.DeepEqual(alone, kept) {
			t.Errorf("with an entry %s:\n%+v\nwithout:\n%+v", name, kept, alone)
		}
	}
}

func TestRepeatedCountsGoOnFromTheTimeBefore(t *testing.T) {
	plan := draw(t, 3, history.FaultSpec{Fault: CutAfterAppend, When: acks(10, 20), Times: 50})
	var before int64
	for i, f := range plan {
		if gap := f.Trigger.Count - before; gap < 10 || gap > 20 {
			t.Errorf("time %d comes %d acks after the one before, not 10 to 20", i, gap)
		}
		before = f.Trigger.Count
		if f.ID != int32(i) {
			t.Errorf("time %d has id %d", i, f.ID)
		}
	}
	// Batches kept back are not counted on: the black hole ends in between.
	for _, f := range draw(t, 3, history.FaultSpec{Fault: MoveLeader, When: history.TriggerSpec{Unacked: span(3, 3)}, Times: 4}) {
		if f.Trigger.Count != 3 {
			t.Errorf("unacked %d, want 3 each time", f.Trigger.Count)
		}
	}
}

func TestReferencesAreToTheSameTimeOfTheOtherFault(t *testing.T) {
	plan := draw(t, 1,
		history.FaultSpec{Fault: CutAfterAppend, When: history.TriggerSpec{Ended: KillLeader}, Times: 3}, // 0 1 2
		history.FaultSpec{Fault: KillLeader, When: acks(5, 5), Times: 2},                                 // 3 4
		history.FaultSpec{Fault: BlackholeAcks, When: history.TriggerSpec{Started: KillLeader}, Times: 2,
			Heal: history.HealSpec{Ended: KillLeader}}, // 5 6
	)
	for id, want := range map[int]int64{0: 3, 1: 4, 2: 4} {
		if trigger := plan[id].Trigger; trigger.Kind != history.TriggerFaultEnd || trigger.Count != want {
			t.Errorf("cut %d waits for %s %d, want the end of %d", id, trigger.Kind, trigger.Count, want)
		}
	}
	for id, want := range map[int]int64{5: 3, 6: 4} {
		if trigger := plan[id].Trigger; trigger.Kind != history.TriggerFaultStart || trigger.Count != want {
			t.Errorf("black hole %d waits for %s %d, want the start of %d", id, trigger.Kind, trigger.Count, want)
		}
		if heal := plan[id].HealAt; heal == nil || heal.Count != want {
			t.Errorf("black hole %d heals at %+v, want the end of %d", id, heal, want)
		}
	}
}

func TestWhatIsOutOfShapeIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		spec history.FaultSpec
		says string
	}{
		"producer":         {history.FaultSpec{Fault: CutAfterAppend, When: history.TriggerSpec{Acks: span(1, 1), Producer: history.Only(3)}}, "producer 3: there are 3"},
		"partition":        {history.FaultSpec{Fault: CutAfterAppend, When: history.TriggerSpec{Acks: span(1, 1), Partition: history.Only(4)}}, "partition 4: there are 4"},
		"target partition": {history.FaultSpec{Fault: KillLeader, When: acks(1, 1), Target: history.TargetSpec{Partition: history.Only(9)}}, "target partition 9: there are 4"},
		"target producer":  {history.FaultSpec{Fault: CutAfterAppend, When: acks(1, 1), Target: history.TargetSpec{Producer: history.Only(5)}}, "target producer 5: there are 3"},
		"target broker":    {history.FaultSpec{Fault: Latency, Knobs: history.Knobs{Delay: time.Second}, When: acks(1, 1), Target: history.TargetSpec{Broker: history.Only(3)}}, "target broker 3: there are 3"},
	} {
		_, err := Draw([]history.FaultSpec{c.spec}, shape, 1)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestALeaderFaultDrawsTopicAndPartition(t *testing.T) {
	topics, partitions := map[int]bool{}, map[int32]bool{}
	for seed := range uint64(60) {
		f := draw(t, seed, history.FaultSpec{Fault: KillLeader, When: acks(1, 1)})[0]
		topics[f.Target.Topic], partitions[f.Target.Partition] = true, true
	}
	if len(topics) != 2 || len(partitions) != 4 {
		t.Errorf("sixty seeds hit topics %v, partitions %v: not all", topics, partitions)
	}
	f := draw(t, 1, history.FaultSpec{Fault: KillLeader, When: acks(1, 1), Target: history.TargetSpec{Partition: history.Only(2)}})[0]
	if f.Target.Partition != 2 {
		t.Errorf("target partition %d, want 2", f.Target.Partition)
	}
}

func TestCheckNamesTheFieldOfEveryImpossibleSpec(t *testing.T) {
	kill := history.FaultSpec{Fault: KillLeader, When: acks(1, 1)}
	one := acks(1, 1)
	for name, c := range map[string]struct {
		spec   history.FaultSpec
		others []history.FaultSpec
		field  string
		says   string
	}{
		"an unknown fault":              {spec: history.FaultSpec{Fault: "kill-all", When: one}, field: "fault", says: "answer-error, bandwidth"},
		"no trigger":                    {spec: history.FaultSpec{Fault: KillLeader}, field: "when", says: "there are 0"},
		"two triggers":                  {spec: history.FaultSpec{Fault: KillLeader, When: history.TriggerSpec{Acks: span(1, 1), Records: span(1, 1)}}, field: "when", says: "there are 2"},
		"the zeroth ack":                {spec: history.FaultSpec{Fault: KillLeader, When: acks(0, 5)}, field: "when", says: "acks 0: want 1 or more"},
		"a negative sequence":           {spec: history.FaultSpec{Fault: KillLeader, When: history.TriggerSpec{Sequence: span(-1, 5)}}, field: "when", says: "sequence -1: want 0"},
		"a range backwards":             {spec: history.FaultSpec{Fault: KillLeader, When: acks(9, 5)}, field: "when", says: "backwards"},
		"a count beyond every run":      {spec: history.FaultSpec{Fault: KillLeader, When: history.TriggerSpec{Sequence: span(0, math.MaxInt64)}}, field: "when", says: "at most"},
		"records of a partition":        {spec: history.FaultSpec{Fault: KillLeader, When: history.TriggerSpec{Records: span(1, 1), Partition: history.Only(1)}}, field: "when", says: "leave partition out"},
		"a reference to nothing":        {spec: history.FaultSpec{Fault: MoveLeader, When: history.TriggerSpec{Started: "pause-leader"}}, field: "when", says: `no fault "pause-leader"`},
		"a reference to itself":         {spec: history.FaultSpec{Fault: MoveLeader, When: history.TriggerSpec{Ended: MoveLeader}}, field: "when", says: "cannot wait for itself"},
		"a reference to two":            {spec: history.FaultSpec{Fault: MoveLeader, When: history.TriggerSpec{Ended: KillLeader}}, others: []history.FaultSpec{kill, kill}, field: "when", says: "stands 2 times"},
		"a producer after a fault":      {spec: history.FaultSpec{Fault: MoveLeader, When: history.TriggerSpec{Ended: KillLeader, Producer: history.Only(0)}}, others: []history.FaultSpec{kill}, field: "when", says: "leave them out"},
		"negative times":                {spec: history.FaultSpec{Fault: KillLeader, When: one, Times: -1}, field: "times", says: "times -1"},
		"too many times":                {spec: history.FaultSpec{Fault: KillLeader, When: one, Times: 1 << 40}, field: "times", says: "want 1 to 10000"},
		"heal where there is none":      {spec: history.FaultSpec{Fault: CutAfterAppend, When: one, Heal: history.HealSpec{After: 1}}, field: "heal", says: "takes no heal"},
		"a negative heal":               {spec: history.FaultSpec{Fault: KillLeader, When: one, Heal: history.HealSpec{After: -1}}, field: "heal", says: "above 0"},
		"two heals":                     {spec: history.FaultSpec{Fault: BlackholeAcks, When: one, Heal: history.HealSpec{After: 1, Ended: KillLeader}}, others: []history.FaultSpec{kill}, field: "heal", says: "not both"},
		"heal after nothing":            {spec: history.FaultSpec{Fault: KillLeader, When: one, Heal: history.HealSpec{Ended: "move-leader"}}, field: "heal", says: "no fault"},
		"a code no broker gives":        {spec: history.FaultSpec{Fault: AnswerError, When: one, Knobs: history.Knobs{Error: 1}}, field: "error", says: "want a code"},
		"no code":                       {spec: history.FaultSpec{Fault: AnswerError, When: one}, field: "error", says: "want a code"},
		"19 after an append":            {spec: history.FaultSpec{Fault: AnswerError, When: one, Knobs: history.Knobs{Error: 19, Append: true}}, field: "append", says: "never given after an append"},
		"20 without an append":          {spec: history.FaultSpec{Fault: AnswerError, When: one, Knobs: history.Knobs{Error: 20}}, field: "append", says: "append: true"},
		"a code for a kill":             {spec: history.FaultSpec{Fault: KillLeader, When: one, Knobs: history.Knobs{Error: 7}}, field: "error", says: "takes no error"},
		"append for a kill":             {spec: history.FaultSpec{Fault: KillLeader, When: one, Knobs: history.Knobs{Append: true}}, field: "append", says: "takes no append"},
		"a delay for a kill":            {spec: history.FaultSpec{Fault: KillLeader, When: one, Knobs: history.Knobs{Delay: 1}}, field: "delay", says: "takes no delay"},
		"a rate for a kill":             {spec: history.FaultSpec{Fault: KillLeader, When: one, Knobs: history.Knobs{Rate: 1}}, field: "rate", says: "takes no rate"},
		"how for a kill":                {spec: history.FaultSpec{Fault: KillLeader, When: one, Knobs: history.Knobs{How: "kill"}}, field: "how", says: "takes no how"},
		"no delay":                      {spec: history.FaultSpec{Fault: DelayAcks, When: one}, field: "delay", says: "needs a delay"},
		"a delay of nothing":            {spec: history.FaultSpec{Fault: Latency, When: one, Knobs: history.Knobs{Delay: time.Microsecond}}, field: "delay", says: "1ms or more"},
		"no rate":                       {spec: history.FaultSpec{Fault: Bandwidth, When: one}, field: "rate", says: "needs a rate"},
		"a negative rate":               {spec: history.FaultSpec{Fault: Bandwidth, When: one, Knobs: history.Knobs{Rate: -5}}, field: "rate", says: "needs a rate"},
		"an unknown how":                {spec: history.FaultSpec{Fault: RestartLeader, When: one, Knobs: history.Knobs{How: "gently"}}, field: "how", says: "graceful or kill"},
		"a broker where a leader is it": {spec: history.FaultSpec{Fault: KillLeader, When: one, Target: history.TargetSpec{Broker: history.Only(1)}}, field: "target", says: "only partition"},
		"a partition of a link":         {spec: history.FaultSpec{Fault: Latency, Knobs: history.Knobs{Delay: time.Second}, When: one, Target: history.TargetSpec{Partition: history.Only(1)}}, field: "target", says: "only broker"},
		"a target of all":               {spec: history.FaultSpec{Fault: RollingRestart, When: one, Target: history.TargetSpec{Broker: history.Only(1)}}, field: "target", says: "takes no target"},
		"two that wait for each other": {
			spec:   history.FaultSpec{Fault: MoveLeader, When: history.TriggerSpec{Ended: RestartLeader}},
			others: []history.FaultSpec{{Fault: RestartLeader, When: history.TriggerSpec{Started: MoveLeader}}},
			field:  "when", says: "the start of move-leader waits for the end of restart-leader",
		},
		"two that heal each other": {
			spec:   history.FaultSpec{Fault: BlackholeAcks, When: one, Heal: history.HealSpec{Ended: Latency}},
			others: []history.FaultSpec{{Fault: Latency, Knobs: history.Knobs{Delay: time.Second}, When: one, Heal: history.HealSpec{Ended: BlackholeAcks}}},
			field:  "heal", says: "the end of blackhole-acks never comes",
		},
		"a dead leader that lasts until another broker fault, which waits its turn": {
			spec:   history.FaultSpec{Fault: KillLeader, When: one, Heal: history.HealSpec{Ended: MoveLeader}},
			others: []history.FaultSpec{{Fault: MoveLeader, When: history.TriggerSpec{Started: KillLeader}}},
			field:  "heal", says: "take turns",
		},
	} {
		t.Run(name, func(t *testing.T) {
			problems := Check(append([]history.FaultSpec{c.spec}, c.others...), 0)
			for _, p := range problems {
				if p.Field == c.field && strings.Contains(p.Message, c.says) {
					return
				}
			}
			t.Errorf("%+v, want one about %q that says %q", problems, c.field, c.says)
		})
	}
}

func TestCheckFindsNothingWrongWithWhatIsPossible(t *testing.T) {
	kill := history.FaultSpec{Fault: KillLeader, When: acks(1, 1), Heal: history.HealSpec{After: time.Second}}
	restart := history.FaultSpec{Fault: RestartLeader, When: history.TriggerSpec{Unacked: span(2, 5)}, Knobs: history.Knobs{How: "graceful"}}
	for name, spec := range map[string]history.FaultSpec{
		"appended and timed out":           {Fault: AnswerError, When: acks(1, 5), Knobs: history.Knobs{Error: 7, Append: true}},
		"withheld":                         {Fault: AnswerError, When: acks(1, 5), Knobs: history.Knobs{Error: 7}},
		"the first sequence":               {Fault: CutAfterAppend, When: history.TriggerSpec{Sequence: span(0, 0), Producer: history.Only(1), Partition: history.Only(0)}},
		"a black hole as long as another":  {Fault: BlackholeAcks, When: acks(1, 1), Heal: history.HealSpec{Ended: RestartLeader}},
		"after another":                    {Fault: MoveLeader, When: history.TriggerSpec{Ended: KillLeader}},
		"next to another, in turn":         {Fault: MoveLeader, When: history.TriggerSpec{Started: KillLeader}},
		"a link fault aimed at a producer": {Fault: CutBeforeRequest, When: history.TriggerSpec{Started: KillLeader}, Target: history.TargetSpec{Producer: history.Only(1)}},
	} {
		if problems := Check([]history.FaultSpec{spec, kill, restart}, 0); len(problems) > 0 {
			t.Errorf("%s: %+v", name, problems)
		}
	}
}

func TestNeedsListsEachCapabilityOnce(t *testing.T) {
	needs, err := Needs([]history.FaultSpec{{Fault: KillLeader}, {Fault: PauseLeader}, {Fault: MoveLeader}, {Fault: Latency}})
	if err != nil || len(needs) != 2 {
		t.Errorf("%v, %v", needs, err)
	}
	if _, err := Needs([]history.FaultSpec{{Fault: "x"}}); err == nil {
		t.Error("an unknown fault needs nothing?")
	}
}
