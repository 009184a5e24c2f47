package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// processed counts what a run's consumer did: it processed the records of each
// partition in the order of their offsets, and some of them again.
type processed struct {
	done         map[history.TopicPartition]*intervals // offsets
	times, again int64
	seen, missed int64 // records of the logs that it processed, and did not
}

func readProcessed(from rows) (*processed, error) {
	p := &processed{done: make(map[history.TopicPartition]*intervals)}
	for line, err := range from.Processed() {
		if err != nil {
			return nil, fmt.Errorf("read what the consumer processed: %w", err)
		}
		tp := history.TopicPartition{Topic: line.Topic, Partition: line.Partition}
		if p.done[tp] == nil {
			p.done[tp] = new(intervals)
		}
		p.times++
		p.again += p.done[tp].add(line.Offset, line.Offset)
	}
	return p, nil
}

func (p *processed) see(r *history.LogRecord) {
	done := p.done[history.TopicPartition{Topic: r.Topic, Partition: r.Partition}]
	if done != nil && done.has(r.Offset, r.Offset) {
		p.seen++
	} else {
		p.missed++
	}
}

// count puts the counters into the coverage. A consumer that was given what the
// final read does not show is a broken assumption: one of the two read wrongly.
func (p *processed) count(coverage map[string]int64) error {
	coverage[covProcessed], coverage[covProcessedTwice], coverage[covProcessedNever] = p.times, p.again, p.missed
	if once := p.times - p.again; once != p.seen {
		return broken("the consumer processed %d records, and the logs show %d of them to one who reads committed transactions only", once, p.seen)
	}
	return nil
}
