package nemesis

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/idemcheck/idemcheck/cluster"
)

// MoveLeader is leadership that moves without a failure.
const MoveLeader = "move-leader"

func leaderFaults() []Kind {
	return []Kind{
		{Name: MoveLeader, Family: OnBroker, Needs: []cluster.Capability{cluster.CanMoveLeader}, alone: true, role: "leader", targets: []string{"partition"},
			Explain: "leadership of a partition moves to another broker, without a failure",
			beside:  (*Nemesis).moveLeader},
	}
}

// leader finds whom the fault hits, and says it in words. What went before may
// have left the partition without a leader: the fault waits for the next.
func (n *Nemesis) leader(ctx context.Context, f *fault) (broker int32, target string, err error) {
	topic := n.env.Topics[f.plan.Target.Topic]
	broker, epoch, err := n.env.Leaders.Leader(ctx, topic, f.plan.Target.Partition)
	for errors.Is(err, kerr.LeaderNotAvailable) && ctx.Err() == nil {
		if _, err = n.env.Leaders.WaitLeader(ctx, topic, f.plan.Target.Partition, -1); err == nil {
			broker, epoch, err = n.env.Leaders.Leader(ctx, topic, f.plan.Target.Partition)
		}
	}
	if err != nil {
		return 0, "", err
	}
	return broker, fmt.Sprintf("broker %d (leader of %s/%d, leader epoch %d)", broker, topic, f.plan.Target.Partition, epoch), nil
}

// moveLeader hands leadership to another replica.
func (n *Nemesis) moveLeader(f *fault) error {
	if n.env.Replication == 1 && n.env.Cluster.Has(cluster.CanReplicate) {
		return errUnfired // a partition of one replica has nobody to move to
	}
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
