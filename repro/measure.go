package repro

import (
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/suites"
)

// tally is what the runs of one scenario for one purpose came to.
type tally struct {
	Rate
	hit   string // directory of the last hit
	broke bool   // too many runs in a row broke: nothing more is tried
	why   string // of the last broken run
}

// measure runs a scenario until enough of it is known. What an earlier go ran
// for the same purpose is not run again. It returns false when the search
// stopped before.
func (s *search) measure(purpose Purpose, sc suites.Scenario, what string, enough func(tally) bool) (tally, bool) {
	key := runKey{purpose, Hash(sc)}
	var t tally
	for broken := 0; ; {
		e, ok := s.book.take(key)
		if !ok {
			a, made := s.once(purpose, sc)
			if !made {
				return t, false
			}
			e = Entry{Kind: RunEntry, Purpose: purpose, Scenario: key.scenario, What: what,
				Outcome: a.Outcome, Took: int64(a.Took), Run: a.Run, Why: a.Why, Rate: t.Rate}
			for _, seen := range a.Seen {
				e.Seen = append(e.Seen, seen.String())
			}
			e.Rate.count(a.Outcome)
			s.keep(s.book.write(e))
		}
		if e.Outcome == Broken {
			s.result.Broken++
			broken++
			t.broke, t.why = broken > s.Retries, e.Why
		} else {
			broken = 0
		}
		t.count(e.Outcome)
		if e.Outcome == Hit {
			t.hit = e.Run
		} else if e.Outcome != Broken && len(e.Seen) > 0 {
			s.result.Other++
		}
		if enough(t) {
			return t, s.err == nil
		}
	}
}

// count takes one run in.
func (r *Rate) count(o Outcome) {
	switch o {
	case Hit:
		r.Hits++
		r.Of++
	case Miss, Inconclusive:
		r.Of++
	case Broken:
	default:
		panic(fmt.Sprintf("repro: impossible outcome %q", o))
	}
}

// once makes one run, when it may; a run during which the context ended counts
// for nothing.
func (s *search) once(purpose Purpose, sc suites.Scenario) (Attempt, bool) {
	if !s.mayRun(purpose) {
		return Attempt{}, false
	}
	began := time.Now()
	a, err := s.Try(s.ctx, sc)
	s.spent += time.Since(began)
	s.result.Runs++
	switch {
	case s.ctx.Err() != nil:
		s.stopped = Interrupted
		return a, false
	case err != nil:
		s.keep(fmt.Errorf("run a scenario: %w", err))
		return a, false
	}
	switch a.Outcome {
	case Hit, Miss, Inconclusive, Broken:
		return a, true
	}
	s.keep(fmt.Errorf("run a scenario: Try returned the outcome %q: want hit, miss, inconclusive or broken", a.Outcome))
	return a, false
}

// mayRun stops the search when the context has ended, or when one more run
// does not fit into the budget. Trials leave as much of it as the confirmation
// needs, but half at most.
func (s *search) mayRun(purpose Purpose) bool {
	if s.stopped != "" {
		return false
	}
	if s.ctx.Err() != nil {
		s.stopped = Interrupted
		return false
	}
	var average time.Duration
	if s.result.Runs > 0 {
		average = s.spent / time.Duration(s.result.Runs)
	}
	var runs int
	var spare time.Duration
	if purpose == ForTrial {
		runs, spare = min(s.Confirm, s.Budget.Runs/2), min(time.Duration(s.Confirm)*average, s.Budget.Time/2)
	}
	if s.Budget.Runs > 0 && s.result.Runs+runs >= s.Budget.Runs {
		s.stopped = OutOfBudget
	}
	if s.Budget.Time > 0 && time.Since(s.began)+average+spare > s.Budget.Time {
		s.stopped = OutOfBudget
	}
	return s.stopped == ""
}
