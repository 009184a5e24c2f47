package report

import (
	"fmt"
	"io"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// JUnit writes results as a JUnit report, a test suite per folder: what is not
// as expected is a failure, what is broken or inconclusive an error.
func JUnit(w io.Writer, results []Result) error {
	var all junit.Testsuites
	all.Name = "idemcheck"
	for start := 0; start < len(results); {
		end := start + 1
		for end < len(results) && results[end].Folder == results[start].Folder {
			end++
		}
		all.AddSuite(suite(results[start:end]))
		start = end
	}
	return all.WriteXML(w)
}

func suite(results []Result) junit.Testsuite {
	name := results[0].Folder
	if name == "" {
		name = "scenario files"
	}
	s := junit.Testsuite{Name: name}
	var took time.Duration
	for _, r := range results {
		took += r.Took
		s.AddTestcase(testcase(name, r))
	}
	s.Time = seconds(took)
	return s
}

func testcase(folder string, r Result) junit.Testcase {
	c := junit.Testcase{Name: r.Scenario, Classname: "idemcheck." + folder, Time: seconds(r.Took)}
	data := fmt.Sprintf("seed %d, run directory %s\n", r.Seed, r.Dir)
	if r.Verdict != nil {
		data += Exercised(r.Verdict) + "\n"
		for _, g := range r.Verdict.Guarantees {
			for _, a := range g.Anomalies {
				data += fmt.Sprintf("%s: %s [%s]\n", g.Name, a.Diagnosis, a.Blame)
			}
		}
	}
	switch r.Outcome {
	case AsExpected:
		c.SystemOut = &junit.Output{Data: data}
	case NotAsExpected:
		c.Failure = &junit.Result{Type: "violation", Message: headline(r), Data: data}
	case Inconclusive:
		c.Error = &junit.Result{Type: "inconclusive", Message: headline(r), Data: data}
	case Broken:
		message := r.Broken
		if r.Verdict != nil && r.Verdict.HarnessError != "" {
			message = r.Verdict.HarnessError
		}
		c.Error = &junit.Result{Type: "broken", Message: message, Data: data}
	case Skipped:
		c.Skipped = &junit.Result{Message: r.Skipped}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
