package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// committed goes through the logs as one does who reads committed transactions
// only (read_committed, KIP-98): a record of a transaction is seen when its
// commit marker is. Records of a partition come in offset order.
type committed struct {
	transactional map[int32]bool // processes
	open          map[producerLane][]history.LogRecord
	see, hide     func(*history.LogRecord)
}

// producerLane is a producer id in a partition.
type producerLane struct {
	tp         history.TopicPartition
	producerID int64
}

func newCommitted(processes []history.Process, see, hide func(*history.LogRecord)) *committed {
	c := &committed{transactional: make(map[int32]bool), open: make(map[producerLane][]history.LogRecord), see: see, hide: hide}
	for _, p := range processes {
		c.transactional[p.ID] = p.TransactionalID != ""
	}
	return c
}

func (c *committed) take(r *history.LogRecord) {
	key := producerLane{history.TopicPartition{Topic: r.Topic, Partition: r.Partition}, r.ProducerID}
	switch {
	case r.Marker == history.MarkerCommit:
		c.end(key, c.see)
	case r.Marker == history.MarkerAbort:
		c.end(key, c.hide)
	case r.Standing != history.Intact:
	case c.transactional[r.Process]:
		c.open[key] = append(c.open[key], *r)
	default:
		c.see(r)
	}
}

func (c *committed) end(key producerLane, do func(*history.LogRecord)) {
	for i := range c.open[key] {
		do(&c.open[key][i])
	}
	delete(c.open, key)
}

// rest hides what no marker has ended.
func (c *committed) rest() {
	for key := range c.open {
		c.end(key, c.hide)
	}
}

// readCommitted counts what became of messages, and what a consumer did, where a
// run has either. Nothing is promised about them: two records that carry one
// message are two records to every guarantee, and a consumer that was killed may
// do again what it had done.
func (j *judgement) readCommitted() error {
	if j.plan.Workload.Messages == "" && len(j.manifest.Consumers) == 0 {
		return nil
	}
	p, err := readProcessed(j.rows)
	if err != nil {
		return err
	}
	m := newMessages()
	c := newCommitted(j.manifest.Processes, func(r *history.LogRecord) {
		m.see(r)
		p.see(r)
	}, m.hide)
	for r, err := range j.rows.AllLog() {
		if err != nil {
			return fmt.Errorf("read the logs as a consumer does: %w", err)
		}
		c.take(&r)
	}
	c.rest()
	m.count(j.spread(), j.verdict.Coverage)
	if len(j.manifest.Consumers) == 0 {
		return nil
	}
	return p.count(j.verdict.Coverage)
}

// spread lists the partitions that every message has a record in; nil where a
// message is one record.
func (j *judgement) spread() (lanes []history.TopicPartition) {
	if j.plan.Workload.Messages != history.MessageSpread {
		return nil
	}
	for _, topic := range j.manifest.Topics {
		for _, partition := range j.plan.Workload.Partitions[0].Partitions {
			lanes = append(lanes, history.TopicPartition{Topic: topic.Name, Partition: partition})
		}
	}
	return lanes
}
