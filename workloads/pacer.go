package workloads

import (
	"context"
	"time"
)

// pacer spaces calls evenly. A late call is not made up for by a burst of more
// than burst calls, so that a stall of the harness does not become load.
type pacer struct {
	gap  time.Duration // 0: no pacing
	next time.Time
}

const burst = 10

func newPacer(rate float64) *pacer {
	if rate == 0 {
		return &pacer{}
	}
	return &pacer{gap: time.Duration(float64(time.Second) / rate), next: time.Now()}
}

// skip gives a turn away.
func (p *pacer) skip() { p.next = p.next.Add(p.gap) }

func (p *pacer) wait(ctx context.Context) error {
	if p.gap == 0 {
		return ctx.Err()
	}
	now := time.Now()
	if late := now.Sub(p.next); late > (burst-1)*p.gap {
		p.next = now.Add(-(burst - 1) * p.gap)
	}
	ahead := p.next.Sub(now)
	p.next = p.next.Add(p.gap)
	if ahead <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(ahead)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
