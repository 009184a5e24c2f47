package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

const inSteps = `name: in-steps
why: a fixed plan comes back step by step
topics: {partitions: 2}
clients: [{library: franz-go, idempotence: true, options: {retry_backoff: 10ms, request_timeout: 3s}}]
workload: {name: unique-append, producers: %d, records: %d, warmup: 1, step: true}
nemesis:
  - {fault: cut-after-append, when: {acks: 3}}
  - {fault: answer-error, error: 7, append: true, when: {acks: 6}}
  - {fault: cut-before-request, when: {requests: 10}}
  - {fault: move-leader, when: {records: 10}, target: {partition: 0}}
  - {fault: blackhole-acks, when: {acks: 8, partition: 1}, heal: {ended: reset}}
  - {fault: reset, when: {unacked: 3}}
  - {fault: delay-acks, delay: 40ms, when: {acks: 18}}
`

// again runs a scenario so many times with one seed, two at a time (it waits more
// than it works), and hands each run over.
func again(t *testing.T, times, producers, records int) []*history.Run {
	t.Helper()
	sc, err := suites.Parse("in-steps.yaml", fmt.Appendf(nil, inSteps, producers, records), vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	runs := make([]*history.Run, times)
	t.Run("run", func(t *testing.T) {
		for share := range 2 {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				session := runner.NewSession(runner.Config{Cluster: "embedded"})
				defer func() {
					if err := session.Close(); err != nil {
						t.Error(err)
					}
				}()
				for i := share; i < times; i += 2 {
					at := filepath.Join(dir, fmt.Sprint(i))
					if err := session.Run(t.Context(), sc, 3, at); err != nil {
						t.Fatal(err)
					}
					run, err := history.Open(at)
					if err != nil {
						t.Fatal(err)
					}
					runs[i] = run
				}
			})
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	return runs
}

func TestOneProducerDoesTheSameTenTimesOfTen(t *testing.T) {
	var first []string
	for i, run := range again(t, 10, 1, 20) {
		steps, err := report.Steps(run)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = steps
			text := strings.Join(steps, "\n")
			for _, fault := range run.Plan.Faults {
				if !strings.Contains(text, fmt.Sprintf("fault %d %s strikes, at ", fault.ID, fault.Fault)) {
					t.Errorf("fault %d (%s) did not strike:\n%s", fault.ID, fault.Fault, text)
				}
			}
		}
		if !slices.Equal(steps, first) {
			t.Errorf("the first time:\n%s\ntime %d:\n%s", strings.Join(first, "\n"), i+1, strings.Join(steps, "\n"))
		}
	}
}

func TestSeveralProducersLeaveTheSameLogs(t *testing.T) {
	times := 4
	if testing.Short() {
		times = 2
	}
	all := again(t, times, 3, 7)
	for _, tp := range all[0].Partitions() {
		for producer := range 3 {
			var first []string
			for i, run := range all {
				tp.Topic = run.Manifest.Topics[0].Name
				steps, err := report.StepsOf(run, producer, tp)
				if err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = steps
				}
				if len(steps) < 2 || !slices.Equal(steps, first) {
					t.Errorf("producer %d, partition %d, the first time:\n%s\ntime %d:\n%s", producer, tp.Partition, strings.Join(first, "\n"), i+1, strings.Join(steps, "\n"))
				}
			}
		}
	}
}

func TestShowWritesPagesAndSteps(t *testing.T) {
	dir := t.TempDir()
	golden, err := filepath.Abs("../../results/golden/retry-reorders")
	if err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "show", golden, "--html", "page.html", "--markdown", "page.md").want(t, 0)
	for name, says := range map[string]string{"page.html": "<svg", "page.md": "idemcheck run --seed 1 smoke/retry-reorders"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q: %v\n%.2000s", name, says, err, text)
		}
	}
	cli(t, dir, "show", golden, "--steps").want(t, 0, "strikes, at ", "to broker ", "answer NONE at offset 0 passed")
	cli(t, dir, "show", golden, "--steps", "--html", "page.html").want(t, 64, "none of the others can be")
	cli(t, dir, "show", golden, "--html", "no/such/page.html").want(t, 3, "write the page: ")
}
