package runner

import (
	"context"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// hanging is a client that answers some records, as unknown, and then no more.
type hanging struct {
	answers      int
	blocks       bool // Send does not return any more
	hangsInClose bool
}

func (h hanging) Open(context.Context, []string, clients.Options) (clients.Producer, error) {
	return &hangingProducer{hanging: h}, nil
}

type hangingProducer struct {
	hanging
	mu   sync.Mutex
	sent int
}

func (p *hangingProducer) Info() clients.Info {
	return clients.Info{Library: "hanging", Version: "1", Deadline: 200 * time.Millisecond}
}

func (p *hangingProducer) Send(ctx context.Context, _ clients.Record, done func(clients.Result)) {
	p.mu.Lock()
	p.sent++
	answer := p.sent <= p.answers
	p.mu.Unlock()
	switch {
	case answer:
		done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "who knows"})
	case p.blocks:
		select {} // for ever, whatever the context says
	}
}

func (p *hangingProducer) Flush(context.Context) error { return nil }

func (p *hangingProducer) Close(ctx context.Context) error {
	if p.hangsInClose {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
