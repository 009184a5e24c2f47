package nemesis

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// mixture is a mix of these faults, by weight, 100 records apart.
func mixture(budget int, faults ...history.MixFault) history.MixSpec {
	return history.MixSpec{Faults: faults, Gap: history.GapSpec{Records: 100}, Budget: budget}
}

var (
	someCuts  = history.MixFault{Fault: CutAfterAppend, Weight: 3}
	someMoves = history.MixFault{Fault: MoveLeader, Weight: 1}
	someKills = history.MixFault{Fault: KillLeader, Weight: 2, Heal: history.HealSpec{After: time.Second}}
)

func drawMix(t *testing.T, seed uint64, mix history.MixSpec, first int) []history.PlannedFault {
	t.Helper()
	plan, err := DrawMix(mix, shape, seed, first)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestAMixOfOneSeedIsOnePlanThatSaysEverything(t *testing.T) {
	mix := mixture(40, someCuts, someMoves, someKills)
	mix.Family = 2
	first := drawMix(t, 7, mix, 5)
	if again := drawMix(t, 7, mix, 5); !reflect.DeepEqual(first, again) {
		t.Errorf("two plans of one seed:\n%+v\n%+v", first, again)
	}
	if other := drawMix(t, 8, mix, 5); reflect.DeepEqual(first, other) {
		t.Error("two seeds drew the same plan")
	}
	var reached int64
	for i, f := range first {
		if f.ID != int32(5+i) || f.Trigger.Kind != history.TriggerRecords || f.Trigger.Count <= reached ||
			f.Trigger.Producer != history.Any || f.Families != 2 || !f.Optional {
			t.Errorf("fault %d: %+v", i, f)
		}
		if f.Fault == KillLeader && (f.HealIn != time.Second || f.Target.Partition < 0) {
			t.Errorf("a kill without its heal or target: %+v", f)
		}
		reached = f.Trigger.Count
	}
}

func TestAMixKeepsToItsWeightsAndItsGap(t *testing.T) {
	for _, spread := range []string{history.SpreadExponential, history.SpreadUniform} {
		mix := mixture(6000, someCuts, someMoves, someKills)
		mix.Gap.Spread = spread
		plan := drawMix(t, 3, mix, 0)
		count := map[string]int{}
		for i, f := range plan {
			count[f.Fault]++
			gap := f.Trigger.Count
			if i > 0 {
				gap -= plan[i-1].Trigger.Count
			}
			if spread == history.SpreadUniform && (gap < 50 || gap > 150) || gap < 1 || gap > 400 {
				t.Fatalf("%s: gap of %d around a mean of 100", spread, gap)
			}
		}
		for name, want := range map[string]int{CutAfterAppend: 3000, KillLeader: 2000, MoveLeader: 1000} {
			if n := count[name]; n < want-150 || n > want+150 {
				t.Errorf("%s: %d of 6000 are %s, want about %d", spread, n, name, want)
			}
		}
		// Cutting exponential gaps at four times the mean takes 1.8 % off it.
		if mean := float64(plan[5999].Trigger.Count) / 6000; mean < 95 || mean > 105 {
			t.Errorf("%s: faults are %.1f records apart on average, want about 100", spread, mean)
		}
	}
}

func TestAnotherFaultOfAMixTakesSomePlacesAndShiftsNoOther(t *testing.T) {
	before := drawMix(t, 7, mixture(200, someCuts, someKills), 0)
	for name, mix := range map[string]history.MixSpec{
		"behind":   mixture(200, someCuts, someKills, someMoves),
		"in front": mixture(200, someMoves, someCuts, someKills),
	} {
		taken := 0
		for i, f := range drawMix(t, 7, mix, 0) {
			if f.Fault == MoveLeader {
				taken++
				continue
			}
			if !reflect.DeepEqual(f, before[i]) {
				t.Errorf("%s: place %d was %+v and is %+v", name, i, before[i], f)
			}
		}
		if taken < 15 || taken > 60 {
			t.Errorf("%s: a sixth of the weight took %d of 200 places", name, taken)
		}
	}
}

func TestTheSpreadOfAMixShiftsNothingElse(t *testing.T) {
	mix := mixture(50, someCuts, someMoves, someKills)
	exponential := drawMix(t, 7, mix, 0)
	mix.Gap.Spread = history.SpreadUniform
	for i, f := range drawMix(t, 7, mix, 0) {
		f.Trigger = exponential[i].Trigger
		if !reflect.DeepEqual(f, exponential[i]) {
			t.Errorf("place %d: %+v, was %+v", i, f, exponential[i])
		}
	}
}

func TestCheckMixNamesWhatIsImpossible(t *testing.T) {
	with := func(change func(*history.MixSpec)) history.MixSpec {
		mix := mixture(5, someCuts)
		change(&mix)
		return mix
	}
	if problems := CheckMix(mixture(5, someCuts, someMoves, someKills)); len(problems) > 0 {
		t.Errorf("a sound mix: %+v", problems)
	}
	for name, c := range map[string]struct {
		mix         history.MixSpec
		field, says string
	}{
		"no faults":          {mixture(5), "faults", "needs faults"},
		"no budget":          {with(func(m *history.MixSpec) { m.Budget = 0 }), "budget", "budget 0"},
		"no gap":             {with(func(m *history.MixSpec) { m.Gap.Records = 0 }), "gap", "exactly one"},
		"two gaps":           {with(func(m *history.MixSpec) { m.Gap.Acks = 4 }), "gap", "exactly one"},
		"a gap backwards":    {with(func(m *history.MixSpec) { m.Gap.Records = -4 }), "gap", "want 1 or more"},
		"another spread":     {with(func(m *history.MixSpec) { m.Gap.Spread = "normal" }), "gap.spread", "exponential or uniform"},
		"too many families":  {with(func(m *history.MixSpec) { m.Family = 5 }), "families", "want 1 to 4"},
		"a negative weight":  {mixture(5, history.MixFault{Fault: CutAfterAppend, Weight: -1}), "faults[0].weight", "weight -1"},
		"an unknown fault":   {mixture(5, someCuts, history.MixFault{Fault: "cut-it"}), "faults[1].fault", `unknown fault "cut-it"`},
		"a knob too many":    {mixture(5, history.MixFault{Fault: CutAfterAppend, Knobs: history.Knobs{Rate: 3}}), "faults[0].rate", "takes no rate"},
		"a knob too few":     {mixture(5, history.MixFault{Fault: DelayAcks}), "faults[0].delay", "needs a delay"},
		"no end":             {mixture(5, history.MixFault{Fault: KillLeader}), "faults[0].heal", "say when"},
		"an end by another":  {mixture(5, history.MixFault{Fault: KillLeader, Heal: history.HealSpec{Ended: CutAfterAppend}}), "faults[0].heal", "heal after a time"},
		"an end of no start": {mixture(5, history.MixFault{Fault: CutAfterAppend, Heal: history.HealSpec{After: 1}}), "faults[0].heal", "takes no heal"},
	} {
		problems := CheckMix(c.mix)
		if len(problems) != 1 || problems[0].Field != c.field || !strings.Contains(problems[0].Message, c.says) {
			t.Errorf("%s: %+v, want %s: %s", name, problems, c.field, c.says)
		}
		if _, err := DrawMix(c.mix, shape, 1, 0); err == nil {
			t.Errorf("%s: was drawn", name)
		}
	}
	out := history.MixFault{Fault: CutAfterAppend, Target: history.TargetSpec{Producer: history.Only(3)}}
	if _, err := DrawMix(mixture(5, out), shape, 1, 0); err == nil || !strings.Contains(err.Error(), "there are 3") {
		t.Errorf("a producer that is not there: %v", err)
	}
}
