package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// limit is how long anything done to a broker may take before the fault is
// called broken: starting one on a loaded machine is the slowest.
const limit = 60 * time.Second

// strike carries out a fault that stands beside the traffic, from its trigger
// to its end. Faults on brokers happen one at a time: two at once (a paused
// leader and a killed successor) is a scenario of its own, not an accident.
func (n *Nemesis) strike(f *fault) {
	defer n.work.Done()
	if f.plan.Fault == Latency || f.plan.Fault == Bandwidth {
		n.toxic(f)
		return
	}
	select {
	case n.broker <- struct{}{}:
		defer func() { <-n.broker }()
	case <-n.healAll:
		return // it never fired
	}
	if n.ending() {
		return // the token came free as it was too late
	}
	n.count(+1)
	defer n.count(-1)
	var err error
	switch f.plan.Fault {
	case KillLeader:
		err = n.leaderDown(f, cluster.Power.Kill, cluster.Power.Start)
	case PauseLeader:
		err = n.leaderDown(f, cluster.Power.Pause, cluster.Power.Resume)
	case RestartLeader:
		err = n.restartLeader(f)
	case RollingRestart:
		err = n.rollingRestart(f)
	case MoveLeader:
		err = n.moveLeader(f)
	default:
		panic("nemesis: impossible fault beside the traffic: " + f.plan.Fault)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.finish(f, err)
}

// ending says whether everything is being healed.
func (n *Nemesis) ending() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.healing
}

func (n *Nemesis) count(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy += by
}

// began marks the fault as in force.
func (n *Nemesis) began(f *fault, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.start(f, target)
}

func (n *Nemesis) detail(f *fault, format string, values ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.event.Detail != "" {
		f.event.Detail += "; "
	}
	f.event.Detail += fmt.Sprintf(format, values...)
}

// leader finds whom the fault hits, and says it in words.
func (n *Nemesis) leader(ctx context.Context, f *fault) (broker int32, target string, err error) {
	topic := n.env.Topics[f.plan.Target.Topic]
	broker, epoch, err := n.env.Leaders.Leader(ctx, topic, f.plan.Target.Partition)
	if err != nil {
		return 0, "", err
	}
	return broker, fmt.Sprintf("broker %d (leader of %s/%d, leader epoch %d)", broker, topic, f.plan.Target.Partition, epoch), nil
}

type powerCall func(cluster.Power, context.Context, int32) error

// leaderDown takes the leader away until healed, and notes who took over. It
// brings the broker back whatever happened in between.
func (n *Nemesis) leaderDown(f *fault, down, up powerCall) error {
	power := n.env.Cluster.(cluster.Power)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	broker, target, err := n.leader(ctx, f)
	if err != nil {
		return err
	}
	if err := down(power, ctx, broker); err != nil {
		// It may have failed half-way, with the broker gone all the same.
		return errors.Join(err, n.bringBack(power, up, broker))
	}
	n.began(f, target)
	if n.env.Replication > 1 {
		n.takeover(ctx, f, broker)
	}
	n.count(-1) // while it lasts, lasts itself knows whether it will end
	n.lasts(f)
	n.count(+1)
	if err := n.bringBack(power, up, broker); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	return n.whole(ctx, f)
}

// bringBack has time of its own: what went before may have used up its limit.
func (n *Nemesis) bringBack(power cluster.Power, up powerCall, broker int32) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := up(power, ctx, broker); err != nil {
		return fmt.Errorf("bring back broker %d: %w", broker, err)
	}
	return nil
}

// takeover notes when another broker led the partition. That none did is seen
// in the detail; the run's own coverage decides what it is worth.
func (n *Nemesis) takeover(ctx context.Context, f *fault, from int32) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	go func() {
		select {
		case <-n.healAll:
			cancel()
		case <-ctx.Done():
		}
	}()
	began := time.Now()
	to, err := n.env.Leaders.WaitLeader(ctx, n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition, from)
	if err != nil {
		n.detail(f, "no other leader: %v", err)
		return
	}
	n.detail(f, "leader %d -> %d after %s", from, to, time.Since(began).Round(10*time.Millisecond))
}

// whole waits for the cluster to be whole again, and notes how long it took.
func (n *Nemesis) whole(ctx context.Context, f *fault) error {
	began := time.Now()
	if err := n.env.Leaders.WaitWhole(ctx); err != nil {
		return fmt.Errorf("cluster did not become whole again: %w", err)
	}
	n.detail(f, "whole again after %s", time.Since(began).Round(10*time.Millisecond))
	return nil
}

// restartLeader stops the leader and starts it again at once.
func (n *Nemesis) restartLeader(f *fault) error {
	power := n.env.Cluster.(cluster.Power)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	broker, target, err := n.leader(ctx, f)
	if err != nil {
		return err
	}
	n.began(f, target)
	stop, how := power.Stop, "stopped gracefully"
	if f.plan.How == "kill" {
		stop, how = power.Kill, "killed"
	}
	if err := n.bounce(ctx, power, broker, stop); err != nil {
		return err
	}
	n.detail(f, "%s and started", how)
	return n.whole(ctx, f)
}

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

// bounce stops a broker and starts it. It tries to start it even when the stop
// failed half-way, so that no fault leaves a dead broker behind.
func (n *Nemesis) bounce(ctx context.Context, power cluster.Power, broker int32, stop func(context.Context, int32) error) error {
	stopErr := stop(ctx, broker)
	return errors.Join(stopErr, n.bringBack(power, cluster.Power.Start, broker))
}

// moveLeader hands leadership to another replica.
func (n *Nemesis) moveLeader(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	from, target, err := n.leader(ctx, f)
	if err != nil {
		return err
	}
	n.began(f, target)
	to, err := n.env.Cluster.(cluster.Mover).MoveLeader(ctx, n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition)
	if err != nil {
		return err
	}
	n.detail(f, "leader %d -> %d", from, to)
	return nil
}
