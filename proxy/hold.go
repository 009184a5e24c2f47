package proxy

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

const noFault = history.NoFault

// healLimit is how long heal waits for connections to deliver what was held.
const healLimit = time.Second

// hold is silence between some clients and one broker.
type hold struct {
	fault              int32
	match              func(clientID string) bool
	toClient, toBroker bool // the directions in which nothing passes

	stall   bool         // the client is not read from
	stalled atomic.Int64 // connections that stood still because of it
}

// HoldAnswers makes a black hole towards the clients of the broker at index
// whose client id match accepts (nil: all), on connections open now and later:
// requests still flow, and nothing passes to the client, not even the end of a
// connection. A connection whose client id is not known yet counts as matched.
// fault goes into the journal.
//
// heal ends it: what was held is delivered where the broker's end of the
// connection is still there. Where it died meanwhile, what was held died with
// it: each produce answer is reported lost, and the client's connection is
// closed. heal returns when that has happened, or after a second. It may be
// called more than once.
func (f *Fleet) HoldAnswers(index int, fault int32, match func(clientID string) bool) (heal func()) {
	return f.Silence(index, fault, true, false, match)
}

// Silence lets nothing pass, in the chosen directions, between the broker at
// index and the clients whose client id match accepts (nil: all), on
// connections open now and later. It closes no connection. What it does
// towards the client is said at HoldAnswers. Towards the broker, requests are
// journaled as held when they arrive, and the end of a client's connection is
// kept from the broker as well.
//
// A new connection is accepted, and its way to the broker is dialled, and then
// nothing passes: a real partition would swallow the handshake too, and let
// the client wait in connect. Whose connection it is shows only in its first
// request, so there is no other way that spares other clients; what a client
// sees is silence in both cases.
//
// heal ends it: what was held passes in order, as TCP sends again what it could
// not deliver when a partition ends, unless the client or the broker has closed
// its end meanwhile: then it is journaled as dropped. heal returns when that has
// happened, or after a second, and may be called more than once. fault goes into
// the journal.
func (f *Fleet) Silence(index int, fault int32, toClient, toBroker bool, match func(clientID string) bool) (heal func()) {
	l := f.lanes[index]
	if match == nil {
		match = func(string) bool { return true }
	}
	h := &hold{fault: fault, match: match, toClient: toClient, toBroker: toBroker}
	l.changeHolds(func(now []*hold) []*hold { return append(now, h) })
	return func() {
		l.endHold(h)
		l.awaitHealed(h)
	}
}

func (l *lane) endHold(h *hold) {
	l.changeHolds(func(now []*hold) []*hold {
		return slices.DeleteFunc(now, func(other *hold) bool { return other == h })
	})
}

// changeHolds replaces the list of holds and tells the connections.
func (l *lane) changeHolds(change func([]*hold) []*hold) {
	l.holdMu.Lock()
	var now []*hold
	if p := l.holds.Load(); p != nil {
		now = append(now, *p...)
	}
	now = change(now)
	if len(now) == 0 {
		l.holds.Store(nil)
	} else {
		l.holds.Store(&now)
	}
	l.holdMu.Unlock()
	for _, c := range l.snapshot() {
		c.wakeBoth()
	}
}

func (l *lane) dropHolds() { l.changeHolds(func([]*hold) []*hold { return nil }) }

func (l *lane) anyHold() bool { return l.holds.Load() != nil }

// holding returns what keeps answers from a connection's client, or nil.
func (l *lane) holding(c *conn) *hold {
	return l.inForce(c, func(h *hold) bool { return h.toClient })
}

// silencing returns what keeps requests from a connection's broker, or nil.
func (l *lane) silencing(c *conn) *hold {
	return l.inForce(c, func(h *hold) bool { return h.toBroker })
}

func (l *lane) inForce(c *conn, way func(*hold) bool) *hold {
	p := l.holds.Load()
	if p == nil {
		return nil
	}
	name, known := c.clientName()
	for _, h := range *p {
		if way(h) && (!known || h.match(name)) {
			return h
		}
	}
	return nil
}

// awaitHealed waits until no connection holds anything for h any more.
func (l *lane) awaitHealed(h *hold) {
	deadline := time.Now().Add(healLimit)
	for time.Now().Before(deadline) {
		waiting := false
		for _, c := range l.snapshot() {
			if c.heldBy.Load() == h && l.holding(c) == nil || h.toBroker && c.keeps.Load() && l.silencing(c) == nil {
				waiting = true
			}
		}
		if !waiting {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
