package nemesis

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Upgrade is a cluster that goes to another version of Kafka while it serves.
const Upgrade = "upgrade"

func upgradeFaults() []Kind {
	return []Kind{
		{Name: Upgrade, Family: OnBroker, Needs: []cluster.Capability{cluster.CanUpgrade}, alone: true, role: "broker", knobs: []string{"kafka"},
			Explain: "every broker in turn is stopped gracefully and replaced by one of another version, with the same log directory; the next one when the cluster is whole again",
			check:   checkUpgrade, beside: (*Nemesis).upgrade},
	}
}

func checkUpgrade(spec history.FaultSpec, complain complain) {
	version, err := history.ParseKafkaVersion(spec.Kafka)
	switch {
	case spec.Kafka == "":
		complain("kafka", "%s needs kafka, the version to go to, like 4.3.1", spec.Fault)
	case err != nil:
		complain("kafka", "kafka: %v", err)
	case !version.KRaft():
		complain("kafka", "kafka %s: only clusters without ZooKeeper are upgraded, to 3.3 or later", version)
	}
	if spec.Times > 1 {
		complain("times", "times %d: a cluster is upgraded once", spec.Times)
	}
}

// upgrade replaces every broker, the next when the cluster is whole. It goes no
// further once everything is being healed: brokers of two versions side by
// side are a cluster too.
func (n *Nemesis) upgrade(f *fault) error {
	upgrader := n.env.Cluster.(cluster.Upgrader)
	brokers := n.env.Cluster.Brokers()
	n.began(f, fmt.Sprintf("%d brokers, one after the other, to Kafka %s", len(brokers), f.plan.Kafka))
	for i, b := range brokers {
		if i > 0 && n.ending() {
			n.detail(f, "cut short after %d brokers: the run was over", i)
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		seen, err := upgrader.Upgrade(ctx, b.ID, f.plan.Kafka)
		if err == nil {
			n.detail(f, "broker %d: %s", b.ID, seen)
			err = n.whole(ctx, f)
		}
		cancel()
		if err != nil {
			return fmt.Errorf("broker %d: %w", b.ID, err)
		}
	}
	return nil
}
