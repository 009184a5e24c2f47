package history

import "fmt"

// LogBlock is some records of one partition's log, a column each. It is reused
// by the next call to Next.
type LogBlock struct {
	Offset   []int64
	Process  []int32 // -1 when the record has no identity
	Number   []int64 // -1 when the record has no identity
	Standing []Standing
}

// LogCursor walks the final read of one partition in offset order. A cursor is
// for one goroutine; several may be used at once.
type LogCursor struct {
	laneReader
	offset, number int64Reader
	process        int32Reader
	standing       wordReader[Standing]
	block          LogBlock
}

// Log returns a cursor over the final read of one partition.
func (r *Run) Log(tp TopicPartition) *LogCursor {
	key := laneKey{Topic: tp.Topic, Partition: tp.Partition}
	c := &LogCursor{laneReader: laneReader{spans: spansOf(r.log, key, fmt.Sprintf("the log of %s", tp))}}
	c.standing.words = wordsOf(Intact, Misplaced)
	c.columns = []namedColumn{
		{"log_offset", &c.offset}, {"process", &c.process}, {"number", &c.number}, {"standing", &c.standing},
	}
	return c
}

// Next returns the next records, 1 to 4096 of them. The error is io.EOF behind
// the last one.
func (c *LogCursor) Next() (*LogBlock, error) {
	n, err := c.advance()
	if err != nil {
		return nil, err
	}
	c.block = LogBlock{Offset: c.offset.take(n), Process: c.process.take(n), Number: c.number.take(n), Standing: c.standing.take(n)}
	if err := c.inOrder(c.block.Offset); err != nil {
		return nil, err
	}
	return &c.block, nil
}
