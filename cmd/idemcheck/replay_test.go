package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// recordedRun makes a run of the tests' own scenario, and returns its directory.
func recordedRun(t *testing.T, dir string, replace ...string) string {
	t.Helper()
	cli(t, dir, "run", "--seed", "4", write(t, dir, "mine.yaml", replace...))
	dirs := runDirs(t, dir)
	if len(dirs) != 1 {
		t.Fatalf("the run left %v", dirs)
	}
	return dirs[0]
}

func TestAReplaySaysHowOftenTheAnomalyComesBack(t *testing.T) {
	dir := t.TempDir()
	run := recordedRun(t, dir, "IDEMPOTENCE", "false")
	plan := filepath.Join(dir, "plan.json")
	text, err := os.ReadFile(filepath.Join(run, "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plan, text, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Run("every time", func(t *testing.T) {
		t.Parallel()
		c := cli(t, dir, "replay", run, "-n", "3", "--out", "again", "--json")
		c.want(t, exitViolation, "seed 4, embedded cluster", "to come back: duplicates/duplicate: without-idempotence (configuration)",
			"came back in 3 of 3 (95 %: 44 to 100 %): duplicates/duplicate: without-idempotence (configuration)")
		if n := strings.Count(c.stdout, "\n"); n != 3 || !json.Valid([]byte(strings.SplitN(c.stdout, "\n", 2)[0])) {
			t.Errorf("%d lines of JSON, want 3:\n%s", n, c.stdout)
		}
	})
	t.Run("a plan on its own", func(t *testing.T) {
		t.Parallel()
		cli(t, dir, "replay", plan, "--out", "alone").want(t, exitViolation, "a plan alone shows no anomaly", "seen in 1 of 1", "duplicates/duplicate: without-idempotence")
	})
	t.Run("within a budget", func(t *testing.T) {
		t.Parallel()
		cli(t, dir, "replay", run, "-n", "500", "--budget", "2s", "--out", "brief", "--keep", "failed").want(t, exitViolation, "of 500 replays: one more does not fit into the budget of 2s", "came back in")
	})
}

func TestAReplayOfASoundRunFindsNothing(t *testing.T) {
	dir := t.TempDir()
	run := recordedRun(t, dir)
	cli(t, dir, "replay", run, "-n", "2", "--out", "again", "--keep", "failed").want(t, exitAsExpected, "the recorded run shows no anomaly", "an anomaly was seen in 0 of 2")
	if left, err := os.ReadDir(filepath.Join(dir, "again")); err != nil || len(left) > 0 {
		t.Errorf("--keep failed kept %v, %v", left, err)
	}
}

// altered is a copy of a run directory's plan or manifest with a change, in a run
// directory or as a file of its own.
func altered(t *testing.T, run, name string, change func(map[string]any)) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(to, os.DirFS(run)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	change(fields)
	if text, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestWhatCannotBeReplayedIsRefused(t *testing.T) {
	dir := t.TempDir()
	run := recordedRun(t, dir, "IDEMPOTENCE", "false")
	faults := func(plan map[string]any) map[string]any { return plan["faults"].([]any)[0].(map[string]any) }
	fifth := func(plan map[string]any) {
		f := faults(plan)
		f["fault"], f["target"] = "kill-broker", map[string]any{"role": "broker", "topic": 0, "partition": -1, "broker": 4, "producer": -1}
	}
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"nothing there":               {[]string{"nowhere"}, []string{"nowhere does not exist: name a run directory or a plan file"}},
		"no run directory":            {[]string{dir}, []string{"is not a run directory: it has no manifest.json"}},
		"a run of a newer schema":     {[]string{altered(t, run, "manifest.json", func(m map[string]any) { m["schema"] = 99 })}, []string{"schema version 99", "update idemcheck"}},
		"a plan of a newer schema":    {[]string{altered(t, run, "plan.json", func(p map[string]any) { p["schema"] = 99 })}, []string{"schema version 99", "update idemcheck"}},
		"an altered plan":             {[]string{altered(t, run, "plan.json", func(p map[string]any) { p["seed"] = 5 })}, []string{"plan.json is truncated", "name the file itself"}},
		"a broker that there is not":  {[]string{filepath.Join(altered(t, run, "plan.json", fifth), "plan.json")}, []string{"cannot be carried out as it is written", "target broker 4: there are 3"}},
		"an unknown fault":            {[]string{filepath.Join(altered(t, run, "plan.json", func(p map[string]any) { faults(p)["fault"] = "earthquake" }), "plan.json")}, []string{`unknown fault "earthquake"`}},
		"an unknown key":              {[]string{filepath.Join(altered(t, run, "plan.json", func(p map[string]any) { faults(p)["when"] = 3 }), "plan.json")}, []string{`unknown field "when"`}},
		"a plan of schema 1 alone":    {[]string{filepath.Join(altered(t, run, "plan.json", func(p map[string]any) { p["schema"] = 1 }), "plan.json")}, []string{"name its run directory"}},
		"no replays":                  {[]string{run, "-n", "0"}, []string{"-n 0: want 1 or more"}},
		"an anomaly that is not seen": {[]string{run, "--anomaly", "lost"}, []string{`no anomaly "lost"`, "it shows duplicates/duplicate"}},
		"a client that is not":        {[]string{run, "--client", "nobody"}, []string{`unknown client library "nobody"`}},
		"Kafka without docker":        {[]string{run, "--kafka", "4.3.1", "--cluster", "embedded"}, []string{"--kafka 4.3.1 needs --cluster docker"}},
		"no version of Kafka":         {[]string{run, "--kafka", "new"}, []string{`"new" is not a Kafka version`}},
		"an impossible budget":        {[]string{run, "--budget", "-3s"}, []string{"--budget -3s: want a time above 0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli(t, dir, append([]string{"replay", "--out", "refused"}, c.args...)...).want(t, exitUsage, c.says...)
		})
	}
	if runs := runDirs(t, dir); len(runs) != 1 {
		t.Errorf("something was run: %v", runs)
	}
}

func TestShrinkingFindsASmallScenarioAndGoesOnWhereItWasStopped(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a search takes half a minute")
	}
	dir := t.TempDir()
	text := strings.ReplaceAll(text("IDEMPOTENCE", "false", "RECORDS", "40"), "workload: {", "topics: {partitions: 4}\nworkload: {producers: 2, ")
	text = strings.ReplaceAll(text, "cover:", "  - {fault: reset, when: {acks: 9}}\n  - {fault: move-leader, when: {records: 30}}\ncover:")
	if err := os.WriteFile(filepath.Join(dir, "mine.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "run", "--seed", "4", "mine.yaml").want(t, exitViolation, "duplicate")
	run := runDirs(t, dir)[0]
	args := []string{"shrink", run, "--name", "small", "--baseline", "4", "--confirm", "5"}
	cli(t, dir, append(args, "--runs", "2")...).want(t, exitInconclusive, "the search ended before it began", "came back in 2 of 2")
	if _, err := os.Stat(filepath.Join(dir, "shrunk", "small", "small.yaml")); err == nil {
		t.Error("a scenario was written before anything smaller was found")
	}
	s := start(t, dir, args...)
	s.waitFor("yes ", time.Minute)
	s.endsBy(syscall.SIGINT, 20*time.Second)
	journal, err := os.ReadFile(filepath.Join(dir, "shrunk", "small", "journal.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	c := cli(t, dir, args...)
	c.want(t, exitAsExpected, "to 1 fault, 1 record (1 producer), 1 partition of replication 1, 1 broker", "comes back in 5 of 5", "run it: idemcheck run --cluster embedded shrunk/small/small.yaml")
	whole, err := os.ReadFile(filepath.Join(dir, "shrunk", "small", "journal.jsonl"))
	if err != nil || !strings.HasPrefix(string(whole), string(journal)) {
		t.Errorf("the journal did not go on where it was: %v", err)
	}
	cli(t, dir, "run", "--out", "small", "shrunk/small/small.yaml").want(t, exitAsExpected, "found duplicate")
	for _, page := range []string{"small.html", "small.md"} {
		if text, err := os.ReadFile(filepath.Join(dir, "shrunk", "small", page)); err != nil || !strings.Contains(string(text), "without idempotence the broker cannot know") {
			t.Errorf("%s: %v", page, err)
		}
	}
	left, err := os.ReadDir(filepath.Join(dir, "shrunk", "small", "runs"))
	if err != nil || len(left) != 1 {
		t.Errorf("of the runs there are left %v, %v", left, err)
	}
	if _, err := history.Open(filepath.Join(dir, "shrunk", "small", "runs", left[0].Name())); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeShrunkOrBisectedIsRefused(t *testing.T) {
	dir := t.TempDir()
	sound := recordedRun(t, dir)
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a run without an anomaly": {[]string{"shrink", sound}, "the run shows no anomaly"},
		"a plan":                   {[]string{"shrink", filepath.Join(sound, "plan.json")}, "is a plan, which shows no anomaly"},
		"a rate beyond 1":          {[]string{"shrink", sound, "--wanted", "1.5"}, "--wanted 1.5: want a rate above 0, up to 1"},
		"nothing to go through":    {[]string{"bisect", sound}, "want one of --client and --kafka"},
		"both":                     {[]string{"bisect", sound, "--client", "sarama", "--kafka", "all"}, "want one of --client and --kafka"},
		"no anomaly to look for":   {[]string{"bisect", sound, "--client", "sarama"}, "the run shows no anomaly"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli(t, dir, c.args...).want(t, exitUsage, c.says)
		})
	}
}

func TestBisectingFindsTheVersionThatMendsABug(t *testing.T) {
	needsClients(t, "franz-go")
	dir := t.TempDir()
	cli(t, dir, "run", "--seed", "7", "regressions/franz-go-failed-batch").want(t, exitAsExpected, "found lost")
	run := runDirs(t, dir)[0]
	c := cli(t, dir, "bisect", run, "--client", "franz-go", "--among", "1.22.0,1.22.1,1.22.2,9.9.9", "-n", "2")
	c.want(t, exitAsExpected, "1.22.2", "9.9.9")
	t.Log(c.stdout)
	cli(t, dir, "bisect", run, "--client", "franz-go", "--among", "1.22.0,1.22.1").want(t, exitViolation)
	cli(t, dir, "replay", run, "--client", "franz-go@1.22.2", "-n", "2", "--out", "fixed").want(t, exitAsExpected, "came back in 0 of 2")
	cli(t, dir, "replay", run, "--client", "franz-go@9.9.9", "--out", "none").want(t, exitBroken, "9.9.9")
}
