// Package outcome is what an application was told about one record. It stands
// apart from history, whose word it is, so that driver programs built against
// any client library can have it without the files of a run.
package outcome

import "fmt"

// Outcome is what the application was told about one record.
type Outcome uint8

const (
	// Pending is the zero value: no answer yet. A finished run holds none.
	Pending Outcome = iota
	// Acked means the client reported success, with an offset.
	Acked
	// Failed means the record was certainly never appended, on any attempt.
	Failed
	// Unknown means the record may or may not be in the log, now or later.
	Unknown
)

// NoOffset is the offset of a record that was not acked.
const NoOffset int64 = -1

// String returns the word used in files and reports.
func (o Outcome) String() string {
	switch o {
	case Pending:
		return "pending"
	case Acked:
		return "acked"
	case Failed:
		return "failed"
	case Unknown:
		return "unknown"
	}
	panic(fmt.Sprintf("outcome: impossible outcome %d", uint8(o)))
}

// MarshalText writes the word.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the word; any other is an error.
func (o *Outcome) UnmarshalText(text []byte) error {
	for value := Pending; value <= Unknown; value++ {
		if value.String() == string(text) {
			*o = value
			return nil
		}
	}
	return fmt.Errorf("unknown outcome %q", text)
}
