package repro

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

func TestWhoWaitsForADroppedFaultGoesWithIt(t *testing.T) {
	one := history.TriggerSpec{Acks: &history.Range{Least: 1, Most: 1}}
	all := []history.FaultSpec{
		{Fault: "kill-leader", When: one},
		{Fault: "pause-leader", When: history.TriggerSpec{Started: "kill-leader#1"}},
		{Fault: "kill-leader", When: one, Times: 2},
		{Fault: "latency", When: history.TriggerSpec{Ended: "pause-leader"}},
		{Fault: "blackhole", When: one, Heal: history.HealSpec{Ended: "kill-leader#1"}},
		{Fault: "refuse", When: history.TriggerSpec{Started: "kill-leader#3"}},
	}
	rest, left := without(all, map[int]bool{0: true})
	if !slices.Equal(left, []int{2, 4, 5}) {
		t.Fatalf("left %v", left)
	}
	if h := rest[1].Heal; h.Ended != "" || h.After != healsByItself {
		t.Errorf("what was to heal with it heals %+v", h)
	}
	if rest[2].When.Started != "kill-leader#2" {
		t.Errorf("the third is now called %q", rest[2].When.Started)
	}
	if all[5].When.Started != "kill-leader#3" || all[4].Heal.Ended != "kill-leader#1" {
		t.Error("the scenario it came from was altered")
	}
	rest, _ = without(all, map[int]bool{2: true})
	if rest[1].When.Started != "kill-leader" || len(rest) != 4 {
		t.Errorf("the only one left is called %q, of %d", rest[1].When.Started, len(rest))
	}
}

func TestAFaultThatIsPutInAnothersPlaceIsStillWaitedFor(t *testing.T) {
	task := newLab(always(func(sc suites.Scenario) bool {
		return slices.ContainsFunc(sc.Nemesis, func(f history.FaultSpec) bool { return f.Fault == "cut-after-append" && f.When.Started != "" })
	})).task()
	task.Start.Nemesis = []history.FaultSpec{
		{Fault: "kill-broker", When: history.TriggerSpec{Records: &history.Range{Least: 9, Most: 9}}, Target: history.TargetSpec{Broker: history.Only(1)}, Heal: history.HealSpec{After: time.Second}},
		{Fault: "cut-after-append", When: history.TriggerSpec{Started: "kill-broker"}},
	}
	r := shrunk(t, task)
	got := r.Scenario.Nemesis
	if len(got) != 2 || got[0].Fault != "answer-error" || got[1].When.Started != "answer-error" || got[0].Heal != (history.HealSpec{}) {
		t.Errorf("%+v", got)
	}
}

func TestTheAnomalysOwnIndexBecomesTheFirst(t *testing.T) {
	for _, c := range []struct {
		i           int32
		anomalys, n int
		want        int32
	}{{3, 3, 1, 0}, {0, 3, 1, 0}, {3, 3, 4, 0}, {0, 3, 4, 3}, {2, 3, 4, 2}, {5, 3, 2, 1}, {4, -1, 3, 1}, {history.Any, 3, 1, history.Any}} {
		w := history.Which{}
		if c.i != history.Any {
			w = history.Only(c.i)
		}
		if got := remap(w, c.anomalys, c.n).Index(); got != c.want {
			t.Errorf("%d of %d, the anomaly's %d: %d, want %d", c.i, c.n, c.anomalys, got, c.want)
		}
	}
	if got := onto([][]int32{{0, 3}, {5}, {1, 2}}, 3, 2); !reflect.DeepEqual(got, [][]int32{{0}, {1}, {1, 0}}) {
		t.Errorf("%v", got)
	}
	if got := ofFewer([][]int32{{0}, {1}, {2}}, 2, 2); !reflect.DeepEqual(got, [][]int32{{2}, {1}}) {
		t.Errorf("%v", got)
	}
}

func TestEveryFaultOfTheTableIsInTheCatalogueAndTheTableHasNoCircle(t *testing.T) {
	leads := map[string][]string{}
	for _, s := range simpler() {
		for _, name := range []string{s.from, s.fault} {
			if _, err := nemesis.ByName(name); err != nil {
				t.Error(err)
			}
		}
		leads[s.from] = append(leads[s.from], s.fault)
	}
	var depth func(name string, seen int) bool
	depth = func(name string, seen int) bool {
		if seen > len(leads) {
			return false
		}
		for _, next := range leads[name] {
			if !depth(next, seen+1) {
				return false
			}
		}
		return true
	}
	for name := range leads {
		if !depth(name, 0) {
			t.Errorf("from %s the table leads in a circle", name)
		}
	}
	for _, name := range needSeveral() {
		if _, err := nemesis.ByName(name); err != nil {
			t.Error(err)
		}
	}
}

// Whoever adds a fault to the table finds that its simpler one is a fault as
// the catalogue wants it: it takes the knobs, targets and heals that are left.
func TestWhatIsPutInTheirPlaceIsPossible(t *testing.T) {
	heal, delay := history.HealSpec{After: time.Second}, history.Knobs{Delay: time.Second}
	with := map[string]history.FaultSpec{
		"upgrade": {Knobs: history.Knobs{Kafka: "4.3.1"}}, "restart-all": {Knobs: history.Knobs{How: "kill"}}, "rolling-restart": {Knobs: history.Knobs{How: "kill"}},
		"kill-broker": {Heal: heal, Target: history.TargetSpec{Broker: history.Only(1)}}, "kill-controller": {Heal: heal},
		"kill-leader": {Heal: heal, Target: history.TargetSpec{Partition: history.Only(1)}}, "stop-leader": {Heal: heal},
		"pause-broker":   {Heal: heal, Target: history.TargetSpec{Broker: history.Only(1)}},
		"split":          {Heal: heal, Target: history.TargetSpec{Broker: history.Only(1)}, Knobs: history.Knobs{Way: "in"}},
		"isolate-broker": {Heal: heal, Knobs: history.Knobs{From: "brokers"}}, "isolate-leader": {Heal: heal, Knobs: history.Knobs{From: "clients"}},
		"blackhole": {Heal: heal}, "blackhole-acks": {Heal: heal}, "stall-read": {Heal: heal}, "delay-acks": {Knobs: delay},
		"late-request": {Knobs: history.Knobs{Batches: 2}}, "cut-mid-request": {Knobs: history.Knobs{Size: 10}}, "refuse": {Heal: heal},
		"reset": {Target: history.TargetSpec{Producer: history.Only(0)}}, "jitter": {Heal: heal, Knobs: delay, Seed: 7},
		"kill-producer": {Target: history.TargetSpec{Producer: history.Only(0)}},
		"pause-leader":  {Heal: heal, Target: history.TargetSpec{Partition: history.Only(1)}}, "restart-leader": {Target: history.TargetSpec{Partition: history.Only(1)}},
		"move-leader": {Target: history.TargetSpec{Partition: history.Only(1)}}, "cut-before-request": {Target: history.TargetSpec{Producer: history.Only(0)}},
	}
	for _, s := range simpler() {
		f, ok := with[s.from]
		if !ok {
			t.Errorf("%s stands in the table and not in this test", s.from)
		}
		f.Fault, f.When = s.from, history.TriggerSpec{Acks: &history.Range{Least: 3, Most: 3}}
		if problems := nemesis.Check([]history.FaultSpec{f}, 0); len(problems) > 0 {
			t.Errorf("%s: %v", s.from, problems)
		}
		s.apply(&f, Facts{Partition: 2})
		if problems := nemesis.Check([]history.FaultSpec{f}, 0); len(problems) > 0 || f.Fault != s.fault {
			t.Errorf("%s -> %s: %v", s.from, s.fault, problems)
		}
	}
}

func TestEntriesStandForTheirPlannedFaults(t *testing.T) {
	all := []history.FaultSpec{{Fault: "a"}, {Fault: "b", Times: 3}, {Fault: "c"}}
	if got := entriesOf(all, []int32{1, 2, 3, 4}); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("%v", got)
	}
	if got := entriesOf(all, []int32{0, 1, 2}); !slices.Equal(got, []int{0}) {
		t.Errorf("an entry that struck once and not thrice counts: %v", got)
	}
}
