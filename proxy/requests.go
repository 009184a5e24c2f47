package proxy

import (
	"strings"

	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// requests is the state of one connection's stream towards the broker. Only
// the goroutine running its toxic touches it.
type requests struct {
	conn *conn
	rope rope
	out  outbox

	streaming int  // bytes left of a frame that passes unread
	dropping  bool // what streams is dropped: the connection was cut
	started   bool // a Kafka header was seen
	sasl      bool // raw SASL tokens may follow (SaslHandshake version 0)
	opaque    bool // not Kafka: everything passes
	ended     bool // the client's stream is over

	batches batchReader
	topics  map[string]string
	message kmsg.ProduceRequest
}

func (r *requests) run(stub *toxics.ToxicStub) {
	for {
		for !r.out.empty() {
			select {
			case stub.Output <- r.out.chunks[0]:
				r.out.pop()
			case <-stub.Interrupt:
				return
			}
		}
		if r.ended {
			stub.Close()
			return
		}
		select {
		case c := <-stub.Input:
			if c == nil {
				// An unfinished frame passes too: no broker acts on it, and
				// nothing is altered that need not be.
				if r.conn.isCut() {
					r.rope.discard(r.rope.size)
				} else {
					r.rope.take(r.rope.size, &r.out)
				}
				r.ended = true
				continue
			}
			r.rope.push(c)
			for r.rope.size > 0 && r.step() {
			}
		case <-stub.Interrupt:
			return
		}
	}
}

// step decides on as much of the rope as it can, and returns false when it
// needs more bytes.
func (r *requests) step() bool {
	switch {
	case r.opaque || r.conn.opaque.Load():
		r.opaque = true
		r.rope.take(r.rope.size, &r.out)
		return false
	case r.streaming > 0:
		n := min(r.streaming, r.rope.size)
		if r.dropping {
			r.rope.discard(n)
		} else {
			r.rope.take(n, &r.out)
		}
		r.streaming -= n
		return true
	}
	h, state, _ := parseHeader(&r.rope)
	switch state {
	case headerShort:
		return false
	case headerForeign:
		if r.sasl && r.token() {
			return true
		}
		r.conn.foreign(describeForeign(&r.rope))
		r.opaque = true
		return true
	}
	if r.sasl && h.key != keySASLHandshake {
		r.sasl = false
	}
	if !r.started || string(h.clientID) != r.conn.name() {
		r.started = true
		r.conn.setClient(string(h.clientID))
	}
	if h.key == keyProduce {
		if r.rope.size < h.size+4 {
			return false
		}
		r.produce(h)
		r.rope.trim()
		return true
	}
	if h.key == keySASLHandshake && h.version == 0 {
		r.sasl = true
	}
	if r.dropping = r.conn.isCut(); !r.dropping {
		r.conn.pending.push(&pending{key: h.key, version: h.version, correlation: h.correlation})
	}
	r.streaming = h.size + 4
	return true
}

// token passes one raw SASL token: four bytes of size, then bytes that are
// the mechanism's own. The broker answers each with a token of its own.
func (r *requests) token() bool {
	size := 0
	for _, b := range r.rope.peek(4) {
		size = size<<8 | int(b)
	}
	if size > 1<<20 {
		return false
	}
	if r.dropping = r.conn.isCut(); !r.dropping {
		r.conn.pending.push(&pending{raw: true})
	}
	r.streaming = size + 4
	return true
}

// produce decides on one whole produce request.
func (r *requests) produce(h header) {
	c := r.conn
	size := h.size + 4
	frame := r.rope.peek(size)
	body, readable := frame[h.length:], h.version <= r.message.MaxVersion()
	if h.version >= 9 {
		var ok bool
		if body, ok = skipTags(body); !ok {
			readable = false
		}
	}
	message := &r.message
	*message = kmsg.ProduceRequest{Version: h.version, Topics: message.Topics[:0]}
	if readable {
		readable = message.UnsafeReadFrom(body) == nil
	}
	if !readable {
		// Not for us to judge: the broker will. Acks stands in front of
		// everything that versions have changed so far.
		c.note(history.WireNotKafka, "a produce request could not be read and passed unseen")
		if acks, ok := acksOf(body, h.version); !ok || acks != 0 {
			c.pending.push(&pending{key: -1, version: h.version, correlation: h.correlation})
		}
		r.rope.take(size, &r.out)
		return
	}
	p := r.pend(h, message)
	if c.isCut() || c.brokerGone.Load() {
		c.journalRequest(p, history.ActionDropped, c.lostFault())
		r.rope.discard(size)
		return
	}
	d := c.att.control.OnRequest(p.exchange)
	switch d.Verb {
	case Cut:
		c.journalRequest(p, history.ActionCut, d.Fault)
		r.rope.discard(size)
		c.lose(loss{fault: d.Fault, why: "cut at a request", cut: true})
	case Refuse:
		if !r.refuse(p, d, h, message, frame) {
			r.pass(p, size)
		}
	case Pass, Hold, Rewrite: // the last two are for answers only
		r.pass(p, size)
	default:
		panic("proxy: impossible verb")
	}
}

func (r *requests) pass(p *pending, size int) {
	r.conn.journalRequest(p, history.ActionPassed, history.NoFault)
	if p.exchange.Acks != 0 {
		r.conn.pending.push(p)
	}
	r.rope.take(size, &r.out)
}

// pend builds the Exchange of a produce request.
func (r *requests) pend(h header, message *kmsg.ProduceRequest) *pending {
	count := 0
	for i := range message.Topics {
		count += len(message.Topics[i].Partitions)
	}
	e := &Exchange{
		Broker: r.conn.lane.broker.Load(), Conn: r.conn.id, Correlation: h.correlation,
		ClientID: r.conn.name(), Version: h.version, Acks: message.Acks,
		Batches: make([]Batch, 0, count),
	}
	p := &pending{
		key: keyProduce, version: h.version, correlation: h.correlation,
		exchange: e, shares: make([]share, count), fault: history.NoFault,
	}
	for i := range message.Topics {
		t := &message.Topics[i]
		name := r.topic(t, h.version)
		for j := range t.Partitions {
			e.Batches = append(e.Batches, Batch{Topic: name, Partition: t.Partitions[j].Partition})
			at := len(e.Batches) - 1
			r.batches.read(t.Partitions[j].Records, &e.Batches[at], &p.shares[at])
			if h.version >= 13 {
				p.topicIDs = append(p.topicIDs, t.TopicID)
			}
		}
	}
	return p
}

// topic returns the name of a topic as a string of its own: the message's
// strings lie in the rope.
func (r *requests) topic(t *kmsg.ProduceRequestTopic, version int16) string {
	if version >= 13 {
		return r.conn.lane.fleet.topics.name(t.TopicID)
	}
	if name, ok := r.topics[t.Topic]; ok {
		return name
	}
	if r.topics == nil {
		r.topics = make(map[string]string)
	}
	name := strings.Clone(t.Topic)
	r.topics[name] = name
	return name
}
