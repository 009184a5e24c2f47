package runner

import (
	"sync"
	"time"
)

const (
	// beat is how often the harness makes sure that it still runs.
	beat = 250 * time.Millisecond
	// tooLate is how late a beat may come. A harness that stood still for longer
	// (the machine slept, the process was stopped) saw timeouts that were its
	// own, and nothing may be concluded from them.
	tooLate = 5 * time.Second
)

// pulse counts how often the harness stood still.
type pulse struct {
	done    chan struct{}
	ended   sync.WaitGroup
	stopped int64
}

func startPulse() *pulse {
	p := &pulse{done: make(chan struct{})}
	p.ended.Go(func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-tick.C:
				now := time.Now()
				if now.Sub(last) > tooLate {
					p.stopped++
				}
				last = now
			case <-p.done:
				return
			}
		}
	})
	return p
}

// stop ends the counting and returns how often it was. It is called once.
func (p *pulse) stop() int64 {
	close(p.done)
	p.ended.Wait()
	return p.stopped
}
