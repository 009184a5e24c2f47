package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// Faults on a partition's in-sync replicas.
const (
	ShrinkISR       = "shrink-isr"
	UncleanElection = "unclean-election"
)

func replicaFaults() []Kind {
	return []Kind{
		{Name: ShrinkISR, Family: OnBroker, Needs: []cluster.Capability{cluster.CanIsolate, cluster.CanReplicate, cluster.CanMoveLeader},
			lasting: true, alone: true, role: "leader", targets: []string{"partition"},
			Explain: "followers of a partition are cut off from its leader, as many as bring its ISR below min.insync.replicas; until healed",
			beside:  (*Nemesis).shrinkISR},
		{Name: UncleanElection, Family: OnBroker, Needs: []cluster.Capability{cluster.CanPower, cluster.CanIsolate, cluster.CanReplicate, cluster.CanMoveLeader},
			lasting: true, alone: true, role: "leader", targets: []string{"partition"},
			Explain: "followers are cut off from a partition's leader, who goes on alone (min.insync.replicas 1), and is killed; a replica that lacks what was acknowledged is elected, the dead one started when healed. Loses records",
			beside:  (*Nemesis).uncleanElection},
	}
}

// shrinkISR holds followers back until the ISR is too small for acks=all.
func (n *Nemesis) shrinkISR(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	least, err := n.minInSync(ctx, f)
	if err != nil {
		return err
	}
	leader, inForce, err := n.holdBack(ctx, f, least-1)
	if err != nil {
		return err
	}
	n.shrinks(ctx, f, leader, least-1)
	n.lasts(f)
	return n.reunite(f, inForce)
}

// minInSync is the partition's min.insync.replicas.
func (n *Nemesis) minInSync(ctx context.Context, f *fault) (int, error) {
	const property = "min.insync.replicas"
	value, err := n.env.Replicas.TopicConfig(ctx, n.env.Topics[f.plan.Target.Topic], property)
	if err != nil {
		return 0, err
	}
	least, err := strconv.Atoi(value)
	if err != nil {
		return 0, fmt.Errorf("%s is %q: %w", property, value, err)
	}
	return least, nil
}

// holdBack cuts followers off from the partition's leader, until keep replicas
// remain. The fault has begun when it returns.
//
// In KRaft a leader changes its ISR through the active controller, and keeps
// its leadership only while it reaches it: so the active controller must not be
// among those that are cut off from the leader, and a leader that is the
// controller itself must keep a majority of the voters. Where the controller
// would have to be cut off it is first made the leader.
func (n *Nemesis) holdBack(ctx context.Context, f *fault, keep int) (leader int32, inForce cuts, err error) {
	topic, partition := n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition
	var followers []int32
	for range n.env.Cluster.Brokers() {
		r, err := n.env.Replicas.Replicas(ctx, topic, partition)
		if err != nil {
			return 0, nil, err
		}
		controller, epoch, err := n.env.Controllers.Controller(ctx)
		if err != nil {
			return 0, nil, err
		}
		leader = r.Leader
		if followers, err = n.chooseHeld(r, controller, keep, epoch >= 0); err != nil {
			return 0, nil, fmt.Errorf("%s/%d: %w", topic, partition, err)
		}
		if !slices.Contains(followers, controller) {
			break
		}
		to, err := n.env.Cluster.(cluster.Mover).MoveLeader(ctx, topic, partition)
		if err != nil {
			return 0, nil, err
		}
		leader, followers = to, nil
	}
	if followers == nil {
		return 0, nil, fmt.Errorf("%s/%d: the active controller can't be made its leader", topic, partition)
	}
	end, err := n.env.Cluster.(cluster.Isolator).Isolate(ctx, cluster.Cut{Broker: leader, Peers: followers, In: true, Out: true})
	if err != nil {
		return 0, nil, err
	}
	n.began(f, fmt.Sprintf("brokers %v from broker %d (leader of %s/%d), both ways", followers, leader, topic, partition))
	return leader, cuts{end}, nil
}

// chooseHeld picks followers of the ISR, the active controller last.
func (n *Nemesis) chooseHeld(r cluster.Replicas, controller int32, keep int, quorum bool) ([]int32, error) {
	need := len(r.InSync) - keep
	var followers []int32
	for _, b := range r.InSync {
		if b != r.Leader && b != controller {
			followers = append(followers, b)
		}
	}
	if controller != r.Leader && slices.Contains(r.InSync, controller) {
		followers = append(followers, controller)
	}
	brokers := len(n.env.Cluster.Brokers())
	switch {
	case keep < 1:
		return nil, errors.New("min.insync.replicas is 1, and a leader alone is as many: set it to 2 or more")
	case r.Leader < 0:
		return nil, errors.New("it has no leader")
	case need < 1 || need > len(followers):
		return nil, fmt.Errorf("%s: there is nothing to shrink to %d", r, keep)
	case quorum && need > (brokers-1)/2:
		return nil, fmt.Errorf("%d of %d brokers would be cut off from the leader, which would then lose the majority of the controllers and its leadership: "+
			"set min.insync.replicas to the number of replicas, give the topic fewer replicas, or start more brokers", need, brokers)
	}
	return followers[:need], nil
}

// shrinks notes when the ISR had come down to so many.
func (n *Nemesis) shrinks(ctx context.Context, f *fault, leader int32, to int) bool {
	ctx, cancel := n.unlessHealed(ctx)
	defer cancel()
	began := time.Now()
	r, err := n.env.Replicas.WaitReplicas(ctx, n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition,
		fmt.Sprintf("an ISR of %d", to), func(r cluster.Replicas) bool { return r.Leader == leader && len(r.InSync) <= to })
	if err != nil {
		n.detail(f, "the ISR did not shrink: %v", err)
		return false
	}
	n.detail(f, "%s after %s", r, time.Since(began).Round(10*time.Millisecond))
	return true
}
