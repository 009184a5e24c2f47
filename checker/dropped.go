package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// outOfOrder is OUT_OF_ORDER_SEQUENCE_NUMBER.
const outOfOrder = 45

// unsent keeps, for one lane, the batches that a broker refused for their
// sequence and that their client has not sent again.
type unsent struct {
	batches []refusedBatch
	tried   intervals // records that had more than one attempt
}

type refusedBatch struct {
	answer history.WireEvent
	sent   int64 // when the request was
	ahead  int64 // the first record of the batches before it that weren't stored
	passed bool  // one of those was stored later
}

// mostUnsent bounds what is kept: a client in this state drops a few batches
// each time.
const mostUnsent = 1000

// outOfTurn takes the refusal of a batch that came before its turn: at its first
// attempt, behind one of the same epoch that is not stored yet.
func (j *journal) outOfTurn(l *laneWire, ev *history.WireEvent, sent int64) {
	_, pp := j.part(ev)
	if pp == nil || ev.First < 0 || len(l.unsent.batches) == mostUnsent || l.unsent.tried.has(ev.First, ev.Last) {
		return
	}
	ahead := ev.First
	for i := range pp.ring {
		b := &pp.ring[i]
		if b.request.Epoch == ev.Epoch && sequencesFrom(b.request.BaseSequence, ev.BaseSequence) < 1<<30 && !b.stored && b.request.First >= 0 {
			ahead = min(ahead, b.request.First)
		}
	}
	if ahead < ev.First {
		l.unsent.batches = append(l.unsent.batches, refusedBatch{answer: *ev, sent: sent, ahead: ahead})
	}
}

// stored notes what goes into the log ahead of a refused batch after all.
func (u *unsent) stored(ev *history.WireEvent) {
	for i := range u.batches {
		b := &u.batches[i]
		b.passed = b.passed || ev.Last >= b.ahead && ev.First < b.answer.First
	}
}

// resent strikes out what is sent again, in whatever batch.
func (u *unsent) resent(ev *history.WireEvent) {
	u.tried.add(ev.First, ev.Last)
	kept := u.batches[:0]
	for _, b := range u.batches {
		if b.answer.First > ev.Last || b.answer.Last < ev.First {
			kept = append(kept, b)
		}
	}
	u.batches = kept
}

// checkDropped finds batches that a client gave up because a broker refused them
// for their sequence, though no broker had forgotten anything: then the sequence
// was wrong because a batch before it had been refused, and was still to be sent
// again. The refusal is what the client asked for by sending on; it must send
// the batch again behind the other (as the Java client does, see
// TransactionManager.canRetry), and not report it as failed.
//
// Nothing is said where something else may have been the client's reason: a
// limit on retries, most of its time spent, an end of its own, a forged refusal,
// or kfake's habit of keeping one epoch for all partitions. Nor where none of
// the batches ahead was stored later: a client that has been told that one of
// them can never be stored may fail all that it holds behind it, to keep their
// order (franz-go does, see failAllRecords).
func (j *journal) checkDropped() {
	if j.story.disturbed(0, history.Forever) {
		return
	}
	tps := slices.SortedFunc(maps.Keys(j.tps.all), func(a, b history.TopicPartition) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	for _, tp := range tps {
		lanes := j.tps.all[tp].lanes.all
		for _, id := range sortedKeys(lanes) {
			l, p := lanes[id], j.process[id]
			if !p.Idempotence && !p.Defaults || p.End != "" || p.TransactionalID != "" || p.Options["retries"] != "" {
				continue
			}
			for _, b := range l.unsent.batches {
				if b.passed && wellInTime(p, b) && !(j.story.embedded && b.answer.Epoch > 0) {
					j.gaveUp(b)
				}
			}
		}
	}
}

// wellInTime says whether the client had most of its time for the batch left.
func wellInTime(p history.Process, b refusedBatch) bool {
	limit := int64(2 * time.Second)
	if set, err := strconv.ParseInt(p.Options["delivery_timeout"], 10, 64); err == nil && set > 0 { // ns
		limit = min(limit, set/2)
	}
	return b.sent > 0 && b.answer.At-b.sent < limit
}

func (j *journal) gaveUp(b refusedBatch) {
	ev := b.answer
	j.client.add(DroppedBatch, CauseGaveUpOutOfTurn, &ev, func() (string, []history.WireEvent) {
		return fmt.Sprintf("client %q was answered %s to %s with %s and never sent it again, though no broker had lost anything: the sequence was out of order because the client had sent on behind a batch that was refused, and it should have sent this one again behind that",
			ev.ClientID, codeName(outOfOrder), batchOf(ev), numbersOf(ev)), []history.WireEvent{ev}
	})
}
