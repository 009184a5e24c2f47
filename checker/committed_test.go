package checker

import (
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// carrying is a run of two producers whose records carry messages; ids names the
// ones with a transactional id.
func carrying(messages string, ids ...string) *memoryRun {
	one, two := idempotent(1), idempotent(2)
	two.Producer = 1
	for i, p := range []*history.Process{&one, &two} {
		if i < len(ids) {
			p.TransactionalID = ids[i]
		}
	}
	m := newMemoryRun(one, two)
	m.plan.Workload = history.WorkloadPlan{Messages: messages, Partitions: []history.LanePlan{{Partitions: []int32{0}}}}
	return m
}

// carries adds a record that was acked, with the message that it carries.
func (m *memoryRun) carries(process int32, message int64) *memoryRun {
	number, at := int64(0), int64(len(m.log))
	for _, o := range m.ops {
		if o.Process == process {
			number++
		}
	}
	call := second * (at + 1)
	m.send(process, call, call+second/2, history.Acked, at)
	m.storedAs(history.LogRecord{Process: process, Number: number, ProducerID: 1000 + int64(process), Sequence: int32(number), Message: message})
	return m.batch(request(process, number, 1, call+1)).batch(answer(process, number, 1, call+2, 0, at))
}

// ends adds the control record that ends a transaction.
func (m *memoryRun) ends(process int32, marker string) *memoryRun {
	return m.storedAs(history.LogRecord{Standing: history.Control, Process: -1, Number: -1, ProducerID: 1000 + int64(process), Sequence: -1, Marker: marker})
}

func TestMessagesThatStandTwiceAreCountedWhoeverSentThem(t *testing.T) {
	for name, c := range map[string]struct {
		run  *memoryRun
		want map[string]int64
	}{
		"each once":             {carrying("records").carries(1, 1).carries(2, 2), map[string]int64{"messages": 2, "messages_twice": 0}},
		"one of two producers":  {carrying("records").carries(1, 1).carries(2, 1), map[string]int64{"messages": 1, "messages_twice": 1, "duplicates_in_log": 0}},
		"three times":           {carrying("records").carries(1, 1).carries(2, 1).carries(1, 1), map[string]int64{"messages": 1, "messages_twice": 2}},
		"records without":       {carrying("records").carries(1, 0).carries(2, 0), map[string]int64{"messages": 0, "messages_twice": 0}},
		"a run without":         {carrying("").carries(1, 1).carries(2, 1), map[string]int64{"messages": 0, "messages_twice": 0}},
		"committed":             {carrying("records", "a").carries(1, 1).ends(1, history.MarkerCommit).carries(2, 1), map[string]int64{"messages": 1, "messages_twice": 1, "hidden_records": 0}},
		"aborted":               {carrying("records", "a").carries(1, 1).ends(1, history.MarkerAbort).carries(2, 1), map[string]int64{"messages": 1, "messages_twice": 0, "hidden_records": 1}},
		"left open":             {carrying("records", "a").carries(1, 1).carries(2, 1), map[string]int64{"messages": 1, "messages_twice": 0, "hidden_records": 1}},
		"ended of another":      {carrying("records", "a", "b").carries(1, 1).carries(2, 2).ends(2, history.MarkerCommit), map[string]int64{"messages": 1, "hidden_records": 1}},
		"one after the other":   {carrying("records", "a").carries(1, 1).ends(1, history.MarkerAbort).carries(1, 1).ends(1, history.MarkerCommit), map[string]int64{"messages": 1, "messages_twice": 0, "hidden_records": 1}},
		"no markers, no ids":    {carrying("records").carries(1, 1).carries(1, 2), map[string]int64{"messages": 2, "hidden_records": 0}},
		"damaged ones are none": {carrying("records").carries(1, 1).strangeMessage(), map[string]int64{"messages": 1, "messages_twice": 0}},
	} {
		t.Run(name, func(t *testing.T) { covers(t, c.run, c.want) })
	}
}

// strangeMessage adds a record that is not ours and says that it carries message 1.
func (m *memoryRun) strangeMessage() *memoryRun {
	return m.storedAs(history.LogRecord{Standing: history.Foreign, Process: -1, Number: -1, ProducerID: -1, Sequence: -1, Message: 1})
}

// A message that is spread has a record in every partition, or it is there in part.
func TestMessagesOfWhichSomeRecordsAreMissingAreCounted(t *testing.T) {
	here, there := history.TopicPartition{Topic: "t"}, history.TopicPartition{Topic: "t", Partition: 1}
	both := []history.TopicPartition{here, there}
	for name, c := range map[string]struct {
		in   map[history.TopicPartition][]int64
		want int64
	}{
		"whole":                  {map[history.TopicPartition][]int64{here: {1, 2}, there: {1, 2}}, 0},
		"one is missing":         {map[history.TopicPartition][]int64{here: {1, 2, 3}, there: {1, 3}}, 1},
		"one here and one there": {map[history.TopicPartition][]int64{here: {1, 2, 4}, there: {1, 3, 4}}, 2},
		"twice is no less whole": {map[history.TopicPartition][]int64{here: {1, 1}, there: {1}}, 0},
		"nothing there":          {map[history.TopicPartition][]int64{here: {1, 2}}, 2},
		"nothing anywhere":       {nil, 0},
	} {
		m := newMessages()
		for tp, all := range c.in {
			for _, message := range all {
				m.see(&history.LogRecord{Topic: tp.Topic, Partition: tp.Partition, Message: message})
			}
		}
		coverage := newCoverage()
		m.count(both, coverage)
		if got := coverage[covMessagesPartial]; got != c.want {
			t.Errorf("%s: %d in part, want %d", name, got, c.want)
		}
		coverage[covMessagesPartial] = 0
		if m.count(nil, coverage); coverage[covMessagesPartial] != 0 {
			t.Errorf("%s: a message that is one record is never there in part", name)
		}
	}
}

func TestWhatAConsumerDidIsCounted(t *testing.T) {
	processed := func(offsets ...int64) *memoryRun {
		m := carrying("", "a").carries(2, 0).carries(2, 0).carries(1, 0).ends(1, history.MarkerAbort) // 0 and 1 are seen
		m.manifest.Consumers = []history.Consumer{{ID: 0}}
		for _, o := range offsets {
			m.processed = append(m.processed, history.Processed{Topic: "t", Offset: o})
		}
		return m
	}
	for name, c := range map[string]struct {
		run  *memoryRun
		want map[string]int64
	}{
		"each once":      {processed(0, 1), map[string]int64{"processed": 2, "processed_twice": 0, "processed_never": 0}},
		"one twice":      {processed(0, 1, 1), map[string]int64{"processed": 3, "processed_twice": 1, "processed_never": 0}},
		"one never":      {processed(1), map[string]int64{"processed": 1, "processed_twice": 0, "processed_never": 1}},
		"all three ways": {processed(1, 1, 1), map[string]int64{"processed": 3, "processed_twice": 2, "processed_never": 1}},
	} {
		t.Run(name, func(t *testing.T) { covers(t, c.run, c.want) })
	}
	without := processed(0, 0)
	without.manifest.Consumers = nil
	covers(t, without, map[string]int64{"processed": 0, "processed_twice": 0, "processed_never": 0})
	for name, offset := range map[string]int64{"an aborted record": 2, "beyond the end": 99} {
		if v := processed(0, 1, offset).judge(); !strings.Contains(v.HarnessError, "the consumer processed 3 records, and the logs show 2 of them") {
			t.Errorf("%s was processed: %q", name, v.HarnessError)
		}
	}
}

func TestNumbersInTwoSetsAreFound(t *testing.T) {
	set := func(spans ...span) intervals { return spans }
	for _, c := range []struct {
		a, b intervals
		want int64
	}{
		{set(), set(span{1, 9}), 0},
		{set(span{1, 9}), set(span{1, 9}), 9},
		{set(span{1, 3}, span{5, 9}), set(span{3, 5}), 2},
		{set(span{1, 3}, span{5, 9}), set(span{4, 4}), 0},
		{set(span{1, 2}, span{4, 5}, span{7, 8}), set(span{2, 4}, span{8, 20}), 3},
	} {
		if got, back := c.a.and(c.b).size(), c.b.and(c.a).size(); got != c.want || back != c.want {
			t.Errorf("%v and %v: %d and %d, want %d", c.a, c.b, got, back, c.want)
		}
	}
}
