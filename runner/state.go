package runner

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// state is what brokers keep, for faults that change it, with a book of what
// they deleted on purpose: the final read goes by it.
type state struct {
	*cluster.Admin
	run *run

	mu      sync.Mutex
	trimmed map[history.TopicPartition]int64 // everything before was read into the log, and deleted
	gone    map[string]bool                  // topics that a fault deleted and did not make again
	ids     map[string][16]byte              // of topics made again
}

func newState(r *run) *state {
	return &state{
		Admin: r.site.admin, run: r,
		trimmed: make(map[history.TopicPartition]int64), gone: make(map[string]bool), ids: make(map[string][16]byte),
	}
}

// TrimLog implements nemesis.State. What is below the high watermark no longer
// changes, so reading first and deleting then leaves nothing out.
func (s *state) TrimLog(ctx context.Context, topic string, partition int32, before int64) error {
	at := history.TopicPartition{Topic: topic, Partition: partition}
	from := s.readFrom(at, s.started(at))
	if err := s.run.readPartition(ctx, at, from, before); err != nil {
		return fmt.Errorf("read what is to be deleted: %w", err)
	}
	s.mu.Lock()
	s.trimmed[at] = before
	s.mu.Unlock()
	return s.DeleteRecords(ctx, topic, partition, before)
}

// DeleteTopic implements nemesis.State.
func (s *state) DeleteTopic(ctx context.Context, topic string) error {
	if err := s.RemoveTopic(ctx, topic, s.run.scenario.Topics.Partitions); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[topic] = true
	return nil
}

// CreateTopic implements nemesis.State.
func (s *state) CreateTopic(ctx context.Context, topic string) (was, is [16]byte, err error) {
	spec := s.run.scenario.Topics
	if is, err = s.Admin.CreateTopic(ctx, topic, spec.Partitions, spec.Replication, topicConfig(spec.Config)); err != nil {
		return was, is, err
	}
	s.run.site.fleet.SetTopic(is, topic)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.gone, topic)
	s.ids[topic] = is
	if _, err := hex.Decode(was[:], []byte(s.topic(topic).ID)); err != nil {
		return was, is, fmt.Errorf("the id that topic %s had: %w", topic, err)
	}
	return was, is, nil
}

// started is where a partition's log began before anything was sent.
func (s *state) started(at history.TopicPartition) int64 {
	return s.topic(at.Topic).Starts[at.Partition]
}

// topic is what the manifest says of a topic; it was written before any fault.
func (s *state) topic(name string) *history.Topic {
	i := slices.IndexFunc(s.run.manifest.Topics, func(t history.Topic) bool { return t.Name == name })
	return &s.run.manifest.Topics[i]
}

// readFrom is where reading a partition goes on.
func (s *state) readFrom(at history.TopicPartition, start int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return max(start, s.trimmed[at])
}

// settle writes into the manifest what became of a topic, and says whether it
// is there to be read. A topic that is missing though no fault deleted it, or
// there though one did, is an error.
func (s *state) settle(ctx context.Context, topic *history.Topic) (there bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id, again := s.ids[topic.Name]; again {
		topic.ID = hex.EncodeToString(id[:])
	}
	exists, err := s.Exists(ctx, topic.Name)
	switch {
	case err != nil:
		return false, err
	case exists && s.gone[topic.Name]:
		return false, fmt.Errorf("topic %s exists, though a fault deleted it: something else created it", topic.Name)
	case !exists && !s.gone[topic.Name]:
		return false, fmt.Errorf("topic %s does not exist any more, and no fault deleted it", topic.Name)
	}
	if !exists {
		topic.Deleted, topic.Ends = true, slices.Clone(topic.Starts)
	}
	return exists, nil
}
