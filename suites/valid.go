package suites

import (
	"errors"
	"fmt"
	"strings"
)

// Valid finds every problem of a scenario that a program made or changed, as
// Parse does of a file's: the error joins them, each behind its place.
// Defaults must be filled in, as they are in what Parse returns.
func (s Scenario) Valid(v Vocabulary) error {
	var all []error
	for _, p := range validate(&s, v) {
		all = append(all, fmt.Errorf("%s: %s", strings.TrimPrefix(p.path, "$."), p.message))
	}
	return errors.Join(all...)
}
