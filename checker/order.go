package checker

import "github.com/idemcheck/idemcheck/history"

const promiseOrder = "records sent one after the other by one producer to one partition stand in that order, retries included (Kafka documentation, max.in.flight.requests.per.connection: at most 5 with idempotence, 1 without)"

// checkOrder holds an acked record against the highest acked one of its
// producer so far. Records that the application was told an error for are left
// out: for them the promise ended there. Where the API promises order within a
// call only, records of one call are held against each other; where it promises
// none, nothing is judged.
func (s *sweep) checkOrder(l *lane, o *op, at place) {
	if !l.order && l.inCall {
		s.checkCall(l, o, at)
		return
	}
	if at.number > l.top.number {
		l.top = at
		return
	}
	if l.order {
		s.found.add(finding{kind: Reorder, place: at, acked: history.NoOffset, cause: l.top})
	}
}

// checkCall is checkOrder among the records of one call, which share a call time.
func (s *sweep) checkCall(l *lane, o *op, at place) {
	if l.tops == nil {
		l.tops = make(map[int64]place)
	}
	if top, met := l.tops[o.call]; met && at.number < top.number {
		s.found.add(finding{kind: Reorder, place: at, acked: history.NoOffset, cause: top})
		return
	}
	l.tops[o.call] = at
}

// orderJudged says whether order was judged anywhere.
func (j *judgement) orderJudged() bool {
	if j.expect == Reorder {
		return true
	}
	for _, p := range j.manifest.Processes {
		if p.OrderPromised || p.OrderInCall {
			return true
		}
	}
	return false
}

// orderWhy says why order is not promised by anyone.
func (j *judgement) orderWhy() string {
	for _, p := range j.manifest.Processes {
		if p.OrderWhy != "" {
			return "no order is promised: " + p.OrderWhy
		}
	}
	return "no producer's API promises order"
}
