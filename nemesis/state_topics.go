package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// lastWords is the pause between the end of a topic and its next life: longer
// than an answer of a broker that has just deleted it can be on its way to the
// proxy. What was acknowledged before the next life began, was in this one.
const lastWords = 200 * time.Millisecond

// drawShare draws how much of a log goes: never all of it, nor nearly nothing.
func drawShare(f *history.PlannedFault, from *rand.Rand) {
	const least, most = 0.25, 0.9
	f.Share = least + (most-least)*from.Float64()
}

func checkShare(spec history.FaultSpec, complain complain) {
	if spec.Share != 0 && !(spec.Share > 0 && spec.Share < 1) { // so that NaN is refused too
		complain("share", "share %v: want a part of the log above 0 and below 1, like 0.5", spec.Share)
	}
}

// deleteRecords takes away the head of a partition's log, up to a share of what
// all in-sync replicas have. Those records can no longer change, so what is read
// before they go is exactly what goes.
func (n *Nemesis) deleteRecords(f *fault) error {
	topic, partition := n.topic(f), f.plan.Target.Partition
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	starts, ends, err := n.offsets(ctx, topic)
	if err != nil {
		return err
	}
	if int(partition) >= len(ends) {
		return fmt.Errorf("%s has no partition %d", topic, partition)
	}
	start, end := starts[partition], ends[partition]
	before := start + int64(f.plan.Share*float64(end-start))
	if before <= start {
		return fmt.Errorf("%s/%d holds %d records: too few to delete a share of %.2f (let more be sent before)", topic, partition, end-start, f.plan.Share)
	}
	n.began(f, fmt.Sprintf("%s/%d", topic, partition))
	if err := n.env.State.TrimLog(ctx, topic, partition, before); err != nil {
		return err
	}
	n.deleted(f, history.Deletion{Topic: topic, Partition: partition, From: start, To: before, Kept: true})
	n.detail(f, "offsets %d to %d deleted, of %d to %d; the log begins at %d", start, before-1, start, end-1, before)
	return nil
}

// deleteTopic deletes a topic for good.
func (n *Nemesis) deleteTopic(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	gone, err := n.takeAway(ctx, f)
	if err != nil {
		return err
	}
	n.buried(f, gone, history.Forever)
	return nil
}

// recreateTopic deletes a topic and creates it again.
func (n *Nemesis) recreateTopic(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	gone, err := n.takeAway(ctx, f)
	if err != nil {
		return err
	}
	time.Sleep(lastWords)
	n.buried(f, gone, n.env.Now())
	began := time.Now()
	was, is, err := n.env.State.CreateTopic(ctx, n.topic(f))
	if err != nil {
		return err
	}
	n.detail(f, "created again within %s, topic id %x -> %x", time.Since(began).Round(10*time.Millisecond), was, is)
	return nil
}

// takeAway deletes the topic, and returns how many partitions it had.
func (n *Nemesis) takeAway(ctx context.Context, f *fault) (partitions int, err error) {
	topic := n.topic(f)
	_, ends, err := n.offsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	n.began(f, "topic "+topic)
	began := time.Now()
	if err := n.env.State.DeleteTopic(ctx, topic); err != nil {
		return 0, err
	}
	n.detail(f, "deleted when its high watermarks were at or above %v; no broker had it any more after %s", ends, time.Since(began).Round(10*time.Millisecond))
	return len(ends), nil
}

// buried notes that everything which was acknowledged on a topic until a moment
// went with it.
func (n *Nemesis) buried(f *fault, partitions int, until int64) {
	for p := range partitions {
		n.deleted(f, history.Deletion{Topic: n.topic(f), Partition: int32(p), To: -1, Until: until})
	}
}
