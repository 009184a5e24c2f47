package runner

import (
	"sync"
	"time"
)

// watchEvery is how often a run tells how it stands.
const watchEvery = 100 * time.Millisecond

// watch tells whoever watches how a run stands.
type watch struct {
	run   *run
	began time.Time
	done  chan struct{}
	ended sync.WaitGroup

	mu      sync.Mutex
	phase   string
	sending time.Time // when the budget began
}

func watchRun(r *run) *watch {
	w := &watch{run: r, began: time.Now(), done: make(chan struct{}), phase: phasePrepare}
	w.ended.Go(func() {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.session.config.Watch(w.status())
			case <-w.done:
				return
			}
		}
	})
	return w
}

func (w *watch) enter(phase string) {
	w.mu.Lock()
	w.phase = phase
	if phase == phaseSend {
		w.sending = time.Now()
	}
	w.mu.Unlock()
	w.run.session.config.Watch(w.status())
}

func (w *watch) stop() {
	close(w.done)
	w.ended.Wait()
}

func (w *watch) status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	counts := w.run.recorder.Counts()
	s := Status{
		Phase: w.phase, Elapsed: time.Since(w.began), Left: w.run.scenario.Budget,
		Sent: counts.Calls, Acked: counts.Acked, Planned: w.run.planned(),
		Faults: len(w.run.plan.Faults),
	}
	if !w.sending.IsZero() {
		s.Left = max(w.run.scenario.Budget-time.Since(w.sending), 0)
		s.Fired, _ = w.run.nemesis.Fired() // set before the first record was sent
		s.Active = w.run.nemesis.Active()
	}
	return s
}
