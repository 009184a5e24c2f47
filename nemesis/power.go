package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Faults on brokers' processes.
const (
	KillLeader     = "kill-leader"
	PauseLeader    = "pause-leader"
	RestartLeader  = "restart-leader"
	RollingRestart = "rolling-restart"
)

func powerFaults() []Kind {
	power := []cluster.Capability{cluster.CanPower}
	return []Kind{
		{Name: KillLeader, Family: OnBroker, Needs: power, lasting: true, alone: true, role: "leader", targets: []string{"partition"},
			Explain: "SIGKILL of the broker that leads a partition; started again when healed",
			beside:  func(n *Nemesis, f *fault) error { return n.leaderDown(f, cluster.Power.Kill, cluster.Power.Start) }},
		{Name: PauseLeader, Family: OnBroker, Needs: power, lasting: true, alone: true, role: "leader", targets: []string{"partition"},
			Explain: "SIGSTOP of the broker that leads a partition, SIGCONT when healed: the zombie leader",
			beside:  func(n *Nemesis, f *fault) error { return n.leaderDown(f, cluster.Power.Pause, cluster.Power.Resume) }},
		{Name: RestartLeader, Family: OnBroker, Needs: power, alone: true, role: "leader", targets: []string{"partition"}, knobs: []string{"how"},
			Explain: "the broker that leads a partition is stopped (how: graceful, or kill) and started again at once",
			check:   checkHow, beside: (*Nemesis).restartLeader},
		{Name: RollingRestart, Family: OnBroker, Needs: power, alone: true, role: "broker",
			Explain: "every broker in turn is stopped gracefully and started; the next one when the cluster is whole again",
			beside:  (*Nemesis).rollingRestart},
	}
}

func checkHow(spec history.FaultSpec, complain complain) {
	if !slices.Contains([]string{"", "graceful", "kill"}, spec.How) {
		complain("how", "how %q: want graceful or kill", spec.How)
	}
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
	n.lasts(f)
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
