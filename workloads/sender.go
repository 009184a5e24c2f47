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
}

func (s *sender) step(ctx context.Context) error {
	producer, err := s.seat.Take(ctx)
	if err != nil {
		return err
	}
	defer s.seat.Give()
	s.hand(producer)
	return nil
}

// hand begins the next record and hands it to the producer, which has the seat.
func (s *sender) hand(producer Producer) {
	lane := s.lanes[s.turn%len(s.lanes)]
	s.turn++
	ticket := s.env.Recorder.Begin(producer.Process, lane)
	value := history.AppendValue(make([]byte, 0, s.env.Plan.Size), history.Identity{
		Run: s.env.Run, Process: producer.Process, Topic: lane.Topic,
		Partition: lane.Partition, Number: ticket.Number,
	}, s.env.Plan.Size)
	producer.Send(s.env.Life, clients.Record{Topic: lane.Topic, Partition: lane.Partition, Value: value},
		func(r clients.Result) {
			err := s.env.Recorder.End(ticket, r.Outcome, r.Offset, r.Error)
			// An answer after the wait was ended is no news: the op is unknown.
			if err != nil && !errors.Is(err, history.ErrGivenUp) {
				s.env.Broken(fmt.Errorf("producer %d: %w", s.index, err))
			}
		})
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
	for i, seat := range env.Producers {
		s := &sender{env: env, index: i, seat: seat}
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
