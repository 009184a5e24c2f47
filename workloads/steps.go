package workloads

import (
	"context"
	"time"
)

// stepwise sends records in lockstep with the wire: a call, or a whole burst,
// goes over when it is this producer's turn and the wire is at rest, and the
// turn goes on when the wire is at rest again. called is told of the records
// just before they are handed over.
//
// A producer that may have no more unanswered (outstanding, burst) gives its
// turn away: what it waits for may be up to the others.
func (s *sender) stepwise(ctx context.Context, records int, called func(producer int)) error {
	for {
		if err := s.rota.take(ctx, s.index); err != nil {
			return err
		}
		if records <= 0 {
			s.rota.pass(s.index, true)
			return nil
		}
		n, err := s.oneStep(ctx, records, called)
		if err != nil {
			return err
		}
		records -= n
		s.rota.pass(s.index, false)
	}
}

// oneStep has the turn, and left records to send. It returns how many went over;
// none where too many are unanswered.
func (s *sender) oneStep(ctx context.Context, left int, called func(producer int)) (sent int, err error) {
	if err := s.env.Rest(ctx); err != nil {
		return 0, err
	}
	if s.full() {
		select {
		case <-time.After(fullPause):
			return 0, nil
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	call := max(s.env.Plan.Batch, 1)
	whole := max(call, min(s.env.Plan.Burst, left))
	whole = (whole + call - 1) / call * call // no call is cut short
	for range whole {
		called(s.index)
	}
	if err := s.env.Rest(ctx); err != nil { // what the count brought on has struck
		return 0, err
	}
	for sent < whole {
		n, err := s.step(ctx)
		if err != nil {
			return sent, err
		}
		sent += n
	}
	return sent, s.env.Rest(ctx)
}

// fullPause is how long a producer that must wait leaves the wire alone.
const fullPause = 5 * time.Millisecond

// full says whether the next call, or burst, has to wait for answers.
func (s *sender) full() bool {
	return s.free != nil && len(s.free) < max(s.env.Plan.Batch, s.env.Plan.Burst, 1)
}

// rota passes one turn around: by producer, a channel that the turn comes
// through. Who leaves takes itself out; only who has the turn looks at that.
type rota []*place

type place struct {
	turn chan struct{}
	left bool
}

func newRota(producers int) rota {
	r := make(rota, producers)
	for i := range r {
		r[i] = &place{turn: make(chan struct{}, 1)}
	}
	if producers > 0 {
		r[0].turn <- struct{}{}
	}
	return r
}

// take waits for a producer's turn.
func (r rota) take(ctx context.Context, producer int) error {
	select {
	case <-r[producer].turn:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pass gives the turn to the next producer that has not left.
func (r rota) pass(producer int, leaves bool) {
	r[producer].left = leaves
	for i := range r {
		if next := r[(producer+1+i)%len(r)]; !next.left {
			next.turn <- struct{}{}
			return
		}
	}
}
