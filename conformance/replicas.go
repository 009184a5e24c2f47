package conformance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

func replicaCases() []Case {
	group := func(number int, name, source, promise string, n need, alone bool, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "replicas", Promise: promise, Source: source}, needs: n, alone: alone, converse: converse}
	}
	return []Case{
		group(28, "isr-below-minimum", "min.insync.replicas; Partition.appendRecordsToLeader; KIP-966",
			"with too few in-sync replicas a repetition is refused like any batch; a batch whose replicas went missing after the append is not acknowledged, and its retry is answered with the first offset once they are back",
			needs(3, cluster.CanPower, cluster.CanReplicate), true, isrBelowMinimum),
		group(29, "not-yet-replicated", "ReplicaManager.appendRecords: acks=all waits for the high watermark",
			"a repetition of a batch that is not replicated yet is not acknowledged before the batch is",
			needs(3, cluster.CanPower, cluster.CanReplicate), true, notYetReplicated),
		group(30, "leader-moved", "ProducerStateManager: followers keep the same window",
			"a new leader recognizes each of the last five batches, and refuses the sixth",
			needs(2, cluster.CanMoveLeader), false, func(t *talk) {
				to, sent, offsets := t.six()
				t.moveLeader(to)
				t.recognizes(to, sent, offsets, window)
			}),
		group(31, "leader-killed", "ProducerStateManager: followers keep the same window",
			"so does one that leads because the leader was killed, for what had been acknowledged",
			needs(3, cluster.CanPower, cluster.CanReplicate), true, func(t *talk) {
				to, sent, offsets := t.six()
				leader := t.leader(to)
				power := t.power()
				t.must(power.Kill(t.ctx, leader))
				defer t.revive(leader)
				now, err := t.on.Admin.WaitLeader(t.ctx, to.topic.name, to.number, leader)
				t.must(err)
				t.hangUp(leader)
				t.leaders[to] = now
				t.done(fmt.Sprintf("kill broker %d, the leader", leader), fmt.Sprintf("broker %d leads", now))
				t.recognizes(to, sent, offsets, window)
			}),
		group(32, "former-leader", "Produce: NOT_LEADER_OR_FOLLOWER",
			"a repetition sent to the leader of before is answered that it does not lead, and not acknowledged",
			needs(2, cluster.CanMoveLeader), false, func(t *talk) {
				to, b := t.topic(), t.producer().at(0, 1)
				at := t.appends(to, b)
				former := t.leader(to)
				t.moveLeader(to)
				t.heard(former, to)
				t.produceAs(delivery{to: &former}, to, b, always(refused(6)).or("the client looks for the leader all the same", refused(3)))
				t.repeats(to, b, at)
			}),
	}
}

// recognizes holds the leader to a window: the last n batches of sent are
// answered with their offsets, the one before is refused, the next accepted.
func (t *talk) recognizes(to *partition, sent []batch, offsets []int64, n int) {
	for i := len(sent) - 1; i >= len(sent)-n; i-- {
		t.repeats(to, sent[i], offsets[i])
	}
	if before := len(sent) - n - 1; before >= 0 {
		t.refuses(to, sent[before], 45)
	}
	t.appends(to, sent[len(sent)-1].next(1))
}

// moveLeader has another replica lead.
func (t *talk) moveLeader(to *partition) {
	mover, ok := t.on.Cluster.(cluster.Mover)
	var now int32
	var err error
	if ok {
		now, err = mover.MoveLeader(t.ctx, to.topic.name, to.number)
	} else {
		now, err = t.on.Admin.MoveLeader(t.ctx, to.topic.name, to.number)
	}
	t.must(err)
	t.done("move the leader", fmt.Sprintf("broker %d leads", now))
	t.leaders[to] = now
}

// heard waits until a broker itself knows that another leads.
func (t *talk) heard(broker int32, to *partition) {
	last := "it does not say"
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); t.pause(50 * time.Millisecond) {
		r, err := t.on.Admin.ViewOf(t.ctx, broker, to.topic.name, to.number)
		if err == nil && r.Leader >= 0 && r.Leader != broker {
			t.pause(200 * time.Millisecond) // metadata tells it a moment before the replica heeds it
			return
		}
		if last = fmt.Sprint(err); err == nil {
			last = r.String()
		}
	}
	t.stop(matrix.Error, "broker %d has not heard of the new leader: %s", broker, last)
}

func (t *talk) power() cluster.Power {
	power, ok := t.on.Cluster.(cluster.Power)
	if !ok {
		t.stop(matrix.NotApplicable, "the cluster's brokers can't be stopped from here")
	}
	return power
}

// reviveLimit is how long a broker may take to come back.
const reviveLimit = time.Minute

// revive starts a broker that was ended, and waits for the whole cluster. It is
// for the end of a case, however that ends.
func (t *talk) revive(broker int32) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), reviveLimit)
	defer cancel()
	err := t.power().Start(ctx, broker)
	if err == nil {
		err = t.on.Admin.WaitWhole(ctx)
	}
	if err != nil {
		t.settle(matrix.Error, fmt.Sprintf("broker %d did not come back: %v", broker, err))
	}
}

// paused stops a broker's processes while something is done, and waits for the
// whole cluster afterwards.
func (t *talk) paused(broker int32, meanwhile func()) {
	power := t.power()
	t.must(power.Pause(t.ctx, broker))
	t.done(fmt.Sprintf("pause broker %d, a follower", broker), "paused")
	resumed := false
	resume := func() {
		if resumed {
			return
		}
		resumed = true
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), reviveLimit)
		defer cancel()
		err := power.Resume(ctx, broker)
		if err == nil {
			err = t.on.Admin.WaitWhole(ctx)
		}
		if err != nil {
			t.settle(matrix.Error, fmt.Sprintf("broker %d did not come back: %v", broker, err))
		}
	}
	defer resume()
	meanwhile()
}

// follower is a replica of a partition that does not lead it, and does not
// control the cluster either where that can be had.
func (t *talk) follower(p *partition) int32 {
	r, err := t.on.Admin.WaitReplicas(t.ctx, p.topic.name, p.number, "a full ISR", func(r cluster.Replicas) bool { return len(r.InSync) == len(r.Assigned) })
	t.must(err)
	controller, _, _ := t.on.Admin.Controller(t.ctx)
	followers := slices.DeleteFunc(slices.Clone(r.Assigned), func(id int32) bool { return id == r.Leader })
	if i := slices.IndexFunc(followers, func(id int32) bool { return id != controller }); i >= 0 {
		return followers[i]
	}
	return followers[0]
}

func isrBelowMinimum(t *talk) {
	to := t.topicOf(layout{replication: 3, config: map[string]string{"min.insync.replicas": "3"}}).partitions[0]
	p := t.producer()
	first := p.at(0, 1)
	at := t.appends(to, first)
	second := p.at(1, 1)
	t.paused(t.follower(to), func() {
		// From 3.7 on the high watermark stands still while the ISR is below the
		// minimum (KIP-966), so that nothing ends the wait but its limit.
		want := always(refused(20)).since(3, 7, refused(7), "3.7 (KIP-966): the wait for the high watermark runs out").
			or("the client tries again all the same", refused(20), refused(7))
		got := t.produceAs(delivery{limitMs: 6000, limit: 12 * time.Second}, to, second, want)
		if got.code != 0 {
			to.keep(second, second.raw(), to.end)
			to.kept[len(to.kept)-1].raw = nil
		}
		_, err := t.on.Admin.WaitReplicas(t.ctx, to.topic.name, to.number, "an ISR of two", func(r cluster.Replicas) bool { return len(r.InSync) == 2 })
		t.must(err)
		t.refuses(to, first, 19)
		t.refuses(to, second, 19)
	})
	t.repeats(to, second, at+1)
	t.repeats(to, first, at)
}

func notYetReplicated(t *talk) {
	to := t.topicOf(layout{replication: 3}).partitions[0]
	p := t.producer()
	t.appends(to, p.at(0, 1))
	b := p.at(1, 1)
	leader := t.leader(to)
	t.paused(t.follower(to), func() {
		raw := t.sendOnly(to, b)
		w, err := t.wire(leader)
		t.must(err)
		parts := []part{{to: to, batch: b}}
		req := t.request(leader, delivery{}, parts)
		sent, err := w.send(req, time.Since(t.began), patience)
		t.must(err)
		resp, frame, err := w.receive(req, sent.Correlation, t.began, 12*time.Second)
		t.must(err)
		answeredAt := time.Since(t.began)
		got := answersTo(resp.(*kmsg.ProduceResponse), parts)[0]
		hw, _ := t.offset(to, -1)
		replicated := hw >= to.end+1
		said := fmt.Sprintf("%s after %s, with the high watermark at %d", got, (answeredAt - sent.At).Round(10*time.Millisecond), hw)
		ok := got.is(original(to.end), to.end) && replicated && answeredAt-sent.At > 300*time.Millisecond || got.code == 7
		t.check(t.sentence(delivery{}, parts[0], req.Version)+", while a follower in the ISR has not fetched it", said,
			fmt.Sprintf("0 (NONE) at offset %d once the ISR has shrunk and the high watermark is past it, or 7", to.end), ok, sent, frame)
		to.keep(b, raw, to.end)
	})
	t.repeats(to, b, to.end-1)
}

// sendOnly sends a batch on a connection of its own, and reads no answer.
func (t *talk) sendOnly(to *partition, b batch) []byte {
	leader := t.leader(to)
	parts := []part{{to: to, batch: b}}
	req := t.request(leader, delivery{}, parts)
	t.hangUp(leader)
	w, err := t.wire(leader)
	t.must(err)
	frame, err := w.send(req, time.Since(t.began), patience)
	t.must(err)
	delete(t.wires, leader) // kept open, and read by nobody
	t.aside = append(t.aside, w)
	t.done(t.sentence(delivery{}, parts[0], req.Version), "sent, and its answer not waited for", frame)
	t.pause(300 * time.Millisecond)
	return parts[0].raw
}
