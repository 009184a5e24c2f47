package nemesis

import (
	"context"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// quiet is the default of Env.Quiet.
const quiet = 3 * time.Second

// Settle waits, once everything is sent, for what is still to come: faults
// under way, and triggers that retries may still bring. pending is the number
// of records not yet answered.
func (n *Nemesis) Settle(ctx context.Context, pending func() int64) error {
	patience := n.env.Quiet
	if patience == 0 {
		patience = quiet
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last int64 = -1
	still := time.Now()
	for {
		done, busy, progress, inForce := n.standing()
		unanswered := pending()
		if unanswered == 0 {
			n.allSent()
		}
		if progress != last || busy > 0 {
			last, still = progress, time.Now()
		}
		switch {
		case done:
			return nil
		case unanswered == 0 && inForce == 0:
			return nil // nothing is sent any more: no trigger can come
		case time.Since(still) > patience:
			return nil // what is in force lasts until it is healed
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Calm says that no fault is under way that will end by itself or at a time of
// its own. Those that wait for their trigger or a fitting frame do not count,
// nor those that last until the run is over.
func (n *Nemesis) Calm() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !slices.ContainsFunc(n.faults, func(f *fault) bool {
		if f.inRow() {
			return false
		}
		endless := f.kind.lasting && f.plan.HealIn == 0 && f.plan.HealAt == nil
		return !endless && (f.state == active || f.state == ready && f.kind.beside != nil)
	})
}

func (n *Nemesis) standing() (done bool, busy int, progress int64, inForce int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	done = true
	for _, f := range n.faults {
		if f.state != over {
			done = false
		}
		if f.takesPart() {
			inForce++
		}
	}
	return done, n.busy, n.progress, inForce
}

// Heal ends every fault in force and waits until that is done. It must be
// called, also after a cancelled run; calling it again does nothing. No fault
// strikes afterwards. Link faults keep counting what they lost until Report.
func (n *Nemesis) Heal() {
	n.mu.Lock()
	if !n.healing {
		n.healing = true
		close(n.healAll)
		n.endRows()
	}
	n.mu.Unlock()
	n.work.Wait()
}

// Report writes the last line of every fault: ended with its counts, never
// fired, or broken. Call it after Heal, when no answer can be lost any more:
// after the proxies have let go of their connections. It writes once.
func (n *Nemesis) Report() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reported {
		return
	}
	n.reported = true
	for _, f := range n.faults {
		if f.state == waiting || f.state == ready {
			f.event = history.FaultEvent{
				ID: f.plan.ID, Fault: f.plan.Fault, Status: history.FaultNeverFired,
				At: n.env.Now(), Trigger: words(f.plan.Trigger),
			}
			if f.state == ready {
				f.event.Detail = f.neverWhy()
			}
		}
		n.env.Record(f.event)
	}
}
