package conformance

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// window is how many batches a leader recognizes (KIP-98's five in flight; KAFKA-5494).
const window = 5

func sequenceCases() []Case {
	group := func(number int, name, source, promise string, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "sequences", Promise: promise, Source: source}, every: true, converse: converse}
	}
	return []Case{
		group(1, "first-batch", "KIP-98, Produce request",
			"the first batch of a producer id, with sequence 0, is stored where the log ends",
			func(t *talk) { t.appends(t.topic(), t.producer().at(0, 3)) }),
		group(2, "repeated-batch", "KIP-98",
			"the last batch sent again is answered with its first offset, and not stored again",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 3)
				at := t.appends(to, b)
				t.repeats(to, b, at)
				t.repeats(to, b, at)
			}),
		group(3, "fifth-back", "KAFKA-5494; ProducerStateEntry.NUM_BATCHES_TO_RETAIN",
			"any of the last five batches of a producer id is recognized and answered with its own first offset",
			func(t *talk) {
				to, sent, offsets := t.six()
				for i := range slices.Backward(sent[1:]) {
					t.repeats(to, sent[1+i], offsets[1+i])
				}
			}),
		group(4, "sixth-back", "KAFKA-5494; ProducerAppendInfo.checkSequence",
			"a batch before the last five is refused as out of order, since the broker can't tell where it stored it; the producer can go on",
			func(t *talk) {
				to, sent, _ := t.six()
				t.refuses(to, sent[0], 45)
				t.appends(to, sent[5].next(1))
			}),
		group(5, "other-content", "KIP-98; ProducerStateEntry.findDuplicateBatch",
			"a batch is recognized by producer id, epoch and sequences alone: with other content it is the same, and the bytes that came first stay",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 3)
				at := t.appends(to, b)
				t.repeats(to, b.with(func(b *batch) { b.text = "quite another" }), at)
			}),
		group(6, "other-count", "KIP-98; ProducerStateEntry.findDuplicateBatch",
			"a batch with the first sequence of a stored one, and fewer or more records, is no repetition and is refused: part of it would be stored twice, or be lost",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 3)
				t.appends(to, b)
				t.refuses(to, b.at(0, 2), 45)
				t.refuses(to, b.at(0, 5), 45)
				t.appends(to, b.next(1))
			}),
		group(7, "straddling", "KIP-98; ProducerAppendInfo.checkSequence",
			"a batch that begins within what is stored and ends behind it is refused",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 5)
				t.appends(to, b)
				t.refuses(to, b.at(3, 5), 45)
				t.appends(to, b.next(1))
			}),
		group(8, "gap", "KIP-98",
			"a batch that leaves a sequence out is refused and changes nothing: the missing one is then accepted",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 1)
				t.appends(to, b)
				t.refuses(to, b.at(2, 1), 45)
				t.appends(to, b.at(1, 1))
			}),
		group(9, "gap-filled", "KIP-98",
			"a batch refused for a gap is accepted once the gap is filled",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 1)
				t.appends(to, b)
				late := b.at(2, 1)
				t.refuses(to, late, 45)
				t.appends(to, b.at(1, 1))
				at := t.appends(to, late)
				t.repeats(to, late, at)
			}),
		group(51, "other-codec", "KIP-98; ProducerStateEntry.findDuplicateBatch",
			"a repetition is recognized under another compression codec, as after a change of the client's configuration",
			func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 3)
				at := t.appends(to, b)
				t.repeats(to, b.with(func(b *batch) { b.attrs = gzipped }), at)
			}),
		{Case: matrix.Case{Number: 53, Name: "described", Group: "sequences", Source: "KIP-664, DescribeProducers",
			Promise: "DescribeProducers lists a producer id with its epoch and last sequence from its first batch on"},
			converse: described},
		group(52, "five-in-flight", "KIP-98; KAFKA-5494",
			"with five in flight and the first answer lost, all five sent again are answered with their first offsets, in order and out of order",
			fiveInFlight),
		group(60, "two-producers", "KIP-98; ProducerStateManager: a state by producer id",
			"producer ids are kept apart: the same sequences of two of them are stored each, and what one stores does not push out what is known of the other",
			func(t *talk) {
				to, b, other := t.topic(), t.producer().at(0, 1), t.producer().at(0, 1)
				at := t.appends(to, b)
				last := t.appends(to, other)
				for range window {
					other = other.next(1)
					last = t.appends(to, other)
				}
				t.repeats(to, b, at)
				t.repeats(to, other, last)
				t.appends(to, b.next(1))
			}),
	}
}

// six sends one batch more than a leader recognizes, of one record each.
func (t *talk) six() (to *partition, sent []batch, offsets []int64) {
	to, b := t.topic(), t.producer().at(0, 1)
	for range window + 1 {
		sent, offsets = append(sent, b), append(offsets, t.appends(to, b))
		b = b.next(1)
	}
	return to, sent, offsets
}

func fiveInFlight(t *talk) {
	to, b := t.topic(), t.producer().at(0, 1)
	var sent []batch
	for range window {
		sent = append(sent, b)
		b = b.next(1)
	}
	offsets := t.pipeline(to, sent)
	t.hangUp(t.leader(to))
	for i, b := range sent {
		t.repeats(to, b, offsets[i])
	}
	for _, i := range []int{3, 0, 4, 2, 1} {
		t.repeats(to, sent[i], offsets[i])
	}
	t.appends(to, b)
}

// pipeline sends batches on one connection without waiting for answers, and
// returns the offsets that the answers tell.
func (t *talk) pipeline(to *partition, sent []batch) []int64 {
	t.settleLeader(to)
	broker := t.leader(to)
	w, err := t.wire(broker)
	t.must(err)
	var offsets []int64
	var answers []func() // reads and judges one
	for _, b := range sent {
		parts := []part{{to: to, batch: b}}
		req := t.request(broker, delivery{}, parts)
		frame, err := w.send(req, time.Since(t.began), patience)
		t.must(err)
		answers = append(answers, func() {
			resp, answerFrame, err := w.receive(req, frame.Correlation, t.began, patience)
			t.must(err)
			got := answersTo(resp.(*kmsg.ProduceResponse), parts)[0]
			t.judge(parts[0], got, always(appended()), []matrix.Frame{frame, answerFrame}, fmt.Sprintf("%s, with the others in flight", t.sentence(delivery{}, parts[0], req.Version)))
			offsets = append(offsets, got.offset)
		})
	}
	for _, next := range answers {
		next()
	}
	return offsets
}

// settleLeader waits until the leader takes produce requests, so that what is sent
// next without waiting is not refused by a leader that is new. It sends a batch
// of no producer, which is expected in the log.
func (t *talk) settleLeader(to *partition) {
	t.appends(to, batch{id: noProducer, epoch: noProducer, first: noProducer, n: 1, text: "to see who leads"})
}

func described(t *talk) {
	to, p := t.topic(), t.producer()
	if _, ok := t.on.offers(t.leader(to), kmsg.NewPtrDescribeProducersRequest()); !ok {
		t.stop(matrix.NotApplicable, "the broker does not offer DescribeProducers, which came with Kafka 2.8")
	}
	t.remembers(to, p.id, false)
	t.appends(to, p.at(0, 3))
	t.describes(to, p.id, lastOf{p.epoch, 2})
	t.refuses(to, p.at(7, 1), 45)
	t.describes(to, p.id, lastOf{p.epoch, 2})
	t.appends(to, p.raised().at(0, 1))
	t.describes(to, p.id, lastOf{p.epoch + 1, 0})
}
