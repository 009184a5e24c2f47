package claims

import (
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/checker"
)

// Figures are what the sound runs of a side come down to, by name: coverage
// counters, guarantees (records, or batches, that broke them), and how many
// runs there were. Counts are summed up; of peaks it is the highest, of lows the lowest.
type Figures map[string]int64

// Names of figures that are no counters of the judge's.
const (
	figRuns       = "runs"
	figViolations = "violations"
	figCases      = "cases"
	figPassed     = "cases_passed"
	figFailed     = "cases_failed"
	figRefused    = "refused" // the judge's
)

// Figure explains one figure.
type Figure struct{ Name, Meaning string }

// Known lists every figure but answers_CODE, by name.
func Known() []Figure {
	all := []Figure{
		{figRuns, "sound runs of the side"},
		{figViolations, "those of them that broke a guarantee"},
		{figCases, "cases of conform that were held, of a side that has them in place of runs"},
		{figPassed, "those of them in which the broker did what is promised"},
		{figFailed, "those of them in which it did not"},
	}
	for _, c := range checker.Counters() {
		all = append(all, Figure{c.Name, c.Meaning})
	}
	for _, g := range checker.Names() {
		all = append(all, Figure{figureOf(g.Name), "anomalies of the guarantee " + g.Name})
	}
	slices.SortFunc(all, func(a, b Figure) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func isKnown(name string) bool {
	return checker.KnownCounter(name) || slices.ContainsFunc(Known(), func(f Figure) bool { return f.Name == name })
}

func isMeasured(name string) bool {
	return slices.ContainsFunc(Measures(), func(f Figure) bool { return f.Name == name })
}

// figureOf is a guarantee's name as a condition can have it.
func figureOf(guarantee string) string { return strings.ReplaceAll(guarantee, "-", "_") }

// peaks are counters of which the highest counts, not the sum.
func peaks() []string { return []string{"max_in_flight", "most_attempts", "most_gap_ms"} }

// lows are counters of which the lowest counts that is not nought.
func lows() []string { return []string{"least_gap_ms"} }

// Sum sums up the sound ones of a side's runs.
func Sum(runs []Run) Figures {
	sum := make(Figures)
	for _, f := range Known() {
		sum[f.Name] = 0
	}
	for _, r := range runs {
		if !r.Sound() {
			continue
		}
		if len(r.Cases) > 0 {
			passed, failed := r.passed()
			sum[figCases], sum[figPassed], sum[figFailed] = int64(len(r.Cases)), passed, failed
			continue
		}
		sum[figRuns]++
		if r.Verdict.Overall == checker.Violation {
			sum[figViolations]++
		}
		for name, n := range r.Verdict.Coverage {
			switch {
			case slices.Contains(peaks(), name):
				sum[name] = max(sum[name], n)
			case !slices.Contains(lows(), name):
				sum[name] += n
			case sum[name] == 0 || n > 0 && n < sum[name]:
				sum[name] = n
			}
		}
		for _, g := range r.Verdict.Guarantees {
			sum[figureOf(g.Name)] += g.Count
		}
	}
	return sum
}

// environment is what conditions are evaluated in: by side its figures, and of
// what was measured the samples of its sound runs, in their order.
func environment(sides map[string]Figures, runs map[string][]Run) map[string]any {
	env := make(map[string]any, len(sides))
	for name, figures := range sides {
		side := make(map[string]any, len(figures))
		for figure, n := range figures {
			side[figure] = n
		}
		for _, measure := range Measures() {
			if samples := Samples(runs[name], measure.Name); len(samples) > 0 {
				side[measure.Name] = samples
			}
		}
		env[name] = side
	}
	return env
}

// Samples are those of one measure, of a side's sound runs in their order.
func Samples(runs []Run, measure string) []float64 {
	var all []float64
	for _, r := range runs {
		if value, ok := r.Sample[measure]; ok && r.Sound() {
			all = append(all, value)
		}
	}
	return all
}
