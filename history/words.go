package history

import "fmt"

// The closed sets of this package are written as their words, in JSON too.

// MarshalText writes the word.
func (s Standing) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word; any other is an error.
func (s *Standing) UnmarshalText(text []byte) error {
	return fromWord(s, "standing", text, Intact, Misplaced)
}

// MarshalText writes the word.
func (k WireKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the word; any other is an error.
func (k *WireKind) UnmarshalText(text []byte) error {
	return fromWord(k, "kind of wire event", text, WireRequest, WireHidden)
}

// MarshalText writes the word.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word; any other is an error.
func (a *Action) UnmarshalText(text []byte) error {
	return fromWord(a, "action", text, ActionPassed, ActionForged)
}

// fromWord finds the value, from first to last of its set, whose word is text.
func fromWord[T interface {
	~uint8
	String() string
}](into *T, what string, text []byte, first, last T) error {
	for value := first; value <= last; value++ {
		if value.String() == string(text) {
			*into = value
			return nil
		}
	}
	return fmt.Errorf("unknown %s %q", what, text)
}
