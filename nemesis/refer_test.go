package nemesis

import (
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

func after(ended string) history.TriggerSpec { return history.TriggerSpec{Ended: ended} }

func TestAReferenceByNumberMeansThatFaultOfTheWholeNemesis(t *testing.T) {
	plan := draw(t, 1,
		history.FaultSpec{Fault: MoveLeader, When: acks(1, 1), Times: 2},                                                                             // 0 1
		history.FaultSpec{Fault: CutAfterAppend, When: after("move-leader#3")},                                                                       // 2
		history.FaultSpec{Fault: MoveLeader, When: after("move-leader#2")},                                                                           // 3
		history.FaultSpec{Fault: DelayAcks, Knobs: history.Knobs{Delay: time.Second}, When: history.TriggerSpec{Started: "move-leader#1"}, Times: 2}, // 4 5
		history.FaultSpec{Fault: BlackholeAcks, When: acks(1, 1), Heal: history.HealSpec{Ended: "delay-acks#2"}},                                     // 6
	)
	for id, want := range map[int]int64{2: 3, 3: 1, 4: 0, 5: 0} {
		if got := plan[id].Trigger.Count; got != want {
			t.Errorf("fault %d waits for fault %d, want %d", id, got, want)
		}
	}
	if heal := plan[6].HealAt; heal == nil || heal.Count != 5 {
		t.Errorf("the black hole heals at %+v, want the end of 5", heal)
	}
}

func TestAReferenceThatMeansNothingIsRefused(t *testing.T) {
	move := history.FaultSpec{Fault: MoveLeader, When: acks(1, 1), Times: 2}
	with := func(spec history.FaultSpec, others ...history.FaultSpec) []history.FaultSpec {
		return append([]history.FaultSpec{spec}, others...)
	}
	cut := func(reference string) history.FaultSpec {
		return history.FaultSpec{Fault: CutAfterAppend, When: after(reference)}
	}
	for name, c := range map[string]struct {
		all         []history.FaultSpec
		field, says string // of the first entry
	}{
		"a number beyond all":     {with(cut("move-leader#5"), move, move), "when", "there is no move-leader#5: move-leader strikes 4 times in this nemesis"},
		"number nought":           {with(cut("move-leader#0"), move), "when", `"move-leader#0": want a number from 1 behind the #, like move-leader#1`},
		"no number":               {with(cut("move-leader#"), move), "when", "want a number from 1"},
		"a number in other words": {with(cut("move-leader#+1"), move), "when", "want a number from 1"},
		"a number of nothing":     {with(cut("kill-leader#1"), move), "when", `no fault "kill-leader" in this nemesis`},
		"a name of two":           {with(cut("move-leader"), move, move), "when", "which one is meant? (move-leader#1 is the first)"},
		"itself":                  {with(cut("cut-after-append#1"), move), "when", "ended: cut-after-append#1 is a fault of this entry, which cannot wait for itself"},
		"another time of itself":  {with(history.FaultSpec{Fault: CutAfterAppend, When: after("cut-after-append#2"), Times: 3}), "when", "cannot wait for itself"},
		"one of its own name that waits for it": {
			with(cut("cut-after-append#2"), cut("cut-after-append#1")),
			"when", "the start of cut-after-append#1 never comes: the start of cut-after-append#1 waits for the end of cut-after-append#2",
		},
		"a later time of one that waits for it": {
			with(cut("move-leader#2"), history.FaultSpec{Fault: MoveLeader, When: after("cut-after-append#1"), Times: 2}),
			"when", "the end of move-leader#2 waits for the start of move-leader#2, the start of move-leader#2 waits for the end of cut-after-append",
		},
		"a turn that it holds itself": {
			with(history.FaultSpec{Fault: KillLeader, When: acks(1, 1), Heal: history.HealSpec{Ended: "move-leader#1"}}, move),
			"heal", "take turns",
		},
	} {
		found := false
		for _, p := range Check(c.all, 0) {
			found = found || p.Field == c.field && strings.Contains(p.Message, c.says)
		}
		if !found {
			t.Errorf("%s: %+v, want one about %q that says %q", name, Check(c.all, 0), c.field, c.says)
		}
	}
	for name, all := range map[string][]history.FaultSpec{
		"the first of two":                     with(cut("move-leader#1"), move, move),
		"the last of two":                      with(cut("move-leader#4"), move, move),
		"the other of its name":                with(cut("cut-after-append#2"), history.FaultSpec{Fault: CutAfterAppend, When: acks(1, 1)}),
		"a time that waits for an earlier one": with(cut("move-leader#1"), move, history.FaultSpec{Fault: MoveLeader, When: after("cut-after-append")}),
	} {
		for at := range all {
			if problems := Check(all, at); len(problems) > 0 {
				t.Errorf("%s, entry %d: %+v", name, at, problems)
			}
		}
	}
}

func TestWhatAPlanSaysCanBeSaidInAScenario(t *testing.T) {
	slices := history.FaultSpec{Fault: Slicer, Knobs: history.Knobs{Size: 9}, When: acks(1, 1), Seed: 77}
	if f := draw(t, 1, slices)[0]; f.Seed != 77 {
		t.Errorf("seed %d, want 77", f.Seed)
	}
	gone := history.FaultSpec{Fault: DeleteRecords, When: acks(1, 1), Share: 0.625, Target: history.TargetSpec{Topic: history.Only(1)}}
	free := gone
	free.Target, free.Share = history.TargetSpec{}, 0
	for seed := range uint64(20) { // a topic and a share that are said shift no other draw
		pinned, drawn := draw(t, seed, gone)[0], draw(t, seed, free)[0]
		if pinned.Share != 0.625 || pinned.Target.Topic != 1 || pinned.Target.Partition != drawn.Target.Partition {
			t.Errorf("%+v, and without topic and share %+v", pinned, drawn)
		}
	}
	if f := draw(t, 1, history.FaultSpec{Fault: MoveLeader, When: acks(1, 1), Families: 2})[0]; f.Families != 2 {
		t.Errorf("families %d, want 2", f.Families)
	}
	for field, spec := range map[string]history.FaultSpec{
		"seed":     {Fault: MoveLeader, When: acks(1, 1), Seed: 7},
		"share":    {Fault: DeleteRecords, When: acks(1, 1), Share: 1},
		"families": {Fault: MoveLeader, When: acks(1, 1), Families: 5},
		"target":   {Fault: CutAfterAppend, When: acks(1, 1), Target: history.TargetSpec{Topic: history.Only(0)}},
		"heal":     {Fault: BlackholeAcks, When: acks(1, 1), Families: 1},
	} {
		if problems := Check([]history.FaultSpec{spec}, 0); len(problems) != 1 || problems[0].Field != field {
			t.Errorf("%+v: %+v, want one about %s", spec, problems, field)
		}
	}
}
