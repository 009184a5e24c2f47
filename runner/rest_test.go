package runner

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
)

// wire is a journal of one process's batches, one request each.
type wire struct {
	rest     *rest
	recorder *history.Recorder
	standing atomic.Uint32 // a nemesis.Standing
	tickets  []history.Ticket
}

func newWire(t *testing.T) *wire {
	t.Helper()
	m := &history.Manifest{Schema: history.Schema, Run: "0badcafe", Topics: []history.Topic{{Name: "t", Partitions: 1}}}
	writer, err := history.Create(t.TempDir()+"/run", m, &history.Plan{}, history.WriterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = writer.Close(m) })
	w := &wire{recorder: history.NewRecorder(writer, time.Now())}
	w.rest = &rest{
		recorder: w.recorder, standing: func() nemesis.Standing { return nemesis.Standing(w.standing.Load()) }, inFlight: 2, again: 50 * time.Millisecond, quiet: 5 * time.Second,
		process: func() []history.Process { return []history.Process{{ID: 0}} },
		open:    make(map[request]struct{}), held: make(map[part]history.WireEvent),
	}
	return w
}

func (w *wire) hand() int {
	w.tickets = append(w.tickets, w.recorder.Begin(0, history.TopicPartition{Topic: "t"}))
	return len(w.tickets) - 1
}

func (w *wire) saw(record int, kind history.WireKind, action history.Action) {
	w.rest.Wire(history.WireEvent{Kind: kind, Action: action, Acks: -1, Conn: 1, Correlation: int32(record), Topic: "t", First: int64(record), Last: int64(record)})
}

func (w *wire) answered(record int) {
	_ = w.recorder.End(w.tickets[record], history.Acked, int64(record), "")
}

func TestWhenTheWireIsAtRest(t *testing.T) {
	const moment = time.Millisecond
	for name, c := range map[string]struct {
		do          func(w *wire)
		least, most time.Duration
	}{
		"nothing was sent": {func(*wire) {}, 0, 5 * moment},
		"all is answered": {func(w *wire) {
			r := w.hand()
			w.saw(r, history.WireRequest, history.ActionPassed)
			w.saw(r, history.WireAnswer, history.ActionPassed)
			w.answered(r)
		}, 0, 5 * moment},
		"a broker owes an answer to a retry of what is answered": {func(w *wire) {
			r := w.hand()
			w.saw(r, history.WireRequest, history.ActionPassed)
			w.answered(r)
			time.AfterFunc(700*moment, func() { w.saw(r, history.WireAnswer, history.ActionPassed) })
		}, 700 * moment, 710 * moment},
		"a client takes its time": {func(w *wire) {
			r := w.hand()
			time.AfterFunc(3*time.Second, func() { w.answered(r) })
		}, 3 * time.Second, 3*time.Second + 10*moment},
		"a client that never answers is not awaited for ever": {func(w *wire) { w.hand() }, 5 * time.Second, 5*time.Second + 10*moment},
		"what is held is known to be": {func(w *wire) {
			w.standing.Store(uint32(nemesis.KeptBack))
			w.saw(w.hand(), history.WireAnswer, history.ActionHeld)
		}, 200 * moment, 210 * moment},
		"another record is still on its way": {func(w *wire) {
			w.standing.Store(uint32(nemesis.KeptBack))
			w.saw(w.hand(), history.WireAnswer, history.ActionHeld)
			other := w.hand()
			time.AfterFunc(900*moment, func() { w.answered(other) })
		}, 1100 * moment, 1110 * moment},
		"a client with all its requests under way sends no more": {func(w *wire) {
			w.standing.Store(uint32(nemesis.KeptBack))
			w.saw(w.hand(), history.WireAnswer, history.ActionHeld)
			w.saw(w.hand(), history.WireAnswer, history.ActionHeld)
			w.hand()
		}, 200 * moment, 210 * moment},
		"a broker is away": {func(w *wire) {
			w.standing.Store(uint32(nemesis.Disturbed))
			w.hand()
		}, 2050 * moment, 2060 * moment},
		"a fault is about to strike": {func(w *wire) {
			w.standing.Store(uint32(nemesis.Striking))
			time.AfterFunc(8*time.Second, func() { w.standing.Store(uint32(nemesis.Undisturbed)) })
		}, 8 * time.Second, 8*time.Second + 10*moment},
		"a connection that ended owes nothing": {func(w *wire) {
			r := w.hand()
			w.saw(r, history.WireRequest, history.ActionPassed)
			w.answered(r)
			w.rest.Wire(history.WireEvent{Kind: history.WireDisconnect, Action: history.ActionPassed, Conn: 1})
		}, 0, 5 * moment},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWire(t)
				c.do(w)
				began := time.Now()
				if err := w.rest.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < c.least || took > c.most {
					t.Errorf("at rest after %s, want %s to %s", took, c.least, c.most)
				}
			})
		})
	}
}
