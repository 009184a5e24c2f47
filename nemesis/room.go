package nemesis

import (
	"slices"
	"time"
)

// A fault of a mix strikes only where it leaves no more families of faults in
// force than its plan allows; else it waits. Nobody waits for ever: in a mix
// every fault ends by itself, who waits first goes first, and who stands at the
// door holds nothing that another could need.

// room says whether a fault may take force now. Called with mu held.
func (n *Nemesis) room(f *fault) bool {
	if f.plan.Families == 0 {
		return true
	}
	if n.sent {
		return false // it would strike where nothing is sent any more
	}
	inForce := []Family{f.kind.Family}
	for _, other := range n.faults {
		if (other.admitted || other.state == active) && !slices.Contains(inForce, other.kind.Family) {
			inForce = append(inForce, other.kind.Family)
		}
	}
	if len(inForce) > f.plan.Families {
		return false
	}
	// A family that never pauses must not shut out another that came before.
	return !slices.ContainsFunc(n.door, func(o *fault) bool { return o.kind.Family != f.kind.Family && o.cameBefore(f) })
}

// courtesy is how long a fault leaves the room to others that came before it and
// wait for nothing but a fitting frame. Where records flow one comes at once.
const courtesy = 300 * time.Millisecond

// before says whether a fault would keep out one that came before it and only
// waits for a frame. Called with mu held.
func (n *Nemesis) before(f *fault) bool {
	return slices.ContainsFunc(n.faults, func(o *fault) bool {
		return o.state == ready && o.kind.beside == nil && o.cameBefore(f) && o.plan.Families == 1 && o.kind.Family != f.kind.Family
	})
}

// cameBefore says whose trigger came first.
func (f *fault) cameBefore(other *fault) bool {
	return f.asked < other.asked || f.asked == other.asked && f.plan.ID < other.plan.ID
}

// admit waits until there is room for a fault that stands beside the traffic,
// and counts it as in force from then on. False when it is too late.
func (n *Nemesis) admit(f *fault) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.plan.Families == 0 {
		return !n.healing
	}
	n.door = append(n.door, f)
	var yield <-chan time.Time // set once there was room
	yielded := false
	for !n.healing && !n.sent && !(n.room(f) && (yielded || !n.before(f))) {
		if yield == nil && n.room(f) {
			yield = time.After(courtesy)
		}
		changed := n.changed
		n.mu.Unlock()
		select {
		case <-changed:
		case <-yield:
			yielded = true
		case <-n.healAll:
		}
		n.mu.Lock()
	}
	n.door = slices.DeleteFunc(n.door, func(waiting *fault) bool { return waiting == f })
	f.admitted = !n.healing && !n.sent
	n.wake()
	return f.admitted
}

// leave makes room for others. Called with mu held.
func (n *Nemesis) leave(f *fault) {
	f.admitted = false
	n.wake()
}

// wake lets those at the door look again. Called with mu held.
func (n *Nemesis) wake() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// begins notes that a fault's turn has come. False when it is too late: what is
// drawn from a mix is not worth anything once all records are answered.
func (n *Nemesis) begins(f *fault) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.healing || f.plan.Families > 0 && n.sent {
		n.leave(f)
		return false
	}
	f.atWork = true
	f.waited = n.env.Now() - f.asked
	n.busy++
	return true
}

// allSent shuts the door: every record was sent and answered.
func (n *Nemesis) allSent() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.sent {
		n.sent = true
		n.wake()
	}
}

// barred notes that a frame came that a ready fault would have struck had there
// been room. Called with mu held.
func (n *Nemesis) barred(f *fault) { f.waited = n.env.Now() - f.asked }

// takesPart says whether a fault still keeps the run from ending: it is in
// force, or about to be, and waits for no further batch. Called with mu held.
func (f *fault) takesPart() bool {
	return f.state == active && !f.inRow() || f.state == ready && f.kind.beside != nil && (f.atWork || f.plan.Families == 0)
}

// neverWhy says why a fault whose trigger came did not strike.
func (f *fault) neverWhy() string {
	switch {
	case f.plan.Fault == MoveLeader && f.atWork:
		return "its trigger came, and the partition has no other replica to lead it"
	case f.plan.Families > 0 && (f.kind.beside != nil || f.waited > 0):
		return "its trigger came, but other faults were in force until all records were answered"
	case f.kind.beside != nil:
		return "its trigger came, but it was healed before it took effect, or another fault on brokers lasted until the end"
	}
	return "its trigger came, but no fitting frame after it"
}
