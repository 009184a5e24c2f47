package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// losses are the brokers that ended although nobody ended them.
type losses struct {
	mu     sync.Mutex
	first  chan struct{} // closed by the first
	errs   []error
	closed bool
}

// Lost is closed when a broker (or the ZooKeeper) has ended that nobody ended:
// it crashed, ran out of memory, was killed from outside, or was started and
// did not stay.
func (c *Cluster) Lost() <-chan struct{} { return c.losses.first }

// Loss says which have ended so, how, and what they wrote last; nil for none.
func (c *Cluster) Loss() error {
	c.losses.mu.Lock()
	defer c.losses.mu.Unlock()
	return errors.Join(c.losses.errs...)
}

// lost notes the end of a broker that nobody meant.
func (c *Cluster) lost(b *broker) {
	err := c.explainEnd(context.Background(), b, "ended by itself, no fault did it")
	c.losses.mu.Lock()
	defer c.losses.mu.Unlock()
	c.losses.errs = append(c.losses.errs, err)
	if !c.losses.closed {
		c.losses.closed = true
		close(c.losses.first)
	}
}

// mean says that the broker's present life is about to be ended on purpose, or
// by what a fault does to it (a full disk makes a broker stop). It must be
// called before that.
func (b *broker) mean() {
	if l := b.current(); l != nil {
		l.meant.Store(true)
	}
}

// explainEnd says how a broker's container ended: what, exit status, the
// engine's own reason, last lines.
func (c *Cluster) explainEnd(ctx context.Context, b *broker, what string) error {
	how := "its state can't be read"
	if state, err := c.state(ctx, b); err == nil {
		how = fmt.Sprintf("exit status %d", state.ExitCode)
		if state.OOMKilled {
			how += ", out of memory (killed by the kernel)"
		}
		if state.Error != "" {
			how += ", " + state.Error
		}
	} else {
		how += ": " + err.Error()
	}
	return fmt.Errorf("%s (image %s) %s: %s; %s", b.name(), b.imageName(), what, how, lastLines(c.tail(ctx, b)))
}
