package main

import (
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// The proofs run the scenarios of suites/faults one by one, in this process,
// and then show from the wire journal, from the brokers' own state while the
// fault was in force, or from their logs, that what the catalogue says of the
// fault is what happened. Each file proof_*_test.go has a family.

// setting is what a proof runs on. Proofs of equal settings share a session,
// and by that a cluster where the scenarios' needs are equal.
type setting struct{ cluster, kafka string }

var (
	onBrokers  = setting{"docker", defaultKafka}
	onEmbedded = setting{"embedded", ""}
)

// stage is what a proof sees when a fault has taken effect.
type stage struct {
	event   history.FaultEvent
	cluster cluster.Cluster
	admin   *cluster.Admin
}

// proof is one scenario as it was run and judged.
type proof struct {
	run     *history.Run
	verdict *checker.Verdict
}

// during is what a proof looks at as soon as a fault has taken effect, beside
// the run, by the fault's name; each first time only.
type during map[string]func(stage)

// sessions are the proofs' clusters; endProofs closes them.
var sessions = struct {
	sync.Mutex
	by map[setting]*provingSession
}{by: map[setting]*provingSession{}}

type provingSession struct {
	*runner.Session
	fault func(history.FaultEvent, cluster.Cluster, *cluster.Admin)
}

func endProofs() error {
	sessions.Lock()
	defer sessions.Unlock()
	var err error
	for _, s := range sessions.by {
		err = errors.Join(err, s.Close())
	}
	return err
}

// session returns the session of a setting. Only one at a time has a cluster
// in containers: two would disturb each other's timing.
func session(t *testing.T, on setting) *provingSession {
	t.Helper()
	sessions.Lock()
	defer sessions.Unlock()
	for other, s := range sessions.by {
		if other != on && on.cluster == "docker" && other.cluster == "docker" {
			if err := s.Close(); err != nil {
				t.Errorf("close the session on Kafka %s: %v", other.kafka, err)
			}
		}
	}
	s, ok := sessions.by[on]
	if !ok {
		s = &provingSession{}
		s.Session = runner.NewSession(runner.Config{
			Cluster: on.cluster, Kafka: on.kafka, Version: "proof",
			Fault: func(e history.FaultEvent, c cluster.Cluster, a *cluster.Admin) { s.fault(e, c, a) },
		})
		sessions.by[on] = s
	}
	return s
}

// takesSeconds leaves a test out of the quick ones.
func takesSeconds(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: a whole run takes seconds")
	}
}

// prove runs a scenario, named as on the command line, and fails the test
// unless it comes out as the scenario expects.
func prove(t *testing.T, on setting, name string, look during) proof {
	t.Helper()
	if on.cluster == "docker" {
		needsDocker(t)
	}
	takesSeconds(t)
	found, err := suites.Find(name, vocabulary())
	if err != nil || len(found) != 1 {
		t.Fatalf("find %s: %d scenarios, %v", name, len(found), err)
	}
	s := session(t, on)
	var (
		looking sync.WaitGroup
		mu      sync.Mutex
		seen    = map[string]bool{}
	)
	s.fault = func(e history.FaultEvent, c cluster.Cluster, a *cluster.Admin) {
		mu.Lock()
		defer mu.Unlock()
		if e.Status == history.FaultStarted && look[e.Fault] != nil && !seen[e.Fault] {
			seen[e.Fault] = true
			looking.Go(func() { look[e.Fault](stage{e, c, a}) })
		}
	}
	dir := filepath.Join(t.TempDir(), "run")
	runErr := s.Run(t.Context(), found[0], 1, dir)
	looking.Wait()
	verdict, err := judge(dir)
	if err != nil {
		t.Fatalf("%v, %v", runErr, err)
	}
	broken := ""
	if runErr != nil {
		broken = runErr.Error()
	}
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if outcome := report.Judged(verdict, broken); outcome != report.AsExpected {
		t.Errorf("%s: %v: %s", name, outcome, broken)
		report.Line(testWriter{t}, report.Result{Scenario: name, Verdict: verdict, Outcome: outcome, Broken: broken, Seed: 1}, report.Style{})
		for _, e := range run.Faults {
			t.Logf("fault %d %s %s: trigger %q, target %q, %+v, %s%s", e.ID, e.Fault, e.Status, e.Trigger, e.Target, e.Hits, e.Detail, e.Error)
		}
		t.Logf("coverage %v", verdict.Coverage)
	}
	for fault := range look {
		if !seen[fault] {
			t.Errorf("%s: %s never took effect", name, fault)
		}
	}
	return proof{run, verdict}
}

// wire lists the wire events of a proof that fit, in the order of their times.
func (p proof) wire(t *testing.T, fits func(history.WireEvent) bool) []history.WireEvent {
	t.Helper()
	var events []history.WireEvent
	for e, err := range p.run.Wire() {
		if err != nil {
			t.Fatal(err)
		}
		if fits(e) {
			events = append(events, e)
		}
	}
	return events
}

// ended is the last line of the first fault of a name.
func (p proof) ended(t *testing.T, fault string) history.FaultEvent {
	t.Helper()
	return p.lastLine(t, fault, func(e history.FaultEvent) bool { return e.Fault == fault })
}

// lastLine is the first line that a fault which fits ended with.
func (p proof) lastLine(t *testing.T, what string, fits func(history.FaultEvent) bool) history.FaultEvent {
	t.Helper()
	for _, e := range p.run.Faults {
		if fits(e) && e.Status != history.FaultStarted {
			return e
		}
	}
	t.Fatalf("no end of %s in the run's faults", what)
	return history.FaultEvent{}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(text []byte) (int, error) {
	w.t.Log(string(text))
	return len(text), nil
}
