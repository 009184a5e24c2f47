package suites

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Resolve writes a scenario down as manifests and plans hold it: as JSON, every
// default filled in, times in nanoseconds.
func Resolve(s Scenario) (json.RawMessage, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("write scenario %s down: %w", s.Name, err)
	}
	return text, nil
}

// FromResolved reads back what Resolve wrote, as strictly as a scenario file. An
// error says where, by keys.
func FromResolved(raw json.RawMessage, v Vocabulary) (Scenario, error) {
	var s Scenario
	if err := strictly(raw, &s); err != nil {
		return Scenario{}, fmt.Errorf("the scenario that was written down: %w (was it written by another version of idemcheck, or altered?)", err)
	}
	s.fill(v)
	var all []error
	for _, p := range validate(&s, v) {
		all = append(all, fmt.Errorf("scenario %s as it was written down: %s: %s", s.Name, strings.TrimPrefix(p.path, "$."), p.message))
	}
	if err := errors.Join(all...); err != nil {
		return Scenario{}, err
	}
	return s, nil
}

// strictly decodes one JSON value and takes no unknown key.
func strictly(text []byte, to any) error {
	from := json.NewDecoder(bytes.NewReader(text))
	from.DisallowUnknownFields()
	if err := from.Decode(to); err != nil {
		return err
	}
	if _, err := from.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind its last brace")
	}
	return nil
}
