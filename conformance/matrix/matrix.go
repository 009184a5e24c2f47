// Package matrix is what a conformance run came to, as data: cases, the brokers
// they were held on, and per case and broker a verdict with the conversation
// that led to it. Reports and expectation files are made from it, and nothing in
// it runs.
package matrix

import (
	"fmt"
	"time"
)

// Verdict is how a broker did in one case, in the terms of the protocol suites
// that people know (Autobahn, h2spec).
type Verdict int

// The verdicts. The zero value is that nothing was looked at.
const (
	NotRun        Verdict = iota
	Pass                  // as promised
	NonStrict             // not as promised, and harmless: no client can lose or double a record by it
	Fail                  // a promise is broken
	Informational         // nothing is promised: what the broker did is told
	NotApplicable         // the broker, or the harness on it, can't do what the case needs
	Error                 // the case could not be held to its end
)

var verdictNames = [...]string{"not-run", "pass", "non-strict", "fail", "informational", "not-applicable", "error"}

func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		panic(fmt.Sprintf("matrix: verdict %d", int(v)))
	}
	return verdictNames[v]
}

// MarshalText writes a verdict by name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict by name.
func (v *Verdict) UnmarshalText(text []byte) error {
	for i, name := range verdictNames {
		if name == string(text) {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("%q is no verdict: there are %v", text, verdictNames)
}

// Case is what one case is about.
type Case struct {
	Number  int    `json:"number"`
	Name    string `json:"name"`
	Group   string `json:"group"`
	Promise string `json:"promise"` // in a sentence
	Source  string `json:"source"`  // KIP, protocol section, ticket or source file that the promise stands in
}

// Frame is one request or answer as it went over the connection.
type Frame struct {
	At          time.Duration `json:"at"`     // since the conversation began, ns
	Broker      int32         `json:"broker"` // -1: the address that the run was given
	Answer      bool          `json:"answer"` // else a request
	API         string        `json:"api"`
	Version     int16         `json:"version"`
	Correlation int32         `json:"correlation"`
	Decoded     string        `json:"decoded"` // by field
	Bytes       []byte        `json:"bytes"`   // the frame without its length; base64 in JSON
}

// Step is one exchange, or one look at the broker's state, and what it came to.
type Step struct {
	What     string  `json:"what"`               // "produce (P1, epoch 0) [0..2] to t, version 12"
	Said     string  `json:"said"`               // "0 (NONE) at offset 0"
	Expected string  `json:"expected,omitempty"` // the same, or in words; empty where nothing is
	Verdict  Verdict `json:"verdict"`
	Note     string  `json:"note,omitempty"` // since when another answer was right, what follows from it
	Frames   []Frame `json:"frames,omitempty"`
}

// Cell is one case on one broker.
type Cell struct {
	Case    int           `json:"case"`
	Verdict Verdict       `json:"verdict"`
	Reason  string        `json:"reason,omitempty"` // in a sentence; empty for a pass
	Steps   []Step        `json:"steps,omitempty"`
	Took    time.Duration `json:"took"` // ns

	// Known is the reason that a file of expected failures gives; see Expect.
	Known string `json:"known,omitempty"`
	// Surprise: the file expects a failure, and there was none.
	Surprise bool `json:"surprise,omitempty"`
}

// Column is one broker, or one version of it.
type Column struct {
	Name   string `json:"name"`   // "Kafka 4.3.1", or the address
	Broker string `json:"broker"` // what is known of it
	As     string `json:"as"`     // the Kafka version whose rules it was held to
	Cells  []Cell `json:"cells"`
	Broken string `json:"broken,omitempty"` // why there is nothing to be seen: the cluster did not start, ...
}

// Cell returns the cell of a case.
func (c *Column) Cell(number int) *Cell {
	for i := range c.Cells {
		if c.Cells[i].Case == number {
			return &c.Cells[i]
		}
	}
	return &Cell{Case: number}
}

// Matrix is a whole run.
type Matrix struct {
	Made      time.Time `json:"made"`
	Idemcheck string    `json:"idemcheck"` // version
	Command   string    `json:"command"`   // that makes it again
	Cases     []Case    `json:"cases"`
	Columns   []Column  `json:"columns"`
}

// Worse returns the verdict that counts where two stand side by side.
func Worse(a, b Verdict) Verdict {
	rank := [...]int{NotRun: 0, NotApplicable: 1, Informational: 2, Pass: 3, NonStrict: 4, Error: 5, Fail: 6}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Counts says how often each verdict was given in a column.
func (c *Column) Counts() map[Verdict]int {
	n := make(map[Verdict]int)
	for _, cell := range c.Cells {
		n[cell.Verdict]++
	}
	return n
}
