package history

import (
	"fmt"
	"io"
)

// span is a run of rows of one lane in one part.
type span struct {
	part *part
	run  partRun
}

// spans walks the rows of one lane through the parts of a table, in the order
// of the parts. It holds at most one part open.
type spans struct {
	label string // the lane, for errors
	rest  []span
	open  *part
	left  int64 // rows of the open part not yet taken
	last  int64 // number or offset before the next row
	err   error // kept: an error, or io.EOF
}

// spansOf finds a lane in the parts. A part that cannot be read might hold
// rows of it, so its error becomes the lane's.
func spansOf(parts []*part, key laneKey, label string) spans {
	s := spans{label: label, last: -1 << 63}
	for _, p := range parts {
		if p.err != nil {
			s.err = fmt.Errorf("read %s: %w", label, p.err)
			return s
		}
		if run, ok := p.find(key); ok && run.Rows > 0 {
			s.rest = append(s.rest, span{p, run})
		}
	}
	return s
}

// enter moves to the next part. attach opens the columns there.
func (s *spans) enter(attach func(*part, int64) error) error {
	s.leave()
	if len(s.rest) == 0 {
		return io.EOF
	}
	next := s.rest[0]
	s.rest = s.rest[1:]
	if next.run.First <= s.last {
		return fmt.Errorf("read %s: part file %s begins at %d, but earlier parts had come to %d: the run directory was put together wrongly",
			s.label, next.part.path, next.run.First, s.last)
	}
	if err := attach(next.part, next.run.Row); err != nil {
		return fmt.Errorf("read %s: %w", s.label, err)
	}
	s.open, s.left = next.part, next.run.Rows
	return nil
}

// leave lets go of the open part.
func (s *spans) leave() {
	if s.open != nil {
		s.open.release()
		s.open, s.left = nil, 0
	}
}

// broken describes an error in the open part.
func (s *spans) broken(err error) error {
	return fmt.Errorf("read %s: %w", s.label, damaged(s.open.path, err))
}

// rising checks that keys go on from the last and rise.
func (s *spans) rising(keys []int64) error {
	last := s.last
	for _, k := range keys {
		if k <= last {
			return fmt.Errorf("read %s: part file %s: %d comes after %d", s.label, s.open.path, k, last)
		}
		last = k
	}
	s.last = last
	return nil
}
