package golang

import (
	"context"
	"fmt"
	"sync"

	"github.com/idemcheck/idemcheck/clients"
)

// Pending is the records that are with the library: for libraries that cannot
// wait for all answers themselves, or leave records unanswered when they close.
// Its zero value is ready.
type Pending struct {
	mu      sync.Mutex
	records map[*Record]struct{}
	none    chan struct{} // closed with the last answer; nil while nobody waits
}

// Record is one record that was handed over.
type Record struct {
	pending *Pending
	done    func(clients.Result)
}

// Add takes a record in, before the library gets it.
func (p *Pending) Add(done func(clients.Result)) *Record {
	r := &Record{p, done}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records == nil {
		p.records = make(map[*Record]struct{})
	}
	p.records[r] = struct{}{}
	return r
}

// Answer passes on what the library said. A library that answers twice is not
// covered up: the harness sees both.
func (r *Record) Answer(result clients.Result) {
	r.done(result)
	p := r.pending
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.records, r)
	if len(p.records) == 0 && p.none != nil {
		close(p.none)
		p.none = nil
	}
}

// Wait returns when every record was answered, or ctx ends.
func (p *Pending) Wait(ctx context.Context) error {
	p.mu.Lock()
	left := len(p.records)
	if left > 0 && p.none == nil {
		p.none = make(chan struct{})
	}
	none := p.none
	p.mu.Unlock()
	if left == 0 {
		return nil
	}
	select {
	case <-none:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d records are unanswered: %w", left, context.Cause(ctx))
	}
}

// Abandon answers what is left, once the library has come to its end.
func (p *Pending) Abandon(result clients.Result) {
	p.mu.Lock()
	left := make([]*Record, 0, len(p.records))
	for r := range p.records {
		left = append(left, r)
	}
	p.mu.Unlock()
	for _, r := range left {
		r.Answer(result)
	}
}
