package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// invalidRecord: what is malformed is answered 87 from 2.4 on, and 2 before
// (KIP-467).
func invalidRecord() rule {
	return always(refused(2)).since(2, 4, refused(87), "2.4 (KIP-467): INVALID_RECORD").
		or("it is refused all the same, and not stored", refused(2), refused(87), refused(42))
}

func requestCases() []Case {
	group := func(number int, name, source, promise string, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "requests", Promise: promise, Source: source}, converse: converse}
	}
	return []Case{
		group(19, "one-bad-partition", "Produce response: an error by partition",
			"a batch that is refused does not touch those of other partitions in the same request",
			func(t *talk) {
				a, b := t.sameLeader()
				p := t.producer()
				t.appends(a, p.at(0, 1))
				t.produceAll([]part{{to: a, batch: p.at(2, 1)}, {to: b, batch: p.at(0, 2)}}, refused(45), appended())
				t.appends(a, p.at(1, 1))
			}),
		group(20, "no-producer-id", "KIP-98: producer id -1",
			"batches without a producer id are stored as often as they come, whatever their sequence",
			func(t *talk) {
				to := t.topic()
				b := batch{id: noProducer, epoch: noProducer, first: noProducer, n: 2, text: "plain"}
				t.appends(to, b)
				t.appends(to, b)
				t.appends(to, b.at(7, 1))
				t.appends(to, b.at(7, 1))
			}),
		group(21, "negative-sequence", "LogValidator.validateBatch",
			"a producer id with sequence -1 is refused: such a batch could not be recognized again",
			func(t *talk) {
				to, p := t.topic(), t.producer()
				t.produce(to, p.at(-1, 1), invalidRecord())
				t.appends(to, p.at(0, 1))
			}),
		group(22, "batches-per-partition", "Produce request from version 3: one batch by partition (ProduceRequest.validateRecords)",
			"two batches for one partition in one request are refused, and batches of several producer ids in one request are looked at each on its own",
			func(t *talk) {
				a, b := t.sameLeader()
				p, q := t.producer(), t.producer()
				t.produce(a, p.at(0, 1).with(func(b *batch) { b.twice = true }), invalidRecord())
				t.produceAll([]part{{to: a, batch: p.at(0, 1)}, {to: b, batch: q.at(0, 3)}}, appended(), appended())
			}),
		group(23, "broken-batch", "LogValidator.validateBatch; DefaultRecordBatch.ensureValid",
			"a batch with a base offset, a wrong count, the control bit or a wrong CRC is refused and leaves no trace: its sequence is accepted afterwards",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 2)
				t.produce(to, b.with(func(b *batch) { b.spoil = func(r *kmsg.RecordBatch) { r.FirstOffset = 7 } }), invalidRecord())
				t.produce(to, b.with(func(b *batch) { b.spoil = func(r *kmsg.RecordBatch) { r.NumRecords = 5 } }), invalidRecord())
				t.produce(to, b.with(func(b *batch) { b.attrs = control }), invalidRecord())
				t.produce(to, b.with(func(b *batch) { b.badCRC = true }), always(refused(2)).or("it is refused all the same", refused(87)))
				t.appends(to, b)
			}),
		group(24, "negative-epoch", "nothing says what it means",
			"what a producer id with epoch -1 comes to is promised nowhere",
			func(t *talk) {
				to := t.topic()
				to.loose = true
				b := t.producer().at(0, 1).with(func(b *batch) { b.epoch = noProducer })
				t.produce(to, b, rule{anything: true})
				t.produce(to, b, rule{anything: true})
			}),
		group(25, "acks-1", "KIP-98",
			"a repetition with acks=1 is recognized as well",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 2)
				one := int16(1)
				d := delivery{acks: &one}
				at := t.produceAs(d, to, b, always(appended())).offset
				t.produceAs(d, to, b, always(original(at)))
				t.produceAs(d, to, b.at(3, 1), always(refused(45)))
			}),
		group(26, "acks-0", "KafkaApis.handleProduceRequest: with acks=0 an error closes the connection",
			"with acks=0 a gap, of which no answer could tell, closes the connection; a repetition leaves it open and stores nothing",
			acksZero),
		group(58, "message-sets", "KIP-98; KIP-896; KAFKA-18659; Produce request up to version 2",
			"brokers before 4.0 take the message format of before producer ids too, and store such a batch as often as it comes; later ones name its versions still, for the sake of old clients that look for them, and close the connection", messageSets),
		group(59, "former-topic-id", "KIP-516; Produce request from version 13",
			"a batch with the topic id of a topic that was deleted is refused, and does not go to the one that was created again under its name", formerTopicID),
		group(27, "acks-2", "Produce request: acks is -1, 0 or 1",
			"any other acks is refused",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 1)
				two := int16(2)
				t.produceAs(delivery{acks: &two}, to, b, always(refused(21)).or("it is refused all the same", answer{closed: true}))
				t.appends(to, b)
			}),
	}
}

// sameLeader returns two partitions of a topic with the same leader.
func (t *talk) sameLeader() (a, b *partition) {
	top := t.topicOf(layout{partitions: 2 * len(t.on.Cluster.Brokers())})
	byLeader := make(map[int32]*partition)
	for _, p := range top.partitions {
		leader := t.leader(p)
		if other := byLeader[leader]; other != nil {
			return other, p
		}
		byLeader[leader] = p
	}
	t.stop(matrix.Error, "no two partitions of %s have the same leader", top.name)
	return nil, nil
}

// produceAll sends parts in one request and holds each answer to its own.
func (t *talk) produceAll(parts []part, wants ...answer) {
	got, frames, version := t.send(delivery{}, parts...)
	for i, p := range parts {
		what := fmt.Sprintf("%s, %d of %d in one request", t.sentence(delivery{}, p, version), i+1, len(parts))
		t.judge(p, got[i], always(wants[i]), frames, what)
	}
}

// acksZero watches the connection, since no answer comes.
func acksZero(t *talk) {
	to, b := t.topic(), t.producer().at(0, 1)
	t.appends(to, b)
	t.appends(to, b.at(1, 1))
	t.unanswered(to, b.at(1, 1), false)
	t.unanswered(to, b.at(3, 1), true)
	t.appends(to, b.at(2, 1))
}

// unanswered sends a batch with acks=0 that must not be stored, and looks whether
// the connection still answers.
func (t *talk) unanswered(to *partition, b batch, closes bool) {
	broker, none := t.leader(to), int16(0)
	w, err := t.wire(broker)
	t.must(err)
	parts := []part{{to: to, batch: b}}
	d := delivery{acks: &none}
	req := t.request(broker, d, parts)
	frame, err := w.send(req, time.Since(t.began), patience)
	t.must(err)
	ping := kmsg.NewPtrMetadataRequest()
	t.newest(broker, ping)
	ping.Topics = []kmsg.MetadataRequestTopic{}
	_, frames, err := t.ask(broker, ping)
	said := map[bool]string{true: "the connection is closed", false: "the connection answers on"}
	if err != nil && !errors.Is(err, errClosed) {
		t.must(err)
	}
	closed := err != nil
	t.check(t.sentence(d, parts[0], req.Version), said[closed], said[closes], closed == closes, append([]matrix.Frame{frame}, frames...)...)
}

// messageSets sends what producers before 0.11 do.
func messageSets(t *talk) {
	to := t.topic()
	span := t.on.apis[t.leader(to)][int16(kmsg.Produce)]
	if span.min >= firstWithIDs {
		t.stop(matrix.NotApplicable, "the broker offers Produce from version %d on, and message sets end with version 2", span.min)
	}
	to.loose, to.end = true, anyOffset // a broker may convert them
	for version := span.min; version < firstWithIDs; version++ {
		for range 2 {
			before, _ := t.offset(to, -1)
			req := kmsg.NewPtrProduceRequest()
			req.Version, req.Acks, req.TimeoutMillis = version, -1, answerLimit
			rt := kmsg.NewProduceRequestTopic()
			rt.Topic = to.topic.name
			rp := kmsg.NewProduceRequestTopicPartition()
			rp.Records = message(version, "an old one")
			rt.Partitions = append(rt.Partitions, rp)
			req.Topics = append(req.Topics, rt)
			parts := []part{{to: to}}
			resp, frames, err := t.ask(t.leader(to), req)
			got, is := answerOf(err)
			if err == nil {
				got = answersTo(resp.(*kmsg.ProduceResponse), parts)[0]
			} else if !is {
				t.must(err)
			}
			want := always(original(before)).since(4, 0, answer{closed: true}, "4.0 (KIP-896): message sets are gone")
			t.judge(parts[0], got, want, frames, fmt.Sprintf("produce a message set of one (version %d)", version))
		}
	}
}

// message is a message set of one message, of magic 0 or, from Produce 2 on, 1.
func message(version int16, value string) []byte {
	var body []byte // from the magic on, which the CRC covers
	if version < 2 {
		body = append(body, 0, 0)
	} else {
		body = append(body, 1, 0)
		body = binary.BigEndian.AppendUint64(body, uint64(time.Now().UnixMilli()))
	}
	body = binary.BigEndian.AppendUint32(body, 0xffffffff) // no key
	body = binary.BigEndian.AppendUint32(body, uint32(len(value)))
	body = append(body, value...)
	set := make([]byte, 8) // offset
	set = binary.BigEndian.AppendUint32(set, uint32(4+len(body)))
	set = binary.BigEndian.AppendUint32(set, crc32.ChecksumIEEE(body))
	return append(set, body...)
}

func formerTopicID(t *talk) {
	old := t.topic()
	version, _ := t.on.offers(t.leader(old), kmsg.NewPtrProduceRequest())
	if version < firstWithTopicIDs {
		t.stop(matrix.NotApplicable, "the broker offers Produce up to version %d, and topic ids came with %d, in Kafka 4.1", version, firstWithTopicIDs)
	}
	b := t.producer().at(0, 1)
	t.appends(old, b)
	again := t.again(old)
	broker := t.leader(again)
	wrong := *again.topic
	wrong.id = old.topic.id
	t.produceAs(delivery{to: &broker}, &partition{topic: &wrong, last: make(map[int64]lastOf)}, b, always(refused(100)))
	t.appends(again, b)
}

// firstWithTopicIDs is the first version of Produce that names topics by their
// ids.
const firstWithTopicIDs = 13
