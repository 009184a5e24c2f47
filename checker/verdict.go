package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// Schema is the version of verdict.json's form.
const Schema = 1

// Status is how a guarantee, or a whole run, came out.
type Status uint8

const (
	// NotRun is the zero value: nobody judged. It is never a pass.
	NotRun Status = iota
	// Pass: judged, and nothing found.
	Pass
	// Violation: a broken guarantee, with evidence.
	Violation
	// Inconclusive: the run proves nothing about it; Why says what was lacking.
	Inconclusive
)

var statusWords = [...]string{NotRun: "not-run", Pass: "pass", Violation: "violation", Inconclusive: "inconclusive"}

// String returns the word used in files and reports.
func (s Status) String() string {
	if int(s) >= len(statusWords) {
		panic(fmt.Sprintf("checker: impossible status %d", uint8(s)))
	}
	return statusWords[s]
}

// MarshalText writes the word.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word; any other is an error.
func (s *Status) UnmarshalText(text []byte) error {
	for status, word := range statusWords {
		if word == string(text) {
			*s = Status(status)
			return nil
		}
	}
	return fmt.Errorf("unknown status %q: want not-run, pass, violation or inconclusive", text)
}

// Verdict is what the judges say of one run.
type Verdict struct {
	Schema   int    `json:"schema"`
	Run      string `json:"run"`
	Scenario string `json:"scenario"`
	Seed     uint64 `json:"seed"`

	Overall  Status `json:"overall"`
	Expected string `json:"expected"` // what the scenario expects: "pass" or an anomaly kind
	// AsExpected: a pass where a pass is expected, or the expected violation
	// and none that it does not imply. It decides between exit 0 and 1.
	AsExpected bool   `json:"as_expected"`
	Why        string `json:"why"` // one sentence
	// HarnessError, when not empty, names a broken assumption: nothing else in
	// the verdict may then be held for or against anyone.
	HarnessError string `json:"harness_error,omitempty"`

	Guarantees []Guarantee      `json:"guarantees"` // in the order of Names
	Coverage   map[string]int64 `json:"coverage"`   // by counter; see Counters
	Totals     Totals           `json:"totals"`
	JudgedBy   string           `json:"judged_by"` // version of idemcheck
}

// Totals sums up what was judged.
type Totals struct {
	Processes  int   `json:"processes"`
	Partitions int   `json:"partitions"`
	Sent       int64 `json:"sent"` // ops
	Acked      int64 `json:"acked"`
	Failed     int64 `json:"failed"`
	Unknown    int64 `json:"unknown"`
	Log        int64 `json:"log"`  // records of the final read, control records included
	Wire       int64 `json:"wire"` // wire events
	Faults     int64 `json:"faults"`
	// CrossChecked is how many log records the second judge went over as well.
	CrossChecked int64 `json:"cross_checked"`
}

// Guarantee is one checker's part of the verdict.
type Guarantee struct {
	Name    string `json:"name"`
	Promise string `json:"promise"` // one sentence, with its source
	Status  Status `json:"status"`
	Why     string `json:"why"` // one sentence
	// Count is how many records (for the protocol guarantees: batches) are
	// concerned in all; Causes how many root causes they come down to.
	Count     int64     `json:"count"`
	Causes    int64     `json:"causes"`
	Anomalies []Anomaly `json:"anomalies,omitempty"` // the first few of each kind
}

// Anomaly is one root cause, with the records, offsets and wire events that
// prove it.
type Anomaly struct {
	Kind  Kind  `json:"kind"`
	Count int64 `json:"count"` // records (batches, for protocol kinds) that it concerns

	Process   int32   `json:"process"` // -1 when the record names none
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Number    int64   `json:"number"`            // of the first record concerned; -1 when it names none
	Offsets   []int64 `json:"offsets,omitempty"` // of that record, rising; for order kinds the overtaking record's first

	Ops  []history.Op        `json:"ops,omitempty"`  // the record's op, then the op of the record that caused it
	Log  []history.LogRecord `json:"log,omitempty"`  // what stands at the offsets
	Wire []history.WireEvent `json:"wire,omitempty"` // in time order

	Blame     Blame  `json:"blame"`
	Cause     Cause  `json:"cause,omitempty"` // what the diagnosis comes down to (see Causes); empty only in verdicts of before there were causes
	Diagnosis string `json:"diagnosis"`       // a sentence a maintainer can act on
}

// Blame says whose fault an anomaly is, as far as the wire shows it.
type Blame string

const (
	// BlameClient: the client library did what no correct client does.
	BlameClient Blame = "client"
	// BlameBroker: the broker, or replication, did what no correct broker does.
	BlameBroker Blame = "broker"
	// BlameConfiguration: the client was told to do without the guarantee
	// (idempotence off, acks below all).
	BlameConfiguration Blame = "configuration"
	// BlameLimit: a limit of the protocol, where neither side breaks a rule; the
	// diagnosis says which.
	BlameLimit Blame = "protocol-limit"
	// BlameNoneKnown: the wire does not show whose fault it is.
	BlameNoneKnown Blame = "none-known"
)
