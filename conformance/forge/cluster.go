package forge

import (
	"context"
	"net"
	"slices"
	"sync"

	"github.com/idemcheck/idemcheck/cluster"
)

// forger is a cluster that breaks a promise.
type forger struct {
	cluster.Cluster
	breaks Break

	mu         sync.Mutex
	partitions map[place]*partition
	open       map[*conn]struct{}
	closed     bool
	running    sync.WaitGroup // connections
}

// Wrap puts a break before a cluster. What it returns is a cluster.Power and a
// cluster.Mover where the cluster is one; other abilities are not passed on.
// Closing it ends its connections and leaves the cluster alone, which others may
// use at the same time.
func Wrap(c cluster.Cluster, b Break) cluster.Cluster {
	f := &forger{Cluster: c, breaks: b, partitions: make(map[place]*partition), open: make(map[*conn]struct{})}
	power, powers := c.(cluster.Power)
	mover, moves := c.(cluster.Mover)
	switch {
	case powers && moves:
		return struct {
			*forger
			cluster.Power
			cluster.Mover
		}{f, power, mover}
	case powers:
		return struct {
			*forger
			cluster.Power
		}{f, power}
	case moves:
		return struct {
			*forger
			cluster.Mover
		}{f, mover}
	}
	return f
}

// Has implements cluster.Cluster.
func (f *forger) Has(c cluster.Capability) bool {
	hidden := []cluster.Capability{cluster.CanIsolate, cluster.CanDisk, cluster.CanUpgrade}
	return !slices.Contains(hidden, c) && f.Cluster.Has(c)
}

// Dial implements cluster.Cluster: the connection goes through the break.
func (f *forger) Dial(ctx context.Context, advertised string) (net.Conn, error) {
	upstream, err := f.Cluster.Dial(ctx, advertised)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = upstream.Close()
		return nil, net.ErrClosed
	}
	broker := int32(-1)
	for _, b := range f.Brokers() {
		if b.Advertised == advertised {
			broker = b.ID
		}
	}
	near, far := net.Pipe()
	c := &conn{forger: f, broker: broker, client: far, upstream: upstream}
	f.open[c] = struct{}{}
	f.running.Go(func() {
		c.run()
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.open, c)
	})
	return near, nil
}

// Close implements cluster.Cluster; see Wrap.
func (f *forger) Close(context.Context) error {
	f.mu.Lock()
	f.closed = true
	for c := range f.open {
		c.close()
	}
	f.mu.Unlock()
	f.running.Wait()
	return nil
}

// partition is what is known of a partition; the caller holds the lock.
func (f *forger) partition(at place) *partition {
	if f.partitions[at] == nil {
		f.partitions[at] = &partition{epochs: make(map[int64]int16)}
	}
	return f.partitions[at]
}
