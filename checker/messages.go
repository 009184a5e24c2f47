package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// messages counts what became of the application's messages, which records
// carry as their keys. Nothing is promised about them: two records that carry
// one message are two records to every guarantee. What a reader sees is what one
// that reads committed transactions only sees (read_committed, KIP-98).
type messages struct {
	transactional map[int32]bool // processes
	logs          map[history.TopicPartition]*messageLog
	twice, hidden int64
}

// messageLog is what the log of one partition has shown so far.
type messageLog struct {
	seen intervals         // messages that a reader sees
	open map[int64][]int64 // by producer id: messages of a transaction that has not ended yet
}

// countMessages reads the logs once more, where records carry messages.
func (j *judgement) countMessages() error {
	if j.plan.Workload.Messages == "" {
		return nil
	}
	m := &messages{transactional: make(map[int32]bool), logs: make(map[history.TopicPartition]*messageLog)}
	for _, p := range j.manifest.Processes {
		m.transactional[p.ID] = p.TransactionalID != ""
	}
	for r, err := range j.rows.AllLog() {
		if err != nil {
			return fmt.Errorf("read the messages in the log: %w", err)
		}
		m.take(&r)
	}
	var lanes []history.TopicPartition
	for _, topic := range j.manifest.Topics {
		for _, partition := range j.plan.Workload.Partitions[0].Partitions {
			lanes = append(lanes, history.TopicPartition{Topic: topic.Name, Partition: partition})
		}
	}
	m.count(lanes, j.plan.Workload.Messages == history.MessageSpread, j.verdict.Coverage)
	return nil
}

func (m *messages) take(r *history.LogRecord) {
	tp := history.TopicPartition{Topic: r.Topic, Partition: r.Partition}
	l := m.logs[tp]
	if l == nil {
		l = &messageLog{open: make(map[int64][]int64)}
		m.logs[tp] = l
	}
	switch {
	case r.Marker == history.MarkerCommit:
		for _, message := range l.open[r.ProducerID] {
			m.see(l, message)
		}
		delete(l.open, r.ProducerID)
	case r.Marker == history.MarkerAbort:
		m.hidden += int64(len(l.open[r.ProducerID]))
		delete(l.open, r.ProducerID)
	case r.Standing != history.Intact || r.Message == 0:
	case m.transactional[r.Process]:
		l.open[r.ProducerID] = append(l.open[r.ProducerID], r.Message)
	default:
		m.see(l, r.Message)
	}
}

func (m *messages) see(l *messageLog, message int64) { m.twice += l.seen.add(message, message) }

// count puts the counters into the coverage. lanes are the partitions that a
// message which is spread has a record in.
func (m *messages) count(lanes []history.TopicPartition, spread bool, coverage map[string]int64) {
	var all intervals
	for _, l := range m.logs {
		for _, s := range l.seen {
			all.add(s.first, s.last)
		}
		for _, left := range l.open {
			m.hidden += int64(len(left))
		}
	}
	coverage[covMessages], coverage[covMessagesTwice], coverage[covHiddenRecords] = all.size(), m.twice, m.hidden
	if !spread {
		return
	}
	whole := all
	for _, tp := range lanes {
		var here intervals
		if l := m.logs[tp]; l != nil {
			here = l.seen
		}
		whole = whole.and(here)
	}
	coverage[covMessagesPartial] = all.size() - whole.size()
}
