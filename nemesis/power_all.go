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
	stop, _ := stopOf(power, f)
	var brokers []int32
	for _, b := range n.env.Cluster.Brokers() {
		brokers = append(brokers, b.ID)
	}
	n.began(f, fmt.Sprintf("%d brokers, one after the other", len(brokers)))
	_, err := n.bounceInTurn(f, power, "brokers", brokers, stop)
	return err
}

// bounceInTurn restarts brokers, the next when the cluster is whole. It goes no
// further once everything is being healed: then all is false, and the record
// says after how many of what they are.
func (n *Nemesis) bounceInTurn(f *fault, power cluster.Power, what string, brokers []int32, stop func(context.Context, int32) error) (all bool, err error) {
	for i, b := range brokers {
		if i > 0 && n.ending() {
			n.detail(f, "cut short after %d %s: the run was over", i, what)
			return false, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		err := n.bounce(ctx, power, b, stop)
		if err == nil {
			err = n.whole(ctx, f)
		}
		cancel()
		if err != nil {
			return false, fmt.Errorf("broker %d: %w", b, err)
		}
	}
	return true, nil
}

// stopPatience is how long the last brokers may take to stop once most have. Whoever
// asks for a graceful end of a whole cluster waits for so long, and no longer.
const stopPatience = 5 * time.Second

// restartAll stops all brokers at once and starts them, as when a whole cluster
// is taken down for maintenance, or loses its power. They must come up together: none of them is
// ready before a majority of the controllers is.
func (n *Nemesis) restartAll(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	n.began(f, fmt.Sprintf("all %d brokers", len(n.env.Cluster.Brokers())))
	began := time.Now()
	err := n.stopAll(ctx, f)
	n.detail(f, "all stopped after %s", time.Since(began).Round(10*time.Millisecond))
	began = time.Now()
	if err := errors.Join(err, n.startAll()); err != nil {
		return err
	}
	n.detail(f, "all started after %s", time.Since(began).Round(10*time.Millisecond))
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	return n.whole(ctx, f)
}

// stopAll ends every broker, as the fault says. Of those that are to stop
// gracefully it kills the ones that can't.
//
// A KRaft broker asks the active controller for leave to stop, and asks for up
// to five minutes (BrokerServer.shutdown, BrokerLifecycleManager). Where brokers
// are controllers too, the others may be gone before leave was given: then there
// is no majority to give it, and only a kill ends the broker, as a supervisor
// does it that lost its patience.
func (n *Nemesis) stopAll(ctx context.Context, f *fault) error {
	power := n.env.Cluster.(cluster.Power)
	end, _ := stopOf(power, f)
	type exit struct {
		broker int32
		err    error
	}
	exits := make(chan exit)
	running := make(map[int32]bool)
	for _, b := range n.env.Cluster.Brokers() {
		running[b.ID] = true
		go func() { exits <- exit{b.ID, end(ctx, b.ID)} }()
	}
	var (
		errs   []error
		late   <-chan time.Time // set once most have stopped
		killed = make(map[int32]bool)
	)
	for most := len(running) / 2; len(running) > 0; {
		select {
		case e := <-exits:
			delete(running, e.broker)
			if e.err != nil && !killed[e.broker] {
				errs = append(errs, e.err)
			}
			if late == nil && len(running) <= most {
				late = time.After(stopPatience)
			}
		case <-late:
			for broker := range running {
				// One that ends by itself just now can't be killed, and need not be.
				if killed[broker] = power.Kill(ctx, broker) == nil; killed[broker] {
					n.detail(f, "broker %d had not stopped %s after most others, and was killed", broker, stopPatience)
				}
			}
		}
	}
	return errors.Join(errs...)
}

// startAll starts every broker at once, and returns every error.
func (n *Nemesis) startAll() error {
	power := n.env.Cluster.(cluster.Power)
	brokers := n.env.Cluster.Brokers()
	errs := make([]error, len(brokers))
	var working sync.WaitGroup
	for i, b := range brokers {
		working.Go(func() { errs[i] = n.bringBack(power, cluster.Power.Start, b.ID) })
	}
	working.Wait()
	return errors.Join(errs...)
}
