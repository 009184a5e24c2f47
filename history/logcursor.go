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
	spans
	offset, number int64Reader
	process        int32Reader
	standing       wordReader[Standing]
	block          LogBlock
}

// Log returns a cursor over the final read of one partition.
func (r *Run) Log(tp TopicPartition) *LogCursor {
	key := laneKey{Topic: tp.Topic, Partition: tp.Partition}
	return &LogCursor{spans: spansOf(r.log, key, fmt.Sprintf("the log of %s", tp))}
}

// Next returns the next records, 1 to 4096 of them. The error is io.EOF behind the
// last one.
func (c *LogCursor) Next() (*LogBlock, error) {
	if c.err != nil {
		return nil, c.err
	}
	block, err := c.read()
	if err != nil {
		c.fail(err)
		return nil, err
	}
	return block, nil
}

func (c *LogCursor) read() (*LogBlock, error) {
	if c.left == 0 {
		c.detach()
		if err := c.enter(c.attach); err != nil {
			return nil, err
		}
	}
	n := int(min(c.left, pageRows))
	for _, column := range []interface{ available() (int, error) }{&c.offset, &c.process, &c.number, &c.standing} {
		have, err := column.available()
		if err != nil {
			return nil, c.broken(err)
		}
		n = min(n, have)
	}
	c.left -= int64(n)
	c.block = LogBlock{Offset: c.offset.take(n), Process: c.process.take(n), Number: c.number.take(n), Standing: c.standing.take(n)}
	return &c.block, c.rising(c.block.Offset)
}

// attach opens the columns of a part at a row.
func (c *LogCursor) attach(p *part, row int64) (err error) {
	pq, err := p.acquire()
	if err != nil {
		return err
	}
	open := func(to *chunkReader, name string) {
		if err == nil {
			*to, err = openChunk(pq, name, row)
		}
	}
	c.standing.words, c.standing.meaning = wordsOf(Intact, Misplaced), nil
	open(&c.offset.chunkReader, "log_offset")
	open(&c.process.chunkReader, "process")
	open(&c.number.chunkReader, "number")
	open(&c.standing.chunkReader, "standing")
	if err != nil {
		c.detach()
		p.release()
		return damaged(p.path, err)
	}
	return nil
}

// detach closes the columns.
func (c *LogCursor) detach() {
	c.offset.close()
	c.process.close()
	c.number.close()
	c.standing.close()
	c.offset.have, c.process.have, c.number.have, c.standing.have = nil, nil, nil, nil
}

func (c *LogCursor) fail(err error) {
	c.err = err
	c.detach()
	c.leave()
}

// Close lets go of the cursor's files. Next returns an error from then on.
func (c *LogCursor) Close() error {
	c.fail(fmt.Errorf("read %s: cursor is closed", c.label))
	return nil
}
