package repro

import (
	"fmt"
	"math"
)

// Rule is the sequential test by which a smaller scenario counts. It runs the
// scenario until it has Hits hits, which accepts it, or until it cannot have
// them within Runs runs any more, or its first Futile runs were all misses,
// which rejects it.
//
// Its errors are computed exactly from the binomial distribution, not
// approximated:
//
//   - Alpha is the probability of accepting a scenario whose true rate is Floor.
//     Below Floor it is less. RuleFor keeps it at 5 % or less.
//   - Beta is the probability of rejecting a scenario whose true rate is Rate.
//     Above Rate it is less. RuleFor keeps it at 20 % or less where 30 runs are
//     enough for that. A wrong rejection costs a simplification and is never
//     unsound, so it is the cheaper error.
//
// A search tries many scenarios, each with its own Alpha, so at its end the
// result is confirmed on its own.
type Rule struct {
	Hits   int `json:"hits"`
	Runs   int `json:"runs"`
	Futile int `json:"futile"`

	Floor float64 `json:"floor"`
	Rate  float64 `json:"rate"`
	Alpha float64 `json:"alpha"`
	Beta  float64 `json:"beta"`
}

// The errors that RuleFor allows, and how many runs a scenario gets at most.
const (
	mostAlpha = 0.05
	mostBeta  = 0.20
	mostRuns  = 30
)

// futureless is the share of candidates that are taken not to have the anomaly
// at all. It weighs what a rule costs; errors do not depend on it.
const futureless = 0.75

// RuleFor chooses the rule for scenarios that are smaller than one whose rate
// was measured: the one that costs the fewest runs among those that keep both
// errors.
//
// Floor comes from the lower end L of the measured rate's interval, so that a
// lucky measurement does not raise it: L/2 for low rates, L*L in between, and
// one half from L = 0.71 on (10 of 10 is enough for that). Thus a scenario that
// hits half of the time is rejected with 95 % when the anomaly always came
// back. Floor is the same through a whole search, so small losses do not add
// up. Rate is the measured rate.
//
// After 10 of 10 the rule is 5 hits of 5: a candidate is gone at its first
// miss.
func RuleFor(measured Rate) Rule {
	low, _ := measured.Interval()
	floor := max(low/2, min(low*low, 0.5))
	best, cheapest := Rule{}, 0.0
	for runs := 1; runs <= mostRuns; runs++ {
		for hits := 1; hits <= runs; hits++ {
			r := Rule{Hits: hits, Runs: runs, Floor: floor, Rate: measured.Value()}
			keeping := best.Hits > 0 && best.Beta <= mostBeta
			if r.accepts(floor, runs) > 2*mostAlpha || keeping && 1-r.accepts(r.Rate, runs) > mostBeta {
				continue // whatever Futile, which only ever rejects
			}
			for r.Futile = 1; r.Futile <= runs-hits+1; r.Futile++ {
				if best.Hits > 0 && best.Beta <= mostBeta && futureless*float64(r.Futile) >= cheapest {
					break // so many runs a candidate without the anomaly takes
				}
				r.Alpha, r.Beta = r.Accepts(floor), 1-r.Accepts(r.Rate)
				cost := futureless*r.Expected(0) + (1-futureless)*r.Expected(r.Rate)
				if r.Alpha <= mostAlpha && better(r, cost, best, cheapest) {
					best, cheapest = r, cost
				}
			}
		}
	}
	return best
}

// usual is the rate that a result is to have where nobody says another one.
const usual = 0.9

// atLeast is how many hits of so many runs confirm a result where nobody says
// it: the usual rate; or where the recorded plan itself does not come to that,
// as many as one of its measured rate has in 95 of 100 confirmations. To ask
// more of a smaller scenario than of the whole would leave nothing but the whole.
func atLeast(measured Rate, runs int) int {
	need := int(math.Ceil(usual*float64(runs) - 1e-9))
	for need > 1 && (Rule{Hits: need, Runs: runs}).accepts(measured.Value(), runs) < 1-mostAlpha {
		need--
	}
	return need
}

// better says whether a rule beats the best so far: by cost among those that
// keep Beta, else by Beta.
func better(r Rule, cost float64, best Rule, cheapest float64) bool {
	switch keeps := r.Beta <= mostBeta; {
	case best.Hits == 0:
		return true
	case keeps != (best.Beta <= mostBeta):
		return keeps
	case !keeps:
		return r.Beta < best.Beta
	}
	return cost < cheapest
}

// Standing is how a trial stands.
type Standing uint8

// The standings of a trial.
const (
	Undecided Standing = iota
	Accepted
	Rejected
)

// Decide says how a trial stands after so many hits and misses.
func (r Rule) Decide(hits, misses int) Standing {
	switch {
	case hits >= r.Hits:
		return Accepted
	case misses > r.Runs-r.Hits, hits == 0 && misses >= r.Futile:
		return Rejected
	}
	return Undecided
}

// Accepts is the exact probability of accepting a scenario whose true rate is
// given.
func (r Rule) Accepts(rate float64) float64 {
	accepted, _ := r.walk(rate)
	return accepted
}

// Expected is the exact mean number of runs that a scenario with a true rate
// takes.
func (r Rule) Expected(rate float64) float64 {
	_, runs := r.walk(rate)
	return runs
}

// accepts is Accepts with another Futile.
func (r Rule) accepts(rate float64, futile int) float64 {
	r.Futile = futile
	return r.Accepts(rate)
}

// walk goes over all courses of a trial at once, run by run.
func (r Rule) walk(rate float64) (accepted, runs float64) {
	var reach [mostRuns + 2]float64 // probability of coming to so many hits after n runs
	reach[0] = 1
	for n := range r.Runs + 1 {
		var next [mostRuns + 2]float64
		for h := range min(n, r.Hits) + 1 {
			p := reach[h]
			if p == 0 {
				continue
			}
			switch r.Decide(h, n-h) {
			case Accepted:
				accepted += p
			case Rejected:
			case Undecided:
				runs += p
				next[h+1] += p * rate
				next[h] += p * (1 - rate)
			}
		}
		reach = next
	}
	return accepted, runs
}

// String is "5 hits in 5 runs at most (accepts a rate of 50 % with 3 %, rejects
// one of 100 % with 0 %)".
func (r Rule) String() string {
	return fmt.Sprintf("%d hits in %d runs at most (accepts a rate of %.0f %% with %.0f %%, rejects one of %.0f %% with %.0f %%)",
		r.Hits, r.Runs, 100*r.Floor, 100*r.Alpha, 100*r.Rate, 100*r.Beta)
}
