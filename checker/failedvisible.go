package checker

import "github.com/idemcheck/idemcheck/history"

const promiseFailedVisible = "a record that the client reported as certainly not appended is never in the log (Kafka protocol, error codes that refuse a batch before the append)"

// failedVisible takes a record that was reported as never appended and stands
// in the log.
func (s *sweep) failedVisible(at place) {
	s.found.add(finding{kind: FailedVisible, place: at, acked: history.NoOffset, cause: nowhere})
}
