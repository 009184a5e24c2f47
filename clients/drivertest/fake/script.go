package fake

import (
	"slices"
	"sync"

	"github.com/idemcheck/idemcheck/clients/drivertest"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// script decides about produce requests as it was told, and remembers them.
type script struct {
	mu       sync.Mutex
	decide   func(drivertest.Request) drivertest.Reply
	requests []drivertest.Request
	replies  map[exchange]drivertest.Reply // what is to be done with the answer
}

// exchange names a request and its answer.
type exchange struct {
	conn        int64
	correlation int32
}

// Obey implements drivertest.Broker.
func (b *Broker) Obey(decide func(drivertest.Request) drivertest.Reply) {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	b.script.decide = decide
}

// Requests implements drivertest.Broker.
func (b *Broker) Requests() []drivertest.Request {
	b.script.mu.Lock()
	defer b.script.mu.Unlock()
	return slices.Clone(b.script.requests)
}

// OnRequest implements proxy.Control.
func (s *script) OnRequest(e *proxy.Exchange) proxy.Decision {
	r := drivertest.Request{Conn: e.Conn, ClientID: e.ClientID, Acks: e.Acks}
	for _, b := range e.Batches {
		r.Batches = append(r.Batches, drivertest.Batch{Topic: b.Topic, Partition: b.Partition, ProducerID: b.ProducerID, Records: int(b.Records)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r)
	if s.decide == nil {
		return proxy.Decision{}
	}
	reply := s.decide(r)
	if reply.Code != 0 && !reply.Append {
		return proxy.Decision{Verb: proxy.Refuse, Fault: history.NoFault, Codes: codes(e, reply.Code)}
	}
	s.replies[exchange{e.Conn, e.Correlation}] = reply
	return proxy.Decision{}
}

// OnAnswer implements proxy.Control.
func (s *script) OnAnswer(e *proxy.Exchange) proxy.Decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := exchange{e.Conn, e.Correlation}
	reply := s.replies[key]
	delete(s.replies, key)
	switch {
	case reply.Lose:
		return proxy.Decision{Verb: proxy.Cut, Fault: history.NoFault}
	case reply.Hold != nil:
		return proxy.Decision{Verb: proxy.Hold, Fault: history.NoFault, Release: reply.Hold}
	case reply.Code != 0:
		return proxy.Decision{Verb: proxy.Rewrite, Fault: history.NoFault, Codes: codes(e, reply.Code)}
	}
	return proxy.Decision{}
}

// OnLost implements proxy.Control.
func (s *script) OnLost(*proxy.Exchange, int32) {}

// codes answers every batch with one code.
func codes(e *proxy.Exchange, code int16) map[int]int16 {
	all := make(map[int]int16, len(e.Batches))
	for i := range e.Batches {
		all[i] = code
	}
	return all
}
