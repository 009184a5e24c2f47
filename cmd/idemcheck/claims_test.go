package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// ourClaims is a table of one row that holds, and one that says the opposite.
const ourClaims = `title: mine
clients: [franz-go]
rows:
  - id: mine
    claim: a lost acknowledgement is made good
    sides:
      on: {scenario: lost.yaml, runs: 1}
    answers:
      - {when: on.lost == 0 && on.dropped_acks > 0, answer: upheld, because: "{on.dropped_acks} lost, {on.deduplicated} suppressed"}
      - {answer: refuted, because: it is not}
    recorded: {franz-go: RECORDED}
`

const lostAck = `name: lost
why: an acknowledgement is lost
clients: [{idempotence: true}]
workload: {name: unique-append, records: 30, outstanding: 1} # a batch each, however busy the machine
nemesis: [{fault: cut-after-append, when: {acks: 5}, times: 2}]
cover: {dropped_acks: 2}
`

func TestClaimsOfOnesOwnAreDecided(t *testing.T) {
	for name, c := range map[string]struct {
		recorded, scenario string
		status             int
		says               []string
	}{
		"as recorded":  {"upheld", lostAck, exitAsExpected, []string{"upheld         mine  franz-go: 2 lost, 2 suppressed", "1 answer in", "1 upheld"}},
		"turned":       {"refuted", lostAck, exitViolation, []string{"recorded: refuted", "1 not as recorded"}},
		"inconclusive": {"upheld", strings.Replace(lostAck, "dropped_acks: 2", "dropped_acks: 900", 1), exitInconclusive, []string{"inconclusive   mine", "dropped_acks is 2", "idemcheck show runs"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range map[string]string{"mine.yaml": strings.Replace(ourClaims, "RECORDED", c.recorded, 1), "lost.yaml": c.scenario} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cli(t, dir, "run", "mine.yaml", "--seed", "7", "--summary", "mine.md", "--summary", "mine.html", "--summary", "mine.json", "--junit", "mine.xml").want(t, c.status, c.says...)
			for _, file := range []string{"mine.md", "mine.html", "mine.json", "mine.xml"} {
				text, err := os.ReadFile(filepath.Join(dir, file))
				if err != nil || !strings.Contains(string(text), "idemcheck run --cluster embedded --client franz-go --seed 7 mine.yaml/mine") {
					t.Errorf("%s: %v\n%s", file, err, text)
				}
			}
			cli(t, dir, "run", "--cluster", "embedded", "--client", "franz-go", "--seed", "7", "mine.yaml/mine").want(t, c.status, c.says...)
			if runs := runDirs(t, dir); len(runs) == 0 {
				t.Error("no run directory is left")
			}
		})
	}
}

func TestAClaimOnTheWireNeedsARealBroker(t *testing.T) {
	cli(t, t.TempDir(), "run", "claims/lower-sequence-is-duplicate").want(t, exitInconclusive,
		"not applicable lower-sequence-is-duplicate  broker: what a broker answers on the wire needs --cluster docker or external")
}

// Runs of what is measured take turns, in the opposite order every other round.
// The first round warms up, and is not counted.
func TestWhatIsMeasuredTakesTurnsAndIsDrawn(t *testing.T) {
	dir := t.TempDir()
	sent := "why: nothing goes wrong\nclients: [{idempotence: true}]\nworkload: {name: unique-append, records: 30}\ncover: {batches: 1}\n"
	for file, text := range map[string]string{
		"a.yaml": "name: a\n" + sent, "b.yaml": "name: b\n" + sent,
		"mine.yaml": `title: mine
clients: [franz-go]
rows:
  - id: mine
    claim: one is like the other
    measured: true
    sides: {a: {scenario: a.yaml, runs: 3}, b: {scenario: b.yaml, runs: 3, client: franz-go}}
    answers: [{answer: upheld, because: "{ratio(a.records_per_s, b.records_per_s)} times as many, {spread(a.latency_p50_us)} us"}]
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cli(t, dir, "run", "mine.yaml", "--seed", "5", "--summary", "mine.svg").want(t, exitAsExpected, "upheld         mine  franz-go: ", " times as many, ")
	var order []string
	for _, run := range runDirs(t, dir) {
		order = append(order, strings.SplitN(filepath.Base(run), "Z-", 2)[1])
	}
	if got := strings.Join(order, " "); got != "a-seed5 b-seed5 b-seed5 a-seed5 a-seed6 b-seed6 b-seed7 a-seed7" {
		t.Errorf("the runs were %s", got)
	}
	if svg, err := os.ReadFile(filepath.Join(dir, "mine.svg")); err != nil || strings.Count(string(svg), `class="run"`) != 9 { // one side has no latency in the sentence
		t.Errorf("the plot: %v\n%s", err, svg)
	}
}

func TestClaimsEndWhenNoClusterCanBeStarted(t *testing.T) {
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
	c := cli(t, t.TempDir(), "run", "--cluster", "docker", "--image", "idemcheck/kafka:4.3.1", "claims/retry-duplicates", "claims/order")
	c.want(t, exitBroken, "no cluster could be started, 2 times in a row")
	if n := strings.Count(c.stdout, "retry-reorders"); n > 0 {
		t.Errorf("it went on all the same:\n%s", c.stdout)
	}
}

func TestWhatWasCutShortIsNotDecided(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"mine.yaml": strings.Replace(ourClaims, "RECORDED", "upheld", 1), "lost.yaml": strings.Replace(lostAck, "records: 30", "records: 3000, rate: 20/s", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, dir, "run", "mine.yaml", "--summary", "mine.json")
	s.waitFor("lost franz-go: send", 20*time.Second)
	s.endsBy(syscall.SIGINT, 20*time.Second)
	if text, err := os.ReadFile(filepath.Join(dir, "mine.json")); err == nil && !strings.Contains(string(text), `"decisions":null`) {
		t.Errorf("something was decided: %s", text)
	}
}

func TestWrongUseOfClaimsIsRefused(t *testing.T) {
	dir := t.TempDir()
	mine := strings.Replace(ourClaims, "RECORDED", "upheld", 1)
	for file, text := range map[string]string{
		"mine.yaml": mine, "typo.yaml": strings.Replace(mine, "on.lost", "on.losst", 1),
		"other.yaml": strings.Replace(mine, "[franz-go]", "[frans-go]", 1),
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"with scenarios":         {[]string{"run", "mine.yaml", "basic"}, "claims and scenarios are run in calls of their own"},
		"two tables":             {[]string{"run", "mine.yaml", "claims"}, "one table of claims at a time"},
		"keep":                   {[]string{"run", "--keep", "failed", "claims"}, "--keep: a table of claims says itself"},
		"runs":                   {[]string{"run", "--runs", "3", "mine.yaml"}, "--runs: a table of claims says itself"},
		"several versions":       {[]string{"run", "--cluster", "docker", "--kafka", "4.3.1,3.9.2", "claims"}, "one version at a time"},
		"a summary of some kind": {[]string{"run", "--summary", "x.txt", "claims"}, "--summary x.txt: want a file that ends in .md or .html or .json or .svg"},
		"a figure that is none":  {[]string{"run", "typo.yaml"}, `there is no figure "losst"`},
		"a client that is none":  {[]string{"run", "other.yaml"}, `unknown client library "frans-go"`},
		"a scenario not there":   {[]string{"run", "mine.yaml"}, "lost.yaml"},
		"a row that is none":     {[]string{"run", "claims/nothing"}, "claims/nothing"},
	} {
		t.Run(name, func(t *testing.T) { cli(t, dir, c.args...).want(t, exitUsage, c.says) })
	}
}

// The tables that pages in results/ are made from are for people to run again.
func TestTablesBesideAPageAreFitToRunAndUseEveryScenarioBesideThem(t *testing.T) {
	const folder = "../../results/leader-restart"
	used := map[string]bool{"boundary.yaml": true, "settings.yaml": true}
	for _, name := range []string{"boundary.yaml", "settings.yaml"} {
		found, others, err := tables([]string{filepath.Join(folder, name)})
		if err != nil || len(found) != 1 || len(others) > 0 {
			t.Fatalf("%s: %d tables, others %v, %v", name, len(found), others, err)
		}
		for _, row := range found[0].Rows {
			for _, side := range row.Sides {
				if _, err := found[0].Find(side, vocabulary()); err != nil {
					t.Errorf("%s: row %s: %v", name, row.ID, err)
				}
				used[side.Scenario] = true
			}
		}
	}
	there, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range there {
		if !used[file.Name()] {
			t.Errorf("%s is in no table", file.Name())
		}
	}
}
