package history

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
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

// laneReader reads some columns of one lane side by side, through its parts.
// Cursors embed it and name their columns.
type laneReader struct {
	spans
	columns []namedColumn
}

type namedColumn struct {
	name string
	laneColumn
}

// laneColumn is one column as it is read block by block.
type laneColumn interface {
	open(pq *parquet.File, name string, row int64) error
	available() (int, error) // values read and not yet taken, 1 or more
	reset()                  // closes the column and forgets what was read
}

// advance returns how many rows can be taken from every column, 1 or more. The
// error is io.EOF behind the last row; any error is kept.
func (l *laneReader) advance() (int, error) {
	if l.err != nil {
		return 0, l.err
	}
	n, err := l.read()
	if err != nil {
		l.fail(err)
	}
	return n, err
}

func (l *laneReader) read() (int, error) {
	if l.left == 0 {
		l.detach()
		if err := l.enter(l.attach); err != nil {
			return 0, err
		}
	}
	n := int(min(l.left, pageRows))
	for _, c := range l.columns {
		have, err := c.available()
		if err != nil {
			return 0, l.broken(err)
		}
		n = min(n, have)
	}
	l.left -= int64(n)
	return n, nil
}

// inOrder is rising, for a cursor: an error is kept.
func (l *laneReader) inOrder(keys []int64) error {
	err := l.rising(keys)
	if err != nil {
		l.fail(err)
	}
	return err
}

// attach opens the columns of a part at a row.
func (l *laneReader) attach(p *part, row int64) error {
	pq, err := p.acquire()
	if err != nil {
		return err
	}
	for _, c := range l.columns {
		if err := c.open(pq, c.name, row); err != nil {
			l.detach()
			p.release()
			return damaged(p.path, err)
		}
	}
	return nil
}

func (l *laneReader) detach() {
	for _, c := range l.columns {
		c.reset()
	}
}

func (l *laneReader) fail(err error) {
	l.err = err
	l.detach()
	l.leave()
}

// Close lets go of the cursor's files. Next returns an error from then on.
func (l *laneReader) Close() error {
	l.fail(fmt.Errorf("read %s: cursor is closed", l.label))
	return nil
}
