package nemesis

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// quiet is how long nothing may move before Settle believes that no further
// trigger will come. It must be longer than a client's backoff after a fault.
const quiet = 3 * time.Second

// Settle waits, once everything is sent, for what is still to come: faults
// under way, and triggers that retries may still bring. pending is the number
// of records not yet answered.
func (n *Nemesis) Settle(ctx context.Context, pending func() int64) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last int64 = -1
	still := time.Now()
	for {
		done, busy, progress, inForce := n.standing()
		unanswered := pending()
		if progress != last || busy > 0 {
			last, still = progress, time.Now()
		}
		switch {
		case done:
			return nil
		case unanswered == 0 && inForce == 0:
			return nil // nothing is sent any more: no trigger can come
		case time.Since(still) > quiet:
			return nil // what is in force lasts until it is healed
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (n *Nemesis) standing() (done bool, busy int, progress int64, inForce int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	done = true
	for _, f := range n.faults {
		if f.state != over {
			done = false
		}
		if f.state == active || (f.state == ready && f.kind.stage == aside) {
			inForce++
		}
	}
	return done, n.busy, n.progress, inForce
}

// Heal ends every fault in force, waits until that is done, and writes the last
// line of every fault: ended with its counts, or never fired. It must be called
// once, also after a cancelled run; no fault strikes afterwards. Link faults
// keep counting what they lost until Report.
func (n *Nemesis) Heal() {
	n.mu.Lock()
	n.healing = true
	n.mu.Unlock()
	close(n.healAll)
	n.work.Wait()
}

// Report writes the last line of every fault. Call it when no answer can be
// lost any more: after the proxies have let go of their connections.
func (n *Nemesis) Report() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.faults {
		if f.state == waiting || f.state == ready {
			f.event = history.FaultEvent{
				ID: f.plan.ID, Fault: f.plan.Fault, Status: history.FaultNeverFired,
				At: n.env.Now(), Trigger: words(f.plan.Trigger),
			}
			if f.state == ready {
				f.event.Detail = "its trigger came, but no fitting frame after it"
			}
		}
		n.env.Record(f.event)
	}
}
