package forge

import (
	"slices"
)

// window is how many batches of a producer id a leader recognizes (KAFKA-5494).
const window = 5

// stored is a batch that a broker said it stored.
type stored struct {
	id          int64
	epoch       int16
	first, last int32
	offset      int64
	records     []byte
	broker      int32 // that led
}

// partition is what is known of one partition: what is stored there, in order,
// and what a break notes of it.
type partition struct {
	stored []*stored
	end    int64           // of the log
	epochs map[int64]int16 // that a break holds against a producer id
}

// place is a partition as a request names it: by name up to version 12 of
// Produce, by id from 13 on. One partition is not asked for in both ways by the
// same conversation.
type place struct {
	topic  string
	id     [16]byte
	number int32
}

// newest is the last batch of a producer id; nil where there is none.
func (p *partition) newest(id int64) *stored {
	for _, s := range slices.Backward(p.stored) {
		if s.id == id {
			return s
		}
	}
	return nil
}

// recent are the batches of a producer id that a leader recognizes, the last one
// first: of its current epoch, and not more than the window.
func (p *partition) recent(id int64) (all []*stored) {
	last := p.newest(id)
	for _, s := range slices.Backward(p.stored) {
		if s.id == id && s.epoch == last.epoch && len(all) < window {
			all = append(all, s)
		}
	}
	return all
}

// repeated is the batch that another one repeats; nil where it repeats none.
func (p *partition) repeated(b *batch) *stored {
	for _, s := range p.recent(b.id) {
		if s.epoch == b.epoch && s.first == b.first && s.last == b.last {
			return s
		}
	}
	return nil
}

// next says whether a batch is the one that a leader would append.
func (p *partition) next(b *batch) bool {
	last := p.newest(b.id)
	switch {
	case last == nil:
		return true
	case b.epoch == last.epoch:
		return int64(b.first) == (int64(last.last)+1)&0x7fffffff
	}
	return b.epoch > last.epoch && b.first == 0
}

// keep notes a batch as stored.
func (p *partition) keep(b *batch) {
	p.stored = append(p.stored, &stored{b.id, b.epoch, b.first, b.last, b.offset, slices.Clone(b.records), b.broker})
}
