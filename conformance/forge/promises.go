package forge

import (
	"bytes"
	"slices"
)

// Codes of answers.
const (
	outOfOrder   = 45
	duplicate    = 46
	invalidEpoch = 47
)

// The breaks of what is promised about repetitions.
var (
	NeverDeduplicates = Break{
		Name: "never-deduplicates", How: "a repetition is appended again",
		asked: func(_ *partition, b *batch) {
			if b.before != nil {
				b.appendAgain()
			}
		},
	}
	ByFirstSequence = Break{
		Name: "by-first-sequence", How: "a batch with the first sequence of a stored one is taken for it, whatever its length",
		asked: func(p *partition, b *batch) {
			for _, s := range p.recent(b.id) {
				if s.epoch == b.epoch && s.first == b.first && s.last != b.last {
					b.answer(0, s.offset)
					return
				}
			}
		},
	}
	KeepsOneBatch = Break{
		Name: "keeps-one-batch", How: "no batch but the last of a producer id is recognized",
		asked: func(p *partition, b *batch) {
			if b.before != nil && b.before != p.newest(b.id) {
				b.answer(outOfOrder, -1)
			}
		},
	}
	WindowOfPartition = Break{
		Name: "window-of-partition", How: "the last five batches of a partition are recognized, whoever they are of",
		asked: func(p *partition, b *batch) {
			if b.before != nil && !slices.Contains(p.stored[max(0, len(p.stored)-window):], b.before) {
				b.answer(outOfOrder, -1)
			}
		},
	}
	IgnoresProducer = Break{
		Name: "ignores-producer", How: "a batch with the sequences of one of another producer id is taken for it",
		asked: func(p *partition, b *batch) {
			b.takenFor(p, func(s *stored) bool { return s.id != b.id && s.epoch == b.epoch })
		},
	}
	IgnoresEpoch = Break{
		Name: "ignores-epoch", How: "a batch with the sequences of one of another epoch is taken for it",
		asked: func(p *partition, b *batch) {
			b.takenFor(p, func(s *stored) bool { return s.id == b.id && s.epoch != b.epoch })
		},
	}
	ForgetsAtLeaderChange = Break{
		Name: "forgets-at-leader-change", How: "a new leader knows nothing of what the former one stored",
		asked: func(_ *partition, b *batch) {
			if b.before != nil && b.before.broker != b.broker {
				b.appendAgain()
			}
		},
	}
	ComparesContent = Break{
		Name: "compares-content", How: "a repetition is refused when its records are not those that are stored",
		asked: func(_ *partition, b *batch) {
			if b.before != nil && !bytes.Equal(b.before.records, b.records) {
				b.answer(outOfOrder, -1)
			}
		},
	}
	WrongOffset = Break{
		Name: "wrong-offset", How: "a repetition is answered with the offset behind its own",
		answered: func(_ *partition, b *batch) {
			if b.recognized() {
				b.say(0, b.offset+1)
			}
		},
	}
	NoOffset = Break{
		Name: "no-offset", How: "a repetition is answered with offset -1",
		answered: func(_ *partition, b *batch) {
			if b.recognized() {
				b.say(0, -1)
			}
		},
	}
)

// The breaks of what is promised about order, epochs and the log.
var (
	WrongCode = Break{
		Name: "wrong-code", How: "46 (DUPLICATE_SEQUENCE_NUMBER) is answered in place of 45 (OUT_OF_ORDER_SEQUENCE_NUMBER)",
		answered: func(_ *partition, b *batch) {
			if b.code == outOfOrder {
				b.say(duplicate, b.offset)
			}
		},
	}
	RaisesEpochOnRefusal = Break{
		Name: "raises-epoch-on-refusal", How: "a refused batch of a higher epoch fences the lower one on its partition",
		asked: func(p *partition, b *batch) {
			if b.epoch < p.epochs[b.id] {
				b.answer(invalidEpoch, -1)
			}
		},
		answered: func(p *partition, b *batch) {
			if last := p.newest(b.id); b.code != 0 && last != nil && b.epoch > last.epoch {
				p.epochs[b.id] = max(p.epochs[b.id], b.epoch)
			}
		},
	}
	StoresRefused = Break{
		Name: "stores-refused", How: "a batch that is refused with 45 is appended all the same",
		answered: func(_ *partition, b *batch) {
			if b.code == outOfOrder {
				b.extra = plain(b.raw)
			}
		},
	}
	DropsBatches = Break{
		Name: "drops-batches", How: "what is in order is acknowledged with acks=all and never stored (nor looked at for anything else)",
		asked: func(p *partition, b *batch) {
			if b.acks != -1 {
				return
			}
			switch {
			case b.before != nil:
				b.answer(0, b.before.offset)
			case p.next(b):
				b.answer(0, p.end)
				b.claimed = true
			default:
				b.answer(outOfOrder, -1)
			}
		},
	}
	ChangesRecords = Break{
		Name: "changes-records", How: "the last byte of the last record's value is not stored as it was sent",
		asked: func(p *partition, b *batch) {
			if b.before != nil || !p.next(b) || len(b.records) < 2 {
				return
			}
			// Behind the value stands one byte: no headers.
			raw := slices.Clone(b.raw)
			raw[len(raw)-2] ^= 1
			b.raw = summed(raw)
		},
	}
)

// takenFor answers a batch as a repetition of a stored one that it is none of.
func (b *batch) takenFor(p *partition, like func(*stored) bool) {
	i := slices.IndexFunc(p.stored, func(s *stored) bool { return s.first == b.first && s.last == b.last && like(s) })
	if i >= 0 && b.before == nil {
		b.answer(0, p.stored[i].offset)
	}
}

// recognized says whether the broker took a batch for the repetition that it is.
func (b *batch) recognized() bool {
	return b.before != nil && b.code == 0 && b.offset == b.before.offset
}

// appendAgain has the broker append a batch of which it knows that it has it.
func (b *batch) appendAgain() { b.raw = plain(b.raw) }
