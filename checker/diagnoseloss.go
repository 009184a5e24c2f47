package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// diagnoseLost tells who said that a record was stored which is not there.
func (j *judgement) diagnoseLost(inv *investigation) diagnosis {
	attempts := ownAttempts(inv)
	instead := ""
	if inv.acked >= 0 {
		instead = fmt.Sprintf("; at offset %d stands %s", inv.acked, j.recordAt(inv, inv.acked))
	}
	what := fmt.Sprintf("record %d of process %d was acked at offset %d and is not in the log%s", inv.number, inv.process, inv.acked, instead)
	if len(attempts) == 0 {
		return diagnosis{BlameClient, CauseAckedUnsent, what + ": it was never seen on the wire, so the client acked what it had not sent"}
	}
	for _, a := range attempts {
		if fault := j.story.onPurpose(inv.tp, a); fault != "" && (inv.acked < 0 || a.offsetOf(inv.number) == inv.acked) {
			return diagnosis{BlameConfiguration, CauseDeleted, what + fmt.Sprintf(": it was deleted with its topic, on purpose (%s), after broker %d had acknowledged it", fault, a.answer.Broker)}
		}
	}
	for _, a := range attempts {
		if j.story.isReused(&a.request) || j.takenFor(inv, a) {
			return diagnosis{BlameClient, CauseSequenceReused, what + fmt.Sprintf(": the client used the sequence of %s for other records as well, and the broker took the one for a retry of the other", batchOf(a.request))}
		}
	}
	for _, a := range attempts {
		if !a.stored() {
			continue
		}
		text := what + ", though " + batchOf(a.request) + " " + j.story.fate(a, inv.number) + fmt.Sprintf(" by broker %d", a.answer.Broker)
		if a.request.Acks != -1 { // whatever was asked for, and where nothing was said of it
			return diagnosis{BlameConfiguration, CauseAcksBelowAll, text + fmt.Sprintf(": with acks=%d an acknowledged record can be lost with its leader", a.request.Acks)}
		}
		if d := j.story.unclean(inv.tp, a.answer.At); d != "" {
			return diagnosis{BlameConfiguration, CauseUncleanElection, text + ", and then a replica without it was elected: " + d + "; an unclean election gives up what only the dead leader had"}
		}
		if d, _ := j.story.disturbance(inv.tp, a.answer.At, history.Forever-1); d != "" {
			text += ", before " + d
		}
		if j.story.embedded {
			return diagnosis{BlameNoneKnown, CauseLostByBroker, text + ": kfake is not Kafka"}
		}
		j.contradicts(inv, a)
		return diagnosis{BlameBroker, CauseLostByBroker, text + ": lost by the broker or in replication"}
	}
	return diagnosis{BlameClient, CauseAckMadeUp, what + ": no broker acknowledged it, the client reported success without one (" + j.listFates(attempts, inv.number) + ")"}
}

// takenFor says whether the record that stands where this one was acked came
// under the same producer id, epoch and sequence: then the broker recognized the
// batch by them, as it must, and answered with the offset of the other.
func (j *judgement) takenFor(inv *investigation, a attempt) bool {
	for _, r := range inv.anomaly.Log {
		if r.Offset == inv.acked && r.ProducerID >= 0 && sameStamp(a.request, r, inv.number) && (r.Number != inv.number || r.Process != inv.process) {
			return true
		}
	}
	return false
}

// ownAttempts leaves out what the watch picked by offset.
func ownAttempts(inv *investigation) []attempt {
	var own []history.WireEvent
	for _, ev := range inv.watch.events {
		if inv.watch.wantsNumber(&ev) {
			own = append(own, ev)
		}
	}
	return attemptsOf(own)
}

// contradicts notes that a broker acknowledged a record at an offset where it
// does not stand.
func (j *judgement) contradicts(inv *investigation, a attempt) {
	if a.answer.Action == history.ActionForged || inv.acked >= 0 && a.offsetOf(inv.number) != inv.acked {
		return
	}
	j.journal.broker.addN(inv.count, AckContradictsLog, CauseAckContradictsLog, a.answer, func() (string, []history.WireEvent) {
		return fmt.Sprintf("broker %d acknowledged %s with %s at base offset %d, and the log has %s at offset %d",
			a.answer.Broker, batchOf(a.request), numbersOf(a.request), a.answer.BaseOffset,
			j.recordAt(inv, a.offsetOf(inv.number)), a.offsetOf(inv.number)), []history.WireEvent{a.request, *a.answer}
	})
}

// diagnosePayload tells where a record went, or came from.
func (j *judgement) diagnosePayload(inv *investigation) diagnosis {
	attempts := ownAttempts(inv)
	switch inv.kind {
	case WrongOffset:
		return j.diagnoseWrongOffset(inv, attempts)
	case Corrupt:
		text := fmt.Sprintf("the record at offset %d fails its own checksum", inv.offset)
		if len(attempts) > 0 {
			text += ", and came with " + batchOf(attempts[0].request)
		}
		return diagnosis{BlameNoneKnown, CauseDamaged, text + ": it was damaged before its batch was sealed (the batch's checksum holds, or it could not have been read)"}
	case Foreign:
		return diagnosis{BlameNoneKnown, CauseOtherWriter, fmt.Sprintf("the record at offset %d is not one of this run: something else writes to %s", inv.offset, inv.tp)}
	case Misplaced:
		for _, r := range inv.anomaly.Log {
			if r.Offset == inv.offset {
				return diagnosis{BlameClient, CauseSentElsewhere, fmt.Sprintf("record %d of process %d was sent to %s and stands in %s at offset %d", r.Number, r.Process, r.Claims, inv.tp, inv.offset)}
			}
		}
		return diagnosis{BlameClient, CauseSentElsewhere, fmt.Sprintf("the record at offset %d was sent to another partition", inv.offset)}
	case Unsent:
		return diagnosis{BlameNoneKnown, CauseNobodySent, fmt.Sprintf("the record at offset %d says that it is number %d of process %d, which no op tells of", inv.offset, inv.number, inv.process)}
	}
	panic(fmt.Sprintf("checker: impossible payload kind %q", inv.kind))
}

func (j *judgement) diagnoseWrongOffset(inv *investigation, attempts []attempt) diagnosis {
	what := fmt.Sprintf("record %d of process %d stands at offset %d and was acked at offset %d, where %s stands",
		inv.number, inv.process, inv.offset, inv.acked, j.recordAt(inv, inv.acked))
	for _, a := range attempts {
		if a.stored() && a.offsetOf(inv.number) == inv.acked {
			if j.story.isReused(&a.request) || j.takenFor(inv, a) {
				return diagnosis{BlameClient, CauseSequenceReused, what + fmt.Sprintf(": the client used the sequence of %s for other records as well", batchOf(a.request))}
			}
			if !j.story.embedded {
				j.contradicts(inv, a)
			}
			return diagnosis{j.onBroker(), CauseAckContradictsLog, what + fmt.Sprintf(": broker %d answered so to %s", a.answer.Broker, batchOf(a.request))}
		}
	}
	if len(attempts) == 0 {
		return diagnosis{BlameNoneKnown, CauseUnexplained, what + ": it was never seen on the wire"}
	}
	return diagnosis{BlameClient, CauseOffsetMadeUp, what + ": no broker answered so, the client made it up (" + j.listFates(attempts, inv.number) + ")"}
}

// diagnoseFailedVisible tells whether the client could know that the record
// may be in the log.
func (j *judgement) diagnoseFailedVisible(inv *investigation) diagnosis {
	attempts := ownAttempts(inv)
	what := fmt.Sprintf("record %d of process %d was reported as never appended (%s) and stands at offset %d",
		inv.number, inv.process, inv.op.Error, inv.offset)
	if len(attempts) == 0 {
		return diagnosis{BlameNoneKnown, CauseUnexplained, what + ": it was never seen on the wire"}
	}
	told := what + ": " + j.listFates(attempts, inv.number)
	for _, a := range attempts {
		if !a.refused() {
			return diagnosis{BlameClient, CauseFailedUndecided, told + ": after an attempt that may have been appended the outcome is unknown, not failed"}
		}
	}
	if j.manifest.Forged {
		return diagnosis{BlameNoneKnown, CauseForged, told + ": answers were forged in this run"}
	}
	return diagnosis{j.onBroker(), CauseRefusedAndStored, told + ": the broker refused every attempt and stored one"}
}
