package checker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

const promisePayload = "what is in the log is what was sent, byte for byte, in the partition it was sent to and at the offset that was acknowledged, and nothing else (Kafka protocol, Produce response base_offset; CRC of the record batch)"

// settleAbove is how many records acked elsewhere may wait for a second copy
// before those that can no longer get one are settled.
const settleAbove = 1 << 16

// misack is a record that stands at one offset and was acked at another.
type misack struct {
	first, acked int64
}

// strange takes a record that is not simply one of this run's.
func (s *sweep) strange(standing history.Standing, at place) {
	kind := Foreign
	switch standing {
	case history.Corrupt:
		kind = Corrupt
	case history.Misplaced:
		kind = Misplaced
	case history.Foreign:
	default:
		panic(fmt.Sprintf("checker: impossible standing %d", uint8(standing)))
	}
	s.found.add(finding{kind: kind, place: at, acked: history.NoOffset, cause: nowhere})
}

// unsent takes a record in our form that has no op.
func (s *sweep) unsent(at place) {
	s.found.add(finding{kind: Unsent, place: at, acked: history.NoOffset, cause: nowhere})
}

// ackedElsewhere takes the first copy of a record that was acked at another
// offset. It is wrong unless a further copy stands there, which can only be
// behind.
func (s *sweep) ackedElsewhere(o *op, at place) {
	if o.offset < at.offset {
		s.wrongOffset(at, o.offset)
		return
	}
	s.misacked[place{process: at.process, number: at.number}] = misack{first: at.offset, acked: o.offset}
}

// settleMisacked reports the records for whose acked offset the log has been
// read past, or ends before it. In a log that was not read to its end the rest
// stays open.
func (s *sweep) settleMisacked() {
	keys := slices.SortedFunc(maps.Keys(s.misacked), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.process, b.process), cmp.Compare(a.number, b.number))
	})
	for _, key := range keys {
		m := s.misacked[key]
		if m.acked >= s.nextOffset && !(s.complete) {
			continue
		}
		delete(s.misacked, key)
		s.wrongOffset(place{key.process, key.number, m.first}, m.acked)
	}
}

func (s *sweep) wrongOffset(at place, acked int64) {
	s.found.add(finding{kind: WrongOffset, place: at, acked: acked, cause: nowhere})
}
