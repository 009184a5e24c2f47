package runner

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

// after is a trigger on records sent.
func after(records int64) history.TriggerSpec {
	return history.TriggerSpec{Records: &history.Range{Least: records, Most: records}}
}

func TestARestartedProducerIsANewProcess(t *testing.T) {
	for _, how := range []string{"", "graceful"} {
		t.Run("how: "+how, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			err := session(t, Config{}).Run(t.Context(), scenario(func(s *suites.Scenario) {
				s.Clients[0].Options.Linger = 20e6 // so that something is unanswered at any time
				s.Nemesis = []history.FaultSpec{{
					Fault: nemesis.RestartProducer, When: after(20), Times: 2,
					Target: history.TargetSpec{Producer: history.Only(1)}, Knobs: history.Knobs{How: how},
				}}
			}), 7, dir)
			if err != nil {
				t.Fatal(err)
			}
			run, m := manifest(t, dir)
			if len(m.Processes) != 4 {
				t.Fatalf("%d processes, want 2 and 2 more: %+v", len(m.Processes), m.Processes)
			}
			var sent, unanswered int64
			for i, p := range m.Processes {
				if p.ID != int32(i) || p.Closed < p.Opened || p.Sent == 0 {
					t.Errorf("process %+v", p)
				}
				if p.Producer == 1 {
					sent += p.Sent
				}
			}
			last := m.Processes[3]
			if sent != 62 || last.ClientID != m.Processes[1].ClientID+"-3" || last.Opened < m.Processes[2].Closed || m.Processes[2].End != "closed" {
				t.Errorf("%d records of producer 1, processes %+v", sent, m.Processes)
			}
			for op, err := range run.AllOps() {
				if err != nil || op.Return == history.Forever {
					t.Errorf("%+v: %v", op, err)
				}
				if op.Outcome == history.Unknown {
					unanswered++
				}
			}
			for _, f := range run.Faults {
				if f.Status == history.FaultEnded {
					unanswered -= f.Hits.Records
					if !strings.Contains(f.Target, "producer 1: process ") || !strings.Contains(f.Detail, "goes on after") {
						t.Errorf("%+v", f)
					}
				}
			}
			if unanswered != 0 {
				t.Errorf("%d unknown records are in no fault's count", unanswered)
			}
		})
	}
}

func TestClientIDsOfLaterInstancesAreTheSameProducers(t *testing.T) {
	o := newRoster(&run{manifest: &history.Manifest{Run: "0badcafe"}})
	for nth := 1; nth < 12; nth++ {
		for _, producer := range []int{0, 1, 10} {
			if id := o.clientID(producer, nth); o.producerOf(id) != int32(producer) {
				t.Errorf("%s is of producer %d", id, o.producerOf(id))
			}
		}
	}
	for _, other := range []string{"", "idemcheck-0badcafe-", "idemcheck-0badcafe-x", "idemcheck-deadbeef-1", "admin"} {
		if o.producerOf(other) != history.Any {
			t.Errorf("%q is taken for producer %d", other, o.producerOf(other))
		}
	}
}

// apart is a scenario whose producers run in processes of their own.
func apart(change func(*suites.Scenario)) suites.Scenario {
	return scenario(func(s *suites.Scenario) {
		s.Clients[0].Process = true
		s.Nemesis = nil
		change(s)
	})
}

// gone complains of every driver that is left.
func gone(t *testing.T, m *history.Manifest) {
	t.Helper()
	for _, p := range m.Processes {
		if p.PID == 0 || syscall.Kill(p.PID, 0) == nil {
			t.Errorf("process %d: driver %d is left behind", p.ID, p.PID)
		}
	}
}

func TestAKilledProducerIsFollowedByAnother(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	err := session(t, Config{}).Run(t.Context(), apart(func(s *suites.Scenario) {
		s.Nemesis = []history.FaultSpec{{Fault: nemesis.KillProducer, When: after(15), Times: 3}}
	}), 7, dir)
	if err != nil {
		t.Fatal(err)
	}
	run, m := manifest(t, dir)
	gone(t, m)
	killed, sent := 0, int64(0)
	for _, p := range m.Processes {
		sent += p.Sent
		if p.End == "signal: killed" {
			killed++
		}
	}
	if killed != 3 || len(m.Processes) != 5 || sent != 124 {
		t.Errorf("%d killed, %d processes, %d records", killed, len(m.Processes), sent)
	}
	for op, err := range run.AllOps() {
		if err != nil || op.Return == history.Forever {
			t.Errorf("%+v: %v", op, err)
		}
	}
}

func TestAPausedProducerStandsStillUntilHealed(t *testing.T) {
	const still = 1500 * time.Millisecond
	dir := filepath.Join(t.TempDir(), "run")
	err := session(t, Config{}).Run(t.Context(), apart(func(s *suites.Scenario) {
		s.Nemesis = []history.FaultSpec{{
			Fault: nemesis.PauseProducer, When: after(15), Target: history.TargetSpec{Producer: history.Only(0)}, Heal: history.HealSpec{After: still},
		}}
	}), 7, dir)
	if err != nil {
		t.Fatal(err)
	}
	run, m := manifest(t, dir)
	gone(t, m)
	var from, to int64
	for _, f := range run.Faults {
		switch f.Status {
		case history.FaultStarted:
			// Its end is noted some time after it has gone on: on a busy machine
			// that is enough for a record.
			from, to = f.At, f.At+int64(still)
		case history.FaultEnded:
			if f.At < to {
				t.Errorf("healed after %d ms, want %s", (f.At-from)/1e6, still)
			}
		}
	}
	for ev, err := range run.Wire() {
		const passing = 100e6 // ns: what was under way through the proxy when it stopped
		if err != nil || ev.Kind == history.WireRequest && ev.ClientID == m.Processes[0].ClientID && ev.At > from+passing && ev.At < to {
			t.Errorf("it sent while it stood still: %+v, %v", ev, err)
		}
	}
	if from == 0 {
		t.Error("it was never paused")
	}
}

func TestARunIsStoppedWhileAProducerIsPausedAndLeavesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := session(t, Config{Watch: func(st Status) {
		if len(st.Active) > 0 {
			cancel()
		}
	}})
	dir := filepath.Join(t.TempDir(), "run")
	err := s.Run(ctx, apart(func(s *suites.Scenario) {
		s.Nemesis = []history.FaultSpec{{Fault: nemesis.PauseProducer, When: after(15)}}
	}), 7, dir)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	run, m := manifest(t, dir)
	gone(t, m)
	if last := run.Faults[len(run.Faults)-1]; last.Status != history.FaultEnded {
		t.Errorf("%+v", last)
	}
}

func TestADriverThatDiesByItselfBreaksTheRunWithItsLastLines(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	driver := filepath.Join(t.TempDir(), "driver.sh")
	text := "#!/bin/sh\nread line\necho '{\"event\":\"ready\",\"protocol\":1,\"library\":\"sh\",\"version\":\"1\",\"order\":{},\"deadline_ms\":1000}'\n" +
		"read line\necho 'Segmentation fault in librdkafka' >&2\nkill -SEGV $$\n"
	if err := os.WriteFile(driver, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	s := session(t, Config{Drivers: map[string][]string{"franz-go": {driver}}})
	err := s.Run(t.Context(), apart(func(s *suites.Scenario) { s.Workload.Warmup = 0 }), 7, dir)
	var broken *Broken
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "Segmentation fault in librdkafka") || !strings.Contains(err.Error(), "signal: segmentation fault") {
		t.Errorf("%v", err)
	}
	_, m := manifest(t, dir)
	gone(t, m)
	if m.Ended != history.EndedBroken || !strings.Contains(m.Error, "ended by itself") {
		t.Errorf("ended %q: %s", m.Ended, m.Error)
	}
	if log, err := os.ReadFile(filepath.Join(dir, "client", "producer-0.log")); err != nil || !strings.Contains(string(log), "librdkafka") {
		t.Errorf("log %q, %v", log, err)
	}
}

// client has a scenario's producers be of another library.
func client(library string) suites.Scenario {
	return apart(func(s *suites.Scenario) { *s = s.With(library, nil) })
}

func TestAClientThatCannotBeHadIsSaidBeforeAnythingIsStarted(t *testing.T) {
	s := session(t, Config{Cache: provision.Cache{Dir: t.TempDir(), Offline: true}})
	sc := client("franz-go@1.0.0")
	if err := s.Provide(t.Context(), sc); err == nil || !strings.Contains(err.Error(), "client franz-go@1.0.0 is not in the cache") {
		t.Errorf("%v", err)
	}
	// And then it is not tried again.
	if err := s.Provide(t.Context(), sc); err == nil || !strings.Contains(err.Error(), "as was said before") {
		t.Errorf("%v", err)
	}
}

// introducing is a driver that says it is something, and no more.
func introducing(t *testing.T, ready string) []string {
	t.Helper()
	driver := filepath.Join(t.TempDir(), "driver.sh")
	text := "#!/bin/sh\nread line\necho '" + ready + "'\nread line\necho '{\"event\":\"closed\"}'\n"
	if err := os.WriteFile(driver, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{driver}
}

func TestAnotherVersionThanWasAskedForIsNotJudged(t *testing.T) {
	driver := introducing(t, `{"event":"ready","protocol":1,"library":"sh","version":"1.2.4","order":{},"deadline_ms":1000}`)
	s := session(t, Config{Drivers: map[string][]string{"sh@1.2.3": driver}})
	err := s.Run(t.Context(), client("sh@1.2.3"), 7, filepath.Join(t.TempDir(), "run"))
	var broken *Broken
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "sh@1.2.3 was asked for, and the library says that it is sh 1.2.4") {
		t.Errorf("%v", err)
	}
}

func TestAScenarioIsSkippedForALibraryThatLacksWhatItNeeds(t *testing.T) {
	literal := client("sh@1.2.3")
	literal.Clients[0].Literal = true
	for name, c := range map[string]struct {
		scenario suites.Scenario
		event    string
		why      string
	}{
		"idempotence": {client("sh@1.2.3"), `{"event":"fatal","class":"unsupported","option":"idempotence","message":"sh has no idempotent producer"}`,
			"idempotence: sh has no idempotent producer"},
		"version 2 of the driver protocol": {literal, `{"event":"ready","protocol":1,"library":"sh","version":"1.2.3","order":{},"deadline_ms":1000}`,
			"protocol: the driver answers in version 1 of the driver protocol, and what it is asked needs 2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := session(t, Config{Drivers: map[string][]string{"sh@1.2.3": introducing(t, c.event)}})
			err := s.Run(t.Context(), c.scenario, 7, filepath.Join(t.TempDir(), "run"))
			var skipped *Skipped
			if !errors.As(err, &skipped) || skipped.Why != "sh@1.2.3 cannot run it: "+c.why {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestALibraryWithoutIdempotenceRunsWhatCanDoWithout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	driver := filepath.Join(t.TempDir(), "driver.sh")
	// It is franz-go, once it is told to do without idempotence.
	text := `#!/bin/sh
read line
case "$line" in *'"idempotence":true'*)
	echo '{"event":"fatal","class":"unsupported","option":"idempotence","message":"it has none"}'
	exit 3
esac
{ echo "$line"; cat; } | ` + os.Args[0] + " driver franz-go\n"
	if err := os.WriteFile(driver, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	s := session(t, Config{})
	sc := apart(func(s *suites.Scenario) {
		*s = s.With("", []string{driver})
		s.Clients[0].OrWithout = true
	})
	if err := s.Run(t.Context(), sc, 7, dir); err != nil {
		t.Fatal(err)
	}
	_, m := manifest(t, dir)
	for _, p := range m.Processes {
		if p.Idempotence || !p.Without {
			t.Errorf("%+v", p)
		}
	}
}
