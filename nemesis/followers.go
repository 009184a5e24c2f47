package nemesis

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/cluster"
)

// RestartFollowers is what a rolling restart is to a partition before its turn
// comes to the leader: whoever could take over has started again.
const RestartFollowers = "restart-followers"

func followerFaults() []Kind {
	return []Kind{
		{Name: RestartFollowers, Family: OnBroker, Needs: []cluster.Capability{cluster.CanPower, cluster.CanReplicate}, alone: true, role: "leader",
			targets: []string{"partition"}, knobs: []string{"how"},
			Explain: "every follower of a partition is stopped (how: graceful, or kill) and started, the next one when the cluster is whole again; its leader is left alone",
			check:   checkHow, beside: (*Nemesis).restartFollowers},
	}
}

// restartFollowers restarts every replica of a partition but its leader. It goes
// no further once everything is being healed. Where leadership moved meanwhile
// by itself, as of a leader that lost its session, the record says so.
func (n *Nemesis) restartFollowers(f *fault) error {
	if n.env.Replication == 1 {
		return errUnfired
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	topic, partition := n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition
	before, err := n.env.Replicas.WaitReplicas(ctx, topic, partition, "a leader", func(r cluster.Replicas) bool { return r.Leader >= 0 })
	if err != nil {
		return err
	}
	var followers []int32
	for _, b := range before.Assigned {
		if b != before.Leader {
			followers = append(followers, b)
		}
	}
	n.began(f, fmt.Sprintf("brokers %v (followers of %s/%d, which broker %d leads)", followers, topic, partition, before.Leader))
	power := n.env.Cluster.(cluster.Power)
	stop, how := stopOf(power, f)
	if all, err := n.bounceInTurn(f, power, "followers", followers, stop); err != nil || !all {
		return err
	}
	n.detail(f, "%s and started", how)
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	after, err := n.env.Replicas.Replicas(ctx, topic, partition)
	if err != nil {
		return err
	}
	if after.Leader != before.Leader {
		n.detail(f, "leadership moved from broker %d to %d meanwhile", before.Leader, after.Leader)
	}
	return nil
}
