package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

const promiseClientProtocol = "an idempotent client numbers its batches without gap or reuse, sends them with a producer id and acks=all, and has at most five requests in flight on a connection; every client keeps to the number in flight that it was told, and none gives a batch up for a sequence that it put out of order itself (KIP-98, KIP-360, KIP-679)"

// mostInFlight is how many requests an idempotent producer may have in flight
// on a connection: brokers remember five batches (KAFKA-5494).
const mostInFlight = 5

// inFlight counts requests whose answer the proxy has not seen. The client
// still waits for all of them, so it never counts too many.
func (j *journal) inFlight(c *conn, ev *history.WireEvent) {
	if c.launched(ev.Correlation, ev.ProducerID >= 0, ev.At) {
		if n, most := c.inFlight(), j.mayFly[ev.Process]; most > 0 && n > most && c.withID <= mostInFlight {
			j.client.add(TooManyInFlight, CauseMoreThanTold, ev, func() (string, []history.WireEvent) {
				return fmt.Sprintf("client %q had %d produce requests in flight on connection %d to broker %d, and was told to have at most %d",
					ev.ClientID, n, ev.Conn, ev.Broker, most), []history.WireEvent{*ev}
			})
		}
		if c.withID > mostInFlight {
			n := c.withID
			j.client.add(TooManyInFlight, CauseMoreThanFive, ev, func() (string, []history.WireEvent) {
				return fmt.Sprintf("client %q had %d produce requests in flight on connection %d to broker %d; a broker remembers only the last five batches of a producer id, so a retry of an older one is no longer recognized: keep to five",
					ev.ClientID, n, ev.Conn, ev.Broker), []history.WireEvent{*ev}
			})
		}
	}
	j.n.maxInFlight = max(j.n.maxInFlight, int64(c.inFlight()))
}

// checkBatch holds one batch against what its client was asked to do.
func (j *journal) checkBatch(ev *history.WireEvent) {
	if ev.ProducerID >= 0 {
		if ev.Acks != -1 {
			j.client.add(WrongAcks, CauseIdempotentAcksBelowAll, ev, func() (string, []history.WireEvent) {
				return fmt.Sprintf("client %q sent %s with acks=%d: idempotence needs acks=all, or an acknowledged batch can be lost with its leader and its retry refused",
					ev.ClientID, batchOf(*ev), ev.Acks), []history.WireEvent{*ev}
			})
		}
		return
	}
	id := ev.Process
	if id < 0 {
		var ok bool
		if id, ok = j.byClient[ev.ClientID]; !ok || id < 0 {
			return
		}
	}
	if p, ok := j.process[id]; ok && p.Idempotence {
		of := *ev
		of.Process = id
		j.client.add(NoProducerID, CauseNotTurnedOn, &of, func() (string, []history.WireEvent) {
			return fmt.Sprintf("idempotence was asked of process %d (%s %s), and its batches carry no producer id: the client or its configuration never turned it on",
				id, p.Library, p.Version), []history.WireEvent{of}
		})
	}
}

// produced holds a batch with a producer id against the sequences before it.
// again is how many of its records had been seen before.
func (j *journal) produced(ev *history.WireEvent, again int64) {
	p, pp := j.part(ev)
	if p == nil {
		return
	}
	j.checkOwner(p, ev)
	if ev.Epoch > p.epoch {
		j.n.epochBumps++
		j.story.bump(ev, p)
		p.epoch = ev.Epoch
	}
	// The ordinary case, first: the next sequence, and nothing out of line before.
	inLine := pp.strict && ev.Epoch == pp.epoch && ev.BaseSequence == pp.next
	if b := pp.findUnless(inLine, ev); b != nil && (sameRecords(&b.request, ev) || b.request.First < 0 || ev.First < 0) {
		b.sends++
		if ev.Epoch == pp.epoch && ev.BaseSequence == pp.next {
			// It had overtaken the batches before it, whose requests died with
			// a connection, and is sent again in its turn.
			pp.next = nextSequence(ev.BaseSequence, ev.Records)
		}
		return // the same batch again
	}
	if again > 0 {
		j.n.restamped++
	}
	switch {
	case ev.Epoch < pp.epoch:
		// A request of an epoch gone by that arrives late: not sent now.
		pp.remember(ev)
		return
	case ev.Epoch == pp.epoch && !inLine:
		j.checkSequence(pp, ev)
	}
	pp.strict = inLine || ev.Epoch > pp.epoch
	pp.epoch, pp.next, pp.conn, pp.excused = ev.Epoch, nextSequence(ev.BaseSequence, ev.Records), ev.Conn, false
	pp.remember(ev)
}

// checkSequence holds a batch that was not sent before against the epoch's
// earlier ones. Nothing is held against a client that was told of an error in
// between: it may drop a refused batch and number anew. Nor once one of its
// connections has ended: what it wrote there may never have been seen, and is
// sent again when its turn comes, perhaps behind later batches.
func (j *journal) checkSequence(pp *producerPart, ev *history.WireEvent) {
	for i := range pp.kept {
		b := &pp.kept[i]
		if b.stored && sameTriple(&b.request, ev) && b.request.Records == ev.Records && !sameRecords(&b.request, ev) && ev.First >= 0 && b.request.First >= 0 {
			j.reused(b, ev)
			return
		}
	}
	for i := range pp.ring {
		b := &pp.ring[i]
		if b.request.Epoch == ev.Epoch && overlap(&b.request, ev) && b.refused < b.sends && ev.First >= 0 && b.request.First >= 0 {
			if sameNumbering(&b.request, ev) {
				j.changed(b, ev)
			} else {
				j.reused(b, ev)
			}
			return
		}
	}
	ahead := sequencesFrom(pp.next, ev.BaseSequence)
	if ev.BaseSequence == pp.next || pp.excused || ev.Conn != pp.conn || j.torn[ev.ClientID] {
		if 0 < ahead && ahead < 1<<30 {
			pp.skipped = skipped{ev.Epoch, pp.next, ev.BaseSequence}
		}
		return
	}
	if pp.skipped.has(ev) {
		return
	}
	kind, cause, what := SequenceGap, CauseSequenceLeftOut, "left out"
	if ahead > 1<<30 {
		kind, cause, what = SequenceBack, CauseSequenceSteppedBack, "stepped back behind"
	}
	last := pp.ring[(pp.at-1+len(pp.ring))%len(pp.ring)].request
	next := pp.next
	j.client.add(kind, cause, ev, func() (string, []history.WireEvent) {
		return fmt.Sprintf("client %q sent %s and then %s on connection %d with no error in between: it %s sequence %d",
			ev.ClientID, batchOf(last), batchOf(*ev), ev.Conn, what, next), []history.WireEvent{last, *ev}
	})
}

// reused takes a batch that brings other records under a sequence in use.
func (j *journal) reused(b *sentBatch, ev *history.WireEvent) {
	j.story.reused(ev)
	before := b.request
	j.client.add(SequenceReuse, CauseSequenceReused, ev, func() (string, []history.WireEvent) {
		return fmt.Sprintf("client %q sent %s with %s, and then %s with %s, though the first was never certainly refused: the broker takes the second for a retry of the first, acknowledges it and drops its records",
			ev.ClientID, batchOf(before), numbersOf(before), batchOf(*ev), numbersOf(*ev)), []history.WireEvent{before, *ev}
	})
}

// changed takes a retry that is cut differently than before. After any error
// that is the client's right: batches too large for the broker are split.
func (j *journal) changed(b *sentBatch, ev *history.WireEvent) {
	if b.errors > 0 {
		return
	}
	before := b.request
	j.client.add(ChangedBatch, CauseRetryCutDifferently, ev, func() (string, []history.WireEvent) {
		return fmt.Sprintf("client %q sent %s with %s, and then, with no error in between, %s with %s: a broker recognizes a retry only by the same first and last sequence",
			ev.ClientID, batchOf(before), numbersOf(before), batchOf(*ev), numbersOf(*ev)), []history.WireEvent{before, *ev}
	})
}
