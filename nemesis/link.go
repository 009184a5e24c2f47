package nemesis

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// OnRequest implements proxy.Control: it counts, and lets the first ready fault
// that takes hold of requests strike.
func (n *Nemesis) OnRequest(e *proxy.Exchange) proxy.Decision {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.armed || n.healing {
		return proxy.Decision{}
	}
	producer := n.env.Producer(e.ClientID)
	for _, i := range counting(e) {
		b := &e.Batches[i]
		mark := &exchange{e.Conn, e.Correlation, producer, b.Partition, i}
		n.counted(history.TriggerRequests, producer, b.Partition, mark)
		n.sequenced(b.BaseSequence, producer, b.Partition, mark)
	}
	for _, f := range n.faults {
		if f.kind.onRequest == nil || strikesAnswers(f) {
			continue
		}
		batch, ok := n.strikes(f, e, producer)
		if !ok {
			continue
		}
		if f.state == ready && !n.room(f) {
			n.barred(f)
			continue
		}
		return f.kind.onRequest(n, f, e, producer, batch)
	}
	return proxy.Decision{}
}

// OnAnswer implements proxy.Control: it counts, and lets the first ready fault
// that takes hold of answers strike. Such a fault wants an answer that tells of
// an append: nothing is lost with any other.
func (n *Nemesis) OnAnswer(e *proxy.Exchange) proxy.Decision {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.armed || n.healing {
		return proxy.Decision{}
	}
	producer := n.env.Producer(e.ClientID)
	for _, i := range counting(e) {
		if b := &e.Batches[i]; b.Error == 0 {
			n.counted(history.TriggerAcks, producer, b.Partition, &exchange{e.Conn, e.Correlation, producer, b.Partition, i})
		}
	}
	if n.keptBack(e.Broker, producer) {
		n.unacked(producer, e)
	}
	n.stored(producer, e)
	for _, f := range n.faults {
		if !strikesAnswers(f) {
			continue
		}
		batch, ok := n.strikes(f, e, producer)
		if !ok || e.Batches[batch].Error != 0 {
			continue
		}
		if f.state == ready && !n.room(f) {
			n.barred(f)
			continue
		}
		return f.kind.onAnswer(n, f, e, producer, batch)
	}
	return proxy.Decision{}
}

// counting is the order in which the batches of a request count: by topic and
// partition. Clients put them into a request as chance (a hash table) has it.
func counting(e *proxy.Exchange) []int {
	order := make([]int, len(e.Batches))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := &e.Batches[a], &e.Batches[b]
		return cmp.Or(cmp.Compare(x.Topic, y.Topic), cmp.Compare(x.Partition, y.Partition))
	})
	return order
}

// strikesAnswers says whether a fault takes hold of answers. One that can do
// both does so where the broker is to have appended.
func strikesAnswers(f *fault) bool {
	return f.kind.onAnswer != nil && (f.kind.onRequest == nil || f.plan.Append)
}

// OnLost implements proxy.Control: one more answer did not reach its client.
func (n *Nemesis) OnLost(e *proxy.Exchange, id int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id >= 0 && int(id) < len(n.faults) {
		f := n.faults[id]
		f.lost(e)
		if f.late != nil {
			f.came(e)
		}
	}
}

// strikes picks the batch of an exchange that a fault hits now, as one that is
// ready or as the next of its row. Called with mu held.
func (n *Nemesis) strikes(f *fault, e *proxy.Exchange, producer int32) (batch int, ok bool) {
	switch {
	case f.inRow():
		return f.row.next(e, producer)
	case f.state == ready:
		return n.struck(f, e, producer)
	}
	return 0, false
}

// struck picks the batch of an exchange that a ready fault hits: the one that
// brought its trigger, else the first that fits. False when the fault has to
// wait for another exchange. Called with mu held.
func (n *Nemesis) struck(f *fault, e *proxy.Exchange, producer int32) (batch int, ok bool) {
	wanted := aim(f.plan)
	if !matches(wanted.Producer, producer) || !matches(wanted.Broker, n.indexOf(e.Broker)) {
		return 0, false
	}
	mark := f.mark
	if mark != nil && !(matches(wanted.Producer, mark.producer) && matches(wanted.Partition, mark.partition)) {
		mark = nil // what brought the trigger is not what is to be hit
	}
	if mark != nil && mark.conn == e.Conn && mark.correlation == e.Correlation {
		return mark.batch, true
	}
	if !strikesAnswers(f) || f.plan.Trigger.Kind == history.TriggerAcks {
		mark = nil // whatever comes now comes after the marked exchange
	}
	if mark != nil && mark.conn == e.Conn && e.Correlation < mark.correlation {
		return 0, false // it was under way before
	}
	for _, i := range counting(e) {
		b := &e.Batches[i]
		if !matches(wanted.Partition, b.Partition) {
			continue
		}
		// On another connection only the same producer's batches of the same
		// partition come after the marked one, on a retry; the rest is traffic
		// that happens to be faster.
		if mark == nil || mark.conn == e.Conn || mark.producer == producer && mark.partition == b.Partition {
			return i, true
		}
	}
	return 0, false
}

// aim is what a fault on a link is to hit: its target, and where that leaves
// something open, what its trigger counts.
func aim(plan history.PlannedFault) history.Target {
	aim := plan.Target
	if aim.Producer == history.Any {
		aim.Producer = plan.Trigger.Producer
	}
	if aim.Partition == history.Any {
		aim.Partition = plan.Trigger.Partition
	}
	return aim
}

// keptBack says whether a black hole is in force between broker and producer. Called with mu held.
func (n *Nemesis) keptBack(broker, producer int32) bool {
	for _, f := range n.faults {
		if f.state == active && (f.plan.Fault == BlackholeAcks || f.plan.Fault == Blackhole) && f.holds == n.indexOf(broker) && f.from == producer {
			return true
		}
	}
	return false
}

// indexOf is the place of a broker among all; the Fleet has its lanes in the
// same order.
func (n *Nemesis) indexOf(broker int32) int32 {
	for i, b := range n.env.Cluster.Brokers() {
		if b.ID == broker {
			return int32(i)
		}
	}
	panic(fmt.Sprintf("nemesis: an exchange with broker %d, which the cluster does not have", broker))
}

// hitAll counts a request that was hit as a whole.
func (f *fault) hitAll(e *proxy.Exchange) {
	f.event.Hits.Requests++
	for _, b := range e.Batches {
		f.hit(b)
	}
}

func (f *fault) hit(b proxy.Batch) {
	f.event.Hits.Batches++
	f.event.Hits.Records += int64(b.Records)
}

// lost counts the records whose successful answer did not get through.
func (f *fault) lost(e *proxy.Exchange) {
	for _, b := range e.Batches {
		if b.Error == 0 {
			f.event.Hits.Acks += int64(b.Records)
		}
	}
}

func connection(e *proxy.Exchange, producer int32) string {
	return fmt.Sprintf("connection %d of producer %d to broker %d", e.Conn, producer, e.Broker)
}
