package nemesis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// uncleanElection makes a leader go on alone, kills it when it has acknowledged
// what nobody else has, and has one of the others elected.
func (n *Nemesis) uncleanElection(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	least, err := n.minInSync(ctx, f)
	if err == nil && least > 1 {
		err = fmt.Errorf("min.insync.replicas is %d, so that a leader alone acknowledges nothing that could be lost: set it to 1", least)
	}
	if err != nil {
		return err
	}
	leader, inForce, err := n.holdBack(ctx, f, 1)
	if err != nil {
		return err
	}
	power := n.env.Cluster.(cluster.Power)
	if !n.shrinks(ctx, f, leader, 1) {
		return n.reunite(f, inForce)
	}
	last, alone := n.alone(ctx, f)
	if !alone {
		n.detail(f, "nothing was appended while broker %d was alone: nothing to lose", leader)
		return n.reunite(f, inForce)
	}
	err = power.Kill(ctx, leader)
	// The others may hear each other again: whom they must not hear is gone.
	err = errors.Join(err, inForce.heal())
	if err == nil {
		err = n.elect(ctx, f, leader, last)
	}
	if err == nil {
		n.lasts(f)
	}
	if err := errors.Join(err, n.bringBack(power, cluster.Power.Start, leader)); err != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	return n.whole(ctx, f)
}

// alone waits until the leader has committed more by itself, and returns its
// high watermark then.
func (n *Nemesis) alone(ctx context.Context, f *fault) (last int64, more bool) {
	ctx, cancel := n.unlessHealed(ctx)
	defer cancel()
	first := int64(-1)
	for ctx.Err() == nil {
		ends, err := n.env.Replicas.ListOffsets(ctx, n.env.Topics[f.plan.Target.Topic], cluster.HighWatermark)
		if err == nil {
			last = ends[f.plan.Target.Partition]
			if first < 0 {
				first = last
			}
			if last > first {
				return last, true
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return last, false
}

// elect asks for an unclean election until another broker leads, and notes what
// that one lacks.
func (n *Nemesis) elect(ctx context.Context, f *fault, from int32, last int64) error {
	topic, partition := n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition
	var refused error
	for {
		r, err := n.env.Replicas.Replicas(ctx, topic, partition)
		if err == nil && r.Leader >= 0 && r.Leader != from {
			ends, err := n.env.Replicas.ListOffsets(ctx, topic, cluster.LogEnd)
			if err != nil {
				return err
			}
			n.detail(f, "broker %d elected though out of sync (leader epoch %d): its log ended at %d or before, and that of broker %d was committed up to %d or more",
				r.Leader, r.Epoch, ends[partition], from, last)
			return nil
		}
		if err == nil && r.Leader < 0 {
			if err = n.env.Replicas.ElectUnclean(ctx, topic, partition); err == nil {
				continue
			}
		}
		if err != nil {
			refused = err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("no other leader of %s/%d was elected: %w", topic, partition, errors.Join(context.Cause(ctx), refused))
		}
	}
}
