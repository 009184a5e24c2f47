package runner

import (
	"context"
	"errors"
	"sync"

	"github.com/idemcheck/idemcheck/cluster"
)

// guard ends a run when a broker or a driver dies that no fault ended: what
// producers see from then on says nothing about them, nor about a guarantee.
type guard struct {
	ctx    context.Context // of the run; its cause is a *lossError then
	cancel context.CancelCauseFunc
	done   sync.WaitGroup
	over   chan struct{}
}

// lossError is a broker or a driver that died and nobody killed.
type lossError struct{ error }

func (l lossError) Unwrap() error { return l.error }

func newGuard(ctx context.Context) *guard {
	g := &guard{over: make(chan struct{})}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// watch begins to watch a cluster, if it is one that tells.
func (g *guard) watch(c cluster.Cluster) {
	watched, ok := c.(cluster.Watched)
	if !ok {
		return
	}
	g.done.Go(func() {
		select {
		case <-watched.Lost():
			g.cancel(lossError{watched.Loss()})
		case <-g.over:
		}
	})
}

// stop ends the watch.
func (g *guard) stop() {
	close(g.over)
	g.done.Wait()
	g.cancel(nil)
}

// loss is what died, in the words that the cluster or the client has for it; nil
// for none. Whatever else went wrong then is a consequence.
func (g *guard) loss() error {
	var lost lossError
	if errors.As(context.Cause(g.ctx), &lost) {
		return lost.error
	}
	return nil
}

// mindful looks leaders up until the run is ended: faults that wait for a
// cluster to become whole wait no longer when a broker is lost.
type mindful struct {
	*cluster.Admin
	run context.Context
}

func (m mindful) until(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(m.run, func() { cancel(context.Cause(m.run)) })
	return ctx, func() { stop(); cancel(nil) }
}

// WaitLeader is the Admin's, until the run is ended.
func (m mindful) WaitLeader(ctx context.Context, topic string, partition, not int32) (int32, error) {
	ctx, done := m.until(ctx)
	defer done()
	return m.Admin.WaitLeader(ctx, topic, partition, not)
}

// WaitWhole is the Admin's, until the run is ended.
func (m mindful) WaitWhole(ctx context.Context) error {
	ctx, done := m.until(ctx)
	defer done()
	return m.Admin.WaitWhole(ctx)
}
