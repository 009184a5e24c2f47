package bisect

import "fmt"

// Shown is what a version showed.
type Shown uint8

const (
	// CannotSay is the zero value: the version could not be had or built, or what
	// came of it proves nothing.
	CannotSay Shown = iota
	// HasNot: it is not there.
	HasNot
	// Has: it is there.
	Has
)

// String returns the words used in files and reports.
func (s Shown) String() string {
	switch s {
	case CannotSay:
		return "cannot-say"
	case HasNot:
		return "has-not"
	case Has:
		return "has"
	}
	panic(fmt.Sprintf("bisect: impossible answer %d", uint8(s)))
}

// MarshalText writes the word.
func (s Shown) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word; any other is an error.
func (s *Shown) UnmarshalText(text []byte) error {
	for _, known := range []Shown{CannotSay, HasNot, Has} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("unknown answer %q: want cannot-say, has-not or has", text)
}

// Answer is what one version was found to show, and how that is known.
type Answer struct {
	Shown Shown  `json:"shown"`
	Why   string `json:"why,omitempty"` // in a line: "4 of 5 replays", "npm has no version 2.0.1"
}

// Tried is one version that was asked.
type Tried struct {
	Version string `json:"version"`
	Answer
	Again bool `json:"again,omitempty"` // asked once more, to confirm
}
