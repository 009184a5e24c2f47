package proxy

import (
	"strings"
	"time"

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

	parked      []*parked // held back, in order
	parkedBytes int

	batches batchReader
	topics  map[string]string
	message kmsg.ProduceRequest
}

func (r *requests) run(stub *toxics.ToxicStub) {
	for {
		timer := r.settle()
		for !r.out.empty() {
			next, size := r.out.first()
			select {
			case stub.Output <- next:
				r.out.pop(size)
			case <-stub.Interrupt:
				stop(timer)
				return
			}
		}
		if r.ended && len(r.parked) == 0 && !r.mute() {
			stub.Close()
			return
		}
		input := stub.Input
		if r.ended || r.parkedBytes > maxParked {
			input = nil
		}
		var alarm <-chan time.Time
		if timer != nil {
			alarm = timer.C
		}
		var release <-chan struct{}
		if len(r.parked) > 0 && r.parked[0].waiting {
			release = r.parked[0].release
		}
		select {
		case c := <-input:
			if c == nil {
				// An unfinished frame passes too: no broker acts on it, and
				// nothing is altered that need not be.
				if r.conn.isCut() {
					r.rope.discard(r.rope.size)
				} else {
					r.emit(r.rope.size)
				}
				r.ended = true
				break
			}
			r.rope.push(c)
			for r.rope.size > 0 && r.step() {
			}
		case <-stub.Interrupt:
			stop(timer)
			return
		case <-r.conn.wakeUp:
		case <-release:
			r.parked[0].waiting, r.parked[0].release = false, nil
		case <-alarm:
		}
		stop(timer)
	}
}

// step decides on as much of the rope as it can, and returns false when it
// needs more bytes.
func (r *requests) step() bool {
	switch {
	case r.opaque || r.conn.opaque.Load():
		r.opaque = true
		r.emit(r.rope.size)
		return false
	case r.streaming > 0:
		n := min(r.streaming, r.rope.size)
		if r.dropping {
			r.rope.discard(n)
		} else {
			r.emit(n)
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
	if r.conn.lane.fleet.hides(h.key) {
		r.refuseHidden(h)
	}
	if h.key == keyProduce {
		if r.rope.size < h.size+4 {
			return false
		}
		r.produce(h)
		r.rope.trim()
		return true
	}
	var asked *metadataRequest
	if h.key == keyMetadata && r.conn.att.metadata != nil {
		if r.rope.size < h.size+4 {
			return false
		}
		asked = readMetadataRequest(h, r.rope.peek(h.size+4))
		r.rope.trim()
	}
	if h.key == keySASLHandshake && h.version == 0 {
		r.sasl = true
	}
	if r.dropping = r.conn.isCut(); !r.dropping {
		r.begin(&pending{key: h.key, version: h.version, correlation: h.correlation, metadata: asked})
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
		r.begin(&pending{raw: true})
	}
	r.streaming = size + 4
	return true
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
		exchange: e, shares: make([]share, count), fault: history.NoFault, asked: r.conn.att.journal.Now(),
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
