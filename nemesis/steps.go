package nemesis

import (
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

// Standing says what faults mean, at a moment, for senders that go on in
// lockstep with the wire.
type Standing uint8

const (
	// Undisturbed: what is unanswered will be answered.
	Undisturbed Standing = iota
	// Disturbed: a lasting fault is in force that may keep answers away for long.
	Disturbed
	// KeptBack: a fault in force lets no answers through until something else
	// happens, which may be the next record.
	KeptBack
	// Striking: a fault is about to take effect, or under way, and that will be
	// over by itself.
	Striking
)

// Standing says how things stand. A fault that waits for its turn, for room, for
// a trigger or for a fitting frame counts for nothing.
func (n *Nemesis) Standing() Standing {
	n.mu.Lock()
	defer n.mu.Unlock()
	most := Undisturbed
	for _, f := range n.faults {
		most = max(most, n.standingOf(f))
	}
	return most
}

func (n *Nemesis) standingOf(f *fault) Standing {
	switch {
	case f.state == ready && f.kind.beside != nil:
		if n.waits(f) {
			return Undisturbed
		}
		return Striking
	case f.state != active:
		return Undisturbed
	case f.plan.Fault == LateRequest && f.plan.Batches > 0:
		return Undisturbed // it waits for further records
	case f.inRow():
		return Undisturbed // every batch is answered
	case !f.held:
		return Striking
	case f.plan.HealAt != nil && f.plan.HealAt.Kind == history.TriggerFaultEnd && n.faults[f.plan.HealAt.Count].state == over:
		return Striking // it is about to heal
	case slices.Contains(slowing(), f.plan.Fault):
		return Undisturbed // late, and not long
	case slices.Contains(silencing(), f.plan.Fault):
		return KeptBack
	}
	return Disturbed
}

// slowing lists the lasting faults under which every answer still comes soon.
func slowing() []string { return []string{Bandwidth, Jitter, Latency, Slicer, SlowDisk, ChangeConfig} }

// silencing lists those under which the answers that they are meant to keep
// away do not come at all.
func silencing() []string { return []string{Blackhole, BlackholeAcks} }

// waits says whether a fault whose trigger came has others to wait for. Called
// with mu held.
func (n *Nemesis) waits(f *fault) bool {
	if f.atWork {
		return false
	}
	if f.plan.Families > 0 && !f.admitted && (n.sent || !n.room(f) || n.before(f)) {
		return true
	}
	turn := n.turnOf(f)
	return turn != nil && slices.ContainsFunc(n.faults, func(o *fault) bool {
		return o != f && o.atWork && o.state != over && n.turnOf(o) == turn
	})
}
