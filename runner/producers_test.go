package runner

import (
	"path/filepath"
	"strings"
	"testing"

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
