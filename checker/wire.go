package checker

import "github.com/idemcheck/idemcheck/history"

// journal reads the wire journal once, in time order: it counts coverage, holds
// clients and brokers against the protocol, and picks the evidence for what
// the sweeps found. What it keeps grows with connections, producers and
// partitions, not with events.
type journal struct {
	coverage map[string]int64 // filled in at the end, from n
	n        wireCounts
	src      rows
	story    *story
	process  map[int32]history.Process
	byClient map[string]int32 // process by client id, where that is unique
	mayFly   map[int32]int    // how many requests a process may have in flight, where it was told and takes that

	conns     recent[int64, conn]
	closed    map[int64]int64 // when connections ended
	torn      map[string]bool // clients of which a connection that carried batches has ended
	carried   map[clientBroker]bool
	held      map[answerKey]heldAnswer
	waiting   map[answerKey]*waitingRequest
	tps       recent[history.TopicPartition, tpWire]
	producers map[int64]*producer

	zombies zombies

	client, broker *protocol
	watches        *watches

	events int64
	forged bool // some answer was forged
}

type clientBroker struct {
	clientID string
	broker   int32
}

// answerKey names one partition's answer to one request.
type answerKey struct {
	conn        int64
	correlation int32
	tp          history.TopicPartition
}

// tpWire is what the wire showed of one partition.
type tpWire struct {
	leader  int32                       // broker that last acknowledged something; -1 at first
	refused int64                       // when a broker last said that it cannot take records now
	lanes   recent[int32, laneWire]     // by process
	parts   recent[int64, producerPart] // by producer id
}

// laneWire is what the wire showed of one process in one partition.
type laneWire struct {
	seen    intervals // record numbers
	refusal refusal
	unsent  unsent
	try     try
	last    history.WireEvent
}

func newJournal(m *history.Manifest, src rows, st *story, w *watches, limit int) *journal {
	j := &journal{
		coverage: newCoverage(), n: wireCounts{byCode: make(map[int16]int64)}, src: src, story: st,
		process: make(map[int32]history.Process), byClient: make(map[string]int32), mayFly: make(map[int32]int),
		carried: make(map[clientBroker]bool), torn: make(map[string]bool), closed: make(map[int64]int64), held: make(map[answerKey]heldAnswer),
		waiting: make(map[answerKey]*waitingRequest), producers: make(map[int64]*producer),
		zombies: newZombies(),
		client:  newProtocol(BlameClient, limit), broker: newProtocol(BlameBroker, limit), watches: w,
	}
	for _, p := range m.Processes {
		j.process[p.ID] = p
		if p.Maps("in_flight") {
			j.mayFly[p.ID] = p.InFlight
		}
		if _, twice := j.byClient[p.ClientID]; twice {
			j.byClient[p.ClientID] = -1
		} else {
			j.byClient[p.ClientID] = p.ID
		}
	}
	return j
}

// read takes the whole journal.
func (j *journal) read() error {
	for ev, err := range j.src.Wire() {
		if err != nil {
			return err
		}
		j.events++
		j.take(&ev)
	}
	// An answer that was held and never let go did not arrive.
	for _, kept := range j.held {
		j.undelivered(&kept.answer)
	}
	j.checkDropped()
	j.count()
	return nil
}

// take takes one event. It is handed on by reference, since it is large and
// there may be tens of millions; nobody keeps it but by value.
func (j *journal) take(ev *history.WireEvent) {
	switch ev.Kind {
	case history.WireConnect:
		j.n.connections++
	case history.WireDisconnect:
		j.n.disconnects++
		if c := j.conns.get(ev.Conn); c != nil && c.known {
			j.torn[c.client] = true
		}
		j.conns.drop(ev.Conn)
		j.closed[ev.Conn] = ev.At
	case history.WireNotKafka:
		j.n.notKafka++
	case history.WireHidden:
		j.n.hidden++
	case history.WireInitProducerID:
		j.initialised(ev)
	case history.WireRequest:
		j.watches.take(ev)
		j.request(ev)
	case history.WireAnswer:
		j.watches.take(ev)
		j.answer(ev)
	case history.WireRelease:
		j.watches.take(ev)
		j.release(ev)
	case history.WireDelivery:
		j.watches.take(ev)
		j.delivery(ev)
	}
}

func (j *journal) conn(ev *history.WireEvent) *conn {
	c := j.conns.get(ev.Conn)
	if c == nil {
		c = &conn{}
		j.conns.put(ev.Conn, c)
	}
	return c
}

func (j *journal) tp(ev *history.WireEvent) *tpWire {
	key := tpOf(ev)
	t := j.tps.get(key)
	if t == nil {
		t = &tpWire{leader: -1}
		j.tps.put(key, t)
	}
	return t
}

// lane returns what the wire showed of a process in a partition; nil when it
// showed nothing.
func (j *journal) lane(tp history.TopicPartition, process int32) *laneWire {
	if t := j.tps.get(tp); t != nil {
		return t.lanes.get(process)
	}
	return nil
}

func (j *journal) request(ev *history.WireEvent) {
	j.n.batches++
	switch ev.Action {
	case history.ActionWithheld:
		j.n.withheld++
	case history.ActionCut, history.ActionDropped:
		j.n.requestsCut++
	case history.ActionHeld:
		j.n.heldRequests++
	case history.ActionPassed:
		j.reached(ev)
	}
	if ev.ProducerID >= 0 {
		j.n.idempotent++
	}
	switch ev.Acks {
	case -1:
		j.n.acksAll++
	case 0:
		j.n.acksNone++
	}
	c := j.conn(ev)
	if !c.known {
		c.known, c.client = true, ev.ClientID
		key := clientBroker{ev.ClientID, ev.Broker}
		if j.carried[key] {
			j.n.reconnects++
		}
		j.carried[key] = true
	}
	if ev.Acks != 0 { // with acks=0 there is no answer to wait for
		j.inFlight(c, ev)
	}
	again := j.countRetry(ev)
	j.wait(ev, again)
	j.checkBatch(ev)
	j.produced(ev, again)
}

// countRetry notes which records went by, and returns how many had before.
func (j *journal) countRetry(ev *history.WireEvent) (again int64) {
	if ev.Process < 0 || ev.First < 0 {
		return 0
	}
	t := j.tp(ev)
	l := t.lanes.get(ev.Process)
	if l == nil {
		l = &laneWire{}
		t.lanes.put(ev.Process, l)
		j.began(ev)
	}
	l.last = *ev
	j.n.attempts.add(&l.try, ev)
	if again = l.seen.add(ev.First, ev.Last); again > 0 {
		j.n.retries++
		j.n.retryRecords += again
		j.checkBackoff(l, ev)
		l.unsent.resent(ev)
	}
	return again
}

func tpOf(ev *history.WireEvent) history.TopicPartition {
	return history.TopicPartition{Topic: ev.Topic, Partition: ev.Partition}
}
