package nemesis

import (
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// OnRequest implements proxy.Control: it counts, and lets the first ready fault
// that takes hold of requests strike.
func (n *Nemesis) OnRequest(e *proxy.Exchange) proxy.Decision {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.armed {
		return proxy.Decision{}
	}
	producer := n.env.Producer(e.ClientID)
	mark := &exchange{e.Conn, e.Correlation}
	for _, b := range e.Batches {
		n.counted(history.TriggerRequests, producer, b.Partition, mark)
		n.sequenced(b.BaseSequence, producer, b.Partition, mark)
	}
	for _, f := range n.faults {
		if f.state != ready || f.kind.stage != atRequest || !n.fits(f, producer, mark) {
			continue
		}
		if f.plan.Fault == AnswerError && f.plan.Append {
			continue // strikes the answer
		}
		batch, ok := struck(f.plan, e)
		if !ok {
			continue
		}
		n.start(f, connection(e, producer))
		decision := proxy.Decision{Verb: proxy.Cut, Fault: f.plan.ID}
		f.event.Hits.Requests++
		if f.plan.Fault == AnswerError {
			decision.Verb, decision.Codes = proxy.Refuse, map[int]int16{batch: f.plan.Error}
			f.hit(e.Batches[batch])
		} else {
			for _, b := range e.Batches {
				f.hit(b)
			}
		}
		n.finish(f, nil)
		return decision
	}
	return proxy.Decision{}
}

// OnAnswer implements proxy.Control: it counts, and lets the first ready fault
// that takes hold of answers strike. Such a fault wants an answer that tells of
// an append: nothing is lost with any other.
func (n *Nemesis) OnAnswer(e *proxy.Exchange) proxy.Decision {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.armed {
		return proxy.Decision{}
	}
	producer := n.env.Producer(e.ClientID)
	mark := &exchange{e.Conn, e.Correlation}
	appended := false
	for _, b := range e.Batches {
		if b.Error != 0 {
			continue
		}
		appended = true
		n.counted(history.TriggerAcks, producer, b.Partition, mark)
		if n.keptBack(e.Broker, producer) {
			n.counted(history.TriggerUnacked, producer, b.Partition, nil)
		}
	}
	if !appended {
		return proxy.Decision{}
	}
	for _, f := range n.faults {
		if f.state != ready || !strikesAnswers(f) || !n.fits(f, producer, mark) {
			continue
		}
		batch, ok := struck(f.plan, e)
		if !ok || e.Batches[batch].Error != 0 {
			continue
		}
		return n.strikeAnswer(f, e, producer, batch)
	}
	return proxy.Decision{}
}

func strikesAnswers(f *fault) bool {
	return f.kind.stage == atAnswer || (f.plan.Fault == AnswerError && f.plan.Append)
}

// strikeAnswer carries out a fault on an answer. Called with mu held.
func (n *Nemesis) strikeAnswer(f *fault, e *proxy.Exchange, producer int32, batch int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.event.Hits.Requests++
	for _, b := range e.Batches {
		f.hit(b)
	}
	switch f.plan.Fault {
	case CutAfterAppend:
		f.lost(e)
		n.finish(f, nil)
		return proxy.Decision{Verb: proxy.Cut, Fault: f.plan.ID}
	case AnswerError:
		f.event.Hits.Acks += int64(e.Batches[batch].Records)
		n.finish(f, nil)
		return proxy.Decision{Verb: proxy.Rewrite, Fault: f.plan.ID, Codes: map[int]int16{batch: f.plan.Error}}
	case DelayAcks:
		n.busy++
		n.work.Add(1)
		release := make(chan struct{})
		go n.delay(f, release)
		return proxy.Decision{Verb: proxy.Hold, Fault: f.plan.ID, Release: release}
	case BlackholeAcks:
		f.holds = n.indexOf(e.Broker)
		n.blocked(producer, e)
		n.work.Add(1)
		release := make(chan struct{})
		go n.blackhole(f, producer, release)
		return proxy.Decision{Verb: proxy.Hold, Fault: f.plan.ID, Release: release}
	}
	panic("nemesis: impossible fault on an answer: " + f.plan.Fault)
}

// blocked counts the answer that a black hole begins with. Called with mu held.
func (n *Nemesis) blocked(producer int32, e *proxy.Exchange) {
	for _, b := range e.Batches {
		if b.Error == 0 {
			n.counted(history.TriggerUnacked, producer, b.Partition, nil)
		}
	}
}

// delay releases an answer after the planned time.
func (n *Nemesis) delay(f *fault, release chan struct{}) {
	defer n.work.Done()
	timer := time.NewTimer(f.plan.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.healAll:
	}
	close(release)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy--
	n.finish(f, nil)
}

// blackhole keeps the producer from hearing anything of a broker, on this and
// on any later connection, until healed.
func (n *Nemesis) blackhole(f *fault, producer int32, release chan struct{}) {
	defer n.work.Done()
	heal := n.env.Links.HoldAnswers(f.holds, f.plan.ID, func(clientID string) bool {
		return n.env.Producer(clientID) == producer
	})
	n.lasts(f)
	heal()
	close(release)
	n.mu.Lock()
	defer n.mu.Unlock()
	f.holds = -1
	n.finish(f, nil)
}

// OnLost implements proxy.Control: one more answer did not reach its client.
func (n *Nemesis) OnLost(e *proxy.Exchange, id int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id >= 0 && int(id) < len(n.faults) {
		n.faults[id].lost(e)
	}
}

// fits says whether a ready fault may strike this exchange. Called with mu held.
func (n *Nemesis) fits(f *fault, producer int32, is *exchange) bool {
	if !matches(f.plan.Trigger.Producer, producer) || !matches(f.plan.Target.Producer, producer) {
		return false
	}
	return f.mark == nil || *f.mark == *is || f.mark.conn != is.conn || is.correlation > f.mark.correlation
}

// struck picks the batch of an exchange that a fault is about: the one on its
// partition, else the first.
func struck(plan history.PlannedFault, e *proxy.Exchange) (int, bool) {
	for i, b := range e.Batches {
		if matches(plan.Trigger.Partition, b.Partition) && matches(plan.Target.Partition, b.Partition) {
			return i, true
		}
	}
	return 0, false
}

// keptBack says whether a black hole is in force between broker and producer. Called with mu held.
func (n *Nemesis) keptBack(broker, producer int32) bool {
	for _, f := range n.faults {
		if f.state == active && f.plan.Fault == BlackholeAcks && f.holds == n.indexOf(broker) &&
			matches(f.plan.Target.Producer, producer) {
			return true
		}
	}
	return false
}

func (n *Nemesis) indexOf(broker int32) int {
	for i, b := range n.env.Cluster.Brokers() {
		if b.ID == broker {
			return i
		}
	}
	return -1
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
