package repro

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// sameResult wants two searches to have come to the same, by the same steps.
func sameResult(t *testing.T, what string, got, want Result) {
	t.Helper()
	if Hash(got.Scenario) != Hash(want.Scenario) || got.Baseline != want.Baseline || got.Confirmed != want.Confirmed ||
		got.Holds != want.Holds || got.Ended != want.Ended || got.Tried != want.Tried || got.Broken != want.Broken || len(got.Steps) != len(want.Steps) {
		t.Fatalf("%s: %s, holds %v, %s after %s, %d steps; in one go %s, holds %v, %s after %s, %d steps", what,
			got.Ended, got.Holds, got.Confirmed, got.Baseline, len(got.Steps), want.Ended, want.Holds, want.Confirmed, want.Baseline, len(want.Steps))
	}
	for i, s := range want.Steps {
		if got.Steps[i].What != s.What || got.Steps[i].Rate != s.Rate || got.Steps[i].Run != s.Run {
			t.Fatalf("%s: step %d is %+v, in one go %+v", what, i, got.Steps[i], s)
		}
	}
}

// moody is a bug that comes back seven times of eight, by the run's number; now
// and then a run breaks. The same run always comes out the same.
func moody(sc suites.Scenario, time int) Outcome {
	switch r := history.Stream(uint64(time), Hash(sc)).Float64(); {
	case r < 0.05:
		return Broken
	case restarts(sc) && r < 0.9:
		return Hit
	}
	return Miss
}

func TestASearchThatIsStoppedAtEveryRunComesToTheSameAndRunsNothingTwice(t *testing.T) {
	for name, outcome := range map[string]func(suites.Scenario, int) Outcome{"deterministic": always(restarts), "moody": moody} {
		whole := newLab(outcome)
		want := shrunk(t, whole.task())
		l := newLab(outcome)
		task := l.task()
		task.Journal, task.Budget.Runs = filepath.Join(t.TempDir(), "journal.jsonl"), 1
		for goes := 1; ; goes++ {
			r := shrunk(t, task)
			if r.Ended == Finished {
				sameResult(t, name, r, want)
				break
			}
			if r.Runs != 1 || goes > whole.runs+1 {
				t.Fatalf("%s: go %d made %d runs and ended %s", name, goes, r.Runs, r.Ended)
			}
		}
		if l.runs != whole.runs {
			t.Errorf("%s: %d runs in all, in one go %d", name, l.runs, whole.runs)
		}
		task.Budget.Runs = 0
		r := shrunk(t, task)
		sameResult(t, name+", when it had ended", r, want)
		if r.Runs != 0 || r.Earlier != whole.runs {
			t.Errorf("%s: a search that had ended made %d runs more, and knows of %d", name, r.Runs, r.Earlier)
		}
	}
}

func TestASearchThatIsInterruptedGoesOnWhereItWas(t *testing.T) {
	whole := newLab(moody)
	want := shrunk(t, whole.task())
	l := newLab(moody)
	task := l.task()
	task.Journal = filepath.Join(t.TempDir(), "journal.jsonl")
	for {
		ctx, cancel := context.WithCancel(t.Context())
		stop := l.runs + 7
		task.Try = func(ctx context.Context, sc suites.Scenario) (Attempt, error) {
			if l.runs == stop {
				cancel()
				return Attempt{}, ctx.Err()
			}
			return l.try(ctx, sc)
		}
		r, err := Shrink(ctx, task)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if r.Ended == Finished {
			sameResult(t, "interrupted", r, want)
			break
		}
		if r.Ended != Interrupted {
			t.Fatalf("ended %s", r.Ended)
		}
	}
	if l.runs != whole.runs {
		t.Errorf("%d runs in all, in one go %d", l.runs, whole.runs)
	}
}

func TestAJournalTornAnywhereIsGoneOnFrom(t *testing.T) {
	dir := t.TempDir()
	l := newLab(moody)
	task := l.task()
	task.Journal = filepath.Join(dir, "whole.jsonl")
	want := shrunk(t, task)
	text, err := os.ReadFile(task.Journal)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(text); cut += len(text)/60 + 1 {
		l := newLab(moody)
		task := l.task()
		task.Journal = filepath.Join(dir, "torn.jsonl")
		if err := os.WriteFile(task.Journal, text[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		// The lab has to know how often it was asked before.
		for _, e := range entries(t, text[:bytes.LastIndexByte(text[:cut], '\n')+1]) {
			if e.Kind == RunEntry {
				l.times[e.Scenario]++
			}
		}
		r := shrunk(t, task)
		sameResult(t, "torn", r, want)
		again, err := os.ReadFile(task.Journal)
		if err != nil || !bytes.Equal(again, text) {
			t.Fatalf("torn at %d of %d bytes, the journal did not become what it was: %v", cut, len(text), err)
		}
	}
}

func entries(t *testing.T, text []byte) []Entry {
	t.Helper()
	var all []Entry
	for _, line := range bytes.Split(bytes.TrimSpace(text), []byte("\n")) {
		var e Entry
		if len(line) == 0 {
			continue
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestAJournalHoldsEveryRunAndEveryDecision(t *testing.T) {
	l := newLab(always(restarts))
	task := l.task()
	task.Journal = filepath.Join(t.TempDir(), "journal.jsonl")
	var told []Entry
	task.Tell = func(e Entry) { told = append(told, e) }
	r := shrunk(t, task)
	text, err := os.ReadFile(task.Journal)
	if err != nil {
		t.Fatal(err)
	}
	all := entries(t, text)
	count := map[EntryKind]int{}
	accepted := 0
	for _, e := range all {
		count[e.Kind]++
		if e.Accepted {
			accepted++
			if len(e.Now) == 0 {
				t.Errorf("%q was accepted, and the scenario is not there", e.What)
			}
		}
	}
	if count[HeaderEntry] != 1 || count[RunEntry] != l.runs || count[DecisionEntry] != r.Tried || accepted != len(r.Steps) || len(told) != len(all) {
		t.Errorf("%v, %d accepted, %d told; made %d runs of %d candidates, %d steps", count, accepted, len(told), l.runs, r.Tried, len(r.Steps))
	}
	if h := all[0].Header; h.Signature != forgot || h.Run != "runs/1" || h.Versions == "" || len(h.Start) == 0 {
		t.Errorf("header %+v", h)
	}
}

func TestAJournalOfAnotherSearchIsRefused(t *testing.T) {
	l := newLab(always(restarts))
	first := l.task()
	first.Journal, first.Budget.Runs = filepath.Join(t.TempDir(), "journal.jsonl"), 3
	shrunk(t, first)
	text, err := os.ReadFile(first.Journal)
	if err != nil {
		t.Fatal(err)
	}
	for says, spoil := range map[string]func(*Task){
		"its run is runs/1, not runs/2":    func(t *Task) { t.Run = "runs/2" },
		"its anomaly is duplicates/":       func(t *Task) { t.Signature.Cause = "re-stamped" },
		"its versions is franz-go 1.22.1":  func(t *Task) { t.Versions = "franz-go 1.22.2" },
		"its baseline is 10, not 20":       func(t *Task) { t.Baseline = 20 },
		"it began with another scenario":   func(t *Task) { t.Start.Workload.Records = 1599 },
		"it began with another scenario; ": func(t *Task) { t.Facts.Never = []int{1} },
	} {
		task := first
		spoil(&task)
		if _, err := Shrink(t.Context(), task); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	for says, spoiled := range map[string]string{
		"has schema version 99":             strings.Replace(string(text), `"schema":1`, `"schema":99,"new":true`, 1),
		"is not the journal of a search":    "{\"run\": 1}\n",
		"is damaged: line 2":                strings.Replace(string(text), "\n{", "\n{}{", 1),
		`line 2: unknown entry "something"`: strings.Replace(string(text), `"entry":"run"`, `"entry":"something"`, 1),
	} {
		if err := os.WriteFile(first.Journal, []byte(spoiled), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Shrink(t.Context(), first); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		if now, _ := os.ReadFile(first.Journal); string(now) != spoiled {
			t.Errorf("%s: the journal that was refused was written to", says)
		}
	}
}
