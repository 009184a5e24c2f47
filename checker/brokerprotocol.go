package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

const promiseBrokerProtocol = "a broker that gets one of the last five batches of a producer id again acknowledges it at its first offset and stores nothing, and acknowledges nothing that it did not store (KIP-98, KAFKA-5494 for the window of five)"

// window is how many batches a broker remembers per producer id and partition.
const window = 5

// checkAnswer holds the broker's own answer (code) against the protocol.
func (j *journal) checkAnswer(ev *history.WireEvent, code int16) {
	if code == history.NeverAsked {
		return
	}
	if cause, why := impossible(ev, code); why != "" {
		j.broker.add(ImpossibleAnswer, cause, ev, func() (string, []history.WireEvent) {
			return fmt.Sprintf("broker %d answered %s with %s, which %s", ev.Broker, batchOf(*ev), codeName(code), why),
				[]history.WireEvent{*ev}
		})
	}
	_, pp := j.part(ev)
	if pp == nil || !hasAppended(ev) || ev.BaseOffset < 0 {
		return
	}
	b := pp.find(ev)
	switch {
	case b == nil || ev.First >= 0 && !sameRecords(&b.request, ev):
		// Never seen to be sent, or sent with other records: the client's doing.
	case !b.stored:
		b.first, b.stored = *ev, true
		pp.keep(b)
	case b.first.BaseOffset == ev.BaseOffset:
		j.n.deduplicated++
	case brokerCode(&b.first) != 0:
		b.first = *ev // a leader that could not say that its replicas had it may have cut it off its log
	case code != 0:
		// This one may be cut off yet.
	default:
		j.storedAgain(pp, b, ev)
	}
}

// storedAgain takes a second NONE for one batch at another offset. It is held
// against the broker only if nothing let it forget the first: the batch is
// within the window even if everything sent since was stored, the same broker
// leads, and no broker was touched in between.
func (j *journal) storedAgain(pp *producerPart, b *sentBatch, ev *history.WireEvent) {
	if pp.sent-b.nth > window || b.first.Broker != ev.Broker || j.story.disturbed(b.first.At, ev.At) {
		return
	}
	first := b.first
	kind, cause, what := DoubleAppend, CauseNotDeduplicated, "stored it twice"
	if found, ok, err := j.src.FindLog(tpOf(ev), ev.BaseOffset); err == nil && ev.First >= 0 &&
		(!ok || found.Process != ev.Process || found.Number != ev.First) {
		kind, cause, what = WrongDuplicateOffset, CauseRetryAckedElsewhere, "acknowledged the retry where it does not stand"
	}
	j.broker.add(kind, cause, ev, func() (string, []history.WireEvent) {
		return fmt.Sprintf("broker %d answered %s NONE at offset %d and again NONE at offset %d, with %d batches of that producer id sent since and no restart or leader change between: it %s",
			ev.Broker, batchOf(*ev), first.BaseOffset, ev.BaseOffset, pp.sent-b.nth-1, what), []history.WireEvent{b.request, first, *ev}
	})
}

// checkOwner finds producer ids that two producers use.
func (j *journal) checkOwner(p *producer, ev *history.WireEvent) {
	switch {
	case ev.Process < 0 || p.process == ev.Process:
	case p.process < 0, j.shareID(p.process, ev.Process):
		p.process = ev.Process
	default:
		owner := p.process
		j.broker.add(SharedProducerID, CauseProducerIDTwice, ev, func() (string, []history.WireEvent) {
			return fmt.Sprintf("processes %d and %d both send with producer id %d: InitProducerId must give every producer its own", owner, ev.Process, ev.ProducerID),
				[]history.WireEvent{*ev}
		})
	}
}

// shareID says whether two processes were opened with one transactional id, and
// so have one producer id: the later one under a higher epoch (KIP-98).
func (j *journal) shareID(a, b int32) bool {
	id := j.process[a].TransactionalID
	return id != "" && id == j.process[b].TransactionalID
}

// impossible says why no correct broker gives such a code to such a batch;
// empty when one may.
func impossible(ev *history.WireEvent, code int16) (cause Cause, why string) {
	switch code {
	case 0, -1, 2, 3, 5, 6, 7, 10, 17, 18, 21, 29, 31, 32, 42, 43, 44, 55, 56, 72, 74, 75, 76, 87, 89, 100, 103:
		return "", ""
	case 19, 20:
		if ev.Acks != -1 {
			return CauseAnswerAboutReplicas, fmt.Sprintf("is about in-sync replicas, and the request has acks=%d", ev.Acks)
		}
		return "", ""
	case 45, 46, 47, 59:
		if ev.ProducerID < 0 {
			return CauseAnswerAboutSequences, "is about producer state, and the batch has no producer id"
		}
		return "", ""
	case 48, 49, 50, 51, 53, 67, 90, 120:
		if ev.ProducerID < 0 {
			return CauseAnswerAboutTransactions, "is about transactions, and the batch has no producer id"
		}
		return "", ""
	}
	return CauseNoProduceAnswer, "is no answer to a produce request"
}
