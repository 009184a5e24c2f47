//go:build ignore

package main

import (
	"context"
	"fmt"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

// transactional is a producer with a transactional id.
type transactional struct{ *producer }

// Begin begins a transaction. librdkafka asks no broker for that.
func (p transactional) Begin(context.Context) error {
	return p.fenced("begin", p.client.BeginTransaction())
}

// Commit has librdkafka flush and commit.
func (p transactional) Commit(ctx context.Context) error {
	return p.ended(ctx, "commit", p.client.CommitTransaction(ctx))
}

// Abort has librdkafka purge what it holds, and abort.
func (p transactional) Abort(ctx context.Context) error {
	return p.ended(ctx, "abort", p.client.AbortTransaction(ctx))
}

// ended waits for the reports of what was sent: librdkafka has them all by then.
func (p transactional) ended(ctx context.Context, operation string, err error) error {
	if err == nil {
		err = p.pending.Wait(ctx)
	}
	return p.fenced(operation, err)
}

// fenced names the error, and says whether another instance has taken over.
// Behind a fatal error is the one that was the cause.
func (p transactional) fenced(operation string, err error) error {
	if err == nil {
		return nil
	}
	for _, e := range []error{err, p.client.GetFatalError()} {
		if c := code(e); c == kafka.ErrFenced || golang.Fenced(int16(c)) {
			return fmt.Errorf("%s: %w: %w", operation, clients.ErrFenced, err)
		}
	}
	return fmt.Errorf("%s: %w", operation, err)
}

var _ clients.Transactional = transactional{}
