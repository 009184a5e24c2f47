package runner

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/proxy"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

// vocabulary is the real one, save for the client libraries: any name is one.
func vocabulary() suites.Vocabulary {
	v := faultWords()
	v.Library = func(string) error { return nil }
	v.Counter, v.Transactional = checker.KnownCounter, workloads.Transactional
	v.API = func(name string) bool {
		_, ok := proxy.APIKey(name)
		return ok
	}
	v.Workload = func(s *suites.Scenario) error {
		_, err := drawWorkload(*s, 0)
		return errors.Unwrap(err)
	}
	v.Mix = func(mix history.MixSpec) []suites.FieldProblem {
		var problems []suites.FieldProblem
		for _, p := range nemesis.CheckMix(mix) {
			problems = append(problems, suites.FieldProblem(p))
		}
		return problems
	}
	for _, w := range workloads.All() {
		v.Workloads = append(v.Workloads, w.Name())
	}
	for _, c := range checker.Names() {
		v.Checks = append(v.Checks, c.Name)
		if !c.ByName {
			v.Usual = append(v.Usual, c.Name)
		}
	}
	for _, kind := range checker.Kinds() {
		v.Anomalies = append(v.Anomalies, string(kind))
	}
	return v
}

// everyScenario loads those of all folders, with how many seeds to try them.
func everyScenario(t *testing.T, each func(sc suites.Scenario, seeds uint64)) {
	t.Helper()
	for _, folder := range suites.Folders() {
		all, err := suites.Folder(folder, vocabulary())
		if err != nil {
			t.Fatal(err)
		}
		for _, sc := range all {
			seeds := uint64(3)
			if sc.Mix != nil && testing.Short() {
				seeds = 15
			} else if sc.Mix != nil {
				seeds = 100
			}
			each(sc, seeds)
		}
	}
}

func TestAPinnedScenarioDrawsItsPlanFromAnySeed(t *testing.T) {
	v := vocabulary()
	everyScenario(t, func(sc suites.Scenario, seeds uint64) {
		for seed := range seeds {
			plan, err := Draw(sc, seed)
			if err != nil {
				t.Fatal(err)
			}
			if err := Executable(sc, plan); err != nil {
				t.Fatalf("%s, seed %d: %v", sc.File, seed, err)
			}
			pinned, err := Pin(sc, plan)
			if err != nil {
				t.Fatalf("%s, seed %d: %v", sc.File, seed, err)
			}
			again, err := Draw(pinned, seed+1000)
			if err != nil || !reflect.DeepEqual(plan.Faults, again.Faults) || !reflect.DeepEqual(plan.Workload, again.Workload) {
				t.Fatalf("%s, seed %d: %v\n%+v\nis drawn again as\n%+v", sc.File, seed, err, plan, again)
			}
			if err := Executable(pinned, plan); err != nil {
				t.Errorf("%s, seed %d: with its pinned scenario: %v", sc.File, seed, err)
			}
			if seed > 5 {
				continue
			}
			text, err := suites.Write(pinned, v)
			if err != nil {
				t.Fatalf("%s, seed %d: %v", sc.File, seed, err)
			}
			read, err := suites.Parse(sc.File, text, v)
			if read.Folder = sc.Folder; err != nil || !reflect.DeepEqual(pinned, read) {
				t.Fatalf("%s, seed %d: %v\n%+v\nis read back as\n%+v\nfrom\n%s", sc.File, seed, err, pinned, read, text)
			}
		}
	})
}

func TestAPlanHasItsScenarioAlong(t *testing.T) {
	everyScenario(t, func(sc suites.Scenario, _ uint64) {
		plan, err := Draw(sc, 7)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "plan.json")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		read, err := history.OpenPlan(path)
		if err != nil {
			t.Fatal(err)
		}
		its, err := suites.FromResolved(read.Scenario, vocabulary())
		if err != nil || !reflect.DeepEqual(sc.Drawn(7), its) {
			t.Fatalf("%s: %v\n%+v", sc.File, err, its)
		}
		if err := Executable(its, read); err != nil {
			t.Errorf("%s: %v", sc.File, err)
		}
	})
}

// planned is a scenario with a bit of everything, and its plan.
func planned(t *testing.T) (suites.Scenario, *history.Plan) {
	t.Helper()
	at := func(n int64) history.TriggerSpec { return history.TriggerSpec{Acks: &history.Range{Least: n, Most: n}} }
	sc := scenario(func(s *suites.Scenario) {
		s.Topics.Partitions, s.Workload.Lanes = 4, 2
		s.Nemesis = []history.FaultSpec{
			{Fault: nemesis.CutAfterAppend, When: at(3)},
			{Fault: nemesis.KillBroker, When: at(5), Target: history.TargetSpec{Broker: history.Only(2)}, Heal: history.HealSpec{After: time.Second}},
			{Fault: nemesis.MoveLeader, When: history.TriggerSpec{Ended: nemesis.KillBroker}},
			{Fault: nemesis.Jitter, Knobs: history.Knobs{Delay: time.Second}, When: at(9)},
			{Fault: nemesis.RestartProducer, When: at(9), Target: history.TargetSpec{Producer: history.Only(1)}},
		}
	})
	plan, err := Draw(sc, 7)
	if err != nil {
		t.Fatal(err)
	}
	return sc, plan
}

func TestAPlanThatCannotBeCarriedOutIsRefusedByItsField(t *testing.T) {
	type alter func(sc *suites.Scenario, p *history.Plan)
	for name, c := range map[string]struct {
		alter alter
		says  string // empty: it is fine
	}{
		"the plan itself":                 {func(*suites.Scenario, *history.Plan) {}, ""},
		"another seed":                    {func(_ *suites.Scenario, p *history.Plan) { p.Seed++ }, ""},
		"of the first schema":             {func(_ *suites.Scenario, p *history.Plan) { p.Schema, p.Scenario = 1, nil }, ""},
		"another client":                  {func(s *suites.Scenario, _ *history.Plan) { *s = s.With("sarama@1.47.0", nil) }, ""},
		"another moment":                  {func(_ *suites.Scenario, p *history.Plan) { p.Faults[0].Trigger.Count = 44 }, ""},
		"a fault less":                    {func(_ *suites.Scenario, p *history.Plan) { p.Faults = p.Faults[:4] }, ""},
		"no fault":                        {func(_ *suites.Scenario, p *history.Plan) { p.Faults = []history.PlannedFault{} }, ""},
		"other partitions":                {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Partitions[1].Partitions = []int32{3, 0} }, ""},
		"of a newer schema":               {func(_ *suites.Scenario, p *history.Plan) { p.Schema = 9 }, "schema version 9, this idemcheck knows versions up to 2: update idemcheck"},
		"more records":                    {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Records = 61 }, "workload.records 61: scenario short has 60: change it there as well"},
		"another rate":                    {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Rate = 1 }, "workload.rate 1: scenario short has 400"},
		"another workload":                {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Name = "fan-out" }, "workload.name fan-out: scenario short has unique-append"},
		"another budget":                  {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Budget = time.Minute }, "workload.budget 1m0s: scenario short has 10s"},
		"more producers":                  {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Producers = 3 }, "workload.producers 3: scenario short has 2"},
		"fewer producers in the scenario": {func(s *suites.Scenario, _ *history.Plan) { s.Workload.Producers = 1 }, "workload.producers 2: scenario short has 1"},
		"no partitions for one":           {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Partitions = p.Workload.Partitions[:1] }, "workload.partitions has 1 entries: want one for each of the 2 producers"},
		"partitions of nobody":            {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Partitions[1].Producer = 5 }, "workload.partitions[1] is of producer 5: want"},
		"a lane more":                     {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Partitions[1].Partitions = []int32{3, 0, 1} }, "workload.partitions[1]: producer 1 sends to 3 partitions, and in scenario short to 2"},
		"a partition that there is not":   {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Partitions[1].Partitions = []int32{3, 4} }, "workload.partitions[1]: partition 4: there are 4, counted from 0"},
		"a partition twice":               {func(_ *suites.Scenario, p *history.Plan) { p.Workload.Partitions[1].Partitions = []int32{3, 3} }, "workload.partitions[1]: partition 3 stands there twice"},
		"fewer partitions in the scenario": {func(s *suites.Scenario, p *history.Plan) {
			p.Workload.Partitions[0].Partitions = []int32{3, 1}
			s.Topics.Partitions = 3
		}, "workload.partitions[0]: partition 3: there are 3, counted from 0"},
		"a broker that there is not":     {func(_ *suites.Scenario, p *history.Plan) { p.Faults[1].Target.Broker = 4 }, "planned fault 1 (kill-broker): target broker 4: there are 3 brokers, counted from 0"},
		"fewer brokers in the scenario":  {func(s *suites.Scenario, _ *history.Plan) { s.Cluster.Brokers = 2 }, "planned fault 1 (kill-broker): target broker 2: there are 2 brokers"},
		"a topic that there is not":      {func(_ *suites.Scenario, p *history.Plan) { p.Faults[2].Target.Topic = 1 }, "planned fault 2 (move-leader): target topic 1: there are 1 topics"},
		"a partition of no topic":        {func(_ *suites.Scenario, p *history.Plan) { p.Faults[2].Target.Partition = 4 }, "planned fault 2 (move-leader): target partition 4: there are 4"},
		"a producer that there is not":   {func(_ *suites.Scenario, p *history.Plan) { p.Faults[4].Target.Producer = 2 }, "planned fault 4 (restart-producer): target producer 2: there are 2"},
		"a trigger of such a producer":   {func(_ *suites.Scenario, p *history.Plan) { p.Faults[0].Trigger.Producer = 2 }, "planned fault 0 (cut-after-append): trigger producer 2: there are 2"},
		"an unknown fault":               {func(_ *suites.Scenario, p *history.Plan) { p.Faults[0].Fault = "cut" }, `planned fault 0 (cut): unknown fault "cut"`},
		"an unknown trigger":             {func(_ *suites.Scenario, p *history.Plan) { p.Faults[0].Trigger.Kind = "time" }, `planned fault 0 (cut-after-append): trigger "time": want one of`},
		"ids out of order":               {func(_ *suites.Scenario, p *history.Plan) { p.Faults = p.Faults[1:] }, "planned fault 0 (kill-broker): id 1: want its place in the plan, 0"},
		"a reference to nothing":         {func(_ *suites.Scenario, p *history.Plan) { p.Faults[2].Trigger.Count = 7 }, "planned fault 2 (move-leader): trigger on fault 7: want another one"},
		"a knob that it does not take":   {func(_ *suites.Scenario, p *history.Plan) { p.Faults[1].Size = 7 }, "planned fault 1 (kill-broker): size: kill-broker takes no size"},
		"a delay below all":              {func(_ *suites.Scenario, p *history.Plan) { p.Faults[3].Delay = 1 }, "planned fault 3 (jitter): delay: jitter needs a delay of 1ms or more"},
		"a process that no producer has": {func(_ *suites.Scenario, p *history.Plan) { p.Faults[4].Fault = nemesis.KillProducer }, "planned fault 4 (kill-producer): fault: kill-producer needs a producer in a process of its own"},
		"a loss that is not expected":    {func(_ *suites.Scenario, p *history.Plan) { p.Faults[2].Fault = nemesis.UncleanElection }, "planned fault 2 (unclean-election): fault: unclean-election loses acknowledged records"},
	} {
		sc, plan := planned(t)
		c.alter(&sc, plan)
		err := Executable(sc, plan)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestAPlanIsRunAsItIsWritten(t *testing.T) {
	s := session(t, Config{})
	sc := scenario(nil)
	plan, err := Draw(sc, 7)
	if err != nil {
		t.Fatal(err)
	}
	plan.Faults = plan.Faults[:1]
	plan.Faults[0].Trigger.Count = 11
	plan.Workload.Partitions[0].Partitions = []int32{1, 0}
	plan.Schema, plan.Scenario = 1, nil // as an older run has it
	dir := filepath.Join(t.TempDir(), "run")
	if err := s.RunPlan(context.Background(), sc, plan, dir); err != nil {
		t.Fatal(err)
	}
	run, m := manifest(t, dir)
	if !reflect.DeepEqual(run.Plan.Faults, plan.Faults) || !reflect.DeepEqual(run.Plan.Workload, plan.Workload) || run.Plan.Schema != history.PlanSchema {
		t.Errorf("planned %+v, written down %+v", plan, run.Plan)
	}
	if !slices.ContainsFunc(m.Files, func(f history.File) bool { return f.Name == "plan.json" }) {
		t.Errorf("the manifest lists no plan: %+v", m.Files)
	}
	for _, raw := range []json.RawMessage{run.Plan.Scenario, m.Resolved} {
		if its, err := suites.FromResolved(raw, vocabulary()); err != nil || !reflect.DeepEqual(its, sc) {
			t.Errorf("%v\n%+v\n%+v", err, its, sc)
		}
	}
	if last := run.Faults[len(run.Faults)-1]; last.Status != history.FaultEnded || last.Trigger != "11 acks" {
		t.Errorf("%+v", run.Faults)
	}
}

func TestAPlanThatCannotBeCarriedOutStartsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		alter   func(sc *suites.Scenario, p *history.Plan)
		skipped bool
		says    string
	}{
		"altered": {func(_ *suites.Scenario, p *history.Plan) { p.Faults[0].Target.Broker = 4 }, false, "target broker 4: there are 3 brokers"},
		"beyond the cluster": {func(_ *suites.Scenario, p *history.Plan) {
			p.Faults[0].Fault, p.Faults[0].Target = nemesis.KillBroker, history.Target{Role: "broker", Partition: -1, Producer: -1}
		}, true, "power"},
	} {
		s := session(t, Config{})
		sc := scenario(nil)
		plan, err := Draw(sc, 7)
		if err != nil {
			t.Fatal(err)
		}
		c.alter(&sc, plan)
		dir := filepath.Join(t.TempDir(), "run")
		err = s.RunPlan(context.Background(), sc, plan, dir)
		skipped, broken := (*Skipped)(nil), (*Broken)(nil)
		if err == nil || !strings.Contains(err.Error(), c.says) || errors.As(err, &skipped) != c.skipped || errors.As(err, &broken) == c.skipped {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) || s.site != nil {
			t.Errorf("%s: something was started: %v", name, err)
		}
	}
}

// A mix may draw what a cluster cannot do; a plan that drew none of it runs there.
func TestAPlanOfAMixNeedsNoMoreThanItHas(t *testing.T) {
	sc := scenario(func(s *suites.Scenario) {
		s.Mix = &history.MixSpec{Gap: history.GapSpec{Records: 20, Spread: history.SpreadUniform}, Budget: 1, Family: 1, Faults: []history.MixFault{
			{Fault: nemesis.Reset, Weight: 1}, {Fault: nemesis.KillLeader, Weight: 1, Heal: history.HealSpec{After: time.Second}},
		}}
	})
	s := session(t, Config{})
	ran, skipped := 0, 0
	for seed := range uint64(8) {
		plan, err := Draw(sc, seed)
		if err != nil {
			t.Fatal(err)
		}
		pinned, err := Pin(sc, plan)
		if err != nil {
			t.Fatal(err)
		}
		if s.Can(pinned) == nil {
			ran++
		} else {
			skipped++
		}
	}
	if ran == 0 || skipped == 0 || s.Can(sc) == nil {
		t.Errorf("%d can run, %d cannot", ran, skipped)
	}
}
