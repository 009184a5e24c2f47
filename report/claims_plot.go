package report

import (
	"fmt"
	"html"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/idemcheck/idemcheck/claims"
)

// The measures of a plot of samples, in SVG's pixels.
const (
	samplesWidth = 760
	samplesLeft  = 190 // of the axis; before it stand the sides
	samplesRight = 30
	samplesRow   = 24
	samplesHead  = 34 // of a measure
)

// ClaimsPlot draws what was measured, as an SVG: for every measure that a row
// compares a dot per run, and over them the mean with its 95 % interval. Axes
// begin at 0, so that lengths compare. It is empty where nothing was measured.
func ClaimsPlot(w io.Writer, b claims.Book) error {
	var body strings.Builder
	y := 0
	for _, d := range b.Decisions {
		if d.Row.Measured {
			y = plotSamples(&body, d, y)
		}
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" font-family="system-ui, sans-serif" font-size="13">
<style>
.ground { fill: #fff } text { fill: #1c2024 } .soft { fill: #5c6570 } .axis { stroke: #b9c1c9 } .run { fill: #0b5cad; fill-opacity: .45 } .mean { stroke: #b3261e; stroke-width: 2.5 }
@media (prefers-color-scheme: dark) { .ground { fill: #14171a } text { fill: #e4e8ec } .soft { fill: #9aa4ae } .axis { stroke: #4a525a } .run { fill: #7db8f5 } .mean { stroke: #f2b8b5 } }
</style>
<rect class="ground" width="%d" height="%d"/>
%s</svg>
`, samplesWidth, y+10, samplesWidth, samplesWidth, y+10, body.String())
	return err
}

// plotSamples draws the comparisons of one row with one client, from y on, and
// returns where it ended.
func plotSamples(w *strings.Builder, d claims.Decision, y int) int {
	fmt.Fprintf(w, `<text x="10" y="%d" font-weight="600">%s, %s</text>`+"\n", y+24, html.EscapeString(d.Row.ID), html.EscapeString(d.Client))
	y += samplesHead
	for _, c := range claims.Compared(d.Row) {
		most := 0.0
		for _, side := range c.Sides {
			for _, value := range claims.Samples(d.Runs[side], c.Measure) {
				most = max(most, value)
			}
		}
		if most == 0 {
			continue
		}
		most = roundUp(most)
		at := func(value float64) float64 {
			return samplesLeft + min(max(value, 0), most)/most*(samplesWidth-samplesLeft-samplesRight)
		}
		fmt.Fprintf(w, `<text class="soft" x="10" y="%d">%s</text>`+"\n", y+16, html.EscapeString(measureWords(c.Measure)))
		for _, tick := range []float64{0, most / 2, most} {
			fmt.Fprintf(w, `<text class="soft" x="%.0f" y="%d" text-anchor="middle" font-size="11">%s</text>`+"\n", at(tick), y+16, strconv.FormatFloat(tick, 'f', -1, 64))
			fmt.Fprintf(w, `<line class="axis" x1="%.0f" x2="%.0f" y1="%d" y2="%d"/>`+"\n", at(tick), at(tick), y+22, y+26+samplesRow*len(c.Sides))
		}
		y += 24
		for _, side := range c.Sides {
			samples := claims.Samples(d.Runs[side], c.Measure)
			fmt.Fprintf(w, `<text x="22" y="%d">%s</text>`+"\n", y+17, html.EscapeString(side))
			for _, value := range samples {
				fmt.Fprintf(w, `<circle class="run" cx="%.1f" cy="%d" r="4"><title>%.0f</title></circle>`+"\n", at(value), y+13, value)
			}
			if spread, err := claims.Spread(samples); err == nil {
				fmt.Fprintf(w, `<path class="mean" fill="none" d="M%.1f %dH%.1fM%.1f %dv14"><title>%s</title></path>`+"\n", at(spread.Low), y+13, at(spread.High), at(spread.Mean), y+6, spread)
			}
			y += samplesRow
		}
		y += 12
	}
	return y
}

// measureWords names a measure for people.
func measureWords(measure string) string {
	if unit, ok := strings.CutSuffix(measure, "_us"); ok {
		return strings.ReplaceAll(unit, "_", " ") + ", us"
	}
	return strings.ReplaceAll(measure, "_", " ")
}

// roundUp is the next number above that has one digit, or half of the next.
func roundUp(value float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(value)))
	return math.Ceil(value/unit*2) / 2 * unit
}
