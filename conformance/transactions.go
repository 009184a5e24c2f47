package conformance

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// Versions of requests. From Produce 12 and EndTxn 5 on a transaction's
// partitions are added by producing, and its end raises the epoch (KIP-890, part 2).
const (
	lastClassicProduce = 11
	lastClassicEnd     = 4
	lastClientAdd      = 3 // later ones are for brokers, or many transactions at once
)

func transactionCases() []Case {
	group := func(number int, name, source, promise string, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "transactions", Promise: promise, Source: source}, converse: converse}
	}
	return []Case{
		group(50, "outside-a-transaction", "KIP-98; KIP-890, part 1",
			"a batch without the transactional bit within an open transaction is refused, and so is a transactional one whose partition was never added", outsideTransaction),
		group(56, "added-by-producing", "KIP-890, part 2; transaction.version 2",
			"from Produce 12 on a transactional batch adds its partition itself, EndTxn gives the producer the next epoch, and a batch of the transaction before that comes late is refused", addedByProducing),
		group(57, "late-after-the-end", "KIP-890, part 1; KAFKA-12671",
			"a batch that comes after its transaction's end is refused, and does not begin a transaction that nobody would end", lateAfterTheEnd),
	}
}

func outsideTransaction(t *talk) {
	to, txn := t.topic(), t.transactionalID()
	p := t.openTransactional(txn)
	t.addPartition(txn, p, to, 0)
	t.classic()
	b := p.at(0, 1).with(func(b *batch) { b.attrs = transactional })
	t.produceAs(delivery{txn: txn}, to, b, always(appended()))
	t.produce(to, p.at(1, 1), always(refused(48)))
	t.endTransaction(txn, p, to, true)

	never, other := t.topic(), t.transactionalID()
	q := t.openTransactional(other)
	t.classic()
	bare := q.at(0, 1).with(func(b *batch) { b.attrs = transactional })
	t.produceAs(delivery{txn: other}, never, bare, t.unverified())
}

func addedByProducing(t *talk) {
	broker := t.anyBroker()
	produce, _ := t.on.offers(broker, kmsg.NewPtrProduceRequest())
	end, _ := t.on.offers(broker, kmsg.NewPtrEndTxnRequest())
	if produce <= lastClassicProduce || end <= lastClassicEnd {
		t.stop(matrix.NotApplicable, "the broker offers Produce up to %d and EndTxn up to %d: it is from Produce %d and EndTxn %d on, which came with Kafka 4.0", produce, end, lastClassicProduce+1, lastClassicEnd+1)
	}
	to, txn := t.topic(), t.transactionalID()
	p := t.openTransactional(txn)
	t.produceVersion = produce
	b := p.at(0, 1).with(func(b *batch) { b.attrs = transactional })
	at := t.produceAs(delivery{txn: txn}, to, b, always(appended())).offset
	t.produceAs(delivery{txn: txn}, to, b, always(original(at)))
	raised := t.endRaising(txn, p, to)
	t.settled(to)
	t.produceAs(delivery{txn: txn}, to, b.next(1), always(refused(47)).or("it is refused all the same", refused(48), refused(120)))
	t.produceAs(delivery{txn: txn}, to, raised.at(0, 1).with(func(b *batch) { b.attrs = transactional }), always(appended()))
	t.endRaising(txn, raised, to)
}

// endRaising commits in the newest version of EndTxn, and returns the producer
// as it goes on.
func (t *talk) endRaising(txn string, p batch, to *partition) batch {
	got, frames := t.endTxn(txn, p, true, 0)
	said := fmt.Sprintf("%s, epoch %d", codeName(got.ErrorCode), got.ProducerEpoch)
	want := fmt.Sprintf("0 (NONE), epoch %d", p.epoch+1)
	t.check(fmt.Sprintf("EndTxn (version %d)", got.Version), said, want, said == want, frames...)
	to.end++
	p.epoch = got.ProducerEpoch
	to.last[p.id] = lastOf{p.epoch, noProducer}
	return p
}

func lateAfterTheEnd(t *talk) {
	to, txn := t.topic(), t.transactionalID()
	p := t.openTransactional(txn)
	t.addPartition(txn, p, to, 0)
	b := p.at(0, 1).with(func(b *batch) { b.attrs = transactional })
	t.produceAs(delivery{txn: txn}, to, b, always(appended()))
	t.endTransaction(txn, p, to, true)
	t.settled(to)
	// The coordinator may still be noting the end: then brokers before 4.1 answer
	// 19, for which clients have to ask again.
	late, d := part{to: to, batch: b.next(1)}, delivery{txn: txn}
	for deadline := time.Now().Add(coordinatorLimit); ; t.pause(100 * time.Millisecond) {
		parts := []part{late}
		got, frames, version := t.send(d, parts...)
		if code := got[0].code; code != 19 && code != 51 || time.Now().After(deadline) {
			t.judge(parts[0], got[0], t.unverified(), frames, t.sentence(d, parts[0], version))
			return
		}
	}
}

// unverified is what a batch is answered whose partition is in no transaction:
// the leader asks the coordinator (KIP-890, part 1), and Produce has a code of its
// own for that from version 11 on (KAFKA-16308).
func (t *talk) unverified() rule {
	code := int16(48)
	if t.produceVersion >= 11 {
		code = 120
	}
	return always(appended()).since(3, 6, refused(code), "3.6 (KIP-890): the leader verifies it with the coordinator").
		or("it is refused all the same", refused(48), refused(120), refused(47))
}

// settled waits until the marker of a transaction's end stands in the log.
func (t *talk) settled(to *partition) {
	for deadline := time.Now().Add(coordinatorLimit); ; t.pause(50 * time.Millisecond) {
		end, frames := t.offset(to, -1)
		if end >= to.end || time.Now().After(deadline) {
			t.check("wait for the marker of the transaction's end", fmt.Sprintf("the log ends at %d", end), fmt.Sprintf("the log ends at %d", to.end), end == to.end, frames...)
			return
		}
	}
}

// classic has a conversation produce in the newest version in which partitions
// are added by AddPartitionsToTxn.
func (t *talk) classic() {
	if version, ok := t.on.offers(t.anyBroker(), kmsg.NewPtrProduceRequest()); ok {
		t.produceVersion = min(version, lastClassicProduce)
	}
}

// transactionalID is a new one.
func (t *talk) transactionalID() string {
	return fmt.Sprintf("%s%d-%d", t.on.Prefix, t.cell.Case, time.Now().UnixNano())
}

// coordinatorUp waits until somebody coordinates a transactional id.
func (t *talk) coordinatorUp(txn string) { t.openTransactional(txn) }

// openTransactional asks the coordinator for a producer id.
func (t *talk) openTransactional(txn string) batch {
	got, frames := t.initProducer(txn, -1, -1, 0)
	t.check("InitProducerId with a transactional id", codeName(got.ErrorCode), codeName(0), got.ErrorCode == 0, frames...)
	t.name(got.ProducerID)
	t.classic()
	return batch{id: got.ProducerID, epoch: got.ProducerEpoch, text: fmt.Sprintf("%d", t.cell.Case)}
}

// addPartition adds a partition to a transaction, and expects a code.
func (t *talk) addPartition(txn string, p batch, to *partition, want int16) {
	got, frames, version := t.addPartitionAs(txn, p, to)
	t.check(fmt.Sprintf("AddPartitionsToTxn of %s (version %d)", to, version), codeName(got), codeName(want), got == want, frames...)
}

func (t *talk) addPartitionAs(txn string, p batch, to *partition) (code int16, frames []matrix.Frame, version int16) {
	for deadline := time.Now().Add(coordinatorLimit); ; t.pause(100 * time.Millisecond) {
		broker := t.coordinator(txn)
		req := kmsg.NewPtrAddPartitionsToTxnRequest()
		t.newest(broker, req)
		req.Version = min(req.Version, lastClientAdd)
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = txn, p.id, p.epoch
		rt := kmsg.NewAddPartitionsToTxnRequestTopic()
		rt.Topic, rt.Partitions = to.topic.name, []int32{to.number}
		req.Topics = append(req.Topics, rt)
		resp, frames, err := t.ask(broker, req)
		t.must(err)
		got := resp.(*kmsg.AddPartitionsToTxnResponse)
		if len(got.Topics) != 1 || len(got.Topics[0].Partitions) != 1 {
			t.stop(matrix.Error, "AddPartitionsToTxn is answered for %d topics", len(got.Topics))
		}
		code := got.Topics[0].Partitions[0].ErrorCode
		if !comingUp(code) && code != 3 || time.Now().After(deadline) {
			return code, frames, req.Version
		}
	}
}

// endTransaction commits or aborts in a classic version, and notes the marker in
// the partition's log.
func (t *talk) endTransaction(txn string, p batch, to *partition, commit bool) {
	got, frames := t.endTxn(txn, p, commit, lastClassicEnd)
	t.check(fmt.Sprintf("EndTxn (version %d)", got.Version), codeName(got.ErrorCode), codeName(0), got.ErrorCode == 0, frames...)
	to.end++ // the marker
}

// endTxn ends a transaction in the newest version, or in one up to most.
func (t *talk) endTxn(txn string, p batch, commit bool, most int16) (*kmsg.EndTxnResponse, []matrix.Frame) {
	for deadline := time.Now().Add(coordinatorLimit); ; t.pause(100 * time.Millisecond) {
		broker := t.coordinator(txn)
		req := kmsg.NewPtrEndTxnRequest()
		t.newest(broker, req)
		if most > 0 {
			req.Version = min(req.Version, most)
		}
		req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = txn, p.id, p.epoch, commit
		resp, frames, err := t.ask(broker, req)
		t.must(err)
		got := resp.(*kmsg.EndTxnResponse)
		if !comingUp(got.ErrorCode) || time.Now().After(deadline) {
			return got, frames
		}
	}
}
