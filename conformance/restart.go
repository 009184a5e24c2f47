package conformance

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

func restartCases() []Case {
	group := func(number int, name, promise string, n need, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "restart", Promise: promise, Source: "ProducerStateManager.takeSnapshot: the last batch of a producer id"},
			needs: n, alone: true, converse: converse}
	}
	return []Case{
		group(33, "restart", "with one replica, a broker that was restarted recognizes the last batch of a producer id, and refuses the one before: its snapshot has one",
			needs(1, cluster.CanPower), func(t *talk) { t.afterRestart(cluster.Power.Stop, "stop") }),
		group(34, "restart-after-kill", "the same after a SIGKILL, when the state is built again from the log",
			needs(1, cluster.CanPower), func(t *talk) { t.afterRestart(cluster.Power.Kill, "kill") }),
		group(35, "rolling-restart", "with three replicas, when each has been restarted in turn, no replica recognizes more than the last batch",
			needs(3, cluster.CanPower, cluster.CanReplicate), rollingRestart),
	}
}

func (t *talk) afterRestart(end func(cluster.Power, context.Context, int32) error, how string) {
	to := t.topicOf(layout{replication: 1}).partitions[0]
	p := t.producer()
	var sent []batch
	var offsets []int64
	for i := range 3 {
		b := p.at(int32(i), 1)
		sent, offsets = append(sent, b), append(offsets, t.appends(to, b))
	}
	t.restart(t.leader(to), end, how)
	t.recognizes(to, sent, offsets, 1)
}

// restart ends a broker and starts it again.
func (t *talk) restart(broker int32, end func(cluster.Power, context.Context, int32) error, how string) {
	power := t.power()
	t.must(end(power, t.ctx, broker))
	t.hangUp(broker)
	t.must(power.Start(t.ctx, broker))
	t.must(t.on.Admin.WaitWhole(t.ctx))
	clear(t.leaders)
	t.done(fmt.Sprintf("%s broker %d and start it", how, broker), "it answers again")
}

func rollingRestart(t *talk) {
	to := t.topicOf(layout{replication: 3}).partitions[0]
	p := t.producer()
	var sent []batch
	var offsets []int64
	for i := range 3 {
		b := p.at(int32(i), 1)
		sent, offsets = append(sent, b), append(offsets, t.appends(to, b))
	}
	for _, b := range t.on.Cluster.Brokers() {
		t.restart(b.ID, cluster.Power.Stop, "stop")
	}
	t.recognizes(to, sent, offsets, 1)
}
