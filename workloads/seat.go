package workloads

import (
	"context"
	"fmt"
	"slices"

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
	// before are producers whose transactional id the next one has taken over,
	// oldest first, and that do not know it yet.
	before []Producer
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

// Change lets p have the seat from now on; who had it is gone. Only who took
// the seat may call it, as with all that follows.
func (s *Seat) Change(p Producer) { s.now = p }

// Second lets p have the seat from now on. Who had it has not gone, and sends
// until it notices.
func (s *Seat) Second(p Producer) {
	s.before = append(s.before, s.now)
	s.now = p
}

// next is who has the next transaction: those who do not know that they were
// replaced come first, so that they find out.
func (s *Seat) next() Producer {
	if len(s.before) > 0 {
		return s.before[0]
	}
	return s.now
}

// has says whether p may still send.
func (s *Seat) has(p Producer) bool {
	return s.now.Process == p.Process || s.older(p) >= 0
}

// retire takes the place of a producer that found out; false when p has the
// seat and was replaced by nobody.
func (s *Seat) retire(p Producer) bool {
	at := s.older(p)
	if at >= 0 {
		s.before = slices.Delete(s.before, at, at+1)
	}
	return at >= 0
}

func (s *Seat) older(p Producer) int {
	return slices.IndexFunc(s.before, func(o Producer) bool { return o.Process == p.Process })
}
