package history

import (
	"errors"
)

// FindOp returns one op with its error text; false when it is not there. It
// seeks, and is meant for evidence, not for walking.
func (r *Run) FindOp(process int32, tp TopicPartition, number int64) (Op, bool, error) {
	key := laneKey{tp.Topic, tp.Partition, process}
	return findRow(r.ops, key, number, "number", opColumns())
}

// FindLog returns the record at an offset; false when it is not there. It
// seeks, and is meant for evidence, not for walking.
func (r *Run) FindLog(tp TopicPartition, offset int64) (LogRecord, bool, error) {
	key := laneKey{Topic: tp.Topic, Partition: tp.Partition}
	return findRow(r.log, key, offset, "log_offset", logColumns())
}

// findRow looks for the row of a lane whose column by is at.
func findRow[R any](parts []*part, key laneKey, at int64, by string, columns []column[R]) (row R, ok bool, err error) {
	var unreadable error
	for _, p := range parts {
		if p.err != nil {
			unreadable = errors.Join(unreadable, p.err)
			continue
		}
		run, found := p.find(key)
		if !found || at < run.First || at > run.Last {
			continue
		}
		index := run.Row + at - run.First
		if !run.Dense {
			index, found, err = scanFor(p, run, by, at)
			if err != nil || !found {
				return row, false, err
			}
		}
		rows, err := openRows(p, columns, index, 1)
		if err != nil {
			return row, false, err
		}
		defer rows.close()
		block, err := rows.next()
		if err != nil {
			return row, false, err
		}
		return block[0], true, nil
	}
	// Not found, but perhaps in a part that cannot be read.
	return row, false, unreadable
}

// scanFor finds the row of a run where a column has a value.
func scanFor(p *part, run partRun, by string, at int64) (int64, bool, error) {
	pq, err := p.acquire()
	if err != nil {
		return 0, false, err
	}
	defer p.release()
	chunk, err := openChunk(pq, by, run.Row)
	if err != nil {
		return 0, false, damaged(p.path, err)
	}
	values := int64Reader{chunkReader: chunk}
	defer values.close()
	for row := run.Row; row < run.Row+run.Rows; {
		n, err := values.available()
		if err != nil {
			return 0, false, damaged(p.path, err)
		}
		for i, v := range values.take(n) {
			if v >= at {
				return row + int64(i), v == at, nil
			}
		}
		row += int64(n)
	}
	return 0, false, damaged(p.path, errors.New("its run table promises more than it holds"))
}
