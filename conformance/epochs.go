package conformance

import (
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

const maxSequence = 1<<31 - 1

// unknownBefore is what was answered, up to 2.4, to a batch that does not begin
// at 0 and whose producer id the partition knows nothing of.
func unknownBefore() rule {
	return always(refused(45)).since(1, 0, refused(59), "1.0 (KAFKA-5793): UNKNOWN_PRODUCER_ID")
}

// acceptsUnknown: from 2.5 on, any sequence of a producer id that nothing is
// known of is accepted (KIP-360, KAFKA-8710).
func acceptsUnknown() rule {
	return unknownBefore().since(2, 5, appended(), "2.5 (KIP-360): the broker may have forgotten it")
}

// acceptsUnknownWhereWritten: not any more on a partition that was never written.
func acceptsUnknownWhereWritten() rule {
	return acceptsUnknown().since(4, 5, refused(45), "4.5: nothing can have been forgotten there")
}

func unknownCases() []Case {
	group := func(number int, name, source, promise string, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "unknown", Promise: promise, Source: source}, converse: converse}
	}
	return []Case{
		group(10, "unknown-id", "KIP-360; KAFKA-5793",
			"a producer id that the partition knows nothing of may begin at any sequence from 2.5 on, since its state may have been removed; before, it is refused",
			func(t *talk) {
				to := t.topic()
				t.appends(to, t.producer().at(0, 1))
				t.produce(to, t.producer().at(5, 1), acceptsUnknown())
			}),
		group(11, "unknown-id-empty-log", "KIP-360",
			"the same on a partition that was never written",
			func(t *talk) { t.produce(t.topic(), t.producer().at(5, 1), acceptsUnknownWhereWritten()) }),
		group(12, "overtaken-first-batch", "KIP-360; ProducerAppendInfo.checkSequence",
			"when the second batch of a producer comes before its first, brokers from 2.5 to 4.4 accept it, and refuse the first for ever: it is lost unless the client raises its epoch",
			func(t *talk) {
				to, p := t.topic(), t.producer()
				got := t.produce(to, p.at(1, 1), acceptsUnknownWhereWritten())
				if got.code != 0 {
					t.appends(to, p.at(0, 1))
					return
				}
				t.refuses(to, p.at(0, 1), 45)
				t.refuses(to, p.at(0, 1), 45)
			}),
	}
}

func wrapCases() []Case {
	group := func(number int, name, promise string, converse func(t *talk, to *partition, p batch)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "wrap", Promise: promise, Source: "KIP-98; DefaultRecordBatch.incrementSequence"},
			converse: func(t *talk) {
				if !t.on.As.From(2, 5) {
					t.stop(matrix.NotApplicable, "before 2.5 a producer can't begin near the last sequence, and it would take 2147483647 records to come there")
				}
				to := t.topic()
				t.appends(to, t.producer().at(0, 1))
				converse(t, to, t.producer())
			}}
	}
	return []Case{
		group(13, "wrap-between-batches", "behind sequence 2147483647 comes 0, and 1 is a gap",
			func(t *talk, to *partition, p batch) {
				t.appends(to, p.at(maxSequence-1, 1))
				t.appends(to, p.at(maxSequence, 1))
				t.refuses(to, p.at(1, 1), 45)
				t.appends(to, p.at(0, 1))
			}),
		group(14, "wrap-within-a-batch", "a batch may go over 2147483647 within itself, and is recognized when it comes again",
			func(t *talk, to *partition, p batch) {
				wrapped := p.at(maxSequence-1, 4)
				at := t.appends(to, wrapped)
				t.appends(to, p.at(2, 1))
				t.repeats(to, wrapped, at)
			}),
	}
}

func epochCases() []Case {
	group := func(number int, name, source, promise string, every bool, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "epochs", Promise: promise, Source: source}, every: every, converse: converse}
	}
	return []Case{
		group(15, "raised-epoch", "KIP-360; ProducerAppendInfo.checkSequence",
			"a raised epoch begins again at sequence 0", true,
			func(t *talk) {
				to, p := t.topic(), t.producer()
				t.appends(to, p.at(0, 3))
				b := p.raised().at(0, 1)
				at := t.appends(to, b)
				t.repeats(to, b, at)
				t.appends(to, b.next(2))
			}),
		group(16, "raised-epoch-not-from-0", "ProducerAppendInfo.checkSequence",
			"a raised epoch that begins elsewhere is refused and leaves no trace: the old epoch goes on", true,
			func(t *talk) {
				to, p := t.topic(), t.producer()
				t.appends(to, p.at(0, 1))
				t.refuses(to, p.raised().at(1, 1), 45)
				t.appends(to, p.at(1, 1))
				t.appends(to, p.raised().at(0, 1))
			}),
		group(17, "old-epoch", "KIP-98; KIP-360; ProducerAppendInfo.checkProducerEpoch",
			"behind a raised epoch the old one is refused, whether it brings something new or repeats what is stored", true,
			func(t *talk) {
				to, p := t.topic(), t.producer()
				b := p.at(0, 1)
				t.appends(to, b)
				t.appends(to, p.raised().at(0, 1))
				t.refuses(to, b.next(1), 47)
				t.refuses(to, b, 47)
			}),
		group(55, "raised-by-several", "KIP-360; ProducerAppendInfo.checkProducerEpoch",
			"an epoch may rise by more than one, as when batches under those between went elsewhere; all lower ones are then refused", false,
			func(t *talk) {
				to, p := t.topic(), t.producer()
				t.appends(to, p.at(0, 1))
				high := p
				high.epoch += 5
				t.refuses(to, high.at(1, 1), 45)
				t.appends(to, high.at(0, 1))
				t.refuses(to, p.raised().at(0, 1), 47)
				t.refuses(to, p.at(1, 1), 47)
			}),
		group(18, "epoch-by-partition", "ProducerStateManager: a state by partition",
			"a partition that has not seen the raised epoch yet goes on with the old one", false,
			func(t *talk) {
				top, p := t.topicOf(layout{partitions: 2}), t.producer()
				t.appends(top.partitions[0], p.at(0, 1))
				t.appends(top.partitions[1], p.at(0, 1))
				t.appends(top.partitions[0], p.raised().at(0, 1))
				t.appends(top.partitions[1], p.at(1, 1))
				t.refuses(top.partitions[0], p.at(1, 1), 47)
			}),
	}
}
