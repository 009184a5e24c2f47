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
	KillBroker     = "kill-broker"
	KillController = "kill-controller"
	KillLeader     = "kill-leader"
	PauseBroker    = "pause-broker"
	PauseLeader    = "pause-leader"
	RestartAll     = "restart-all"
	RestartLeader  = "restart-leader"
	RollingRestart = "rolling-restart"
	StopLeader     = "stop-leader"
)

func powerFaults() []Kind {
	power := []cluster.Capability{cluster.CanPower}
	away := func(name, role, target, explain string, down, up powerCall) Kind {
		k := Kind{Name: name, Family: OnBroker, Needs: power, lasting: true, alone: true, role: role, Explain: explain,
			beside: func(n *Nemesis, f *fault) error { return n.brokerDown(f, down, up) }}
		if target != "" {
			k.targets = []string{target}
		}
		return k
	}
	kill, stop, start := cluster.Power.Kill, cluster.Power.Stop, cluster.Power.Start
	pause, resume := cluster.Power.Pause, cluster.Power.Resume
	return []Kind{
		away(KillBroker, "broker", "broker", "SIGKILL of a broker; started again when healed", kill, start),
		away(KillController, "controller", "", "SIGKILL of the active controller (and the broker that it is as well); started again when healed", kill, start),
		away(KillLeader, "leader", "partition", "SIGKILL of the broker that leads a partition; started again when healed", kill, start),
		away(PauseBroker, "broker", "broker", "SIGSTOP of a broker, SIGCONT when healed", pause, resume),
		away(PauseLeader, "leader", "partition", "SIGSTOP of the broker that leads a partition, SIGCONT when healed: the zombie leader", pause, resume),
		away(StopLeader, "leader", "partition", "the broker that leads a partition is stopped gracefully; started again when healed", stop, start),
		{Name: RestartAll, Family: OnBroker, Needs: power, alone: true, role: "broker", knobs: []string{"how"},
			Explain: "all brokers are stopped at once (how: graceful, or kill, as when the power fails), then all are started",
			check:   checkHow, beside: (*Nemesis).restartAll},
		{Name: RestartLeader, Family: OnBroker, Needs: power, alone: true, role: "leader", targets: []string{"partition"}, knobs: []string{"how"},
			Explain: "the broker that leads a partition is stopped (how: graceful, or kill) and started again at once",
			check:   checkHow, beside: (*Nemesis).restartLeader},
		{Name: RollingRestart, Family: OnBroker, Needs: power, alone: true, role: "broker", knobs: []string{"how"},
			Explain: "every broker in turn is stopped (how: graceful, or kill) and started; the next one when the cluster is whole again",
			check:   checkHow, beside: (*Nemesis).rollingRestart},
	}
}

func checkHow(spec history.FaultSpec, complain complain) {
	if !slices.Contains([]string{"", "graceful", "kill"}, spec.How) {
		complain("how", "how %q: want graceful or kill", spec.How)
	}
}

type powerCall func(cluster.Power, context.Context, int32) error

// brokerDown takes a broker away until healed, and notes who took over. It
// brings the broker back whatever happened in between.
func (n *Nemesis) brokerDown(f *fault, down, up powerCall) error {
	power := n.env.Cluster.(cluster.Power)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	broker, target, err := n.victim(ctx, f)
	if err != nil {
		return err
	}
	graceful := f.plan.Fault == StopLeader
	if graceful {
		n.began(f, target) // leadership moves at once; the exit takes its time
	}
	if err := down(power, ctx, broker); err != nil {
		// It may have failed half-way, with the broker gone all the same.
		return errors.Join(err, n.bringBack(power, up, broker))
	}
	if !graceful {
		n.began(f, target)
	}
	var led bool
	switch {
	case f.kind.role == "controller":
		n.controllerAfter(ctx, f, broker)
	case f.kind.role == "broker":
		n.missed(ctx, f, broker)
	case f.kind.role == "leader" && n.env.Replication > 1:
		led = n.takeover(ctx, f, broker)
	}
	n.lasts(f)
	if err := n.bringBack(power, up, broker); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	if led && f.plan.Fault == PauseLeader {
		n.awakening(ctx, f, broker)
	}
	return n.whole(ctx, f)
}

// victim finds which broker the fault hits, and says it in words.
func (n *Nemesis) victim(ctx context.Context, f *fault) (broker int32, target string, err error) {
	switch f.kind.role {
	case "leader":
		return n.leader(ctx, f)
	case "controller":
		broker, epoch, err := n.env.Controllers.Controller(ctx)
		if err != nil {
			return 0, "", err
		}
		return broker, fmt.Sprintf("broker %d (active controller%s)", broker, ofEpoch(epoch)), nil
	case "broker":
		broker := n.env.Cluster.Brokers()[f.plan.Target.Broker].ID
		return broker, fmt.Sprintf("broker %d", broker), nil
	}
	panic(fmt.Sprintf("nemesis: %s has no broker for a victim, but role %q", f.plan.Fault, f.kind.role))
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
	stop, how := stopOf(power, f)
	if err := n.bounce(ctx, power, broker, stop); err != nil {
		return err
	}
	n.detail(f, "%s and started", how)
	return n.whole(ctx, f)
}

// stopOf is how a fault ends a broker's process, and the same in words.
func stopOf(power cluster.Power, f *fault) (end func(context.Context, int32) error, how string) {
	if f.plan.How == "kill" {
		return power.Kill, "killed"
	}
	return power.Stop, "stopped gracefully"
}

// bounce stops a broker and starts it. It tries to start it even when the stop
// failed half-way, so that no fault leaves a dead broker behind.
func (n *Nemesis) bounce(ctx context.Context, power cluster.Power, broker int32, stop func(context.Context, int32) error) error {
	stopErr := stop(ctx, broker)
	return errors.Join(stopErr, n.bringBack(power, cluster.Power.Start, broker))
}
