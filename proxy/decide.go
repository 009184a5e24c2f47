package proxy

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// read reads a whole produce request; ok is false when the library cannot.
func (r *requests) read(h header, frame []byte) (message *kmsg.ProduceRequest, ok bool) {
	body, readable := frame[h.length:], h.version <= r.message.MaxVersion()
	if h.version >= 9 {
		var ok bool
		if body, ok = skipTags(body); !ok {
			readable = false
		}
	}
	message = &r.message
	*message = kmsg.ProduceRequest{Version: h.version, Topics: message.Topics[:0]}
	return message, readable && message.UnsafeReadFrom(body) == nil
}

// produce decides on one whole produce request.
func (r *requests) produce(h header) {
	c := r.conn
	size := h.size + 4
	frame := r.rope.peek(size)
	message, readable := r.read(h, frame)
	if !readable {
		r.unread(h, frame)
		return
	}
	p := r.pend(h, message)
	if c.isCut() || c.brokerGone.Load() {
		c.journalRequest(history.WireRequest, p, history.ActionDropped, c.lostFault())
		r.rope.discard(size)
		return
	}
	if fault, outlives, held := r.gate(); held {
		r.parkProduce(p, size, &parked{fault: fault, outlives: outlives})
		return
	}
	d := c.att.control.OnRequest(p.exchange)
	if d.Verb == Hold {
		i := &parked{}
		i.hold(d)
		r.parkProduce(p, size, i)
		return
	}
	if d.Verb == Pass {
		// The control may have begun a silence with this very request.
		if fault, outlives, held := r.gate(); held {
			r.parkProduce(p, size, &parked{fault: fault, outlives: outlives, asked: true})
			return
		}
	}
	r.decide(p, d, h, message, &r.rope, history.WireRequest)
}

// unread passes a produce request that the library cannot read: not for us to
// judge, the broker will.
func (r *requests) unread(h header, frame []byte) {
	body := frame[h.length:]
	if h.version >= 9 {
		if after, ok := skipTags(body); ok {
			body = after
		}
	}
	r.conn.note(history.WireNotKafka, "a produce request could not be read and passed unseen")
	// Acks stands in front of everything that versions have changed so far.
	if acks, ok := acksOf(body, h.version); !ok || acks != 0 {
		r.begin(&pending{key: -1, version: h.version, correlation: h.correlation})
	}
	r.emit(h.size + 4)
}

// decide carries out a decision on the produce request that is first in from.
// kind is WireDelivery if it was journaled as held before.
func (r *requests) decide(p *pending, d Decision, h header, message *kmsg.ProduceRequest, from *rope, kind history.WireKind) {
	c := r.conn
	size := h.size + 4
	switch d.Verb {
	case Cut:
		part := partOf(size, d.Part)
		if part > 0 {
			for i := range p.shares {
				p.shares[i].note = fmt.Sprintf("%d of the request's %d bytes reached the broker", part, size)
			}
		}
		c.journalRequest(kind, p, history.ActionCut, d.Fault)
		from.take(part, &r.out)
		from.discard(size - part)
		c.lose(loss{fault: d.Fault, why: "cut at a request", cut: true})
	case Refuse:
		if !r.refuse(p, d, h, message, from, kind) {
			r.pass(p, size, from, kind)
		}
	case Pass, Rewrite: // the last is for answers only
		r.pass(p, size, from, kind)
	default:
		panic("proxy: impossible verb")
	}
}

// partOf is how many bytes of a frame pass before a cut.
func partOf(size int, asked int64) int {
	if asked == Half {
		return size / 2
	}
	return int(max(0, min(asked, int64(size-1))))
}

func (r *requests) pass(p *pending, size int, from *rope, kind history.WireKind) {
	r.conn.journalRequest(kind, p, history.ActionPassed, p.fault)
	if p.exchange.Acks != 0 {
		r.conn.pending.push(p)
	}
	from.take(size, &r.out)
}
