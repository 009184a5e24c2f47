package checker

import (
	"fmt"
	"math"
	"slices"
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

// notReady says whether a broker tells with a code that the partition cannot
// take records now, through no fault of the client's (Kafka protocol guide).
func notReady(code int16) bool {
	switch code {
	case 3, 5, 6, 7, 19, 20, 56, 100:
		return true
	}
	return false
}

// leaveOpen takes back what was found stuck in partitions whose broker itself
// said, later than some grace after the healing, that it cannot take records:
// such a cluster is not well yet, whatever its metadata says, and nobody can
// tell what the client would have done on one that is.
func (j *judgement) leaveOpen() {
	t := j.tallies[Stuck]
	if t == nil {
		return
	}
	open := func(tp history.TopicPartition) bool {
		wire := j.journal.tps.get(tp)
		return wire != nil && wire.refused > j.clock.healed+int64(grace)
	}
	j.tallies[Stuck] = &tally{}
	for _, s := range j.sweeps {
		found := s.found.kinds[Stuck]
		switch {
		case found == nil:
		case open(s.tp):
			j.unwell = append(j.unwell, fmt.Sprintf("%s (%s unanswered in time)", s.tp, records(found.count)))
		default:
			j.tallies[Stuck].add(found, j.limit)
		}
	}
	j.kept = slices.DeleteFunc(j.kept, func(i *investigation) bool { return i.kind == Stuck && open(i.tp) })
}
