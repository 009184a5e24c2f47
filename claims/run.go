package claims

import (
	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// Run is one run of a side, or the cases that it has in place of runs.
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
	Cases   []Held            `json:"cases,omitempty"`
	Sample  Sample            `json:"sample,omitempty"` // of a row that is measured
}

// Held is one case of conform, as it came out.
type Held struct {
	Name    string         `json:"name"`
	Verdict matrix.Verdict `json:"verdict"`
	Reason  string         `json:"reason,omitempty"`
}

// FromCases is what the cases of a side came to, with the folder that has their
// conversations. One that could not be held leaves nothing to decide by.
func FromCases(dir string, cases []Held) Run {
	r := Run{Dir: dir, Cases: cases}
	for _, c := range cases {
		switch c.Verdict {
		case matrix.NotApplicable:
			r.Skipped = c.Name + ": " + c.Reason
		case matrix.Error, matrix.NotRun:
			r.Broken = c.Name + ": " + c.Reason
		}
	}
	return r
}

// Sound says whether a run proves something, for a claim or against it. That a
// client refused what it was asked proves no guarantee, and is a figure.
func (r Run) Sound() bool {
	if r.Broken != "" || r.Skipped != "" {
		return false
	}
	return len(r.Cases) > 0 || r.Verdict != nil &&
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

// passed counts the cases that a broker passed, and those that it failed. What
// differs and harms nobody is neither.
func (r Run) passed() (passed, failed int64) {
	for _, c := range r.Cases {
		switch c.Verdict {
		case matrix.Pass:
			passed++
		case matrix.Fail:
			failed++
		}
	}
	return passed, failed
}
