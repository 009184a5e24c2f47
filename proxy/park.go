package proxy

import (
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// maxParked is how much of a client's stream a connection holds back before it
// stops reading from the client, in bytes.
const maxParked = 64 << 20

// parked is a stretch of the stream to the broker that is held back: one
// produce request, one other request, or the rest of one that had begun.
type parked struct {
	produce bool
	frame   rope     // of a produce request
	out     outbox   // of anything else
	request *pending // an answer is due to it once it goes on; nil for a rest, and for produce requests, which are read again then
	fault   int32    // that holds it back
	// outlives says that it goes on even if its client has left meanwhile.
	outlives bool
	asked    bool // the control has decided on it already

	// A hold of its own, once it is first in line.
	waiting bool
	release <-chan struct{}
	until   time.Time // zero: no limit
}

// gate returns what keeps the next bytes from the broker; ok is false when
// nothing does.
func (r *requests) gate() (fault int32, outlives, ok bool) {
	if n := len(r.parked); n > 0 {
		last := r.parked[n-1]
		return last.fault, last.outlives, true
	}
	if h := r.conn.lane.silencing(r.conn); h != nil {
		return h.fault, false, true
	}
	return history.NoFault, false, false
}

func (r *requests) park(i *parked) {
	r.parked = append(r.parked, i)
	r.parkedBytes += i.size()
	r.conn.keeps.Store(true)
}

func (i *parked) size() int { return i.frame.size + i.out.size }

// emit passes n bytes that are no whole produce request on, or holds them.
func (r *requests) emit(n int) {
	fault, outlives, held := r.gate()
	if !held {
		r.rope.take(n, &r.out)
		return
	}
	last := len(r.parked) - 1
	if last < 0 || r.parked[last].produce {
		r.park(&parked{fault: fault, outlives: outlives})
		last = len(r.parked) - 1
	}
	r.rope.take(n, &r.parked[last].out)
	r.parkedBytes += n
}

// begin registers a request that is no produce request, whose bytes emit will
// pass on or hold.
func (r *requests) begin(p *pending) {
	if fault, outlives, held := r.gate(); held {
		r.park(&parked{request: p, fault: fault, outlives: outlives})
		return
	}
	r.conn.pending.push(p)
}

// parkProduce holds back the produce request that is first in the rope.
func (r *requests) parkProduce(p *pending, size int, i *parked) {
	r.conn.journalRequest(history.WireRequest, p, history.ActionHeld, i.fault)
	i.produce = true
	r.rope.take(size, &i.out)
	for _, c := range i.out.chunks {
		i.frame.push(c)
	}
	i.out = outbox{}
	r.park(i)
}

// settle lets go of what is held back and need not be any more, and gives up
// what can no longer be delivered. The timer says when to look again, if at
// some time.
func (r *requests) settle() *time.Timer {
	for len(r.parked) > 0 {
		i := r.parked[0]
		if r.undeliverable(i) {
			r.dropParked()
			break
		}
		if r.conn.lane.silencing(r.conn) != nil {
			return nil
		}
		if i.waiting {
			if i.until.IsZero() {
				return nil
			}
			if left := time.Until(i.until); left > 0 {
				return time.NewTimer(left)
			}
			i.waiting = false
		}
		bytes := i.size()
		if i.produce && r.deliver(i) {
			continue // the control holds it anew
		}
		if !i.produce {
			if i.request != nil {
				r.conn.pending.push(i.request)
			}
			r.out.addAll(&i.out)
		}
		r.parked[0] = nil
		r.parked = r.parked[1:]
		r.parkedBytes -= bytes
	}
	r.conn.keeps.Store(len(r.parked) > 0 || r.ended && r.mute())
	return nil
}

// undeliverable says whether what is held will never go on: the connection was
// cut or its broker's end is gone, or its client has left and it was silence
// that held it.
func (r *requests) undeliverable(i *parked) bool {
	c := r.conn
	return c.isCut() || c.brokerGone.Load() || c.isForced() || c.isLost() && !i.outlives
}

// mute says whether silence keeps even the end of the stream from the broker.
func (r *requests) mute() bool {
	c := r.conn
	return c.lane.silencing(c) != nil && !c.isCut() && !c.isForced() && !c.brokerGone.Load()
}

// deliver decides on a held produce request and passes it on late. It returns
// true when the control wants it held on.
func (r *requests) deliver(i *parked) (held bool) {
	h, _, _ := parseHeader(&i.frame)
	frame := i.frame.peek(h.size + 4)
	message, _ := r.read(h, frame)
	p := r.pend(h, message)
	p.fault = i.fault
	var d Decision
	if !i.asked && !r.conn.isLost() {
		d = r.conn.att.control.OnRequest(p.exchange)
	}
	if d.Verb == Hold {
		i.hold(d)
		return true
	}
	r.decide(p, d, h, message, &i.frame, history.WireDelivery)
	return false
}

// hold keeps a request back as the control decided.
func (i *parked) hold(d Decision) {
	i.asked, i.waiting, i.outlives = true, true, true
	i.fault, i.release = d.Fault, d.Release
	if d.For > 0 {
		i.until = time.Now().Add(d.For)
	}
}

// dropParked gives up what is held back.
func (r *requests) dropParked() {
	for _, i := range r.parked {
		if !i.produce {
			continue
		}
		h, _, _ := parseHeader(&i.frame)
		message, _ := r.read(h, i.frame.peek(h.size+4))
		r.conn.journalRequest(history.WireDelivery, r.pend(h, message), history.ActionDropped, i.fault)
	}
	r.parked, r.parkedBytes = nil, 0
}
