package history

import "fmt"

// OpBlock is some ops of one process in one partition, a column each. It is
// reused by the next call to Next.
type OpBlock struct {
	Number  []int64
	Call    []int64
	Return  []int64 // Forever when unanswered
	Offset  []int64 // NoOffset when not acked
	Outcome []Outcome
}

// OpCursor walks the ops of one process in one partition in number order. A
// cursor is for one goroutine; several may be used at once.
type OpCursor struct {
	spans
	number, call, ret, offset int64Reader
	outcome                   wordReader[Outcome]
	block                     OpBlock
}

// Ops returns a cursor over the ops of one process in one partition.
func (r *Run) Ops(tp TopicPartition, process int32) *OpCursor {
	key := laneKey{tp.Topic, tp.Partition, process}
	return &OpCursor{spans: spansOf(r.ops, key, fmt.Sprintf("ops of process %d in %s", process, tp))}
}

// Next returns the next ops, 1 to 4096 of them. The error is io.EOF behind the
// last one.
func (c *OpCursor) Next() (*OpBlock, error) {
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

func (c *OpCursor) read() (*OpBlock, error) {
	if c.left == 0 {
		c.detach()
		if err := c.enter(c.attach); err != nil {
			return nil, err
		}
	}
	n := int(min(c.left, pageRows))
	for _, column := range []interface{ available() (int, error) }{&c.number, &c.call, &c.ret, &c.offset, &c.outcome} {
		have, err := column.available()
		if err != nil {
			return nil, c.broken(err)
		}
		n = min(n, have)
	}
	c.left -= int64(n)
	c.block = OpBlock{
		Number: c.number.take(n), Call: c.call.take(n), Return: c.ret.take(n), Offset: c.offset.take(n),
		Outcome: c.outcome.take(n),
	}
	return &c.block, c.rising(c.block.Number)
}

// attach opens the columns of a part at a row.
func (c *OpCursor) attach(p *part, row int64) (err error) {
	pq, err := p.acquire()
	if err != nil {
		return err
	}
	open := func(to *chunkReader, name string) {
		if err == nil {
			*to, err = openChunk(pq, name, row)
		}
	}
	c.ret.none, c.offset.none = Forever, NoOffset
	c.outcome.words, c.outcome.meaning = wordsOf(Pending, Unknown), nil
	open(&c.number.chunkReader, "number")
	open(&c.call.chunkReader, "call_ns")
	open(&c.ret.chunkReader, "return_ns")
	open(&c.offset.chunkReader, "acked_offset")
	open(&c.outcome.chunkReader, "outcome")
	if err != nil {
		c.detach()
		p.release()
		return damaged(p.path, err)
	}
	return nil
}

// detach closes the columns.
func (c *OpCursor) detach() {
	c.number.close()
	c.call.close()
	c.ret.close()
	c.offset.close()
	c.outcome.close()
	c.number.have, c.call.have, c.ret.have, c.offset.have, c.outcome.have = nil, nil, nil, nil, nil
}

func (c *OpCursor) fail(err error) {
	c.err = err
	c.detach()
	c.leave()
}

// Close lets go of the cursor's files. Next returns an error from then on.
func (c *OpCursor) Close() error {
	c.fail(fmt.Errorf("read %s: cursor is closed", c.label))
	return nil
}
