package repro

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// hostile is a long run with many faults, as a mix draws them.
func hostile() suites.Scenario {
	at := func(n int64) history.TriggerSpec {
		return history.TriggerSpec{Records: &history.Range{Least: n, Most: n}}
	}
	leader := func(p int32) history.TargetSpec { return history.TargetSpec{Partition: history.Only(p)} }
	heal := history.HealSpec{After: 1500 * time.Millisecond}
	return suites.Scenario{
		Name: "hostile", Why: "everything at once",
		Cluster: suites.Cluster{Kind: "docker", Brokers: 3},
		Topics:  suites.Topics{Count: 2, Partitions: 6, Replication: 3, Config: map[string]string{"min.insync.replicas": "2"}},
		Clients: []suites.Client{{Library: "franz-go", Idempotence: true, Acks: "all",
			Options: suites.Options{RetryBackoff: 50 * time.Millisecond, RequestTimeout: time.Second}}},
		Workload: history.WorkloadSpec{Name: "unique-append", Producers: 3, Records: 1600, Rate: "110/s", Size: 200, Warmup: 12},
		Nemesis: []history.FaultSpec{
			{Fault: "cut-after-append", When: at(210), Families: 2},
			{Fault: "kill-leader", When: at(640), Target: leader(3), Heal: heal, Families: 2},
			{Fault: "reset", When: at(900), Families: 2},
			{Fault: "blackhole-acks", When: at(1200), Heal: heal, Families: 2},
			{Fault: "restart-all", When: at(1500), Families: 2},
			{Fault: "late-request", When: at(1900), Families: 2},
			{Fault: "pause-leader", When: at(2300), Target: leader(5), Heal: heal, Families: 2},
			{Fault: "kill-leader", When: at(2700), Target: leader(1), Heal: heal, Families: 2},
			{Fault: "delay-acks", When: at(3100), Knobs: history.Knobs{Delay: 1500 * time.Millisecond}, Families: 2},
			{Fault: "move-leader", When: at(3600), Target: leader(2), Families: 2},
			{Fault: "refuse", When: at(4700), Target: history.TargetSpec{Broker: history.Only(2)}, Heal: heal, Families: 2},
		},
		Check: []string{"duplicates"}, Cover: map[string]int64{"faults_fired": 3}, Budget: 90 * time.Second,
	}
}

// sound stands for the real validation: what a candidate may get wrong.
func sound(sc suites.Scenario) error {
	for i, f := range sc.Nemesis {
		for _, w := range []struct {
			which history.Which
			of    int
		}{{f.When.Producer, sc.Workload.Producers}, {f.Target.Partition, sc.Topics.Partitions}, {f.Target.Broker, sc.Cluster.Brokers}, {f.Target.Topic, sc.Topics.Count}} {
			if int(w.which.Index()) >= w.of {
				return fmt.Errorf("entry %d: index out of range", i)
			}
		}
		for _, ref := range []string{f.When.Started, f.When.Ended, f.Heal.Ended} {
			if r := refer(sc.Nemesis, ref); ref != "" && (r.entry < 0 || r.entry == i) {
				return fmt.Errorf("entry %d waits for %q", i, ref)
			}
		}
		set := 0
		for _, r := range counts(&f.When) {
			if *r != nil {
				set++
			}
		}
		if f.When.Started == "" && f.When.Ended == "" && set != 1 {
			return fmt.Errorf("entry %d: no trigger", i)
		}
	}
	if sc.Topics.Replication > sc.Cluster.Brokers || len(sc.Clients) > sc.Workload.Producers {
		return errors.New("too many of something")
	}
	return nil
}

// restarts says whether a scenario has the bug of these tests: brokers restart
// while a producer has two records or more under way.
func restarts(sc suites.Scenario) bool {
	several := sc.Workload.Records >= 2 && sc.Workload.Outstanding != 1
	return several && slices.ContainsFunc(sc.Nemesis, func(f history.FaultSpec) bool {
		sent := int64(sc.Workload.Records * sc.Workload.Producers)
		return strings.Contains(f.Fault, "restart") && f.When.Records != nil && f.When.Records.Least <= sent
	})
}

// lab runs scenarios in no time, and keeps count.
type lab struct {
	outcome func(sc suites.Scenario, time int) Outcome // time: of this scenario, from 0
	runs    int
	times   map[string]int
}

func newLab(outcome func(suites.Scenario, int) Outcome) *lab {
	return &lab{outcome: outcome, times: make(map[string]int)}
}

// always is the outcome of a deterministic bug.
func always(bug func(suites.Scenario) bool) func(suites.Scenario, int) Outcome {
	return func(sc suites.Scenario, _ int) Outcome {
		if bug(sc) {
			return Hit
		}
		return Miss
	}
}

func (l *lab) try(_ context.Context, sc suites.Scenario) (Attempt, error) {
	l.runs++
	hash := Hash(sc)
	time := l.times[hash]
	l.times[hash]++
	return Attempt{Outcome: l.outcome(sc, time), Run: fmt.Sprintf("run-%s-%d", hash, time)}, nil
}

// task is a search in a lab.
func (l *lab) task() Task {
	return Task{Run: "runs/1", Signature: forgot, Start: hostile(), Facts: Facts{Topic: 1, Partition: 3, Producer: 2},
		Versions: "franz-go 1.22.1, Kafka 4.3.1", Try: l.try, Valid: sound}
}

func shrunk(t *testing.T, task Task) Result {
	t.Helper()
	result, err := Shrink(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	return result
}
