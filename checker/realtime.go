package checker

const promiseRealTime = "a record acknowledged before another was sent, by anyone, stands before it: each partition is linearizable (Kafka documentation, Design: a partition is one totally ordered log with one leader)"

// checkRealTime holds a record's return against the latest call of the records
// that stand before it; see sweep for why that is enough. Equal times are
// concurrent. A record that was not acked never returned, but it was called,
// and it is in the log: what stands behind it must not have returned before.
func (s *sweep) checkRealTime(o *op, ret int64, at place) {
	if ret < s.latest {
		s.stale(o, at)
	}
	if o.call > s.latest {
		s.latest, s.latestFrom = o.call, at
	}
}

func (s *sweep) stale(o *op, at place) {
	if s.firstStale < 0 {
		s.firstStale = at.offset
	}
	s.found.add(finding{kind: StaleOrder, place: at, acked: o.offset, cause: s.latestFrom})
}
