package checker

import "github.com/idemcheck/idemcheck/history"

// waitingRequest is a batch that is held back on its way to the broker.
type waitingRequest struct {
	batch history.WireEvent
	again bool // its records were sent again on another connection
}

// wait takes a request: one that is held back, or one that may bring the
// records of such a one again.
func (j *journal) wait(ev *history.WireEvent, again int64) {
	if again > 0 {
		for _, w := range j.waiting {
			if w.batch.Conn != ev.Conn && w.batch.Process == ev.Process && tpOf(&w.batch) == tpOf(ev) &&
				w.batch.First <= ev.Last && ev.First <= w.batch.Last {
				w.again = true
			}
		}
	}
	if ev.Action == history.ActionHeld {
		j.waiting[answerKey{ev.Conn, ev.Correlation, tpOf(ev)}] = &waitingRequest{batch: *ev}
	}
}

// delivery takes what became of a request that was held back.
func (j *journal) delivery(ev *history.WireEvent) {
	key := answerKey{ev.Conn, ev.Correlation, tpOf(ev)}
	w := j.waiting[key]
	delete(j.waiting, key)
	switch ev.Action {
	case history.ActionPassed:
		j.reached(ev)
		if w != nil && w.again {
			j.n.lateRequests++
		}
	case history.ActionWithheld:
		j.n.withheld++
	case history.ActionCut, history.ActionDropped:
		j.n.requestsCut++
	}
}
