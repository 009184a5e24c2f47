package workloads

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// sender sends one producer's records, one step at a time, over its lanes in
// turn. Warm-up and sending each begin at the first lane.
type sender struct {
	env   Env
	index int
	seat  *Seat
	lanes []history.TopicPartition
	turn  int
	free  chan struct{} // a token for each record that may still be unanswered; nil: without limit
	begun int           // records of the burst so far
	rota  rota          // in steps: whose turn it is
	kept  kept          // messages that nobody has acknowledged yet, where they are sent again
	// process had the seat when the last record was begun, -1 before the first.
	process int32
}

// step makes one call, and returns how many records it had.
func (s *sender) step(ctx context.Context) (int, error) {
	n := max(s.env.Plan.Batch, 1)
	wait := n
	if burst := s.env.Plan.Burst; burst > 0 {
		wait = 0
		if s.begun%burst == 0 { // all of the last one, before the next one begins
			wait = burst
		}
		s.begun += n
	}
	for range wait {
		if err := s.await(ctx); err != nil {
			return 0, err
		}
	}
	producer, err := s.seat.Take(ctx)
	if err != nil {
		return 0, err
	}
	defer s.seat.Give()
	if n == 1 {
		s.hand(producer)
	} else {
		s.handAll(producer, n)
	}
	return n, nil
}

// await waits until one more record may be unanswered.
func (s *sender) await(ctx context.Context) error {
	if s.free == nil {
		return nil
	}
	select {
	case <-s.free:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hand begins the next record and hands it to the producer, which has the seat.
func (s *sender) hand(producer Producer) {
	s.follow(producer)
	message := s.message()
	s.handTo(producer, letter{message: message, lane: s.next()})
}

func (s *sender) handTo(producer Producer, l letter) {
	ticket := s.env.Recorder.Begin(producer.Process, l.lane)
	s.kept.put(l)
	record := s.record(producer, l.lane, ticket)
	record.Key = l.key()
	producer.Send(s.env.Life, record, func(r clients.Result) {
		if s.answered(ticket, r) && r.Outcome == history.Acked {
			s.kept.drop(l)
		}
	})
}

// handAll is hand for the records of one call. A producer that takes no more
// than one in a call gets them one by one.
func (s *sender) handAll(producer Producer, n int) {
	lane := s.next()
	batcher, ok := producer.Producer.(clients.Batcher)
	if !ok {
		for range n {
			s.handTo(producer, letter{lane: lane})
		}
		return
	}
	tickets := s.env.Recorder.BeginCall(producer.Process, lane, n)
	records := make([]clients.Record, n)
	for i, ticket := range tickets {
		records[i] = s.record(producer, lane, ticket)
	}
	batcher.SendAll(s.env.Life, records, func(i int, r clients.Result) { s.answered(tickets[i], r) })
}

// next is the lane whose turn it is.
func (s *sender) next() history.TopicPartition {
	lane := s.lanes[s.turn%len(s.lanes)]
	s.turn++
	return lane
}

func (s *sender) record(producer Producer, lane history.TopicPartition, ticket history.Ticket) clients.Record {
	value := history.AppendValue(make([]byte, 0, s.env.Plan.Size), history.Identity{
		Run: s.env.Run, Process: producer.Process, Topic: lane.Topic,
		Partition: lane.Partition, Number: ticket.Number,
	}, s.env.Plan.Size)
	return clients.Record{Topic: lane.Topic, Partition: lane.Partition, Value: value}
}

// answered says whether the answer counts: one that comes after the wait was
// ended does not.
func (s *sender) answered(ticket history.Ticket, r clients.Result) bool {
	err := s.env.Recorder.End(ticket, r.Outcome, r.Offset, r.Error)
	// An answer after the wait was ended is no news: the op is unknown.
	if err != nil && !errors.Is(err, history.ErrGivenUp) {
		s.env.Broken(fmt.Errorf("producer %d: %w", s.index, err))
	}
	s.another()
	return err == nil
}

// another lets one more record be unanswered.
func (s *sender) another() {
	if s.free != nil {
		select {
		case s.free <- struct{}{}:
		default: // one was answered twice, which Broken knows
		}
	}
}

func (s *sender) flush(ctx context.Context) error {
	producer, err := s.seat.Take(ctx)
	if err != nil {
		return err
	}
	defer s.seat.Give()
	return producer.Flush(ctx)
}

// each runs do for every producer at once and returns the first error.
func each(ctx context.Context, env Env, do func(context.Context, *sender) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	turns := newRota(len(env.Producers))
	for i, seat := range env.Producers {
		s := &sender{env: env, index: i, seat: seat, rota: turns, process: -1, kept: newKept(env.Plan)}
		if most := max(env.Plan.Outstanding, env.Plan.Burst); most > 0 {
			s.free = make(chan struct{}, most)
			for range most {
				s.free <- struct{}{}
			}
		}
		for _, topic := range env.Topics {
			for _, partition := range env.Plan.Partitions[i].Partitions {
				s.lanes = append(s.lanes, history.TopicPartition{Topic: topic, Partition: partition})
			}
		}
		all.Go(func() {
			if err := do(ctx, s); err != nil {
				cancel(fmt.Errorf("producer %d: %w", i, err))
			}
		})
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		// A client may hang in Send whatever its context says: it is left
		// behind, and what it was given is never answered.
		select {
		case <-ended:
		case <-time.After(patience):
		}
	}
	return context.Cause(ctx)
}

// patience is how long a client may take to return from Send once its context
// has ended.
const patience = time.Second
