package repro

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

func TestADeterministicBugShrinksToItsMinimum(t *testing.T) {
	l := newLab(always(restarts))
	r := shrunk(t, l.task())
	sc := r.Scenario
	if r.Ended != Finished || !r.Holds || r.Confirmed != (Rate{20, 20}) || r.Baseline != (Rate{10, 10}) {
		t.Errorf("ended %s, holds %v, %v after %v", r.Ended, r.Holds, r.Confirmed, r.Baseline)
	}
	if len(sc.Nemesis) != 1 || sc.Nemesis[0].Fault != "restart-leader" || sc.Nemesis[0].When.Records.Least != 1 || sc.Nemesis[0].Families != 0 {
		t.Errorf("nemesis %+v", sc.Nemesis)
	}
	w := sc.Workload
	if w.Producers != 1 || w.Records != 2 || w.Warmup != 0 || w.Rate != "" || w.Size != plainSize || !w.Step {
		t.Errorf("workload %+v", w)
	}
	if sc.Topics.Count != 1 || sc.Topics.Partitions != 1 || sc.Topics.Replication != 1 || sc.Cluster.Brokers != 1 || len(sc.Topics.Config) > 0 {
		t.Errorf("topics %+v on %d brokers", sc.Topics, sc.Cluster.Brokers)
	}
	if sc.Clients[0].Options != (suites.Options{}) || len(sc.Cover) > 0 || sc.Budget != leastBudget || !sc.Clients[0].Idempotence {
		t.Errorf("clients %+v, cover %v, budget %s", sc.Clients, sc.Cover, sc.Budget)
	}
	if l.runs != r.Runs || r.Runs > 400 {
		t.Errorf("%d runs, and %d said", l.runs, r.Runs)
	}
	if Hash(hostile()) != Hash(l.task().Start) || len(hostile().Nemesis) != 11 {
		t.Error("the start was altered")
	}
	var steps []string
	for _, s := range r.Steps {
		if s.Run == "" || s.Rate.Of < 5 || !restarts(s.Scenario) {
			t.Errorf("step %+v", s)
		}
		steps = append(steps, s.What)
	}
	t.Logf("%d runs, %d candidates, %d invalid:\n%s", r.Runs, r.Tried, r.Invalid, strings.Join(steps, "\n"))
}

func TestTwoFaultsThatGoTogetherBothStay(t *testing.T) {
	both := func(sc suites.Scenario) bool {
		var cut, pause bool
		for _, f := range sc.Nemesis {
			cut = cut || f.Fault == "cut-after-append"
			pause = pause || f.Fault == "pause-leader" && f.Heal.After >= time.Second
		}
		return cut && pause && sc.Workload.Records >= 7
	}
	r := shrunk(t, newLab(always(both)).task())
	if !both(r.Scenario) || len(r.Scenario.Nemesis) != 2 || r.Scenario.Workload.Records != 7 {
		t.Errorf("%+v, %d records", r.Scenario.Nemesis, r.Scenario.Workload.Records)
	}
	if heal := r.Scenario.Nemesis[1].Heal.After; heal != 1500*time.Millisecond {
		t.Errorf("heal after %s", heal)
	}
}

func TestAFlakyBugEndsInSomethingThatHasIt(t *testing.T) {
	for seed := range uint64(6) {
		flaky := history.Stream(seed, "flaky")
		l := newLab(func(sc suites.Scenario, _ int) Outcome {
			if restarts(sc) && flaky.Float64() < 0.6 {
				return Hit
			}
			return Miss
		})
		task := l.task()
		task.Baseline = 20
		r := shrunk(t, task)
		if !restarts(r.Scenario) || !r.Holds || len(r.Scenario.Nemesis) > 2 || r.Confirmed.Of != 20 {
			t.Errorf("seed %d: %d faults, %d records, %s", seed, len(r.Scenario.Nemesis), r.Scenario.Workload.Records, r.Confirmed)
		}
		t.Logf("seed %d: baseline %s, rule %s; %d runs: %d faults, %d records, confirmed %s",
			seed, r.Baseline, r.Rule, r.Runs, len(r.Scenario.Nemesis), r.Scenario.Workload.Records, r.Confirmed)
	}
}

func TestAnotherAnomalyIsNotFollowed(t *testing.T) {
	other := Signature{checker.Duplicates, checker.Duplicate, checker.BlameClient, checker.CauseRestampedAfterAck}
	l := newLab(nil)
	task := l.task()
	task.Try = func(_ context.Context, sc suites.Scenario) (Attempt, error) {
		if len(sc.Nemesis) >= 3 && restarts(sc) {
			return Judge(verdictOf(other, forgot), forgot), nil
		}
		return Judge(verdictOf(other), forgot), nil // with less, something else goes wrong, always
	}
	r := shrunk(t, task)
	if len(r.Scenario.Nemesis) != 3 || !restarts(r.Scenario) || r.Other == 0 {
		t.Errorf("%d faults, %d runs with another anomaly", len(r.Scenario.Nemesis), r.Other)
	}
}

func TestWhatNeverFiredAndWhatCameLateGoesFirst(t *testing.T) {
	task := newLab(always(restarts)).task()
	task.Facts.Never, task.Facts.Late = []int{5, 10}, []int{6, 7, 8, 9}
	r := shrunk(t, task)
	for i, want := range []string{"drop faults 5, 10: never fired", "drop faults 6, 7, 8, 9: after the anomaly"} {
		if r.Steps[i].What != want {
			t.Errorf("step %d is %q, want %q", i, r.Steps[i].What, want)
		}
	}
}

func TestAnAnomalyThatDoesNotComeBackIsAnError(t *testing.T) {
	l := newLab(always(func(suites.Scenario) bool { return false }))
	_, err := Shrink(t.Context(), l.task())
	if !errors.Is(err, ErrNotBack) || !strings.Contains(err.Error(), "0 of 10 (95 %: 0 to 28 %)") || l.runs != 10 {
		t.Errorf("%v after %d runs", err, l.runs)
	}
}

func TestABudgetOfRunsIsKeptAndTheBestIsConfirmedWithinIt(t *testing.T) {
	l := newLab(always(restarts))
	task := l.task()
	task.Budget.Runs = 100
	r := shrunk(t, task)
	if r.Ended != OutOfBudget || l.runs > 100 || r.Confirmed != (Rate{20, 20}) || !r.Holds {
		t.Errorf("ended %s after %d runs, confirmed %s", r.Ended, l.runs, r.Confirmed)
	}
	if len(r.Steps) == 0 || !restarts(r.Scenario) || len(r.Scenario.Nemesis) >= 11 {
		t.Errorf("%d steps, %d faults", len(r.Steps), len(r.Scenario.Nemesis))
	}
}

func TestABudgetOfTimeIsKept(t *testing.T) {
	l := newLab(always(restarts))
	task := l.task()
	task.Budget.Time, task.Confirm = 200*time.Millisecond, 5
	task.Try = func(ctx context.Context, sc suites.Scenario) (Attempt, error) {
		time.Sleep(5 * time.Millisecond)
		return l.try(ctx, sc)
	}
	if r := shrunk(t, task); r.Ended != OutOfBudget || r.Took > 2*time.Second || r.Confirmed.Of == 0 {
		t.Errorf("ended %s after %s and %d runs, confirmed %s", r.Ended, r.Took, r.Runs, r.Confirmed)
	}
}

func TestABudgetThatEndsBeforeTheRateIsKnownSaysSo(t *testing.T) {
	task := newLab(always(restarts)).task()
	task.Budget.Runs = 4
	if r := shrunk(t, task); r.Ended != OutOfBudget || r.Baseline != (Rate{4, 4}) || r.Holds || len(r.Steps) > 0 {
		t.Errorf("%+v", r)
	}
}

func TestARunThatBrokeCountsForNothing(t *testing.T) {
	l := newLab(nil)
	l.outcome = func(sc suites.Scenario, _ int) Outcome {
		if l.runs%3 == 0 {
			return Broken
		}
		return always(restarts)(sc, 0)
	}
	r := shrunk(t, l.task())
	if r.Broken == 0 || r.Baseline != (Rate{10, 10}) || r.Confirmed != (Rate{20, 20}) || len(r.Scenario.Nemesis) != 1 || r.Scenario.Workload.Records != 2 {
		t.Errorf("%d broken: %s, %s, %+v", r.Broken, r.Baseline, r.Confirmed, r.Scenario.Nemesis)
	}
}

func TestWhatOnlyBreaksIsNotFollowed(t *testing.T) {
	l := newLab(func(sc suites.Scenario, time int) Outcome {
		if sc.Cluster.Brokers < 3 {
			return Broken // the cluster does not come up
		}
		return always(restarts)(sc, time)
	})
	r := shrunk(t, l.task())
	if r.Scenario.Cluster.Brokers != 3 || r.Broken%4 != 0 || r.Broken == 0 || len(r.Scenario.Nemesis) != 1 {
		t.Errorf("%d brokers, %d runs broke", r.Scenario.Cluster.Brokers, r.Broken)
	}
	l = newLab(func(suites.Scenario, int) Outcome { return Broken })
	if _, err := Shrink(t.Context(), l.task()); err == nil || !strings.Contains(err.Error(), "4 runs in a row broke") || errors.Is(err, ErrNotBack) || l.runs != 4 {
		t.Errorf("%v after %d runs", err, l.runs)
	}
}

func TestAResultThatDoesNotHoldFallsBackToTheLastStepThatDoes(t *testing.T) {
	l := newLab(func(sc suites.Scenario, time int) Outcome {
		lucky := sc.Workload.Records < 100 && time >= 5 && time%2 == 0 // passes its trial, and then hits half of the time
		if lucky || !restarts(sc) {
			return Miss
		}
		return Hit
	})
	task := l.task()
	task.Wanted = 0.95
	r := shrunk(t, task)
	if !r.Holds || r.Confirmed.Hits < 19 || r.Scenario.Workload.Records < 100 || len(r.GivenUp) == 0 {
		t.Errorf("holds %v, %s, %d records, %d steps given up", r.Holds, r.Confirmed, r.Scenario.Workload.Records, len(r.GivenUp))
	}
	if last := r.Steps[len(r.Steps)-1]; Hash(last.Scenario) != Hash(r.Scenario) || r.GivenUp[0].Scenario.Workload.Records >= 100 {
		t.Errorf("fell back beyond the last that holds: %q, then %q", last.What, r.GivenUp[0].What)
	}
}

func TestATaskThatCannotBeSearchedIsRefused(t *testing.T) {
	for says, spoil := range map[string]func(*Task){
		"has a mix":            func(t *Task) { t.Start.Mix = &history.MixSpec{} },
		"somewhere in a range": func(t *Task) { t.Start.Nemesis[3].When.Records = &history.Range{Least: 1, Most: 2} },
		"cannot be run":        func(t *Task) { t.Start.Topics.Replication = 9 },
		"needs the signature":  func(t *Task) { t.Signature = Signature{} },
		"needs Try and Valid":  func(t *Task) { t.Try = nil },
		"want 0 to 1":          func(t *Task) { t.Wanted = 95 },
		"returned the outcome": func(t *Task) {
			t.Try = func(context.Context, suites.Scenario) (Attempt, error) { return Attempt{}, nil }
		},
		"run a scenario: no disk": func(t *Task) {
			t.Try = func(context.Context, suites.Scenario) (Attempt, error) { return Attempt{}, errors.New("no disk") }
		},
	} {
		task := newLab(always(restarts)).task()
		spoil(&task)
		if _, err := Shrink(t.Context(), task); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func ExampleRate_String() {
	fmt.Println(Rate{19, 20})
	// Output: 19 of 20 (95 %: 76 to 99 %)
}
