package suites

import (
	"encoding/json"
	"fmt"

	"github.com/goccy/go-yaml"
)

// UnmarshalYAML reads "pass", or {violation: KIND, count: COUNTER}.
func (e *Expect) UnmarshalYAML(text []byte) error {
	var word string
	if err := yaml.Unmarshal(text, &word); err == nil {
		if word != "pass" {
			return fmt.Errorf("expect %q: want pass, or {violation: KIND}", word)
		}
		*e = Expect{}
		return nil
	}
	type plain Expect
	var p plain
	if err := yaml.UnmarshalWithOptions(text, &p, yaml.DisallowUnknownField()); err != nil {
		return fmt.Errorf("expect: want pass, or {violation: KIND, count: COUNTER}: %w", err)
	}
	*e = Expect(p)
	return nil
}

// MarshalJSON writes it the way a scenario file does.
func (e Expect) MarshalJSON() ([]byte, error) {
	if e.Violation == "" {
		return json.Marshal("pass")
	}
	type plain Expect
	return json.Marshal(plain(e))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (e *Expect) UnmarshalJSON(text []byte) error {
	var word string
	if err := json.Unmarshal(text, &word); err == nil {
		if word != "pass" {
			return fmt.Errorf("expect %q: want pass, or {violation: KIND}", word)
		}
		*e = Expect{}
		return nil
	}
	type plain Expect
	var p plain
	if err := strictly(text, &p); err != nil {
		return fmt.Errorf("expect: want pass, or {violation: KIND, count: COUNTER}: %w", err)
	}
	*e = Expect(p)
	return nil
}
