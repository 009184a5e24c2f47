// Package report shows verdicts to a person or to a CI system: as lines on a
// terminal, as the story of an anomaly, as JUnit. It writes to the writer it is
// given and decides nothing.
package report

import (
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/checker"
)

// Result is one scenario as it came out. Exactly one of Verdict, Skipped and
// Broken tells the rest, but a broken run may have a verdict as well.
type Result struct {
	Folder   string           `json:"folder,omitempty"`
	Scenario string           `json:"scenario"`
	File     string           `json:"file,omitempty"`   // of a scenario that is in no folder
	Client   string           `json:"client,omitempty"` // what was put in place of the scenario's own: kafkajs@2.2.4
	Kafka    string           `json:"kafka,omitempty"`  // version; empty where there is no choice of any
	Seed     uint64           `json:"seed"`
	Dir      string           `json:"dir,omitempty"`
	Took     time.Duration    `json:"took_ns"`
	Outcome  Outcome          `json:"outcome"`
	Skipped  string           `json:"skipped,omitempty"` // why
	Broken   string           `json:"broken,omitempty"`  // what could not do its job
	Times    Times            `json:"times"`
	Faults   []FaultTime      `json:"faults,omitempty"` // in the order of the plan
	Verdict  *checker.Verdict `json:"verdict,omitempty"`
}

// Outcome sums a result up; it decides the exit status.
type Outcome string

const (
	// AsExpected: what the scenario expects was seen. Exit 0.
	AsExpected Outcome = "as-expected"
	// NotAsExpected: a guarantee was violated, or an expected violation was not found. Exit 1.
	NotAsExpected Outcome = "not-as-expected"
	// Inconclusive: the run proves nothing. Exit 2.
	Inconclusive Outcome = "inconclusive"
	// Broken: the harness, a cluster or a client could not do its job. Exit 3.
	Broken Outcome = "broken"
	// Skipped: the cluster lacks what the scenario needs.
	Skipped Outcome = "skipped"
)

// Judged sums up a verdict. broken is the error of the run, empty when it went
// through to its end. A violation that was found stays one, whatever broke
// afterwards.
func Judged(v *checker.Verdict, broken string) Outcome {
	switch {
	case v == nil:
		return Broken
	case v.HarnessError != "":
		return Broken
	case v.Overall == checker.Violation && !v.AsExpected:
		return NotAsExpected
	case broken != "":
		return Broken
	case v.Overall == checker.Inconclusive:
		return Inconclusive
	case v.Overall == checker.NotRun:
		return Broken
	case v.AsExpected:
		return AsExpected
	}
	return NotAsExpected
}

// ExitStatus is the process's exit status for a set of results: 0 all as
// expected; 1 a violation, or an expected one not found; 3 something could not
// do its job; 2 something was inconclusive, or nothing was run at all. A
// violation outranks the rest: it must not be lost in a noisy night.
func ExitStatus(results []Result) int {
	count := make(map[Outcome]int)
	for _, r := range results {
		count[r.Outcome]++
	}
	switch {
	case count[NotAsExpected] > 0:
		return 1
	case count[Broken] > 0:
		return 3
	case count[Inconclusive] > 0, count[AsExpected] == 0, len(AllSkipped(results)) > 0:
		return 2
	}
	return 0
}

// setup is with what a scenario was run, where there is a choice.
type setup struct{ client, kafka string }

func (r Result) setup() setup { return setup{r.Client, r.Kafka} }

// on says it behind a scenario's name: " with kafkajs@2.2.4 on Kafka 4.3.1".
func (s setup) on() (words string) {
	if s.client != "" {
		words = " with " + s.client
	}
	if s.kafka != "" {
		words += " on Kafka " + s.kafka
	}
	return words
}

// called names the run for people: the scenario, and the client if it was chosen.
func (r Result) called() string {
	if r.Client == "" {
		return r.Scenario
	}
	return r.Scenario + " " + r.Client
}

// briefly is on in a table's column.
func (s setup) briefly() string {
	if s.client == "" {
		return " on " + s.kafka
	}
	return strings.Replace(s.on(), " on Kafka ", " on ", 1)
}

// AllSkipped says of every folder (with each client, on each Kafka) whose every scenario was
// skipped that it shows nothing. One that somebody named must not pass for want
// of a cluster that can do it.
func AllSkipped(results []Result) []string {
	type place struct {
		folder string
		setup
	}
	var order []place
	ran := make(map[place]bool)
	for _, r := range results {
		at := place{r.Folder, r.setup()}
		if _, known := ran[at]; !known {
			order = append(order, at)
		}
		ran[at] = ran[at] || r.Outcome != Skipped
	}
	var all []string
	for _, at := range order {
		if ran[at] {
			continue
		}
		what := "every scenario of " + at.folder
		if at.folder == "" {
			what = "every scenario file"
		}
		all = append(all, what+at.on()+" was skipped: it shows nothing")
	}
	return all
}
