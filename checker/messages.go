package checker

import "github.com/idemcheck/idemcheck/history"

// messages counts the application's messages, which records carry as their keys.
type messages struct {
	seen          map[history.TopicPartition]*intervals
	twice, hidden int64
}

func newMessages() *messages {
	return &messages{seen: make(map[history.TopicPartition]*intervals)}
}

func (m *messages) see(r *history.LogRecord) {
	if r.Message == 0 {
		return
	}
	tp := history.TopicPartition{Topic: r.Topic, Partition: r.Partition}
	if m.seen[tp] == nil {
		m.seen[tp] = new(intervals)
	}
	m.twice += m.seen[tp].add(r.Message, r.Message)
}

func (m *messages) hide(r *history.LogRecord) {
	if r.Message != 0 {
		m.hidden++
	}
}

// count puts the counters into the coverage. lanes are the partitions that every
// message has a record in; none where a message is one record.
func (m *messages) count(lanes []history.TopicPartition, coverage map[string]int64) {
	var all intervals
	for _, seen := range m.seen {
		for _, s := range *seen {
			all.add(s.first, s.last)
		}
	}
	coverage[covMessages], coverage[covMessagesTwice], coverage[covHiddenRecords] = all.size(), m.twice, m.hidden
	if len(lanes) == 0 {
		return
	}
	whole := all
	for _, tp := range lanes {
		if m.seen[tp] == nil {
			whole = nil
			break
		}
		whole = whole.and(*m.seen[tp])
	}
	coverage[covMessagesPartial] = all.size() - whole.size()
}
