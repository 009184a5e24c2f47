package conformance

import (
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

func limitCases() []Case {
	group := func(number int, name, source, promise string, n need, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "limits", Promise: promise, Source: source}, needs: n, converse: converse}
	}
	configure := needs(1, cluster.CanConfigure)
	return []Case{
		group(44, "limit-lowered", "UnifiedLog.append validates before it looks for repetitions",
			"a repetition that is larger than max.message.bytes is now is answered 10, though it is stored: nothing tells the client that it was", configure,
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 1).with(func(b *batch) { b.text = strings.Repeat("x", 4000) })
				t.appends(to, b)
				t.configure(to, "max.message.bytes", "1000")
				t.inForce(to, nobody(b), 10)
				t.produce(to, b, always(refused(10)).or("the repetition is recognized before it is measured", original(0)))
			}),
		group(45, "timestamps-bounded", "message.timestamp.before.max.ms (KIP-937); LogValidator",
			"a repetition whose timestamp is out of bounds now is answered 32, though it is stored", configure,
			func(t *talk) {
				to := t.topic()
				b := t.producer().at(0, 1).with(func(b *batch) { b.time = time.Now().Add(-24 * time.Hour).UnixMilli() })
				t.appends(to, b)
				property := "message.timestamp.difference.max.ms"
				if t.on.As.From(3, 6) {
					property = "message.timestamp.before.max.ms"
				}
				t.configure(to, property, "1000")
				t.inForce(to, nobody(b), 32)
				t.produce(to, b, always(refused(32)).or("the repetition is recognized before its time is looked at", original(0)))
			}),
		group(46, "too-large-then-small", "KIP-98",
			"a batch that is too large is refused and leaves no trace: its sequence is accepted for a smaller one", configure,
			func(t *talk) {
				to, b := t.topicWith("max.message.bytes", "1000"), t.producer().at(0, 1)
				t.refuses(to, b.with(func(b *batch) { b.text = strings.Repeat("x", 4000) }), 10)
				t.appends(to, b)
			}),
	}
}

// configure changes a property of a topic.
func (t *talk) configure(to *partition, property, value string) {
	t.must(t.on.Admin.SetTopicProperties(t.ctx, to.topic.name, map[string]*string{property: &value}))
	t.done(fmt.Sprintf("set %s of %s to %s", property, to.topic.name, value), "in force")
}

// nobody is the same batch of no producer, which repeats nothing.
func nobody(b batch) batch {
	b.id, b.epoch, b.first = noProducer, noProducer, noProducer
	return b
}

// inForce waits until the leader refuses a batch that it took before: a property
// is told by DescribeConfigs a moment before the log heeds it.
func (t *talk) inForce(to *partition, b batch, code int16) {
	for deadline := time.Now().Add(t.on.settles(settled)); ; t.pause(100 * time.Millisecond) {
		parts := []part{{to: to, batch: b}}
		got, frames, version := t.send(delivery{}, parts...)
		switch {
		case got[0].code == code:
			t.done(t.sentence(delivery{}, parts[0], version), got[0].String(), frames...)
			return
		case got[0].code == 0 && got[0].offset == to.end:
			to.keep(b, parts[0].raw, got[0].offset)
		}
		if time.Now().After(deadline) {
			t.stop(matrix.NotApplicable, "a new batch beyond what was set is answered %s: the broker does not heed it, or not that soon", got[0])
		}
	}
}

func idCases() []Case {
	group := func(number int, name, source, promise string, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "ids", Promise: promise, Source: source}, converse: converse}
	}
	return []Case{
		group(47, "new-ids", "KIP-98, InitProducerId",
			"without a transactional id every InitProducerId gives another producer id, at epoch 0",
			func(t *talk) {
				a, b := t.producer(), t.producer()
				t.check("InitProducerId without a transactional id, twice", fmt.Sprintf("producer id %d at epoch %d, then %d at %d", a.id, a.epoch, b.id, b.epoch),
					"two producer ids, at epoch 0", a.id != b.id && a.id >= 0 && b.id >= 0 && a.epoch == 0 && b.epoch == 0)
			}),
		group(48, "fenced", "KIP-98; KIP-588",
			"with a transactional id the producer id stays and the epoch rises, and the old epoch is refused", fenced),
		group(54, "raised-on-request", "KIP-360: InitProducerId with the producer's id and epoch",
			"a producer that names its id and epoch is given the next epoch, the same one again when it asks again, and none once another has raised it", raisedOnRequest),
		group(49, "impossible-init", "KIP-98; KIP-360; TransactionCoordinator.handleInitProducerId",
			"an empty transactional id, or a producer id without its epoch, is refused with 42; a transaction timeout above the broker's maximum with 50", impossibleInit),
	}
}

func fenced(t *talk) {
	to, txn := t.topic(), t.transactionalID()
	old := t.openTransactional(txn)
	t.addPartition(txn, old, to, 0)
	b := old.at(0, 1).with(func(b *batch) { b.attrs = transactional })
	t.produceAs(delivery{txn: txn}, to, b, always(appended()))
	t.endTransaction(txn, old, to, true)
	again := t.openTransactional(txn)
	t.check("InitProducerId with the same transactional id again", fmt.Sprintf("producer id %d at epoch %d", again.id, again.epoch),
		fmt.Sprintf("producer id %d at an epoch above %d", old.id, old.epoch), again.id == old.id && again.epoch > old.epoch)
	t.addPartition(txn, again, to, 0)
	t.produceAs(delivery{txn: txn}, to, again.at(0, 1).with(func(b *batch) { b.attrs = transactional }), always(appended()))
	late := always(refused(47)).or("it is refused all the same", refused(90))
	t.produceAs(delivery{txn: txn}, to, b.next(1), late)
	got, frames, version := t.addPartitionAs(txn, old, to)
	want := int16(47)
	if version >= 2 {
		want = 90 // KIP-588, from 2.7
	}
	t.check(fmt.Sprintf("AddPartitionsToTxn at epoch %d (version %d)", old.epoch, version), codeName(got), codeName(want), got == want, frames...)
	t.endTransaction(txn, again, to, true)
}

func raisedOnRequest(t *talk) {
	if v, ok := t.on.offers(t.anyBroker(), kmsg.NewPtrInitProducerIDRequest()); !ok || v < 3 {
		t.stop(matrix.NotApplicable, "InitProducerId carries the producer's epoch from its version 3 on, which came with Kafka 2.5")
	}
	txn := t.transactionalID()
	first := t.openTransactional(txn)
	for _, how := range []string{"with its id and epoch", "with the same again, as when the answer was lost"} {
		got, frames := t.initProducer(txn, first.id, first.epoch, 0)
		said := fmt.Sprintf("%s, producer id %d at epoch %d", codeName(got.ErrorCode), got.ProducerID, got.ProducerEpoch)
		want := fmt.Sprintf("0 (NONE), producer id %d at epoch %d", first.id, first.epoch+1)
		t.check("InitProducerId "+how, said, want, said == want, frames...)
	}
	t.openTransactional(txn)
	got, frames := t.initProducer(txn, first.id, first.epoch, 0)
	t.check("InitProducerId with its id and an epoch two below", codeName(got.ErrorCode), "90 (PRODUCER_FENCED), or 47 before version 4",
		got.ErrorCode == 90 || got.ErrorCode == 47 && got.Version < 4, frames...)
}

func impossibleInit(t *talk) {
	t.init("with an empty transactional id", "42 (INVALID_REQUEST)", func(req *kmsg.InitProducerIDRequest) { empty := ""; req.TransactionalID = &empty })
	txn := t.transactionalID()
	t.coordinatorUp(txn)
	t.init("with a timeout of a day, above transaction.max.timeout.ms", "50 (INVALID_TRANSACTION_TIMEOUT)", func(req *kmsg.InitProducerIDRequest) {
		req.TransactionalID, req.TransactionTimeoutMillis = &txn, 24*3600*1000
	})
	if v, ok := t.on.offers(t.anyBroker(), kmsg.NewPtrInitProducerIDRequest()); ok && v >= 3 {
		t.init("with a producer id and no epoch", "42 (INVALID_REQUEST)", func(req *kmsg.InitProducerIDRequest) {
			req.TransactionalID, req.ProducerID, req.ProducerEpoch = &txn, 4711, -1
		})
	}
}

// init sends an InitProducerId that is to be refused.
func (t *talk) init(how, want string, change func(*kmsg.InitProducerIDRequest)) {
	req := kmsg.NewPtrInitProducerIDRequest()
	req.ProducerID, req.ProducerEpoch, req.TransactionTimeoutMillis = -1, -1, 60_000
	change(req)
	broker := t.anyBroker()
	if req.TransactionalID != nil && *req.TransactionalID != "" {
		broker = t.coordinator(*req.TransactionalID)
	}
	t.newest(broker, req)
	resp, frames, err := t.ask(broker, req)
	t.must(err)
	said := codeName(resp.(*kmsg.InitProducerIDResponse).ErrorCode)
	t.check("InitProducerId "+how, said, want, said == want, frames...)
}
