package runner

import (
	"cmp"
	"context"
	"maps"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

const (
	// restLook is how often a step looks whether the wire is at rest.
	restLook = time.Millisecond
	// restAnswered is how long the wire is left alone when all is answered: the
	// client has its own affairs to put in order.
	restAnswered = 3 * time.Millisecond
	// restKeptBack is how long the wire must be silent, beyond what the client
	// may wait before it tries again, when answers are kept back on it.
	restKeptBack = 150 * time.Millisecond
	// restDisturbed is that time when a broker is away, or links are broken:
	// somebody else may take over, which takes longer.
	restDisturbed = 2 * time.Second
	// restStriking is how long one fault may be under way.
	restStriking = 3 * time.Minute
)

// rest knows when the wire is at rest, for a workload that goes in steps. It is
// the run's journal, and passes on what it sees.
type rest struct {
	recorder *history.Recorder
	standing func() nemesis.Standing
	process  func() []history.Process
	inFlight int           // requests that a client has under way at most
	again    time.Duration // the longest that a client waits before it tries again
	quiet    time.Duration // how long nothing may move before nothing is awaited any more

	mu    sync.Mutex
	open  map[request]struct{}       // that a broker owes an answer to
	held  map[part]history.WireEvent // batches that are held, or their answers
	moved time.Time                  // when something last happened

	// What was last looked at: a change of it is something that happened, too.
	unanswered int64
	stood      nemesis.Standing
}

// request names a produce request, part one batch of it.
type (
	request struct {
		conn        int64
		correlation int32
	}
	part struct {
		request
		lane history.TopicPartition
	}
)

func newRest(r *run) *rest {
	return &rest{
		recorder: r.recorder, standing: func() nemesis.Standing { return r.nemesis.Standing() },
		process: r.roster.processes, inFlight: cmp.Or(r.scenario.Workload.InFlight, usualInFlight(r.scenario.Clients)),
		again: again(r.scenario.Clients), quiet: quiet(r.scenario.Clients),
		open: make(map[request]struct{}), held: make(map[part]history.WireEvent),
	}
}

// usualInFlight is how many requests clients have under way at most that are not
// told: idempotent ones five, others perhaps one only.
func usualInFlight(all []suites.Client) int {
	for _, c := range all {
		if !c.Idempotence {
			return 1
		}
	}
	return 5
}

// again is how long clients may wait before they try again, linger included.
func again(all []suites.Client) time.Duration {
	const unset = 250 * time.Millisecond // what most libraries wait at first
	var longest time.Duration
	for _, c := range all {
		backoff := c.Options.RetryBackoff
		if backoff == 0 {
			backoff = unset
		}
		longest = max(longest, backoff+c.Options.Linger)
	}
	return longest
}

// Wire implements proxy.Journal. What clients ask besides (metadata, mostly) is
// no part of any step.
func (s *rest) Wire(e history.WireEvent) {
	s.recorder.Wire(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	at := request{e.Conn, e.Correlation}
	batch := part{at, history.TopicPartition{Topic: e.Topic, Partition: e.Partition}}
	switch e.Kind {
	case history.WireRequest, history.WireDelivery:
		if e.Action == history.ActionPassed && e.Acks != 0 {
			s.open[at] = struct{}{}
		}
	case history.WireAnswer:
		delete(s.open, at)
	case history.WireRelease, history.WireInitProducerID:
	case history.WireDisconnect:
		maps.DeleteFunc(s.open, func(r request, _ struct{}) bool { return r.conn == e.Conn })
		maps.DeleteFunc(s.held, func(p part, _ history.WireEvent) bool { return p.conn == e.Conn })
		return
	case history.WireConnect, history.WireNotKafka, history.WireMetadata, history.WireHidden:
		return
	}
	if e.Action == history.ActionHeld {
		s.held[batch] = e
	} else {
		delete(s.held, batch)
	}
	s.moved = time.Now()
}

// Now implements proxy.Journal.
func (s *rest) Now() int64 { return s.recorder.Now() }

// Wait implements workloads.Env.Rest.
func (s *rest) Wait(ctx context.Context) error {
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	for ctx.Err() == nil {
		if s.rests() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	return context.Cause(ctx)
}

func (s *rest) rests() bool {
	pending, standing := s.recorder.Counts().Pending, s.standing()
	s.mu.Lock()
	defer s.mu.Unlock()
	if unanswered := pending + int64(len(s.open)); unanswered != s.unanswered || standing != s.stood {
		s.unanswered, s.stood, s.moved = unanswered, standing, time.Now()
	}
	return time.Since(s.moved) >= s.enough(standing, s.unanswered)
}

// enough is how long nothing must have moved for the wire to be at rest.
func (s *rest) enough(standing nemesis.Standing, unanswered int64) time.Duration {
	switch {
	case standing == nemesis.Striking:
		return restStriking
	case unanswered == 0:
		return restAnswered
	case standing == nemesis.KeptBack && s.accounted():
		return restKeptBack + s.again
	case standing == nemesis.Disturbed:
		return restDisturbed + s.again
	}
	return s.quiet
}

// accounted says whether every record that is unanswered is held on the wire, or
// stays with its client because as many requests of it are as it has under way.
// Anything else is on its way, though it may take its time. Called with mu held.
func (s *rest) accounted() bool {
	type record struct {
		lane   history.TopicPartition
		number int64
	}
	for _, p := range s.process() {
		kept, requests, full := make(map[record]struct{}), make(map[request]struct{}), false
		underWay := make(map[int64]int) // by connection
		for at, e := range s.held {
			if e.Process != p.ID {
				continue
			}
			for n := e.First; n <= e.Last; n++ {
				kept[record{at.lane, n}] = struct{}{}
			}
			if _, known := requests[at.request]; !known {
				requests[at.request] = struct{}{}
				underWay[at.conn]++
				full = full || underWay[at.conn] >= s.inFlight
			}
		}
		if int64(len(kept)) < s.recorder.CountsOf(p.ID).Pending && !full {
			return false
		}
	}
	return true
}
