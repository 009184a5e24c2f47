package nemesis

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// Faults on brokers' disks.
const (
	FullDisk = "full-disk"
	SlowDisk = "slow-disk"
)

func diskFaults() []Kind {
	disk := []cluster.Capability{cluster.CanDisk}
	return []Kind{
		{Name: FullDisk, Family: OnBroker, Needs: disk, lasting: true, alone: true, role: "leader", targets: []string{"partition"},
			Explain: "the disk of the broker that leads a partition is full: it halts at its next write, and starts again with room when healed",
			beside:  (*Nemesis).fullDisk},
		{Name: SlowDisk, Family: OnBroker, Needs: disk, lasting: true, alone: true, role: "leader", targets: []string{"partition"}, knobs: []string{"rate"},
			Explain: "the disk of the broker that leads a partition takes no more than rate KiB/s (set flush.messages: 1, or the page cache hides it)",
			check:   checkRate, beside: (*Nemesis).slowDisk},
	}
}

// fullDisk fills the leader's disk until healed, and notes who took over.
func (n *Nemesis) fullDisk(f *fault) error {
	return n.onDisk(f, func(ctx context.Context, disks cluster.Disks, broker int32) (func(context.Context) error, error) {
		return disks.FillDisk(ctx, broker)
	}, true)
}

// slowDisk slows the leader's disk down until healed.
func (n *Nemesis) slowDisk(f *fault) error {
	return n.onDisk(f, func(ctx context.Context, disks cluster.Disks, broker int32) (func(context.Context) error, error) {
		return disks.SlowDisk(ctx, broker, f.plan.Rate)
	}, false)
}

func (n *Nemesis) onDisk(f *fault, spoil func(context.Context, cluster.Disks, int32) (func(context.Context) error, error), ends bool) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	broker, target, err := n.leader(ctx, f)
	if err != nil {
		return err
	}
	// The broker feels it while the disk is still getting full, not after.
	n.began(f, "disk of "+target)
	began := time.Now()
	heal, err := spoil(ctx, n.env.Cluster.(cluster.Disks), broker)
	if err != nil {
		return err
	}
	n.detail(f, "in force after %s", time.Since(began).Round(time.Millisecond))
	if ends && n.env.Replication > 1 {
		n.takeover(ctx, f, broker)
	}
	n.lasts(f)
	return n.reunite(f, cuts{heal})
}
