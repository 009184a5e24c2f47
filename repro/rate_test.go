package repro

import (
	"math"
	"testing"
)

func TestTheIntervalIsWilsons(t *testing.T) {
	for _, c := range []struct {
		rate      Rate
		low, high float64
	}{ // R: prop.test(hits, of, correct = FALSE)$conf.int
		{Rate{19, 20}, 0.7639, 0.9911},
		{Rate{0, 20}, 0, 0.1611},
		{Rate{20, 20}, 0.8389, 1},
		{Rate{10, 10}, 0.7225, 1},
		{Rate{0, 10}, 0, 0.2775},
		{Rate{5, 10}, 0.2366, 0.7634},
		{Rate{1, 1}, 0.2065, 1},
		{Rate{0, 0}, 0, 1},
		{Rate{81, 263}, 0.2553, 0.3662}, // Newcombe 1998, table I
		{Rate{15, 148}, 0.0624, 0.1605},
	} {
		low, high := c.rate.Interval()
		if math.Abs(low-c.low) > 0.00006 || math.Abs(high-c.high) > 0.00006 {
			t.Errorf("%d of %d: %.4f to %.4f, want %.4f to %.4f", c.rate.Hits, c.rate.Of, low, high, c.low, c.high)
		}
	}
}

func TestARateIsToldWithItsInterval(t *testing.T) {
	for want, rate := range map[string]Rate{
		"19 of 20 (95 %: 76 to 99 %)":    {19, 20},
		"0 of 20 (95 %: 0 to 16 %)":      {0, 20},
		"20 of 20 (95 %: 84 to 100 %)":   {20, 20},
		"999 of 1000 (95 %: 99 to 99 %)": {999, 1000}, // 100 % is for always
		"1 of 1000 (95 %: 1 to 1 %)":     {1, 1000},   // and 0 % for never
		"0 of 0 (nothing is known)":      {},
	} {
		if got := rate.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
