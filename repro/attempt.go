package repro

import (
	"time"

	"github.com/idemcheck/idemcheck/checker"
)

// Outcome says how one run of a scenario came out, as far as one anomaly goes.
type Outcome string

// The outcomes. The zero value is none of them.
const (
	Hit  Outcome = "hit"  // the anomaly came back
	Miss Outcome = "miss" // it did not, whatever else the run shows
	// Inconclusive: it did not, and the run proves nothing: a fault never fired,
	// or too little was seen. It counts as a miss, since the scenario is not one
	// that brings the anomaly back.
	Inconclusive Outcome = "inconclusive"
	// Broken: the harness, a cluster or a client could not do its job. It counts
	// for nothing.
	Broken Outcome = "broken"
)

// Attempt is one run of a scenario.
type Attempt struct {
	Outcome Outcome
	Took    time.Duration
	Run     string      // its run directory
	Seen    []Signature // all that it shows
	Why     string      // of an inconclusive or broken run
}

// Judge makes an attempt of a verdict: whether it shows an anomaly. Took and
// Run are for the caller to fill in.
func Judge(v *checker.Verdict, want Signature) Attempt {
	a := Attempt{Seen: Signatures(v)}
	switch {
	case v.HarnessError != "":
		a.Outcome, a.Why = Broken, v.HarnessError
	case Has(v, want):
		a.Outcome = Hit
	case v.Overall == checker.Inconclusive || v.Overall == checker.NotRun:
		a.Outcome, a.Why = Inconclusive, v.Why
	default:
		a.Outcome = Miss
	}
	return a
}
