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
	laneReader
	number, call, ret, offset int64Reader
	outcome                   wordReader[Outcome]
	block                     OpBlock
}

// Ops returns a cursor over the ops of one process in one partition.
func (r *Run) Ops(tp TopicPartition, process int32) *OpCursor {
	key := laneKey{tp.Topic, tp.Partition, process}
	c := &OpCursor{laneReader: laneReader{spans: spansOf(r.ops, key, fmt.Sprintf("ops of process %d in %s", process, tp))}}
	c.ret.none, c.offset.none = Forever, NoOffset
	c.outcome.words = wordsOf(Pending, Unknown)
	c.columns = []namedColumn{
		{"number", &c.number}, {"call_ns", &c.call}, {"return_ns", &c.ret}, {"acked_offset", &c.offset}, {"outcome", &c.outcome},
	}
	return c
}

// Next returns the next ops, 1 to 4096 of them. The error is io.EOF behind the
// last one.
func (c *OpCursor) Next() (*OpBlock, error) {
	n, err := c.advance()
	if err != nil {
		return nil, err
	}
	c.block = OpBlock{
		Number: c.number.take(n), Call: c.call.take(n), Return: c.ret.take(n), Offset: c.offset.take(n),
		Outcome: c.outcome.take(n),
	}
	if err := c.inOrder(c.block.Number); err != nil {
		return nil, err
	}
	return &c.block, nil
}
