package repro

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

const second = int64(1e9)

// recorded is a run of two faults: a lost acknowledgement after 10 batches, and
// a leader that pauses from the 20th second to the 22nd, among 100 batches.
type recorded struct {
	manifest history.Manifest
	faults   []history.FaultEvent
	wire     []history.WireEvent
}

func recording(id string) *recorded {
	topic := "hostile-" + id + "-0"
	r := &recorded{manifest: history.Manifest{
		Schema: history.Schema, Run: id, Ended: history.EndedComplete,
		Topics:    []history.Topic{{Name: topic, Partitions: 1}},
		Processes: []history.Process{{ID: 10, Producer: 0}, {ID: 11, Producer: 1}},
	}}
	for n := range int64(100) {
		e := history.WireEvent{At: n*second + 1, Kind: history.WireRequest, Action: history.ActionPassed, Fault: history.NoFault, Topic: topic, Process: 10, First: n, Last: n, Records: 1}
		r.wire = append(r.wire, e)
		e.At, e.Kind = e.At+1, history.WireAnswer
		r.wire = append(r.wire, e)
	}
	r.fault(0, "cut-after-append", "connection "+id+" of producer 0 to broker 1", 10*second, 10*second+2)
	r.fault(1, "pause-leader", "broker 1 (leader of "+topic+"/0)", 20*second, 22*second)
	r.faults[1].Hits.Acks = 1
	return r
}

func (r *recorded) fault(id int32, name, target string, from, to int64) {
	r.faults = append(r.faults,
		history.FaultEvent{ID: id, Fault: name, Status: history.FaultStarted, At: from, Trigger: "10 acks", Target: target},
		history.FaultEvent{ID: id, Fault: name, Status: history.FaultEnded, At: to, Trigger: "10 acks", Target: target})
}

func (r *recorded) open(t *testing.T) *history.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	asked := r.manifest // Create says that the run broke, until another is saved
	w, err := history.Create(dir, &r.manifest, &history.Plan{Schema: history.PlanSchema}, history.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range r.wire {
		if err := w.Wire(e); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range r.faults {
		if err := w.Fault(e); err != nil {
			t.Fatal(err)
		}
	}
	asked.Files = r.manifest.Files
	if err := w.Close(&asked); err != nil {
		t.Fatal(err)
	}
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestTwoRunsThatWentTheSameDoNotDiffer(t *testing.T) {
	if got := Differences(recording("11111111").open(t), recording("22222222").open(t)); len(got) > 0 {
		t.Errorf("%q", got)
	}
	golden, err := history.Open(filepath.Join("..", "results", "golden", "leader-restart-forgets"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Differences(golden, golden); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

func TestWhatDifferedIsTold(t *testing.T) {
	for says, change := range map[string]func(*recorded){
		"the replay was broken in phase send (no broker), the original complete": func(r *recorded) {
			r.manifest.Ended, r.manifest.EndedIn, r.manifest.Error = history.EndedBroken, "send", "no broker"
		},
		"fault 1, pause-leader, did not fire in the replay: it waited for its turn": func(r *recorded) {
			r.faults = append(r.faults[:2], history.FaultEvent{ID: 1, Fault: "pause-leader", Status: history.FaultNeverFired, Detail: "it waited for its turn"})
		},
		"fault 1, pause-leader, did not fire in the replay: its moment (20 acks) never came": func(r *recorded) {
			r.faults = append(r.faults[:2], history.FaultEvent{ID: 1, Fault: "pause-leader", Status: history.FaultNeverFired, Trigger: "20 acks"})
		},
		"fault 2, reset, fired in the replay, and not in the original": func(r *recorded) { r.fault(2, "reset", "connection 4", 30*second, 30*second) },
		"fault 1, pause-leader, could not be carried out in the replay: docker is gone": func(r *recorded) {
			r.faults[3].Status, r.faults[3].Error = history.FaultBroken, "docker is gone"
		},
		"fault 0, cut-after-append, took effect after fault 1, pause-leader, and in the original before it": func(r *recorded) {
			r.faults[0].At, r.faults[1].At = 21*second, 21*second+2
		},
		"fault 1, pause-leader, struck broker 2 (leader of topic 0/0), in the original broker 1 (leader of topic 0/0)": func(r *recorded) {
			r.faults[2].Target, r.faults[3].Target = "broker 2 (leader of hostile-22222222-0/0)", "broker 2 (leader of hostile-22222222-0/0)"
		},
		"fault 1, pause-leader, took effect after 50 acknowledged batches, in the original after 20": func(r *recorded) {
			r.faults[2].At, r.faults[3].At = 50*second, 52*second
		},
		"fault 1, pause-leader, lasted 4.0 times longer: 8s, in the original 2s": func(r *recorded) { r.faults[3].At = 28 * second },
		"9 records lost their acknowledgement, in the original 1":                func(r *recorded) { r.faults[1].Hits.Acks = 9 },
		"4 batches were sent again, in the original 0": func(r *recorded) {
			for i := range 4 {
				e := r.wire[2*i]
				e.At += 90 * second
				r.wire = append(r.wire, e)
			}
		},
	} {
		replay := recording("22222222")
		change(replay)
		if got := Differences(recording("11111111").open(t), replay.open(t)); len(got) == 0 || got[0] != says {
			t.Errorf("%q, want first %q", got, says)
		}
	}
}

func TestOnlyAHandfulIsTold(t *testing.T) {
	a, b := recording("11111111"), recording("22222222")
	for id := int32(2); id < 12; id++ {
		a.fault(id, "reset", "connection 4", 30*second, 31*second)
		b.fault(id+10, "reset", "connection 4", 30*second, 31*second)
	}
	b.manifest.Ended = history.EndedInterrupted
	b.faults[3].At = 99 * second
	got := Differences(a.open(t), b.open(t))
	if len(got) > mostDifferences || !strings.Contains(got[0], "interrupted") || !slices.Contains(got, "... and 18 more of that sort") {
		t.Errorf("%q", got)
	}
}

func TestFactsAreReadFromTheRun(t *testing.T) {
	r := recording("11111111")
	r.faults = append(r.faults, history.FaultEvent{ID: 2, Fault: "reset", Status: history.FaultNeverFired})
	run := r.open(t)
	nemesis := []history.FaultSpec{{Fault: "cut-after-append"}, {Fault: "pause-leader"}, {Fault: "reset"}}
	a := checker.Anomaly{Topic: "hostile-11111111-0", Partition: 0, Process: 11, Wire: []history.WireEvent{{At: 15 * second}, {At: 12 * second}},
		Ops: []history.Op{{Call: 9 * second, Return: history.Forever}}}
	got := FactsOf(run, nemesis, a)
	if got.Topic != 0 || got.Partition != 0 || got.Producer != 1 || !slices.Equal(got.Never, []int{2}) || !slices.Equal(got.Late, []int{1}) {
		t.Errorf("%+v", got)
	}
	a.Wire[0].At = 21 * second
	if got := FactsOf(run, nemesis, a); len(got.Late) > 0 {
		t.Errorf("what took effect before the anomaly is late: %+v", got)
	}
	got = FactsOf(run, nemesis, checker.Anomaly{Topic: "another", Partition: 3, Process: -1})
	if got.Topic != -1 || got.Partition != -1 || got.Producer != -1 || len(got.Late) > 0 {
		t.Errorf("of an anomaly that names nothing: %+v", got)
	}
}
