package repro

import (
	"fmt"
	"math"
)

// Rate is how often an anomaly came back: Hits of Of runs. Broken runs are in
// neither.
type Rate struct {
	Hits int `json:"hits"`
	Of   int `json:"of"`
}

// of95 is the 97.5 % quantile of the normal distribution.
const of95 = 1.959963984540054

// Value is the share of hits, 0 to 1; 0 of no runs.
func (r Rate) Value() float64 {
	if r.Of == 0 {
		return 0
	}
	return float64(r.Hits) / float64(r.Of)
}

// Interval is the Wilson score interval at 95 %: where the true rate is, 0 to
// 1. Unlike the textbook interval it says something for 0 of n and n of n as
// well, of which one end is then 0 or 1 exactly. Of no runs it is all of 0 to 1.
func (r Rate) Interval() (low, high float64) {
	if r.Of == 0 {
		return 0, 1
	}
	n, p := float64(r.Of), r.Value()
	const z2 = of95 * of95
	middle := (p + z2/(2*n)) / (1 + z2/n)
	half := of95 / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	low, high = max(middle-half, 0), min(middle+half, 1)
	if r.Hits == 0 {
		low = 0
	}
	if r.Hits == r.Of {
		high = 1
	}
	return low, high
}

// String is "19 of 20 (95 %: 76 to 99 %)". 0 and 100 % are written of an end
// that is so exactly.
func (r Rate) String() string {
	if r.Of == 0 {
		return "0 of 0 (nothing is known)"
	}
	low, high := r.Interval()
	return fmt.Sprintf("%d of %d (95 %%: %d to %d %%)", r.Hits, r.Of, percent(low), percent(high))
}

func percent(share float64) int {
	n := int(math.Round(100 * share))
	if share > 0 {
		n = max(n, 1)
	}
	if share < 1 {
		n = min(n, 99)
	}
	return n
}
