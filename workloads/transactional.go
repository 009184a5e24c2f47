package workloads

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// transactions: every producer appends unique records, a few to a transaction,
// and commits. Where another instance takes its transactional id over, the first
// one sends on until it is fenced. A transaction that cannot be committed is
// aborted, and its records are not sent again.
type transactions struct{}

func (transactions) Name() string { return "transactions" }

func (transactions) Explain() string {
	return "each producer appends unique records to its own fixed partitions, in turn, a few to a transaction"
}

// Transactional says whether a workload sends its records in transactions.
func Transactional(name string) bool { return name == transactions{}.Name() }

const (
	defaultTransaction = 10
	mostInTransaction  = 100_000
)

func (transactions) Draw(spec history.WorkloadSpec, partitions int, from *rand.Rand) (history.WorkloadPlan, error) {
	plan, err := common(spec)
	if err != nil {
		return plan, err
	}
	plan.Transaction = spec.Transaction
	switch {
	case spec.Transaction == 0:
		plan.Transaction = defaultTransaction
	case spec.Transaction < 0 || spec.Transaction > mostInTransaction:
		return plan, fmt.Errorf("transaction %d: want 1 to %d records", spec.Transaction, mostInTransaction)
	}
	if err := drawLanes(&plan, spec, partitions, from); err != nil {
		return plan, err
	}
	return plan, checkWhole(plan)
}

// again is how long a sender waits before it tries to abort again.
const again = 100 * time.Millisecond

// warmTransaction sends the warm-up records in one transaction.
func (s *sender) warmTransaction(ctx context.Context) error {
	producer, err := s.begin(ctx)
	if err != nil {
		return err
	}
	for range s.env.Plan.Warmup {
		if _, err := s.step(ctx); err != nil {
			return err
		}
	}
	return s.with(ctx, producer, func(t clients.Transactional) error { return t.Commit(ctx) })
}

// transactions sends the planned records.
func (s *sender) transactions(ctx context.Context) error {
	for quota := newQuota(s.env); quota.more(); {
		producer, err := s.begin(ctx)
		if err == nil {
			err = s.fill(ctx, producer, quota)
		}
		if err == nil {
			err = s.with(ctx, producer, func(t clients.Transactional) error { return t.Commit(ctx) })
		}
		if err = s.afterwards(ctx, producer, err); err != nil {
			return err
		}
	}
	return nil
}

// begin begins a transaction with whoever is to have the next one.
func (s *sender) begin(ctx context.Context) (Producer, error) {
	if _, err := s.seat.Take(ctx); err != nil {
		return Producer{}, err
	}
	defer s.seat.Give()
	s.wholeMessage()
	producer := s.seat.next()
	t, err := transactional(producer)
	if err != nil {
		return producer, err
	}
	return producer, t.Begin(ctx)
}

// fill sends the records of one transaction.
func (s *sender) fill(ctx context.Context, producer Producer, quota *quota) error {
	for range s.env.Plan.Transaction {
		if err := quota.wait(ctx); err != nil {
			return err
		}
		if err := s.await(ctx); err != nil {
			return err
		}
		if err := s.with(ctx, producer, func(clients.Transactional) error { s.hand(producer); return nil }); err != nil {
			s.another() // it was not handed over
			return err
		}
		s.env.Called(s.index)
	}
	return nil
}

// errGone ends a transaction whose producer was killed or closed: nobody is
// left to end it, and its successor has it aborted by opening.
var errGone = errors.New("the producer is gone")

// with does something while the seat is held, if the producer still has a place.
func (s *sender) with(ctx context.Context, producer Producer, do func(clients.Transactional) error) error {
	if _, err := s.seat.Take(ctx); err != nil {
		return err
	}
	defer s.seat.Give()
	if !s.seat.has(producer) {
		return errGone
	}
	t, err := transactional(producer)
	if err != nil {
		return err
	}
	return do(t)
}

// afterwards deals with a transaction that did not end well: it is aborted. One
// that was fenced can do no more, and who took over goes on.
func (s *sender) afterwards(ctx context.Context, producer Producer, err error) error {
	for err != nil && !errors.Is(err, errGone) {
		switch {
		case ctx.Err() != nil:
			return err
		case errors.Is(err, clients.ErrFenced):
			return s.with(ctx, producer, func(clients.Transactional) error {
				if s.seat.retire(producer) {
					return nil
				}
				return fmt.Errorf("process %d: nobody took over, and: %w", producer.Process, err)
			})
		}
		if err = s.with(ctx, producer, func(t clients.Transactional) error { return t.Abort(ctx) }); err == nil {
			return nil
		}
		if !errors.Is(err, clients.ErrFenced) {
			select {
			case <-time.After(again):
			case <-ctx.Done():
			}
		}
	}
	return nil
}

func transactional(p Producer) (clients.Transactional, error) {
	if t, ok := p.Producer.(clients.Transactional); ok {
		return t, nil
	}
	return nil, fmt.Errorf("process %d was opened without a transactional id", p.Process)
}
