package checker

import "github.com/idemcheck/idemcheck/history"

const promiseOrder = "records sent one after the other by one producer to one partition stand in that order, retries included (Kafka documentation, max.in.flight.requests.per.connection: at most 5 with idempotence, 1 without)"

// checkOrder holds an acked record against the highest acked one of its
// producer so far. Records that the application was told an error for are left
// out: for them the promise ended there. Where the API promises no order
// nothing is judged.
func (s *sweep) checkOrder(l *lane, at place) {
	if at.number > l.top.number {
		l.top = at
		return
	}
	if l.order {
		s.found.add(finding{kind: Reorder, place: at, acked: history.NoOffset, cause: l.top})
	}
}

// orderJudged says whether order was judged anywhere.
func (j *judgement) orderJudged() bool {
	if j.expect == Reorder {
		return true
	}
	for _, p := range j.manifest.Processes {
		if p.OrderPromised {
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
