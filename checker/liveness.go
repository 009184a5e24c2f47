package checker

import (
	"math"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

const promiseLiveness = "once the last fault has healed, every record is answered within its client's own deadline (KIP-91, delivery.timeout.ms, and its like in other clients)"

// grace is what liveness allows beyond a client's own deadline, for timers,
// garbage collection and a busy machine.
const grace = 5 * time.Second

// checkAnswered finds ops that were answered too late, or never. While faults
// are in force nothing is promised, and a record that waits behind others of
// its lane waits for them: so the deadline counts from the latest of the call,
// the healing of the last fault, and the answer to those before it. A slow
// machine with a backlog is not a client that hangs.
func (l *lane) checkAnswered(o *op) {
	due := int64(math.MaxInt64)
	if from := max(o.call, l.clock.healed, l.before); l.deadline > 0 && l.deadline < math.MaxInt64-int64(grace)-from {
		due = from + l.deadline
	}
	switch {
	case o.ret == history.Forever && l.clock.drained > 0 && due < history.Forever && l.clock.drained < due:
		l.tallies.givenUpEarly++
	case o.ret == history.Forever, due < history.Forever && o.ret > due+int64(grace):
		l.found.add(finding{kind: Stuck, place: place{l.process, o.number, history.NoOffset}, acked: o.offset, due: due, cause: nowhere})
	}
	if o.ret != history.Forever {
		l.before = max(l.before, o.ret)
	}
}
