package consume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/history"
)

const (
	// session is after how long brokers take a silent member for dead: the
	// shortest that they let a member ask for unless told otherwise
	// (group.min.session.timeout.ms). One that was killed keeps its successor
	// from the group for as long.
	session   = 6 * time.Second
	heartbeat = time.Second
	// look is how long one poll waits for records.
	look = 250 * time.Millisecond
	// answerLimit is how long brokers may take over a commit.
	answerLimit = 20 * time.Second
)

// member is the consumer while it is at work.
type member struct {
	config   Config
	client   *kgo.Client
	answers  *json.Decoder
	events   *json.Encoder
	position map[history.TopicPartition]int64 // the next offset
	open     []*kgo.Record                    // processed, and not committed
}

// Serve consumes what the first line on in says, and ends when all of it is
// processed and committed, or when it is told to close. An error is about
// brokers, or about what comes in.
func Serve(in io.Reader, out io.Writer) error {
	m := &member{answers: json.NewDecoder(in), events: json.NewEncoder(out), position: make(map[history.TopicPartition]int64)}
	if err := m.answers.Decode(&m.config); err != nil {
		return fmt.Errorf("consume: read what to do: %w", err)
	}
	var names []string
	for _, t := range m.config.Topics {
		names = append(names, t.Name)
		for partition, start := range t.Starts {
			m.position[history.TopicPartition{Topic: t.Name, Partition: int32(partition)}] = start
		}
	}
	var err error
	m.client, err = kgo.NewClient(
		kgo.ClientID(m.config.ClientID), kgo.SeedBrokers(m.config.Bootstrap...),
		kgo.ConsumerGroup(m.config.Group), kgo.ConsumeTopics(names...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // so that a log is known to be read that ends with one
		kgo.DisableAutoCommit(), kgo.SessionTimeout(session), kgo.HeartbeatInterval(heartbeat), kgo.RebalanceTimeout(session),
		kgo.DisableClientMetrics(),
	)
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	defer m.client.Close() // leaves the group
	closed, err := m.work()
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	if err := m.commit(); err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	m.client.Close()
	if closed {
		return m.events.Encode(Event{Event: Closed})
	}
	return m.events.Encode(Event{Event: CaughtUp})
}

// work processes until nothing is left, or until it is told to close.
func (m *member) work() (closed bool, err error) {
	for !m.caughtUp() {
		ctx, cancel := context.WithTimeout(context.Background(), look)
		fetches := m.client.PollFetches(ctx)
		cancel()
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return false, fmt.Errorf("read %s/%d: %w", e.Topic, e.Partition, e.Err)
			}
		}
		for r := range fetches.RecordsAll() {
			if closed, err = m.process(r); err != nil || closed {
				return closed, err
			}
		}
	}
	return false, nil
}

// process tells of one record, which is all the processing there is, and waits
// until that was taken: so whoever ends this process knows what it had done.
func (m *member) process(r *kgo.Record) (closed bool, err error) {
	m.position[history.TopicPartition{Topic: r.Topic, Partition: r.Partition}] = r.Offset + 1
	if r.Attrs.IsControl() {
		return false, nil
	}
	e := Event{Event: Processed, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Process: -1, Number: -1}
	if id, err := history.ParseValue(r.Value); err == nil {
		e.Process, e.Number = id.Process, id.Number
	}
	if err := m.events.Encode(e); err != nil {
		return false, fmt.Errorf("tell of a record: %w", err)
	}
	m.open = append(m.open, r)
	var a Answer
	if err := m.answers.Decode(&a); err != nil {
		return false, fmt.Errorf("read the answer to a record: %w", err)
	}
	if a.Close || len(m.open) < m.config.CommitEvery {
		return a.Close, nil
	}
	return false, m.commit()
}

func (m *member) commit() error {
	if len(m.open) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerLimit)
	defer cancel()
	if err := m.client.CommitRecords(ctx, m.open...); err != nil {
		return fmt.Errorf("commit %d records: %w", len(m.open), err)
	}
	m.open = nil
	return nil
}

// caughtUp says whether every partition is processed up to its end. What was
// committed before this process began is.
func (m *member) caughtUp() bool {
	for topic, partitions := range m.client.CommittedOffsets() {
		for partition, at := range partitions {
			tp := history.TopicPartition{Topic: topic, Partition: partition}
			m.position[tp] = max(m.position[tp], at.Offset)
		}
	}
	for _, t := range m.config.Topics {
		for partition, end := range t.Ends {
			if m.position[history.TopicPartition{Topic: t.Name, Partition: int32(partition)}] < end {
				return false
			}
		}
	}
	return true
}
