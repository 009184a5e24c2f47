package nemesis

import (
	"errors"
	"fmt"
	"time"
)

// limit is how long anything done to a broker may take before the fault is
// called broken: starting one on a loaded machine is the slowest.
const limit = 60 * time.Second

// strike carries out a fault that stands beside the traffic. Those that are to
// be alone take turns: two of them at once (a paused leader and a killed
// successor) is a scenario of its own, not an accident. So do those on one
// producer.
func (n *Nemesis) strike(f *fault) {
	defer n.work.Done()
	if !n.admit(f) {
		return // it never fired
	}
	if turn := n.turnOf(f); turn != nil {
		select {
		case turn <- struct{}{}:
			defer func() { <-turn }()
		case <-n.healAll:
			return // it never fired
		}
	}
	if !n.begins(f) {
		return // its turn came too late
	}
	err := f.kind.beside(n, f)
	n.count(-1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if errors.Is(err, errUnfired) {
		return
	}
	n.finish(f, err)
}

// turnOf is the token that a fault must have to strike; nil when it needs none.
func (n *Nemesis) turnOf(f *fault) chan struct{} {
	switch {
	case f.kind.alone:
		return n.turn
	case f.plan.Fault == ChangeConfig:
		// The second would take the first one's values for the old ones.
		return n.configs
	case f.kind.role == "producer":
		return n.turns[f.plan.Target.Producer]
	}
	return nil
}

// ending says whether everything is being healed.
func (n *Nemesis) ending() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.healing
}

func (n *Nemesis) count(by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy += by
}

// began marks the fault as in force.
func (n *Nemesis) began(f *fault, target string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.start(f, target)
}

func (n *Nemesis) detail(f *fault, format string, values ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if f.event.Detail != "" {
		f.event.Detail += "; "
	}
	f.event.Detail += fmt.Sprintf(format, values...)
}
