package drivertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Case is one thing that a driver is to do right.
type Case struct {
	Name  string
	Why   string // in a sentence
	Large bool   // it moves much, and may take four times as long
	run   func(context.Context, *trial) error
}

// Cases lists all cases, in an order in which a driver's author will want to
// have them pass.
func Cases() []Case {
	return slices.Concat(openingCases(), answerCases(), orderCases(), flushCases(), closeCases(), errorCases(), contentCases(),
		loadCases(), endCases(), transactionCases(), optionCases())
}

// ByName finds cases. A name that ends with an asterisk stands for all that
// begin so.
func ByName(names []string) ([]Case, error) {
	all := Cases()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []Case
	for _, name := range names {
		found := false
		for _, c := range all {
			prefix, open := strings.CutSuffix(name, "*")
			if c.Name == name || open && strings.HasPrefix(c.Name, prefix) {
				found = true
				chosen = append(chosen, c)
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no case %q (`--list` shows them)", name)
		}
	}
	return chosen, nil
}
