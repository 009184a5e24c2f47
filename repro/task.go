package repro

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// Task is a search: what is to be made smaller, what must stay, and how to run it.
type Task struct {
	Run       string          // the run that showed the anomaly
	Signature Signature       // what must come back
	Start     suites.Scenario // concrete: no mix, no ranges
	Facts     Facts           // what is known of the run; see FactsOf
	Versions  string          // of all that takes part, in a line; a journal of others is refused

	// Try runs a scenario once. Its error ends the search: a run that merely
	// broke is an Attempt with outcome Broken.
	Try func(ctx context.Context, sc suites.Scenario) (Attempt, error)
	// Valid says whether a scenario may be run at all.
	Valid func(sc suites.Scenario) error

	Baseline int     // replays that measure the rate at the start; 0 is 10
	Confirm  int     // runs that confirm the result; 0 is 20
	Wanted   float64 // rate, 0 to 1, below which the result does not hold; 0 is what atLeast says
	Retries  int     // broken runs in a row after which a scenario is given up; 0 is 3
	Budget   Budget

	Journal string      // path; empty keeps none, and the search cannot be resumed
	Tell    func(Entry) // is told of every new entry of the journal; nil is told nothing
}

// Budget ends a search. It is of one go: a search that is resumed has all of
// it again. 0 is without limit.
type Budget struct {
	Runs int
	Time time.Duration
}

// Facts is what is known of the run that showed the anomaly. It makes the
// search faster and never changes what counts. -1 is unknown.
type Facts struct {
	Topic     int   `json:"topic"` // of the anomaly, by index
	Partition int32 `json:"partition"`
	Producer  int   `json:"producer"` // by index
	Never     []int `json:"never"`    // entries of the nemesis, all occurrences of which never fired
	Late      []int `json:"late"`     // ... all occurrences of which took effect after the anomaly
}

// Ending says why a search ended.
type Ending string

// The endings.
const (
	Finished    Ending = "finished"    // nothing smaller was found
	OutOfBudget Ending = "budget"      // there is more to try
	Interrupted Ending = "interrupted" // the context ended
)

// Step is a simplification that counted.
type Step struct {
	What     string
	Rate     Rate   // of its trial
	Run      string // directory of the trial's last hit
	Scenario suites.Scenario
}

// Result is what a search came to.
type Result struct {
	Scenario suites.Scenario // the smallest that holds
	Baseline Rate            // of the start
	Rule     Rule            // by which candidates counted
	Steps    []Step          // that led to Scenario, in order
	// Confirmed is the rate of Scenario on its own; of 0 runs when the search
	// ended before. Holds: it was measured in full, and is not below what is wanted.
	Confirmed Rate
	Holds     bool
	GivenUp   []Step // counted, and did not hold in the end
	Ended     Ending

	Runs    int           // made in this go, broken ones included
	Earlier int           // made in earlier goes, from the journal
	Took    time.Duration // this go
	Tried   int           // candidates that were run, in all goes
	Broken  int           // runs that broke, in all goes
	Invalid int           // candidates that are no valid scenario
	Other   int           // runs that showed another anomaly and not this one, in all goes
}

// ErrNotBack is wrapped by the error of a search whose anomaly did not come
// back in any replay.
var ErrNotBack = errors.New("the anomaly did not come back")

// withDefaults checks a task and fills it in.
func (t Task) withDefaults() (Task, error) {
	switch {
	case t.Try == nil || t.Valid == nil:
		return t, errors.New("shrink: a task needs Try and Valid")
	case t.Signature == Signature{}:
		return t, errors.New("shrink: a task needs the signature of an anomaly")
	case t.Start.Mix != nil:
		return t, errors.New("shrink: the scenario has a mix: make a concrete plan of it first")
	case t.Wanted < 0 || t.Wanted > 1:
		return t, fmt.Errorf("shrink: wanted rate %v: want 0 to 1", t.Wanted)
	}
	for i, f := range t.Start.Nemesis {
		for _, r := range counts(&f.When) {
			if *r != nil && (*r).Least != (*r).Most {
				return t, fmt.Errorf("shrink: nemesis entry %d (%s) strikes somewhere in a range: make a concrete plan of it first", i, f.Fault)
			}
		}
	}
	if err := t.Valid(t.Start); err != nil {
		return t, fmt.Errorf("shrink: the scenario cannot be run: %w", err)
	}
	if t.Baseline <= 0 {
		t.Baseline = 10
	}
	if t.Confirm <= 0 {
		t.Confirm = 20
	}
	if t.Retries <= 0 {
		t.Retries = 3
	}
	return t, nil
}

// counts lists the numbers that a trigger may have.
func counts(w *history.TriggerSpec) []**history.Range {
	return []**history.Range{&w.Acks, &w.Requests, &w.Records, &w.Sequence, &w.Unacked}
}
