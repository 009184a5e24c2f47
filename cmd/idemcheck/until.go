package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/report"
)

// sought lists what --until can be told: kinds of anomaly, and causes.
func sought() []string {
	var all []string
	for _, kind := range checker.Kinds() {
		all = append(all, string(kind))
	}
	for _, c := range checker.Causes() {
		all = append(all, string(c.Cause))
	}
	return all
}

// shows says whether a verdict has an anomaly of a kind, or of a cause.
func shows(v *checker.Verdict, what string) bool {
	if v == nil || v.HarnessError != "" {
		return false
	}
	return slices.ContainsFunc(v.Guarantees, func(g checker.Guarantee) bool {
		return slices.ContainsFunc(g.Anomalies, func(a checker.Anomaly) bool {
			return string(a.Kind) == what || string(a.Cause) == what
		})
	})
}

// found says what the search has cost.
func (n *night) found(r report.Result) {
	ran := slices.DeleteFunc(slices.Clone(n.results), func(r report.Result) bool { return r.Outcome == report.Skipped })
	n.screen.note(fmt.Sprintf("found %s in run %d, seed %d, after %s", n.flags.until, len(ran), r.Seed,
		time.Since(n.setting.Began).Round(time.Second)))
}
