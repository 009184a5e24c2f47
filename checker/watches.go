package checker

import "github.com/idemcheck/idemcheck/history"

// Evidence from the wire is kept from the beginning and the end of what
// happened to a record: a client that retries for minutes leaves thousands of
// events in between.
const (
	watchHead = 40
	watchTail = 24
)

// watch picks the wire events that concern some records of a partition.
type watch struct {
	process int32
	numbers []int64 // watched record numbers
	offset  int64   // or, for records without identity: where it stands
	events  []history.WireEvent
}

func (w *watch) wants(ev *history.WireEvent) bool {
	if w.offset >= 0 && ev.Kind != history.WireRequest && brokerCode(ev) == 0 && ev.BaseOffset >= 0 &&
		ev.BaseOffset <= w.offset && w.offset < ev.BaseOffset+int64(ev.Records) {
		return true
	}
	return w.wantsNumber(ev)
}

func (w *watch) wantsNumber(ev *history.WireEvent) bool {
	if ev.Process != w.process || ev.First < 0 {
		return false
	}
	for _, n := range w.numbers {
		if ev.First <= n && n <= ev.Last {
			return true
		}
	}
	return false
}

func (w *watch) take(ev *history.WireEvent) {
	if len(w.events) == watchHead+watchTail {
		copy(w.events[watchHead:], w.events[watchHead+1:])
		w.events = w.events[:len(w.events)-1]
	}
	w.events = append(w.events, *ev)
}

// watches finds the watches that want an event.
type watches struct {
	byPartition map[history.TopicPartition][]*watch
}

func newWatches() *watches { return &watches{byPartition: make(map[history.TopicPartition][]*watch)} }

func (ws *watches) add(tp history.TopicPartition, w *watch) *watch {
	ws.byPartition[tp] = append(ws.byPartition[tp], w)
	return w
}

func (ws *watches) take(ev *history.WireEvent) {
	if len(ws.byPartition) == 0 {
		return
	}
	for _, w := range ws.byPartition[tpOf(ev)] {
		if w.wants(ev) {
			w.take(ev)
		}
	}
}
