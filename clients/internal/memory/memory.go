// Package memory is a client library for tests, in no need of a broker.
package memory

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// Library is a library whose broker is its own memory.
type Library struct {
	Lazy bool // it answers at its end only
}

// Open implements clients.Library. It refuses acks "impossible".
func (l Library) Open(_ context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	if o.Acks == "impossible" {
		return nil, fmt.Errorf("acks %q at %v: no such thing", o.Acks, bootstrap)
	}
	return &remembering{Library: l, next: map[int32]int64{}}, nil
}

type remembering struct {
	Library
	mu      sync.Mutex
	next    map[int32]int64
	waiting []func(clients.Result)
	inTxn   bool
}

func (*remembering) Info() clients.Info {
	return clients.Info{Library: "memory", Version: "1.2", OrderPromised: true, OrderWhy: "one list", Deadline: 1500 * time.Millisecond}
}

func (p *remembering) Send(_ context.Context, r clients.Record, done func(clients.Result)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.Lazy:
		p.waiting = append(p.waiting, done)
	case strings.HasPrefix(string(r.Value), "refuse"):
		done(clients.Result{Outcome: outcome.Failed, Offset: outcome.NoOffset, Error: "too large", Class: "MESSAGE_TOO_LARGE", Code: 10})
	case strings.HasPrefix(string(r.Value), "lose"):
		done(clients.Result{Outcome: outcome.Unknown, Offset: outcome.NoOffset, Error: "who knows", Class: "REQUEST_TIMED_OUT", Code: 7, Retriable: true})
	default:
		done(clients.Result{Outcome: outcome.Acked, Offset: p.next[r.Partition]})
		p.next[r.Partition]++
	}
}

func (p *remembering) Flush(context.Context) error { return nil }

func (p *remembering) Begin(context.Context) error {
	if p.inTxn {
		return fmt.Errorf("in a transaction already")
	}
	p.inTxn = true
	return nil
}

func (p *remembering) Commit(context.Context) error {
	return fmt.Errorf("end it: %w", clients.ErrFenced)
}
func (p *remembering) Abort(context.Context) error { p.inTxn = false; return nil }

func (p *remembering) Close(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, done := range p.waiting {
		done(clients.Result{Outcome: outcome.Unknown, Offset: outcome.NoOffset, Error: "closed"})
	}
	return nil
}
