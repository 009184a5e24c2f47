package proxy

import (
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// item is a stretch of the stream that is held back.
type item struct {
	pending  *pending // nil: bytes that are no produce answer
	out      outbox
	decision Decision
	fault    int32 // that holds it back
	black    bool  // held by a black hole, lost if the broker's connection is

	// A hold of its own, once it is first in line.
	release <-chan struct{}
	until   time.Time // zero: no limit
	waiting bool
}

type delivery struct {
	end     int64
	pending *pending
}

// gate returns what keeps the next bytes from the client; ok is false when
// nothing does.
func (a *answers) gate() (fault int32, black, ok bool) {
	if n := len(a.held); n > 0 {
		h := a.conn.lane.holding(a.conn)
		if h != nil {
			return h.fault, true, true
		}
		return a.held[n-1].fault, a.held[n-1].black, true
	}
	if h := a.conn.lane.holding(a.conn); h != nil {
		return h.fault, true, true
	}
	return history.NoFault, false, false
}

// hole is the black hole in force, kept for as long as something it held is
// neither delivered nor dropped.
func (a *answers) hole() *hold {
	if h := a.conn.lane.holding(a.conn); h != nil {
		return h
	}
	if len(a.held) > 0 || (!a.out.empty() && a.conn.heldBy.Load() != nil) {
		return a.conn.heldBy.Load()
	}
	return nil
}

func (a *answers) hold(i *item) {
	a.held = append(a.held, i)
	a.heldBytes += i.out.size
}

// arrive applies an item's decision, or holds it if something is in its way.
func (a *answers) arrive(i *item) {
	if fault, black, held := a.gate(); held {
		i.fault, i.black = fault, black
		a.conn.journalAnswer(history.WireAnswer, i.pending, i.decision, history.ActionHeld, fault)
		a.hold(i)
		return
	}
	a.apply(i, history.WireAnswer)
}

// apply carries out the decision on a produce answer that is first in line.
// kind is WireRelease if it was journaled as held before.
func (a *answers) apply(i *item, kind history.WireKind) {
	c, p, d := a.conn, i.pending, i.decision
	if d.Verb != Cut && (d.For > 0 || d.Release != nil) {
		a.wait(i, kind)
		return
	}
	switch d.Verb {
	case Pass, Rewrite, Refuse: // the last is for requests only
		fault := history.NoFault
		if kind == history.WireRelease {
			fault = i.fault
		}
		c.journalAnswer(kind, p, d, history.ActionPassed, fault)
		a.deliver(i)
	case Cut:
		action := history.ActionCut
		if kind == history.WireRelease {
			action = history.ActionDropped
		}
		c.journalAnswer(kind, p, d, action, d.Fault)
		c.lose(loss{fault: d.Fault, why: "cut at an answer", cut: true})
	default:
		panic("proxy: impossible verb")
	}
}

// wait holds an answer that is first in line, and with it what comes behind.
// What else its decision asks for is done when the wait is over.
func (a *answers) wait(i *item, kind history.WireKind) {
	d := i.decision
	if kind == history.WireAnswer {
		a.conn.journalAnswer(kind, i.pending, d, history.ActionHeld, d.Fault)
		i.fault = d.Fault
	}
	i.waiting, i.release = true, d.Release
	if d.For > 0 {
		i.until = time.Now().Add(d.For)
	}
	d.For, d.Release = 0, nil
	if d.Verb == Hold {
		d = Decision{}
	}
	i.decision = d
	a.held = append([]*item{i}, a.held...)
	a.heldBytes += i.out.size
}

// deliver hands an item's bytes to the client, and keeps count of them until
// they are written.
func (a *answers) deliver(i *item) {
	a.out.addAll(&i.out)
	if i.pending == nil {
		return
	}
	written := a.conn.down.written.Load()
	done := 0
	for done < len(a.deliveries) && a.deliveries[done].end <= written {
		done++
	}
	if done > 0 {
		rest := copy(a.deliveries, a.deliveries[done:])
		clear(a.deliveries[rest:])
		a.deliveries = a.deliveries[:rest]
	}
	a.deliveries = append(a.deliveries, delivery{a.passed + int64(a.out.size), i.pending})
}

// forge answers requests that were withheld whole and are next in line.
func (a *answers) forge() {
	for {
		p := a.conn.pending.first()
		if p == nil || !p.forged {
			return
		}
		a.conn.pending.pop()
		for k := range p.exchange.Batches {
			p.exchange.Batches[k].Error = history.NeverAsked
		}
		if a.conn.isLost() {
			a.conn.journalAnswer(history.WireAnswer, p, Decision{}, history.ActionDropped, a.conn.lostFault())
			continue
		}
		i := &item{pending: p, decision: p.later(Decision{})}
		i.out.addBytes(forgeAnswer(p), nil)
		a.arrive(i)
	}
}

// settle does everything that can be done without new bytes. The timer says
// when to look again, if at some time.
func (a *answers) settle() *time.Timer {
	c := a.conn
	if a.streaming == 0 && a.rope.size == 0 && !a.opaque {
		a.forge()
	}
	if c.isLost() {
		a.dropHeld()
		return nil
	}
	for len(a.held) > 0 {
		i := a.held[0]
		if i.waiting {
			if i.until.IsZero() {
				return nil
			}
			left := time.Until(i.until)
			if left > 0 {
				return time.NewTimer(left)
			}
			i.waiting = false
		}
		if c.lane.holding(c) != nil {
			return nil
		}
		if a.ended && i.black {
			// The broker's end of this connection died in the black hole, and
			// what it had sent died with it.
			c.lose(loss{fault: i.fault, why: "the broker's connection ended behind a black hole"})
			a.dropHeld()
			return nil
		}
		a.held[0] = nil
		a.held = a.held[1:]
		a.heldBytes -= i.out.size
		if i.pending == nil {
			a.deliver(i)
		} else {
			a.apply(i, history.WireRelease)
			if c.isLost() {
				a.dropHeld()
				return nil
			}
		}
	}
	if a.ended && c.lane.holding(c) == nil {
		a.closing = true
	}
	return nil
}

// dropHeld gives up what is held: the client is lost.
func (a *answers) dropHeld() {
	for _, i := range a.held {
		if i.pending == nil {
			continue
		}
		a.conn.journalAnswer(history.WireRelease, i.pending, Decision{}, history.ActionDropped, i.fault)
		a.conn.lostAnswer(i.pending, i.fault)
	}
	a.held, a.heldBytes = nil, 0
	a.closing = true
}
