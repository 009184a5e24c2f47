package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// JUnit writes results as a JUnit report, a test suite per folder, client and Kafka: what
// is not as expected is a failure, what is broken or inconclusive an error.
func JUnit(w io.Writer, results []Result) error {
	var all junit.Testsuites
	all.Name = "idemcheck"
	type place struct {
		folder string
		setup
	}
	var order []place // as they come; scenarios are run in the order of the clusters they need
	of := make(map[place][]Result)
	for _, r := range results {
		at := place{r.Folder, r.setup()}
		if of[at] == nil {
			order = append(order, at)
		}
		of[at] = append(of[at], r)
	}
	for _, at := range order {
		all.AddSuite(suite(of[at]))
	}
	return all.WriteXML(w)
}

func suite(results []Result) junit.Testsuite {
	name := results[0].Folder
	if name == "" {
		name = "scenario files"
	}
	class := "idemcheck." + name
	if on := results[0].setup(); on != (setup{}) {
		var words []string
		if on.client != "" {
			words = append(words, on.client)
		}
		if on.kafka != "" {
			words = append(words, "kafka_"+on.kafka)
		}
		// A dot would open another package where class names are shown as a tree.
		class = "idemcheck." + strings.ReplaceAll(strings.Join(words, "_"), ".", "_") + "." + name
		name += on.on()
	}
	s := junit.Testsuite{Name: name}
	often := make(map[string]int)
	for _, r := range results {
		often[r.Scenario]++
	}
	var took time.Duration
	for _, r := range results {
		took += r.Took
		c := testcase(class, r)
		if often[r.Scenario] > 1 { // CI systems take equal names for one test
			c.Name += fmt.Sprintf(" (seed %d)", r.Seed)
		}
		s.AddTestcase(c)
	}
	s.Time = seconds(took)
	return s
}

func testcase(class string, r Result) junit.Testcase {
	c := junit.Testcase{Name: r.Scenario, Classname: class, Time: seconds(r.Took)}
	data := fmt.Sprintf("seed %d, run directory %s\n", r.Seed, orNone(r.Dir))
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
	// XML has no way to write some characters, and a message is one line.
	if c.SystemOut != nil {
		c.SystemOut.Data = clean(c.SystemOut.Data)
	}
	for _, result := range []*junit.Result{c.Failure, c.Error, c.Skipped} {
		if result != nil {
			result.Message, result.Data = strings.ReplaceAll(clean(result.Message), "\n", "; "), clean(result.Data)
		}
	}
	return c
}

func orNone(dir string) string {
	if dir == "" {
		return "none"
	}
	return dir
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
