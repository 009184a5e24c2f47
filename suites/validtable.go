package suites

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

const mostSideRuns = 1000

// sideName is what can stand in a condition.
var sideName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// validateTable finds what is wrong with a table whose defaults are filled in.
func validateTable(t *Table) []problem {
	var problems []problem
	complain := func(path, format string, values ...any) {
		problems = append(problems, problem{path, fmt.Sprintf(format, values...)})
	}
	if len(t.Rows) == 0 {
		complain("$.rows", "rows: there is none")
	}
	if len(t.Clients) == 0 {
		complain("$.clients", "clients is missing: say which libraries the rows are put to, like [franz-go, kafka-clients]")
	}
	seen := make(map[string]bool)
	for i, r := range t.Rows {
		at := fmt.Sprintf("$.rows[%d]", i)
		if !scenarioName.MatchString(r.ID) {
			complain(at+".id", "id %q: want lower-case words joined by single dashes, like retry-duplicates", r.ID)
		}
		if seen[r.ID] {
			complain(at+".id", "there are two rows %s", r.ID)
		}
		seen[r.ID] = true
		if r.Claim == "" {
			complain(at+".claim", "claim is missing: say in a sentence what is claimed")
		}
		if len(r.Sides) == 0 {
			complain(at, "row %s has no sides: name at least one scenario, like sides: {on: {scenario: basic/ack-loss}}", r.ID)
		}
		for _, name := range slices.Sorted(maps.Keys(r.Sides)) {
			side, at := r.Sides[name], at+".sides."+name
			if !sideName.MatchString(name) {
				complain(at, "side %q: want a word that can stand in a condition, like on or one_in_flight", name)
			}
			validateSide(side, name, at, complain)
			if r.Measured && side.Runs < 2 && len(side.Cases) == 0 {
				complain(at+".runs", "runs %d: a row that is measured compares samples, and needs two or more of each side", side.Runs)
			}
		}
		for k, option := range r.Needs {
			if !slices.Contains(optionNames(), option) {
				complain(fmt.Sprintf("%s.needs[%d]", at, k), "needs %q: want an option of clients: %s", option, strings.Join(optionNames(), ", "))
			}
		}
		for k, client := range r.Clients {
			if client == "" {
				complain(fmt.Sprintf("%s.clients[%d]", at, k), "clients: want LIBRARY@VERSION")
			}
		}
		validateAnswers(r, at, complain)
	}
	return problems
}

func validateSide(side Side, name, at string, complain func(path, format string, values ...any)) {
	if len(side.Cases) > 0 {
		switch {
		case side.Scenario != "":
			complain(at+".cases", "side %s: a scenario or cases, not both", name)
		case side.Runs != 0:
			complain(at+".runs", "runs %d: cases are held once", side.Runs)
		case side.Client != "":
			complain(at+".client", "client %q: cases are held without one", side.Client)
		}
		return
	}
	if side.Scenario == "" {
		complain(at, "side %s: scenario is missing (or cases)", name)
	}
	if side.Runs < 1 || side.Runs > mostSideRuns {
		complain(at+".runs", "runs %d: want 1 to %d", side.Runs, mostSideRuns)
	}
}

// optionNames lists the options of clients, as scenarios write them.
func optionNames() []string {
	var names []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Options]()) {
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		names = append(names, name)
	}
	return names
}

func validateAnswers(r Row, at string, complain func(path, format string, values ...any)) {
	if len(r.Answers) == 0 {
		complain(at, "row %s has no answers: nothing could decide it", r.ID)
	}
	allowed := strings.Join(Answers(), ", ")
	for k, a := range r.Answers {
		at := fmt.Sprintf("%s.answers[%d]", at, k)
		if !slices.Contains(Answers(), a.Answer) {
			complain(at+".answer", "answer %q: want one of %s", a.Answer, allowed)
		}
		if a.Because == "" {
			complain(at, "because is missing: say in a sentence what was seen, like \"{off.lost} lost\"")
		}
		if a.When == "" && k < len(r.Answers)-1 {
			complain(at, "when is missing: only the last answer may stand without a condition")
		}
	}
	for _, client := range slices.Sorted(maps.Keys(r.Recorded)) {
		if !slices.Contains(Answers(), r.Recorded[client]) {
			complain(at+".recorded."+client, "recorded %q: want one of %s", r.Recorded[client], allowed)
		}
	}
}
