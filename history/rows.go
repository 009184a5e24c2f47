package history

import (
	"errors"
	"io"
	"iter"
)

// blockRows is how many rows a rowReader puts together at once: few enough to
// stay in the processor's cache while column after column is filled in.
const blockRows = 256

// rowReader reads whole rows of a part, column by column. It holds one page of
// every column.
type rowReader[R any] struct {
	part    *part
	fillers []filler[R]
	left    int64
	rows    []R
}

// openRows begins at a row of a part. Columns may be used for many parts, one
// after the other or interleaved, by one goroutine.
func openRows[R any](p *part, columns []column[R], row, count int64) (*rowReader[R], error) {
	pq, err := p.acquire()
	if err != nil {
		return nil, err
	}
	r := &rowReader[R]{part: p, left: count}
	for _, c := range columns {
		if _, has := pq.Schema().Lookup(c.name); !has && c.added {
			continue // rows begin as zeros, and nothing is stored there
		}
		f := c.filler()
		if err := f.open(pq, c.name, row); err != nil {
			r.close()
			return nil, damaged(p.path, err)
		}
		r.fillers = append(r.fillers, f)
	}
	return r, nil
}

// next returns the next rows, at most blockRows; they are reused by the next call.
func (r *rowReader[R]) next() ([]R, error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	if r.rows == nil {
		r.rows = make([]R, min(r.left, blockRows))
	}
	n, err := r.read(r.rows[:min(r.left, blockRows)])
	if err != nil {
		return nil, damaged(r.part.path, err)
	}
	r.left -= int64(n)
	return r.rows[:n], nil
}

// read fills as many rows as every column has at hand, and returns how many.
func (r *rowReader[R]) read(rows []R) (n int, err error) {
	defer recoverDamage(&err)
	n = len(rows)
	for _, f := range r.fillers {
		have, err := f.available()
		if err != nil {
			return 0, err
		}
		if have == 0 {
			return 0, errors.New("a page holds fewer values than rows")
		}
		n = min(n, have)
	}
	for _, f := range r.fillers {
		f.fill(rows[:n])
	}
	return n, nil
}

func (r *rowReader[R]) close() {
	for _, f := range r.fillers {
		f.close()
	}
	r.part.release()
}

// all yields every row of the parts, part by part.
func all[R any](parts []*part, columns []column[R]) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for _, p := range parts {
			if !allOf(p, columns, yield) {
				return
			}
		}
	}
}

// allOf yields every row of a part; false means stop.
func allOf[R any](p *part, columns []column[R], yield func(R, error) bool) bool {
	var none R
	rows, err := openRows(p, columns, 0, p.rows)
	if err != nil {
		yield(none, err)
		return false
	}
	defer rows.close()
	for {
		block, err := rows.next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			yield(none, err)
			return false
		}
		for _, row := range block {
			if !yield(row, nil) {
				return false
			}
		}
	}
}

// AllOps yields every op in the order of the files: part by part, within a
// part by topic, partition, process and number. It ends after an error.
func (r *Run) AllOps() iter.Seq2[Op, error] { return all(r.ops, opColumns()) }

// AllLog yields every record of the final read in the order of the files: part
// by part, within a part by topic, partition and offset. It ends after an error.
func (r *Run) AllLog() iter.Seq2[LogRecord, error] { return all(r.log, logColumns()) }
