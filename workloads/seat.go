package workloads

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/clients"
)

// Producer is an opened producer and the process it is.
type Producer struct {
	Process int32
	clients.Producer
}

// Seat is the place of one planned producer. Who sits there may change during
// a run: a producer that was killed or restarted is followed by another, which
// is a process of its own and numbers its records from 0. A record belongs to
// the process that had the seat when it was begun.
//
// The sender holds the seat while it begins and hands over one record, and
// whoever changes the producer holds it while they do: so no record is begun
// for a producer that is gone already.
type Seat struct {
	turn chan struct{} // a token: who has it may use and change what follows
	now  Producer
}

// NewSeat returns a seat that p has.
func NewSeat(p Producer) *Seat { return &Seat{turn: make(chan struct{}, 1), now: p} }

// Take waits until nobody else holds the seat, and returns who sits there. It
// fails only when ctx ends. Give must follow.
func (s *Seat) Take(ctx context.Context) (Producer, error) {
	select {
	case s.turn <- struct{}{}:
		if err := ctx.Err(); err != nil { // both came true at once
			<-s.turn
			return Producer{}, err
		}
		return s.now, nil
	case <-ctx.Done():
		return Producer{}, fmt.Errorf("wait for a producer's seat: %w", context.Cause(ctx))
	}
}

// Give hands the seat back.
func (s *Seat) Give() { <-s.turn }

// Change lets p have the seat from now on. Only who took the seat may call it.
func (s *Seat) Change(p Producer) { s.now = p }
