//go:build ignore

package main

import (
	"sync"

	"github.com/segmentio/kafka-go"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// sent knows the messages that are with the Writer, by a tag. The tag travels
// in Message.HighWaterMark, which a Writer carries along and does not look at:
// WriterData, made for that, is not there in old versions. The Balancer learns
// by it to which partition a message is to go, and the Completion function
// notes where it went: WriteMessages itself tells no offset in any version.
type sent struct {
	mu   sync.Mutex
	last int64
	by   map[int64]*place
}

// place is where a message is to go, and went.
type place struct {
	partition int
	offset    int64
}

// tag makes messages of the records of one call.
func (s *sent) tag(records []clients.Record) (messages []kafka.Message, tags []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = make(map[int64]*place)
	}
	for _, r := range records {
		s.last++
		s.by[s.last] = &place{int(r.Partition), outcome.NoOffset}
		tags = append(tags, s.last)
		messages = append(messages, kafka.Message{Topic: r.Topic, Key: r.Key, Value: r.Value, HighWaterMark: s.last})
	}
	return messages, tags
}

// partition is the Balancer. It may name a partition that the Writer does not
// know of: the Writer then fails the message.
func (s *sent) partition(m kafka.Message, _ ...int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.by[m.HighWaterMark].partition
}

// complete is the Completion function, called before WriteMessages returns.
func (s *sent) complete(messages []kafka.Message, err error) {
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		// With the context ended, a call may have returned before.
		if place := s.by[m.HighWaterMark]; place != nil {
			place.offset = m.Offset
		}
	}
}

// take returns the offsets of a call's messages, and forgets the messages.
func (s *sent) take(tags []int64) []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	offsets := make([]int64, len(tags))
	for i, tag := range tags {
		offsets[i] = s.by[tag].offset
		delete(s.by, tag)
	}
	return offsets
}
