package checker

import "github.com/idemcheck/idemcheck/history"

const promiseLost = "a record acknowledged with acks=all is in the log as long as one in-sync replica survives (Kafka documentation, Replication and acks)"

// lost takes an acked record that the log, read to its end, does not hold.
// Records of other outcomes need not be there.
func (s *sweep) lost(l *lane, o op) {
	s.found.add(finding{kind: Lost, place: place{l.process, o.number, history.NoOffset}, acked: o.offset, cause: nowhere})
}
