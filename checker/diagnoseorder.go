package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// diagnoseOrder tells how one record came to stand before another.
func (j *judgement) diagnoseOrder(inv *investigation) diagnosis {
	late := attemptsOf(inv.watch.events)
	early := attemptsOf(inv.caused.events)
	what := fmt.Sprintf("record %d of process %d was sent before record %d and stands behind it (offsets %d and %d)",
		inv.number, inv.process, inv.cause.number, inv.offset, inv.cause.offset)
	if inv.kind == StaleOrder {
		what = fmt.Sprintf("record %d of process %d was acked before record %d of process %d was sent, and stands behind it (offsets %d and %d)",
			inv.number, inv.process, inv.cause.number, inv.cause.process, inv.offset, inv.cause.offset)
	}
	if len(late) == 0 || len(early) == 0 {
		return diagnosis{BlameNoneKnown, CauseUnexplained, what + ": the wire does not show how"}
	}
	what += ": " + j.listFates(late, inv.number) + "; meanwhile " + j.listFates(early, inv.cause.number)
	if inv.process != inv.cause.process {
		if j.story.embedded {
			return diagnosis{BlameNoneKnown, CauseStoredBeforeAcked, what}
		}
		return diagnosis{BlameBroker, CauseStoredBeforeAcked, what + ": the broker or replication put a later append before an acknowledged one"}
	}
	return j.blameOrder(inv, what)
}

// blameOrder decides whose fault a reordering within one process is, by the
// stamps that the two records have in the log.
func (j *judgement) blameOrder(inv *investigation, what string) diagnosis {
	var late, early *history.LogRecord
	for i := range inv.anomaly.Log {
		switch r := &inv.anomaly.Log[i]; r.Offset {
		case inv.offset:
			late = r
		case inv.cause.offset:
			early = r
		}
	}
	p := j.processOf(inv.process)
	switch {
	case late == nil || early == nil:
		return diagnosis{BlameNoneKnown, CauseUnexplained, what}
	case late.ProducerID < 0 && p.Idempotence:
		return diagnosis{BlameClient, CauseNotTurnedOn, what + ": idempotence was asked for, and the client sent no producer id"}
	case late.ProducerID < 0 && !p.OrderPromised && !p.OrderInCall:
		return diagnosis{BlameConfiguration, CauseOvertakenInFlight, what + ": without idempotence and with more than one request in flight a retry can be overtaken"}
	case late.ProducerID < 0 && !p.OrderPromised:
		return diagnosis{BlameClient, CauseReorderedInCall, what + ": they were handed over in one call, whose records the client may not reorder"}
	case late.ProducerID < 0:
		return diagnosis{BlameClient, CauseSentOnUnsettled, what + ": the client sent on before the earlier record was settled"}
	case late.ProducerID == early.ProducerID && late.Epoch == early.Epoch && (late.Sequence-early.Sequence)&0x7fffffff > 1<<30:
		return diagnosis{j.onBroker(), CauseStoredOutOfSequence, what + ": the broker stored a lower sequence behind a higher one of the same epoch"}
	}
	return diagnosis{BlameClient, CauseNumberedOutOfOrder, what + ": the client numbered them in that order"}
}

// diagnoseStuck tells where a record got stuck.
func (j *judgement) diagnoseStuck(inv *investigation) diagnosis {
	attempts := attemptsOf(inv.watch.events)
	what := fmt.Sprintf("record %d of process %d was never answered", inv.number, inv.process)
	if inv.op.Return != history.Forever {
		what = fmt.Sprintf("record %d of process %d was answered %.1f s after it was due", inv.number, inv.process,
			float64(inv.op.Return-inv.due)/1e9)
	}
	if len(attempts) == 0 {
		what += ": the client never sent it"
		if l := j.journal.lane(inv.tp, inv.process); l != nil {
			inv.anomaly.Wire = append(inv.anomaly.Wire, l.last)
			what += fmt.Sprintf("; nothing was seen of %s after the %s at %.3f s", inv.tp, l.last.Kind, float64(l.last.At)/1e9)
		}
		return diagnosis{BlameClient, CauseNeverSent, what}
	}
	last := attempts[len(attempts)-1]
	what += ": " + j.listFates(attempts, inv.number)
	switch {
	case last.arrived():
		return diagnosis{BlameClient, CauseAnswerKept, what + ": the client got the answer and did not report it"}
	case last.request.At < j.clock.healed:
		return diagnosis{BlameClient, CauseNotTriedAgain, what + ": the client did not try again after the faults had healed"}
	}
	return diagnosis{BlameNoneKnown, CauseUnexplained, what}
}
