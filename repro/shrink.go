package repro

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/idemcheck/idemcheck/suites"
)

// Shrink looks for a smaller scenario that shows the same anomaly: it measures
// how often the start does, tries simplifications by the rule that follows from
// that until none of them counts any more, and confirms the result on its own.
//
// The order of candidates depends on nothing but the task and the outcomes, so
// a search with a journal goes on where it was stopped, at any run, and comes
// to what it would have come to in one go.
//
// A budget that is used up and a context that ends are no errors: the result
// says how far it came. For the confirmation as much of the budget is kept as
// it needs, but half at most. The error wraps ErrNotBack when the anomaly did
// not come back at all.
func Shrink(ctx context.Context, task Task) (Result, error) {
	task, err := task.withDefaults()
	if err != nil {
		return Result{}, err
	}
	book, err := openJournal(task.Journal, Header{
		Schema: JournalSchema, Run: task.Run, Signature: task.Signature, Versions: task.Versions,
		Baseline: task.Baseline, Retries: task.Retries, Facts: task.Facts, Start: resolved(task.Start),
	}, task.Tell)
	if err != nil {
		return Result{}, fmt.Errorf("shrink: %w", err)
	}
	s := &search{
		Task: task, ctx: ctx, book: book, began: time.Now(),
		best: task.Start, decided: map[string]bool{Hash(task.Start): true},
	}
	for i := range task.Start.Nemesis {
		s.origin = append(s.origin, i)
	}
	s.result = Result{Earlier: book.earlier}
	err = errors.Join(s.run(), book.close())
	s.result.Took = time.Since(s.began)
	if err != nil {
		err = fmt.Errorf("shrink: %w", err)
	}
	return s.result, err
}

// search is a Shrink under way.
type search struct {
	Task
	ctx    context.Context
	book   *journal
	began  time.Time
	spent  time.Duration // in runs of this go
	result Result

	best    suites.Scenario
	origin  []int // of every fault of best, its number at the start
	steps   []Step
	decided map[string]bool // scenarios that were best, or were tried, or are invalid

	stopped Ending // not empty: no run is begun any more
	err     error
}

func (s *search) run() error {
	s.result.Scenario = s.Start
	start, whole := s.measure(ForBaseline, s.Start, "replay", func(t tally) bool { return t.broke || t.Of >= s.Baseline })
	s.result.Baseline = start.Rate
	switch {
	case !whole:
		s.result.Ended = s.stopped
		return s.err
	case start.broke:
		return fmt.Errorf("measure how often %s comes back: %d runs in a row broke: %s", s.Signature, s.Retries+1, start.why)
	}
	if s.result.Baseline.Hits == 0 {
		return fmt.Errorf("%w: %s in %s; more replays may show it (a run that is not slower or faster, on the same versions, has the best chance)",
			ErrNotBack, s.Signature, s.result.Baseline)
	}
	s.result.Rule = RuleFor(s.result.Baseline)
	for more := true; more; {
		before := len(s.steps)
		for _, pass := range passes() {
			pass(s)
		}
		more = len(s.steps) > before && s.stopped == ""
	}
	s.result.Ended = s.stopped
	if s.stopped == "" {
		s.result.Ended = Finished
	}
	s.result.Scenario, s.result.Steps = s.best, s.steps
	if s.err != nil || s.stopped == Interrupted {
		return s.err
	}
	s.stopped = "" // what was kept of the budget is for this
	s.confirm()
	if s.stopped == Interrupted {
		s.result.Ended = Interrupted
	} else if s.stopped != "" && s.result.Ended == Finished {
		s.result.Ended = s.stopped
	}
	return s.err
}

// try runs a candidate until the rule has decided, and makes it the best when
// it counts. After the search has stopped it refuses everything at once, so
// that passes need not ask.
func (s *search) try(what string, sc suites.Scenario) bool {
	hash := Hash(sc)
	if s.stopped != "" || s.decided[hash] {
		return false
	}
	if s.Valid(sc) != nil {
		s.decided[hash] = true
		s.result.Invalid++
		return false
	}
	standing := Undecided
	trial, whole := s.measure(ForTrial, sc, what, func(t tally) bool {
		if standing = s.result.Rule.Decide(t.Hits, t.Of-t.Hits); t.broke {
			standing = Rejected // nothing is known of it, which is no reason to follow it
		}
		return standing != Undecided
	})
	if !whole {
		return false
	}
	s.decided[hash] = true
	s.result.Tried++
	e := Entry{Kind: DecisionEntry, Scenario: hash, What: what, Rate: trial.Rate, Accepted: standing == Accepted, Why: trial.why}
	if e.Accepted {
		e.Now = resolved(sc)
		s.best = sc
		s.steps = append(s.steps, Step{What: what, Rate: trial.Rate, Run: trial.hit, Scenario: sc})
	}
	s.keep(s.book.decide(e))
	return e.Accepted
}

// confirm measures the best on its own, and goes back step by step while it
// does not hold. The start holds by its baseline.
func (s *search) confirm() {
	need := atLeast(s.result.Baseline, s.Confirm)
	if s.Wanted > 0 {
		need = int(math.Ceil(s.Wanted*float64(s.Confirm) - 1e-9))
	}
	for at := len(s.steps); ; at-- {
		s.result.Steps, s.result.GivenUp = s.steps[:at], s.steps[at:]
		if at == 0 {
			s.result.Scenario, s.result.Confirmed = s.Start, s.result.Baseline
			s.result.Holds = s.result.Baseline.Value() >= s.Wanted
			return
		}
		step := s.steps[at-1]
		s.result.Scenario = step.Scenario
		last, whole := s.measure(ForConfirm, step.Scenario, "confirm", func(t tally) bool {
			return t.broke || t.Of >= s.Confirm || t.Hits+s.Confirm-t.Of < need
		})
		s.result.Confirmed = last.Rate
		s.result.Holds = whole && !last.broke && last.Hits >= need
		if !whole || s.result.Holds {
			return
		}
	}
}

// keep remembers the first error, and stops the search.
func (s *search) keep(err error) {
	if err != nil && s.err == nil {
		s.err, s.stopped = err, Interrupted
	}
}
