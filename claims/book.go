package claims

import (
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/suites"
)

// Book is a table of claims, decided.
type Book struct {
	Title   string        `json:"title"`
	Version string        `json:"version"` // of idemcheck
	On      string        `json:"on"`      // what it was run on, in words
	Command string        `json:"command"`
	Seed    uint64        `json:"seed"`
	Began   time.Time     `json:"began"`
	Took    time.Duration `json:"took_ns"`

	Decisions []Decision `json:"decisions"` // in the order of the rows, then of the clients
}

// Count counts the decisions with an answer.
func (b Book) Count(answer string) int {
	n := 0
	for _, d := range b.Decisions {
		if d.Answer == answer {
			n++
		}
	}
	return n
}

// Turned lists the decisions that are not what was recorded.
func (b Book) Turned() []Decision {
	var all []Decision
	for _, d := range b.Decisions {
		if d.Turned() {
			all = append(all, d)
		}
	}
	return all
}

// Everything lists what a decision can say, evidence first.
func Everything() []string {
	return append(slices.Clone(suites.Answers()), Inconclusive, NotApplicable)
}
