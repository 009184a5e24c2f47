package checker

import "github.com/idemcheck/idemcheck/history"

const promiseDuplicates = "no record is stored twice, whatever is retried, per partition and within one producer session (KIP-98, idempotent producer; Kafka documentation of enable.idempotence)"

// again takes a further copy of a record met before. It counts whatever the
// record's outcome: even a record of unknown outcome may be stored only once.
// Which copy was acked is settled here too: any of them will do.
func (s *sweep) again(at place) {
	s.copies++
	key := place{process: at.process, number: at.number}
	if m, ok := s.misacked[key]; ok && m.acked == at.offset {
		delete(s.misacked, key)
	}
	s.found.add(finding{kind: Duplicate, place: at, acked: history.NoOffset, cause: nowhere})
}
