package nemesis

import (
	"context"
	"fmt"
	"time"
)

// patience is how long a fault looks for what should follow from it.
const patience = 20 * time.Second

// unlessHealed limits a context to the time until everything is to be healed,
// and to patience.
func (n *Nemesis) unlessHealed(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	go func() {
		select {
		case <-n.healAll:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// takeover notes when another broker led the partition. That none did is seen
// in the detail; the run's own coverage decides what it is worth.
func (n *Nemesis) takeover(ctx context.Context, f *fault, from int32) bool {
	ctx, cancel := n.unlessHealed(ctx)
	defer cancel()
	began := time.Now()
	to, err := n.env.Leaders.WaitLeader(ctx, n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition, from)
	if err != nil {
		n.detail(f, "no other leader: %v", err)
		return false
	}
	n.detail(f, "leader %d -> %d after %s", from, to, time.Since(began).Round(10*time.Millisecond))
	return true
}

// controllerAfter notes when another broker was the active controller.
func (n *Nemesis) controllerAfter(ctx context.Context, f *fault, from int32) {
	ctx, cancel := n.unlessHealed(ctx)
	defer cancel()
	began := time.Now()
	to, epoch, err := n.env.Controllers.WaitController(ctx, from)
	if err != nil {
		n.detail(f, "no other controller: %v", err)
		return
	}
	n.detail(f, "controller %d -> %d%s after %s", from, to, ofEpoch(epoch), time.Since(began).Round(10*time.Millisecond))
}

// missed notes when the other brokers held these for dead.
func (n *Nemesis) missed(ctx context.Context, f *fault, brokers ...int32) {
	ctx, cancel := n.unlessHealed(ctx)
	defer cancel()
	began := time.Now()
	if err := n.env.Replicas.WaitGone(ctx, brokers...); err != nil {
		n.detail(f, "not held for dead: %v", err)
		return
	}
	n.detail(f, "held for dead after %s", time.Since(began).Round(10*time.Millisecond))
}

// ofEpoch names a controller's epoch, where one is known.
func ofEpoch(epoch int32) string {
	if epoch < 0 {
		return ""
	}
	return fmt.Sprintf(", epoch %d", epoch)
}

// awakening looks at how an old leader that is back comes to know that another
// one leads: for how long it still names itself.
func (n *Nemesis) awakening(ctx context.Context, f *fault, broker int32) {
	ctx, cancel := n.unlessHealed(ctx)
	defer cancel()
	topic, partition := n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition
	var believed time.Duration
	epoch := int32(-1)
	began := time.Now()
	for {
		view, err := n.env.Replicas.ViewOf(ctx, broker, topic, partition)
		if err != nil || view.Leader != broker {
			break // it knows better, or says nothing
		}
		now, err := n.env.Replicas.Replicas(ctx, topic, partition)
		if err != nil || now.Epoch <= view.Epoch {
			break // it may lead again, rightly
		}
		believed, epoch = time.Since(began), view.Epoch
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if epoch >= 0 {
		n.detail(f, "back, broker %d still named itself leader (leader epoch %d) for %s", broker, epoch, believed.Round(time.Millisecond))
	}
}
