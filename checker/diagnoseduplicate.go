package checker

import (
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// diagnoseDuplicate tells how a record came to stand twice. What the copies
// were stored under is read from the log itself, which also knows of appends
// whose answers never left the broker.
func (j *judgement) diagnoseDuplicate(inv *investigation) diagnosis {
	attempts := attemptsOf(inv.watch.events)
	copies := inv.anomaly.Log
	if len(copies) < 2 {
		return diagnosis{BlameNoneKnown, CauseUnexplained, fmt.Sprintf("record %d of process %d stands more than once, and its copies could not be found again", inv.number, inv.process)}
	}
	first, second := copies[0], copies[1]
	start := j.storedAs(attempts, first, inv.number)
	switch {
	case second.ProducerID < 0:
		return j.withoutProducerID(inv, attempts, second, start)
	case first.ProducerID == second.ProducerID && first.Epoch == second.Epoch && first.Sequence == second.Sequence:
		return j.appendedTwice(inv, attempts, first, second, start)
	}
	return j.restamped(inv, attempts, first, second, start)
}

// storedAs says how a copy came into the log.
func (j *judgement) storedAs(attempts []attempt, r history.LogRecord, number int64) string {
	for _, a := range attempts {
		if a.stored() && a.offsetOf(number) == r.Offset {
			return batchOf(a.request) + " " + j.story.fate(a, number)
		}
	}
	for _, a := range attempts {
		if sameStamp(a.request, r, number) && !a.stored() && (r.ProducerID >= 0 || a.answer == nil) {
			return fmt.Sprintf("%s was appended at offset %d, though it %s", batchOf(a.request), r.Offset, j.story.fate(a, number))
		}
	}
	if r.ProducerID < 0 {
		return fmt.Sprintf("record %d was appended without producer id at offset %d", number, r.Offset)
	}
	return fmt.Sprintf("record %d was appended as (pid %d, epoch %d, seq %d) at offset %d", number, r.ProducerID, r.Epoch, r.Sequence, r.Offset)
}

// sameStamp says whether a batch would have put the record into the log as it
// stands there.
func sameStamp(ev history.WireEvent, r history.LogRecord, number int64) bool {
	if ev.ProducerID != r.ProducerID || ev.First < 0 {
		return false
	}
	return ev.ProducerID < 0 || ev.Epoch == r.Epoch && nextSequence(ev.BaseSequence, int32(number-ev.First)) == r.Sequence
}

// inTime is how long before the retry an acknowledgement must have been handed
// to the client's socket for the client to have known of it. Anything shorter
// may have crossed with the retry.
const inTime = 10_000_000 // ns

func (j *judgement) withoutProducerID(inv *investigation, attempts []attempt, second history.LogRecord, start string) diagnosis {
	text := fmt.Sprintf("%s; sent again and appended at offset %d", start, second.Offset)
	if p := j.processOf(inv.process); p.Idempotence {
		return diagnosis{BlameClient, CauseNotTurnedOn, text + ": idempotence was asked for, and the client sent no producer id by which the broker could know"}
	}
	if early, known := j.journal.acknowledgedBefore(attempts); known {
		return diagnosis{BlameClient, CauseSentAgainAfterAck, text + fmt.Sprintf(", though its acknowledgement had reached the client %d ms before: the client sent again what it knew to be stored, and without idempotence the broker cannot know", early/1_000_000)}
	}
	if p := j.processOf(inv.process); p.Without {
		return diagnosis{BlameConfiguration, CauseWithoutIdempotence, text + fmt.Sprintf(": without idempotence the broker cannot know, and %s has none", p.Library)}
	}
	return diagnosis{BlameConfiguration, CauseWithoutIdempotence, text + ": without idempotence the broker cannot know"}
}

// acknowledgedBefore says how long before it sent a record again the client had
// been told that it is stored, in ns; false when it had not, or not for certain:
// on a connection that ended at about that time the client may have read no more.
func (j *journal) acknowledgedBefore(attempts []attempt) (early int64, known bool) {
	for i, a := range attempts {
		code, told := a.told()
		if !told || code != 0 || !a.stored() {
			continue
		}
		reached := a.answer.At
		if a.release != nil {
			reached = a.release.At
		}
		if ended, ok := j.closed[a.answer.Conn]; ok && ended < reached+inTime {
			continue
		}
		for _, next := range attempts[i+1:] {
			if early := next.request.At - reached; early >= inTime {
				return early, true
			}
		}
	}
	return 0, false
}

// appendedTwice: one triple, two offsets. The broker did not recognize a retry.
func (j *judgement) appendedTwice(inv *investigation, attempts []attempt, first, second history.LogRecord, start string) diagnosis {
	text := fmt.Sprintf("%s; the same batch came again and was stored again at offset %d", start, second.Offset)
	from, to, answers := storedWindow(attempts)
	_, within := j.journal.broker.groups[protocolKey{DoubleAppend, CauseNotDeduplicated, inv.process, inv.tp}]
	expired := j.story.expiry(from, to)
	switch between, restarts := j.story.disturbance(inv.tp, from, to); {
	case expired != "":
		return diagnosis{BlameLimit, CauseForgotExpiry, text + fmt.Sprintf(": the broker had forgotten the producer id, which had expired (%s): without one it accepts any sequence, and a retry that comes later than producer.id.expiration.ms is a new batch to it", expired)}
	case between != "":
		forgot := CauseStoredAgainFault
		if restarts {
			forgot = CauseStoredAgainRestart
		}
		return diagnosis{BlameLimit, forgot, text + fmt.Sprintf(": the broker had forgotten it, %s came between", between)}
	case first.LeaderEpoch != second.LeaderEpoch:
		return diagnosis{j.onBroker(), CauseStoredAgainNewLeader, text + fmt.Sprintf(": the leader changed in between (leader epoch %d, then %d), and the new one did not know the batch, though followers keep what the leader knows of a producer id",
			first.LeaderEpoch, second.LeaderEpoch)}
	case answers > 1 && !within:
		return diagnosis{BlameLimit, CauseStoredAgainWindow, text + ": more than five batches of that producer id came between, and a broker remembers no more"}
	}
	if j.story.embedded {
		return diagnosis{BlameNoneKnown, CauseNotDeduplicated, text + ": kfake did not deduplicate, which says nothing about Kafka"}
	}
	return diagnosis{BlameBroker, CauseNotDeduplicated, text + ": the broker failed to deduplicate within its window of five batches"}
}

// storedWindow is the time from the first to the last answer that a record was
// stored, and how many there were.
func storedWindow(attempts []attempt) (from, to int64, answers int) {
	from = history.Forever
	for _, a := range attempts {
		if a.stored() {
			from, to, answers = min(from, a.answer.At), max(to, a.answer.At), answers+1
		}
	}
	if answers == 0 && len(attempts) > 0 {
		from, to = attempts[0].request.At, attempts[len(attempts)-1].request.At
	}
	return from, to, answers
}

// restamped: the same record under two triples. The client gave a batch a new
// stamp though it could not know the first to be lost. Where the broker had
// refused its retry because it forgot the batch, the client was misled.
func (j *judgement) restamped(inv *investigation, attempts []attempt, first, second history.LogRecord, start string) diagnosis {
	var text strings.Builder
	text.WriteString(start)
	stamp := fmt.Sprintf("(pid %d, epoch %d, seq %d)", second.ProducerID, second.Epoch, second.Sequence)
	cause, known := j.story.bumps[bumpKey{second.ProducerID, second.Epoch}]
	known = known && second.ProducerID == first.ProducerID
	if early, acknowledged := j.journal.acknowledgedBefore(attempts); acknowledged {
		fmt.Fprintf(&text, ", and its acknowledgement had reached the client %d ms before it sent the record again; ", early/1_000_000)
		if known {
			fmt.Fprintf(&text, "after it got %s ", codeName(cause.Error))
		}
		fmt.Fprintf(&text, "it sent it as %s: stored again at offset %d, though it knew it to be stored", stamp, second.Offset)
		return diagnosis{BlameClient, CauseRestampedAfterAck, text.String()}
	}
	if refused := refusedRetry(attempts, first, inv.number); refused != nil {
		code, _ := refused.told()
		blame, comes, why := BlameClient, CauseRestampedAfterRefusal, ""
		if d, restarts := j.story.disturbance(inv.tp, attempts[0].request.At, refused.answer.At); restarts {
			why = fmt.Sprintf("; the leader forgot it (%s): a broker that starts again remembers only the last batch of a producer id", d)
			blame, comes = BlameLimit, CauseForgotRestart
		} else if d != "" {
			why = fmt.Sprintf("; the leader no longer knew it (%s came between)", d)
			blame, comes = BlameLimit, CauseForgotFault
		}
		fmt.Fprintf(&text, "%s; sent again as it was, it was answered %s", why, codeName(code))
		fmt.Fprintf(&text, "; the client took that for a loss and sent the same record as %s: stored again at offset %d", stamp, second.Offset)
		return diagnosis{blame, comes, text.String()}
	}
	if own, refused := j.story.refusals[epochKey{inv.tp, first.ProducerID, first.Epoch}]; refused && second.ProducerID == first.ProducerID {
		if d, restarts := j.story.disturbance(inv.tp, attempts[0].request.At, own.At); restarts {
			fmt.Fprintf(&text, "; the leader forgot what it had stored (%s) and answered %s to %s of the same partition; the client raised its epoch for all that it had no answer for, and sent the same record as %s: stored again at offset %d",
				d, codeName(own.Error), batchOf(own), stamp, second.Offset)
			return diagnosis{BlameLimit, CauseForgotRestart, text.String()}
		}
	}
	fmt.Fprintf(&text, "; the client sent the same record again as %s", stamp)
	if known {
		fmt.Fprintf(&text, " after it got %s", codeName(cause.Error))
		if tpOf(&cause) != inv.tp {
			fmt.Fprintf(&text, " for partition %d", cause.Partition)
			if cause.Topic != inv.tp.Topic {
				fmt.Fprintf(&text, " of %s", cause.Topic)
			}
		}
	}
	fmt.Fprintf(&text, ": stored again at offset %d", second.Offset)
	if code, refused := refusedAlways(attempts, second, inv.number); refused {
		return diagnosis{BlameNoneKnown, CauseRestampedRefused, text.String() + fmt.Sprintf("; it had been told %s each time, which says that nothing was appended", codeName(code))}
	}
	return diagnosis{BlameClient, CauseRestampedUndecided, text.String() + ": it could not know the first to be lost"}
}

// refusedRetry finds a retry under the first copy's stamp that was refused for
// its sequence or its producer.
func refusedRetry(attempts []attempt, first history.LogRecord, number int64) *attempt {
	for i := range attempts {
		a := &attempts[i]
		if i == 0 || !sameStamp(a.request, first, number) {
			continue
		}
		if code, ok := a.told(); ok && asksForEpoch(code) {
			return a
		}
	}
	return nil
}

// refusedAlways is the code by which the last attempt before the second copy
// was refused, if every one was, for certain. One that was not answered, or
// answered 7, leaves open what became of it, whatever a later one is told: a
// client that numbers the batch anew then may have it stored twice.
func refusedAlways(attempts []attempt, second history.LogRecord, number int64) (code int16, refused bool) {
	for _, a := range attempts {
		if sameStamp(a.request, second, number) {
			break
		}
		code, _ = a.told()
		if refused = a.refused(); !refused {
			return code, false
		}
	}
	return code, refused
}
