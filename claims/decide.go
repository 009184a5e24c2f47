package claims

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/idemcheck/idemcheck/suites"
)

// What a row comes to where evidence does not decide it.
const (
	Inconclusive  = "inconclusive"
	NotApplicable = "not applicable"
)

// Decision is what a row came to with one client.
type Decision struct {
	Row      suites.Row         `json:"row"`
	Client   string             `json:"client"`
	Answer   string             `json:"answer"`  // of suites.Answers, Inconclusive or NotApplicable
	Because  string             `json:"because"` // a sentence
	Figures  map[string]Figures `json:"figures"` // by side
	Runs     map[string][]Run   `json:"runs"`    // by side
	Recorded string             `json:"recorded,omitempty"`
	Command  string             `json:"command,omitempty"` // that puts this row to this client again
}

// Turned says whether evidence gave another answer than the recorded one.
func (d Decision) Turned() bool {
	return d.Recorded != "" && slices.Contains(suites.Answers(), d.Answer) && d.Answer != d.Recorded
}

// Broke says whether the decision could not be made because something could not
// do its job.
func (d Decision) Broke() bool {
	for _, runs := range d.Runs {
		if d.Answer == Inconclusive && slices.ContainsFunc(runs, func(r Run) bool { return r.Broken != "" }) {
			return true
		}
	}
	return false
}

// Decide answers a row for a client, of which library recorded answers are.
// runs are by side. The error is of a condition that cannot be evaluated.
func Decide(row suites.Row, client, library string, runs map[string][]Run) (Decision, error) {
	d := Decision{Row: row, Client: client, Runs: runs, Figures: make(map[string]Figures), Recorded: cmp.Or(row.Recorded[client], row.Recorded[library])}
	for name := range row.Sides {
		d.Figures[name] = Sum(runs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(row.Sides)) {
		if d.Answer, d.Because = lacking(name, row.Sides[name], runs[name]); d.Answer != "" {
			return d, nil
		}
		if why := untaken(row.Needs, runs[name]); why != "" {
			d.Answer, d.Because = NotApplicable, why
			return d, nil
		}
	}
	env := environment(d.Figures, runs)
	for _, a := range row.Answers {
		ok, err := holds(a.When, env)
		if err != nil {
			return d, fmt.Errorf("row %s: %w", row.ID, err)
		}
		if !ok {
			continue
		}
		d.Answer = a.Answer
		if d.Because, err = sentence(a.Because, env); err != nil {
			return d, fmt.Errorf("row %s: %w", row.ID, err)
		}
		return d, nil
	}
	d.Answer, d.Because = Inconclusive, "what was seen is none of what the row knows an answer to: look at its figures"
	return d, nil
}

// untaken says which needed option a client does not take; "" for none.
func untaken(needs []string, runs []Run) string {
	for _, option := range needs {
		for _, r := range runs {
			if why, is := r.Untaken[option]; is {
				return fmt.Sprintf("the client does not take %s: %s", option, why)
			}
		}
	}
	return ""
}

// lacking says why a side decides nothing; "" when it does.
func lacking(name string, side suites.Side, runs []Run) (answer, because string) {
	sound, last := 0, "it was not run"
	for _, r := range runs {
		if r.Skipped != "" {
			return NotApplicable, r.Skipped
		}
		if r.Sound() {
			sound++
		} else {
			last = r.why()
		}
	}
	if len(side.Cases) > 0 {
		side.Runs = 1
	}
	if sound >= side.Runs {
		return "", ""
	}
	return Inconclusive, fmt.Sprintf("%s: %d of the %d runs that the row wants proved something; of another: %s", name, sound, side.Runs, last)
}
