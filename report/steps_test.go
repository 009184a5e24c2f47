package report

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// journal writes a run directory with these wire events and faults; the times of
// events are those that they have.
func journal(t *testing.T, faults []history.FaultEvent, events ...history.WireEvent) *history.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	m := &history.Manifest{
		Schema: history.Schema, Run: "0badcafe", ClockBase: time.Now(), Topics: []history.Topic{{Name: "t", Partitions: 2}},
		Processes: []history.Process{{ID: 0, ClientID: "p0"}, {ID: 1, Producer: 1, ClientID: "p1"}},
	}
	w, err := history.Create(dir, m, &history.Plan{}, history.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		if err := w.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range events {
		if err := w.Wire(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(m); err != nil {
		t.Fatal(err)
	}
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// seen is a row about the batch of one record on partition 0.
func seen(at int64, kind history.WireKind, action history.Action, fault int32, conn int64, correlation int32, sequence int32) history.WireEvent {
	return history.WireEvent{
		At: at, Kind: kind, Action: action, Fault: fault, Conn: conn, Correlation: correlation, ClientID: "p0", Topic: "t", Broker: 2,
		ProducerID: 900 + conn/100, BaseSequence: sequence, Records: 1, First: int64(sequence), Last: int64(sequence), BaseOffset: int64(sequence),
	}
}

func stepsOf(t *testing.T, run *history.Run) []string {
	t.Helper()
	steps, err := Steps(run)
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

func TestStepsSayWhatCameOfEachBatch(t *testing.T) {
	none := history.NoFault
	run := journal(t,
		[]history.FaultEvent{
			{ID: 0, Fault: "cut-after-append", Status: history.FaultStarted, At: 35, Trigger: "2 acks"},
			{ID: 1, Fault: "refuse", Status: history.FaultStarted, At: 55, Trigger: "3 records sent"},
			{ID: 1, Fault: "refuse", Status: history.FaultEnded, At: 99, HealAsked: 65},
			{ID: 2, Fault: "reset", Status: history.FaultNeverFired, At: 3},
		},
		history.WireEvent{At: 1, Kind: history.WireConnect, Action: history.ActionPassed, Conn: 100, ClientID: "p0"},
		seen(10, history.WireRequest, history.ActionPassed, none, 100, 7, 0), seen(20, history.WireAnswer, history.ActionPassed, none, 100, 7, 0),
		seen(30, history.WireRequest, history.ActionPassed, none, 100, 8, 1), seen(32, history.WireRequest, history.ActionPassed, none, 100, 9, 2),
		seen(35, history.WireAnswer, history.ActionCut, 0, 100, 8, 1), seen(36, history.WireAnswer, history.ActionDropped, 0, 100, 9, 2),
		seen(60, history.WireRequest, history.ActionPassed, none, 101, 1, 1), seen(70, history.WireAnswer, history.ActionHeld, 3, 101, 1, 1), seen(80, history.WireRelease, history.ActionPassed, 3, 101, 1, 1),
	)
	want := []string{
		"producer 0 topic 0/0, id #1 epoch 0 seq 0, records 0..0 to broker 2: passed; answer NONE at offset 0 passed",
		"fault 0 cut-after-append strikes, at 2 acks",
		"producer 0 topic 0/0, id #1 epoch 0 seq 1, records 1..1 to broker 2: passed; answer NONE at offset 1 cut by fault 0",
		"producer 0 topic 0/0, id #1 epoch 0 seq 2, records 2..2 to broker 2: passed; answer NONE at offset 2 lost by fault 0",
		"fault 1 refuse strikes, at 3 records sent",
		"producer 0 topic 0/0, id #1 epoch 0 seq 1, records 1..1 to broker 2: passed; answer NONE at offset 1 held by fault 3; then passed",
		"fault 1 refuse is healed",
		"fault 2 reset never fired",
	}
	if got := stepsOf(t, run); !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestStepsAreEqualWhereTheSameWasDone(t *testing.T) {
	none := history.NoFault
	first, second := seen(10, history.WireRequest, history.ActionPassed, none, 100, 7, 0), seen(30, history.WireRequest, history.ActionPassed, none, 100, 8, 1)
	other := second // of the same request, as the client had it
	other.Partition = 1
	ack := seen(40, history.WireAnswer, history.ActionPassed, none, 100, 7, 0)
	steps := stepsOf(t, journal(t, nil, first, second, other, ack))
	moved := func(e history.WireEvent, by, conn int64, correlation int32) history.WireEvent {
		e.At, e.Conn, e.Correlation = e.At+by, e.Conn+conn, e.Correlation+correlation
		e.ProducerID += 5
		return e
	}
	for name, c := range map[string]struct {
		events []history.WireEvent
		same   bool
	}{
		"times, connections and producer ids":  {[]history.WireEvent{moved(first, 5, 1, 3), moved(second, 6, 1, 3), moved(other, 6, 1, 3), moved(ack, 9, 1, 3)}, true},
		"an answer before a pipelined request": {[]history.WireEvent{first, moved(ack, -15, 0, 0), second, other}, true},
		"the partitions of a request":          {[]history.WireEvent{first, other, second, ack}, true},
		"metadata":                             {[]history.WireEvent{first, {At: 12, Kind: history.WireMetadata, Action: history.ActionForged, Conn: 100}, second, other, ack}, true},
		"a batch too late for its connection":  {[]history.WireEvent{first, second, other, ack, seen(50, history.WireRequest, history.ActionDropped, none, 100, 9, 2)}, true},
		"another batch":                        {[]history.WireEvent{first, second, other, ack, seen(50, history.WireRequest, history.ActionPassed, none, 100, 9, 2)}, false},
		"another order":                        {[]history.WireEvent{second, other, moved(first, 30, 0, 0), moved(ack, 30, 0, 0)}, false},
		"an answer that did not come":          {[]history.WireEvent{first, second, other}, false},
		"a new epoch":                          {[]history.WireEvent{first, second, other, ack, seen(50, history.WireInitProducerID, history.ActionPassed, none, 100, 9, 2)}, false},
	} {
		if got := stepsOf(t, journal(t, nil, c.events...)); slices.Equal(got, steps) != c.same {
			t.Errorf("%s, same %t:\n%s\nand\n%s", name, c.same, strings.Join(steps, "\n"), strings.Join(got, "\n"))
		}
	}
}
