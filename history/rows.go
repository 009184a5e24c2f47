package history

import (
	"errors"
	"io"
	"iter"

	"github.com/parquet-go/parquet-go"
)

// rowReader reads whole rows of a part: for people, not for judges. It holds
// one page of every column.
type rowReader[R any] struct {
	part    *part
	columns []column[R]
	chunks  []chunkReader
	values  []parquet.ValueReader
	left    int64
	rows    []R
	scratch []parquet.Value
}

// openRows begins at a row of a part.
func openRows[R any](p *part, columns []column[R], row, count int64) (*rowReader[R], error) {
	pq, err := p.acquire()
	if err != nil {
		return nil, err
	}
	r := &rowReader[R]{part: p, columns: columns, left: count, values: make([]parquet.ValueReader, len(columns))}
	for _, c := range columns {
		chunk, err := openChunk(pq, c.name, row)
		if err != nil {
			r.close()
			return nil, damaged(p.path, err)
		}
		r.chunks = append(r.chunks, chunk)
	}
	return r, nil
}

// next returns the next rows, at most 1024; they are reused by the next call.
func (r *rowReader[R]) next() (rows []R, err error) {
	if r.left == 0 {
		return nil, io.EOF
	}
	n := int(min(r.left, 1024))
	if r.rows == nil {
		r.rows, r.scratch = make([]R, n), make([]parquet.Value, n)
	}
	for i := range r.columns {
		if err := r.read(i, r.rows[:n]); err != nil {
			return nil, damaged(r.part.path, err)
		}
	}
	r.left -= int64(n)
	return r.rows[:n], nil
}

// read fills one column of rows.
func (r *rowReader[R]) read(i int, rows []R) (err error) {
	defer recoverDamage(&err)
	for at := 0; at < len(rows); {
		if r.values[i] == nil {
			page, err := r.chunks[i].next()
			if err != nil {
				return err
			}
			r.values[i] = page.Values()
		}
		n, err := r.values[i].ReadValues(r.scratch[:len(rows)-at])
		for k, v := range r.scratch[:n] {
			r.columns[i].get(&rows[at+k], v)
		}
		at += n
		switch {
		case errors.Is(err, io.EOF):
			r.values[i] = nil
		case err != nil:
			return err
		}
	}
	return nil
}

func (r *rowReader[R]) close() {
	for i := range r.chunks {
		r.chunks[i].close()
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
