package nemesis

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// rollingRestart restarts every broker, the next when the cluster is whole. It
// goes no further once everything is being healed.
func (n *Nemesis) rollingRestart(f *fault) error {
	power := n.env.Cluster.(cluster.Power)
	n.began(f, fmt.Sprintf("%d brokers, one after the other", len(n.env.Cluster.Brokers())))
	for i, b := range n.env.Cluster.Brokers() {
		if i > 0 && n.ending() {
			n.detail(f, "cut short after %d brokers: the run was over", i)
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		err := n.bounce(ctx, power, b.ID, power.Stop)
		if err == nil {
			err = n.whole(ctx, f)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("broker %d: %w", b.ID, err)
		}
	}
	return nil
}

// restartAll stops all brokers at once and starts them, as when a whole cluster
// is taken down for maintenance. They must come up together: none of them is
// ready before a majority of the controllers is.
func (n *Nemesis) restartAll(f *fault) error {
	power := n.env.Cluster.(cluster.Power)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	n.began(f, fmt.Sprintf("all %d brokers", len(n.env.Cluster.Brokers())))
	began := time.Now()
	err := n.all(func(broker int32) error { return power.Stop(ctx, broker) })
	n.detail(f, "all stopped after %s", time.Since(began).Round(10*time.Millisecond))
	began = time.Now()
	if err := errors.Join(err, n.all(func(broker int32) error { return n.bringBack(power, cluster.Power.Start, broker) })); err != nil {
		return err
	}
	n.detail(f, "all started after %s", time.Since(began).Round(10*time.Millisecond))
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	return n.whole(ctx, f)
}

// all does something to every broker at once, and returns every error.
func (n *Nemesis) all(do func(broker int32) error) error {
	brokers := n.env.Cluster.Brokers()
	errs := make([]error, len(brokers))
	var working sync.WaitGroup
	for i, b := range brokers {
		working.Go(func() { errs[i] = do(b.ID) })
	}
	working.Wait()
	return errors.Join(errs...)
}
