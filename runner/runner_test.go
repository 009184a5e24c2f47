package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

// scenario is a short one for the embedded cluster.
func scenario(change func(*suites.Scenario)) suites.Scenario {
	s := suites.Scenario{
		Name: "short", Why: "a test",
		Cluster: suites.Cluster{Kind: "any", Brokers: 3},
		Topics:  suites.Topics{Count: 1, Partitions: 2, Replication: 3},
		Clients: []suites.Client{{Library: "franz-go", Idempotence: true, Acks: "all", Options: suites.Options{
			RetryBackoff: 50 * time.Millisecond, RequestTimeout: 500 * time.Millisecond}}},
		Workload: history.WorkloadSpec{Name: "unique-append", Producers: 2, Records: 60, Rate: "400/s", Size: 100, Warmup: 2},
		Nemesis: []history.FaultSpec{{Fault: nemesis.CutAfterAppend, Times: 2,
			When: history.TriggerSpec{Acks: &history.Range{Least: 3, Most: 6}}}},
		Check:  []string{"duplicates", "lost"},
		Budget: 10 * time.Second,
	}
	if change != nil {
		change(&s)
	}
	return s
}

func session(t *testing.T, c Config) *Session {
	t.Helper()
	c.Cluster = "embedded"
	s := NewSession(c)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func manifest(t *testing.T, dir string) (*history.Run, *history.Manifest) {
	t.Helper()
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if damage := run.Verify(); len(damage) > 0 {
		t.Errorf("the run directory is not whole: %v", damage)
	}
	return run, run.Manifest
}

func TestACompleteRunIsWrittenDown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := session(t, Config{}).Run(t.Context(), scenario(nil), 7, dir); err != nil {
		t.Fatal(err)
	}
	run, m := manifest(t, dir)
	if m.Ended != history.EndedComplete || m.EndedIn != "" || m.Error != "" {
		t.Errorf("ended %q in %q: %s", m.Ended, m.EndedIn, m.Error)
	}
	if len(m.Processes) != 2 || m.Processes[0].Sent != 62 || !m.Processes[0].OrderPromised || m.Healed == 0 || m.Drained < m.Healed {
		t.Errorf("processes %+v, healed %d, drained %d", m.Processes, m.Healed, m.Drained)
	}
	var ops, log int
	for op, err := range run.AllOps() {
		if err != nil || op.Outcome != history.Acked {
			t.Fatalf("op %+v: %v", op, err)
		}
		ops++
	}
	for rec, err := range run.AllLog() {
		if err != nil || rec.Standing != history.Intact {
			t.Fatalf("log record %+v: %v", rec, err)
		}
		log++
	}
	if ops != 124 || log != 124 {
		t.Errorf("%d ops and %d log records, want 124 of each", ops, log)
	}
	ended := 0
	for _, f := range run.Faults {
		if f.Status == history.FaultEnded && f.Hits.Acks > 0 {
			ended++
		}
	}
	if ended != 2 {
		t.Errorf("%d faults ended with lost acks, want 2: %+v", ended, run.Faults)
	}
	if _, err := os.Stat(filepath.Join(dir, "broker", "kfake.log")); err != nil {
		t.Error(err)
	}
}

func TestScenariosOfEqualNeedsShareACluster(t *testing.T) {
	s := session(t, Config{})
	dir := t.TempDir()
	for i, name := range []string{"a", "b"} {
		if err := s.Run(t.Context(), scenario(nil), uint64(i), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	first := s.site
	other := scenario(func(sc *suites.Scenario) { sc.Cluster.Brokers, sc.Topics.Replication = 1, 1 })
	if err := s.Run(t.Context(), other, 3, filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	if s.site == first {
		t.Error("a scenario that needs one broker ran on the cluster of three")
	}
	_, a := manifest(t, filepath.Join(dir, "a"))
	_, b := manifest(t, filepath.Join(dir, "b"))
	if !reflect.DeepEqual(a.Cluster, b.Cluster) || a.Topics[0].Name == b.Topics[0].Name || a.Run == b.Run {
		t.Errorf("want one cluster and topics of their own: %+v %+v", a, b)
	}
}

func TestTheSamePlanComesFromTheSameSeed(t *testing.T) {
	for _, seed := range []uint64{0, 1, 42, 1 << 63} {
		a, err := Draw(scenario(nil), seed)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Draw(scenario(nil), seed)
		if err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("seed %d: %+v and %+v, %v", seed, a, b, err)
		}
	}
}

func TestARunStoppedInAnyPhaseIsHealedAndWrittenDown(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, phase := range []string{phaseCluster, phaseTopics, phaseOpen, phaseWarm, phaseSend, phaseSettle, phaseHeal, phaseDrain, phaseFrontier, phaseRead} {
		t.Run(phase, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			because := errors.New("a person pressed a key")
			s := session(t, Config{Watch: func(st Status) {
				if st.Phase == phase {
					cancel(because)
				}
			}})
			dir := filepath.Join(t.TempDir(), "run")
			err := s.Run(ctx, scenario(nil), 7, dir)
			_, m := manifest(t, dir)
			if err == nil {
				// The phase was over before the news arrived: then the run is whole.
				if m.Ended != history.EndedComplete {
					t.Errorf("no error, and ended %q", m.Ended)
				}
				return
			}
			if !errors.Is(err, because) {
				t.Errorf("error %v does not tell why", err)
			}
			if m.Ended != history.EndedInterrupted || m.EndedIn == "" || m.Error == "" {
				t.Errorf("ended %q in %q: %s", m.Ended, m.EndedIn, m.Error)
			}
		})
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before+2; {
		if time.Now().After(deadline) {
			buffer := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buffer[:runtime.Stack(buffer, true)])
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestWhatCannotBeWrittenOrStartedIsSaidAndNothingIsLeft(t *testing.T) {
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "something"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		dir    string
		change func(*suites.Scenario)
	}{
		"a folder that is not empty":      {taken, nil},
		"a place that cannot be a folder": {filepath.Join(taken, "something", "run"), nil},
		"a client option it cannot take":  {filepath.Join(t.TempDir(), "run"), func(s *suites.Scenario) { s.Clients[0].Options.RequestTimeout = time.Millisecond }},
		"a library that is not there":     {filepath.Join(t.TempDir(), "run"), func(s *suites.Scenario) { s.Clients[0].Library = "nobody" }},
	} {
		t.Run(name, func(t *testing.T) {
			var broken *Broken
			err := session(t, Config{}).Run(t.Context(), scenario(c.change), 7, c.dir)
			if !errors.As(err, &broken) {
				t.Fatalf("got %v, want a *Broken", err)
			}
		})
	}
}

func TestAScenarioTheClusterCannotRunIsSkippedByName(t *testing.T) {
	for name, change := range map[string]func(*suites.Scenario){
		"wants containers": func(s *suites.Scenario) { s.Cluster.Kind = "docker" },
		"kills a broker": func(s *suites.Scenario) {
			s.Nemesis = []history.FaultSpec{{Fault: nemesis.KillLeader, When: history.TriggerSpec{Records: &history.Range{Least: 1, Most: 1}}}}
		},
	} {
		var skipped *Skipped
		dir := filepath.Join(t.TempDir(), "run")
		if err := session(t, Config{}).Run(t.Context(), scenario(change), 7, dir); !errors.As(err, &skipped) {
			t.Errorf("%s: got %v, want a *Skipped", name, err)
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a skipped scenario left a run directory", name)
		}
	}
}

func TestAClientThatHangsIsGivenUpWithinItsBudget(t *testing.T) {
	for name, c := range map[string]struct {
		client  hanging
		pending int64
	}{
		"after some records":      {hanging{answers: 10}, 114},
		"in the middle of a Send": {hanging{answers: 10, blocks: true}, 2},
		"while it closes":         {hanging{answers: 1 << 20, hangsInClose: true}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "run")
			s := session(t, Config{Libraries: map[string]clients.Library{"franz-go": c.client}})
			err := s.Run(t.Context(), scenario(func(sc *suites.Scenario) {
				sc.Budget, sc.Workload.Warmup, sc.Nemesis = time.Second, 2, nil
			}), 7, dir)
			if err != nil {
				t.Fatalf("a client that hangs is a finding, not a broken run: %v", err)
			}
			run, _ := manifest(t, dir)
			var stuck int64
			for op, err := range run.AllOps() {
				if err != nil {
					t.Fatal(err)
				}
				if op.Return == history.Forever {
					stuck++
					if op.Outcome != history.Unknown || op.Error == "" {
						t.Errorf("an unanswered op is %+v", op)
					}
				}
			}
			if stuck < min(c.pending, 2) || stuck > c.pending {
				t.Errorf("%d ops are unanswered, want at most %d", stuck, c.pending)
			}
		})
	}
}

func TestABudgetThatIsOverWithNothingStuckIsNotAPass(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	err := session(t, Config{}).Run(t.Context(), scenario(func(sc *suites.Scenario) {
		sc.Budget, sc.Workload.Rate, sc.Nemesis = 300*time.Millisecond, "10/s", nil
	}), 7, dir)
	var broken *Broken
	if !errors.As(err, &broken) || broken.Phase != phaseSend {
		t.Fatalf("got %v, want a run broken in %s", err, phaseSend)
	}
	if _, m := manifest(t, dir); m.Ended != history.EndedBroken || !slices.Equal(m.Topics[0].Read, []bool{true, true}) {
		t.Errorf("ended %q, read %v: what was sent is to be read all the same", m.Ended, m.Topics[0].Read)
	}
}

func TestATailThatOutlastsTheBudgetBreaksNothing(t *testing.T) {
	s := scenario(func(s *suites.Scenario) {
		s.Workload.Tail, s.Budget = 10, time.Second
		s.Nemesis = []history.FaultSpec{{Fault: nemesis.Latency, Knobs: history.Knobs{Delay: 10 * time.Millisecond},
			When: history.TriggerSpec{Records: &history.Range{Least: 3, Most: 3}}, Heal: history.HealSpec{After: time.Minute}}}
	})
	dir := filepath.Join(t.TempDir(), "run")
	if err := session(t, Config{}).Run(t.Context(), s, 7, dir); err != nil {
		t.Fatal(err)
	}
	if _, m := manifest(t, dir); m.Ended != history.EndedComplete || m.Processes[0].Sent < 100 {
		t.Errorf("ended %q, %d records sent: %s", m.Ended, m.Processes[0].Sent, m.Error)
	}
}

func TestTwoSessionsAtOnceDoNotDisturbEachOther(t *testing.T) {
	for _, name := range []string{"one", "other"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := session(t, Config{})
			for i := range 3 {
				dir := filepath.Join(t.TempDir(), "run")
				if err := s.Run(t.Context(), scenario(nil), uint64(i), dir); err != nil {
					t.Fatal(err)
				}
				run, _ := manifest(t, dir)
				for rec, err := range run.AllLog() {
					if err != nil || rec.Standing != history.Intact {
						t.Fatalf("%+v: %v", rec, err)
					}
				}
			}
		})
	}
}
