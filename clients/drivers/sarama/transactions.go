//go:build ignore

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

// transactions is what an AsyncProducer has from sarama 1.37 on.
type transactions interface {
	BeginTxn() error
	CommitTxn() error
	AbortTxn() error
}

// transact makes the producer a transactional one, if asked to and possible.
func transact(c *sarama.Config, o clients.Options) error {
	if o.TransactionalID == "" {
		return nil
	}
	if !golang.SetField(c, "Producer.Transaction.ID", o.TransactionalID) {
		return &clients.Unsupported{Option: "transactional_id", Why: "sarama has transactions from 1.37 on"}
	}
	if o.TransactionTimeout > 0 {
		golang.SetField(c, "Producer.Transaction.Timeout", o.TransactionTimeout)
	}
	return nil
}

// transactional is a producer with a transactional id.
type transactional struct {
	*producer
	txn transactions
}

// Begin begins a transaction. sarama asks no broker for that.
func (p transactional) Begin(ctx context.Context) error {
	return p.end(ctx, "begin", p.txn.BeginTxn)
}

// Commit has sarama wait for what it holds, and commit.
func (p transactional) Commit(ctx context.Context) error {
	return p.end(ctx, "commit", p.txn.CommitTxn)
}

// Abort has sarama wait for what it holds, and abort.
func (p transactional) Abort(ctx context.Context) error {
	return p.end(ctx, "abort", p.txn.AbortTxn)
}

// end makes a call that takes no context, and waits for the answers to what was
// sent before it: sarama has given them when it returns without an error.
func (p transactional) end(ctx context.Context, operation string, call func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- call() }()
	select {
	case err := <-ended:
		if err == nil {
			err = p.pending.Wait(ctx)
		}
		return fenced(operation, err)
	case <-ctx.Done():
		return fenced(operation, context.Cause(ctx))
	}
}

// fenced names the error, and says whether another instance has taken over.
func fenced(operation string, err error) error {
	if err == nil {
		return nil
	}
	var code sarama.KError
	if errors.As(err, &code) && golang.Fenced(int16(code)) {
		return fmt.Errorf("%s: %w: %w", operation, clients.ErrFenced, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

var _ clients.Transactional = transactional{}
