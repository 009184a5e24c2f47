package claims

import (
	"maps"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/checker"
)

// Run is one run of a side.
type Run struct {
	Dir     string `json:"dir,omitempty"`
	Seed    uint64 `json:"seed"`
	Skipped string `json:"skipped,omitempty"` // why it cannot be run
	Broken  string `json:"broken,omitempty"`  // what could not do its job
	// Client is the library and its version, Asked what it was told, Said what it
	// said to that (settings.go).
	Client string `json:"client,omitempty"`
	Asked  string `json:"asked,omitempty"`
	Said   string `json:"said,omitempty"`
	// Untaken are the options that its client does not take, and why, by name.
	Untaken map[string]string `json:"untaken,omitempty"`
	Verdict *checker.Verdict  `json:"-"`
}

// Sound says whether a run proves something, for a claim or against it. That a
// client refused what it was asked proves no guarantee, and is a figure.
func (r Run) Sound() bool {
	return r.Broken == "" && r.Skipped == "" && r.Verdict != nil &&
		(r.Verdict.Overall == checker.Pass || r.Verdict.Overall == checker.Violation || r.Verdict.Coverage[figRefused] > 0)
}

// why says why a run proves nothing.
func (r Run) why() string {
	switch {
	case r.Skipped != "":
		return r.Skipped
	case r.Broken != "":
		return r.Broken
	case r.Verdict == nil:
		return "it was not judged"
	}
	return r.Verdict.Why
}

// Figures are what the sound runs of a side come down to, by name: coverage
// counters, guarantees (records, or batches, that broke them), and how many
// runs there were. Counts are summed up; of peaks it is the highest, of lows the lowest.
type Figures map[string]int64

// Names of figures that are no counters of the judge's.
const (
	figRuns       = "runs"
	figViolations = "violations"
	figRefused    = "refused" // the judge's
)

// Figure explains one figure.
type Figure struct{ Name, Meaning string }

// Known lists every figure but answers_CODE, by name.
func Known() []Figure {
	all := []Figure{
		{figRuns, "sound runs of the side"},
		{figViolations, "those of them that broke a guarantee"},
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

// environment is what conditions are evaluated in.
func environment(sides map[string]Figures) map[string]any {
	env := make(map[string]any, len(sides))
	for _, name := range slices.Sorted(maps.Keys(sides)) {
		env[name] = map[string]int64(sides[name])
	}
	return env
}
