package proxy

import (
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// pending is one request that an answer is due to.
type pending struct {
	key         int16
	version     int16
	correlation int32
	raw         bool // a SASL token, answered by another without a header

	metadata *metadataRequest // of Metadata requests, where a control wants to see the answers

	// Of produce requests only:
	exchange *Exchange
	shares   []share
	topicIDs [][16]byte // by batch; used from version 13
	withheld map[int]int16
	fault    int32         // that withheld batches, or held the request back
	delay    time.Duration // of the answer, when batches were withheld
	forged   bool          // nothing of it went to the broker
	asked    int64         // when the whole request was here, in ns of the run's clock
	answered int64         // when the whole answer was; 0 of a forged one
}

// came is when what an event of that kind tells of came; 0 where it is an event
// of the proxy's own making, which happens now.
func (p *pending) came(kind history.WireKind) int64 {
	switch kind {
	case history.WireRequest:
		return p.asked
	case history.WireAnswer:
		return p.answered
	}
	return 0
}

// later adds the delay of what was withheld to a decision on the answer.
func (p *pending) later(d Decision) Decision {
	if p.delay > d.For && d.Verb != Cut && d.Verb != Hold {
		d.For = p.delay
		if d.Verb == Pass {
			d.Fault = p.fault
		}
	}
	return d
}

// pendings is the queue of requests in flight on one connection, in the order
// in which their answers must come. The two toxics of a connection share it.
type pendings struct {
	mu      sync.Mutex
	queue   []*pending
	head    int
	produce int // produce requests that the broker owes an answer to
}

func (p *pendings) push(e *pending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.head > 0 && p.head == len(p.queue) {
		p.queue, p.head = p.queue[:0], 0
	}
	p.queue = append(p.queue, e)
	if e.exchange != nil && !e.forged {
		p.produce++
	}
}

// first returns the request whose answer is next, or nil.
func (p *pendings) first() *pending {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.head == len(p.queue) {
		return nil
	}
	return p.queue[p.head]
}

// pop removes the first request once its answer has arrived.
func (p *pendings) pop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.queue[p.head]
	p.queue[p.head] = nil
	p.head++
	if e.exchange != nil && !e.forged {
		p.produce--
	}
	if p.head > 64 && p.head*2 > len(p.queue) {
		rest := copy(p.queue, p.queue[p.head:])
		clear(p.queue[rest:])
		p.queue, p.head = p.queue[:rest], 0
	}
}

// owed returns how many produce answers the broker still owes.
func (p *pendings) owed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.produce
}
