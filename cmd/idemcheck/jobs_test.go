package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/report"
)

// listed names what falls to a shard.
func listed(t *testing.T, s shard, runs int, args ...string) []string {
	t.Helper()
	f := runFlags{seed: 7, runs: runs, shard: s}
	jobs, err := f.jobs(args)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, j := range jobs {
		names = append(names, fmt.Sprintf("%s/%s %d", j.scenario.Folder, j.scenario.Name, j.seed))
	}
	return names
}

func TestShardsAreDisjointAndTogetherWholeAndStable(t *testing.T) {
	for _, c := range []struct{ runs, of int }{{1, 2}, {1, 5}, {3, 3}, {4, 7}, {20, 4}} {
		whole := map[string]int{}
		for _, name := range listed(t, shard{}, c.runs, "smoke", "basic", "mix") {
			whole[name] = 0
		}
		sum, places := 0, map[string]int{}
		for k := range c.of {
			all := listed(t, shard{k + 1, c.of}, c.runs, "smoke", "basic", "mix")
			sum += len(all)
			for _, name := range all {
				whole[name]++
				places[name] = k
			}
			// Without the others a scenario's runs stand where they stood.
			for _, name := range listed(t, shard{k + 1, c.of}, c.runs, "mix") {
				if places[name] != k {
					t.Errorf("%s moved to shard %d", name, k+1)
				}
			}
			if c.runs >= c.of && len(listed(t, shard{k + 1, c.of}, c.runs, "mix/gentle")) == 0 {
				t.Errorf("%d runs of one scenario, and shard %d of %d is empty", c.runs, k+1, c.of)
			}
		}
		for name, times := range whole {
			if times != 1 {
				t.Errorf("%d runs in %d shards: %s falls to %d of them", c.runs, c.of, name, times)
			}
		}
		if sum != len(whole) {
			t.Errorf("%d runs in all shards, %d without any", sum, len(whole))
		}
	}
}

func TestEveryScenarioComesOnceBeforeAnyComesAgain(t *testing.T) {
	got := strings.Join(listed(t, shard{}, 2, "mix"), ", ")
	if want := "mix/gentle 7, mix/hostile 7, mix/gentle 8, mix/hostile 8"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestANightWritesItsSummariesAndKeepsWhatFailed(t *testing.T) {
	dir := t.TempDir()
	good := write(t, dir, "good.yaml", "mine", "good")
	bad := write(t, dir, "bad.yaml", "mine", "bad", "IDEMPOTENCE", "false")
	c := cli(t, dir, "run", good, bad, "basic", "--runs", "2", "--seed", "40", "--keep", "failed", "--summary", "s.md", "--summary", "s.json", "--junit", "j.xml")
	c.want(t, exitViolation, "where the time went", "every scenario of basic was skipped: it shows nothing")
	if strings.Count(c.stdout, "skip kill-leader ") != 1 {
		t.Errorf("a skipped scenario is to be named once:\n%s", c.stdout)
	}
	if dirs := runDirs(t, dir); len(dirs) != 2 || !strings.Contains(dirs[0], "-bad-seed40") || !strings.Contains(dirs[1], "-bad-seed41") {
		t.Errorf("kept %v", dirs)
	}
	for file, says := range map[string][]string{
		"s.md": {fmt.Sprintf("# idemcheck: 2 as expected, 2 violation, %d skipped", len(listed(t, shard{}, 1, "basic"))), "| bad | 2 violation,", "| good | 2 as expected,", "idemcheck run --cluster embedded --seed 41 bad.yaml",
			"idemcheck show runs/", "- good: 40..41", "| cut-after-append | 4 | 4 |", "needs --cluster docker", "## Time"},
		"s.json": {`"exit": 1`, `"as-expected": 2`, `"not-as-expected": 2`, `"fired": 4`, `"records": 88`},
		"j.xml":  {`name="good (seed 40)"`, `name="bad (seed 41)"`},
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range says {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s does not say %q:\n%s", file, part, text)
			}
		}
	}
	if stray, _ := filepath.Glob(filepath.Join(dir, ".summary-*")); len(stray) > 0 {
		t.Errorf("left %v", stray)
	}
}

func TestAFolderThatWasSkippedAsAWholeIsInconclusive(t *testing.T) {
	c := cli(t, t.TempDir(), "run", "mix")
	c.want(t, exitInconclusive, "every scenario of mix was skipped: it shows nothing", "needs --cluster docker")
}

func TestTheCommandThatShowsARunAgainNamesEverythingItNeeds(t *testing.T) {
	f := runFlags{cluster: "docker", kafka: []string{"3.9.2", "4.3.1"}}
	r := report.Result{Folder: "mix", Scenario: "hostile", Kafka: "4.3.1", Seed: 9}
	if got, want := f.again(r), "idemcheck run --cluster docker --kafka 4.3.1 --seed 9 mix/hostile"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	f.image = "mine:1"
	f.kafka = f.kafka[:1]
	r.Kafka = ""
	if got, want := f.again(r), "idemcheck run --cluster docker --kafka 3.9.2 --image mine:1 --seed 9 mix/hostile"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestAScenarioWithAVersionOfItsOwnRunsOnceOverSeveral(t *testing.T) {
	f := runFlags{cluster: "docker", seed: 7, runs: 2, kafka: []string{"3.6.2", "4.2.1", "4.3.1"}}
	jobs, err := f.jobs([]string{"faults/upgrade", "faults/restart-leader"})
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range []int{4, 2, 2} {
		if got := len(f.of(at, jobs)); got != want {
			t.Errorf("version %d: %d runs, want %d", at, got, want)
		}
	}
	if total := f.total(jobs); total != 8 {
		t.Errorf("%d runs in all, want 8", total)
	}
}
