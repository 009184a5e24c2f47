package checker

import (
	"fmt"
	"slices"
	"strings"
)

// violated lists the kinds found by the guarantees that count.
func (j *judgement) violated() []Kind {
	var kinds []Kind
	for _, g := range j.verdict.Guarantees {
		if g.Status == Violation {
			for _, kind := range kindsOf(g.Name) {
				if j.countOf(kind) > 0 {
					kinds = append(kinds, kind)
				}
			}
		}
	}
	return kinds
}

// hold holds the violations found against the expectation. An expected
// violation must be among them, as often as the scenario says, and nothing
// that it does not imply: a scenario that expects duplicates and loses records
// has found something new.
func (j *judgement) hold(violated []Kind) (asExpected bool, why string) {
	var found []string
	for _, kind := range violated {
		found = append(found, times(kind, j.countOf(kind)))
	}
	all := strings.Join(found, ", ")
	switch {
	case j.expect == "":
		return false, "found " + all
	case !slices.Contains(violated, j.expect):
		return false, fmt.Sprintf("expected the violation %s, and found %s instead", j.expect, all)
	case !j.onlyExpected(violated):
		return false, fmt.Sprintf("expected the violation %s alone, and found %s", j.expect, all)
	}
	if counter := j.manifest.Judge.ExpectCount; counter != "" {
		has, wants := j.countOf(j.expect), j.verdict.Coverage[counter]
		if has != wants {
			return false, fmt.Sprintf("expected %s as often as %s, which is %d, and found it %d times", j.expect, counter, wants, has)
		}
		return true, fmt.Sprintf("found %s, as expected: as many as %s", all, counter)
	}
	return true, fmt.Sprintf("found %s, as expected", all)
}

// onlyExpected says whether the expected kind was found and everything else
// that was found comes with it.
func (j *judgement) onlyExpected(violated []Kind) bool {
	if !slices.Contains(violated, j.expect) {
		return false
	}
	for _, kind := range violated {
		if kind != j.expect && !j.comesWith(kind) {
			return false
		}
	}
	return true
}

// comesWith says whether the expected violation brings another one along: by
// its nature, or because the scenario says so. A reordering explains a stale
// order only between records of one process.
func (j *judgement) comesWith(kind Kind) bool {
	if slices.Contains(j.manifest.Judge.ExpectAlso, string(kind)) {
		return true
	}
	if !slices.Contains(implied(j.expect), kind) {
		return false
	}
	if j.expect == Reorder && kind == StaleOrder {
		return j.tallies[StaleOrder].foreign == 0
	}
	return true
}
