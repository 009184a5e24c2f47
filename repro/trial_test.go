package repro

import (
	"math"
	"testing"
)

// course is the probability of accepting, by going through every course of a
// trial one by one: slow, and nothing like the sum that Accepts makes.
func course(r Rule, rate float64, hits, misses int) float64 {
	switch r.Decide(hits, misses) {
	case Accepted:
		return 1
	case Rejected:
		return 0
	}
	return rate*course(r, rate, hits+1, misses) + (1-rate)*course(r, rate, hits, misses+1)
}

func TestTheErrorsOfEveryRuleAreWhatItSays(t *testing.T) {
	for _, of := range []int{1, 2, 3, 5, 8, 10, 20} {
		for hits := 1; hits <= of; hits++ {
			r := RuleFor(Rate{hits, of})
			if r.Runs > mostRuns || r.Hits < 1 || r.Futile < 1 {
				t.Fatalf("%d of %d: %+v", hits, of, r)
			}
			if got := r.Accepts(r.Floor); got > mostAlpha || math.Abs(got-r.Alpha) > 1e-12 {
				t.Errorf("%d of %d: %v accepts at its floor with %.4f", hits, of, r, got)
			}
			if got := 1 - r.Accepts(r.Rate); math.Abs(got-r.Beta) > 1e-12 || 5*hits >= of && got > mostBeta {
				t.Errorf("%d of %d: %v rejects at its rate with %.4f", hits, of, r, got)
			}
			for p, last := 0.0, 0.0; p <= 1; p += 0.05 { // so that the errors at the two rates are the worst there are
				if now := r.Accepts(p); now < last-1e-12 {
					t.Errorf("%d of %d: accepts %.2f less than a lower rate", hits, of, p)
				} else {
					last = now
				}
			}
		}
	}
}

func TestTheErrorsAreThoseOfEveryCourse(t *testing.T) {
	for _, measured := range []Rate{{10, 10}, {19, 20}, {9, 10}, {6, 10}, {12, 20}, {5, 5}} {
		r := RuleFor(measured)
		for _, p := range []float64{0, 0.1, r.Floor, 0.5, r.Rate, 1} {
			if got, want := r.Accepts(p), course(r, p, 0, 0); math.Abs(got-want) > 1e-9 {
				t.Errorf("after %v, a rate of %.2f: accepted with %.6f, want %.6f", measured, p, got, want)
			}
		}
	}
}

func TestAnAlwaysFailingStartRejectsWhatFailsHalfOfTheTime(t *testing.T) {
	for _, measured := range []Rate{{10, 10}, {15, 15}, {20, 20}, {19, 20}, {30, 30}} {
		if p := RuleFor(measured).Accepts(0.5); p > 0.05 {
			t.Errorf("after %v: accepted with %.3f", measured, p)
		}
	}
}

func TestAfterTenOfTenACandidateIsGoneAtItsFirstMiss(t *testing.T) {
	r := RuleFor(Rate{10, 10})
	if r.Decide(0, 1) != Rejected || r.Decide(4, 1) != Rejected || r.Decide(4, 0) != Undecided || r.Decide(5, 0) != Accepted {
		t.Errorf("%v", r)
	}
	if runs := r.Expected(0); runs != 1 {
		t.Errorf("%.2f runs for a candidate that never fails, want 1", runs)
	}
}

func TestALowRateIsNotOverEstimated(t *testing.T) {
	few, many := RuleFor(Rate{3, 5}), RuleFor(Rate{60, 100})
	if few.Floor >= many.Floor || many.Floor >= 0.6/2+0.01 {
		t.Errorf("floors %.2f after 3 of 5, %.2f after 60 of 100", few.Floor, many.Floor)
	}
	if r := RuleFor(Rate{6, 10}); r.Decide(0, 1) != Undecided || r.Decide(3, 2) == Rejected {
		t.Errorf("%v rejects what is as flaky as the start", r)
	}
}

func TestAResultNeedsNotComeBackMoreOftenThanTheWhole(t *testing.T) {
	for _, c := range []struct {
		measured Rate
		runs     int
		want     int
	}{
		{Rate{10, 10}, 20, 18}, // 0.9
		{Rate{10, 10}, 5, 5},
		{Rate{9, 10}, 20, 16}, // a plan that comes back in 9 of 10 has 16 of 20 or more in 96 % of confirmations, 17 in 87 %
		{Rate{3, 4}, 20, 12},  // 96 %; 13 in 90 %
		{Rate{1, 10}, 20, 1},  // at least once in any case
	} {
		if got := atLeast(c.measured, c.runs); got != c.want {
			t.Errorf("%s, %d runs: %d, want %d", c.measured, c.runs, got, c.want)
		}
	}
}
