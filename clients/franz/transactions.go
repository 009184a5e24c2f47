package franz

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients"
)

// transactional is a producer with a transactional id.
type transactional struct{ *producer }

// Begin begins a transaction. franz-go asks no broker for that.
func (p transactional) Begin(context.Context) error {
	return fenced("begin", p.client.BeginTransaction())
}

// Commit waits for every record's answer and commits. franz-go refuses after a
// record that failed.
func (p transactional) Commit(ctx context.Context) error {
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("commit: flush %s: %w", Name, err)
	}
	return fenced("commit", p.client.EndTransaction(ctx, kgo.TryCommit))
}

// Abort fails what is not sent yet, and aborts.
func (p transactional) Abort(ctx context.Context) error {
	if err := p.client.AbortBufferedRecords(ctx); err != nil {
		return fmt.Errorf("abort: %s: %w", Name, err)
	}
	return fenced("abort", p.client.EndTransaction(ctx, kgo.TryAbort))
}

// fenced names the error, and says which one means that another instance has
// taken over. INVALID_PRODUCER_EPOCH is what brokers answered for that before
// PRODUCER_FENCED (KIP-588), and still answer to produce requests.
func fenced(operation string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.ProducerFenced), errors.Is(err, kerr.InvalidProducerEpoch):
		return fmt.Errorf("%s: %w: %w", operation, clients.ErrFenced, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

var _ clients.Transactional = transactional{}
