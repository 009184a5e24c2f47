package suites

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Table is a file of claims: statements about clients and brokers, and how runs
// decide each of them.
type Table struct {
	Title string `yaml:"title" json:"title"`
	// Clients is what every row is put to that does not say by_client, as
	// LIBRARY or LIBRARY@VERSION.
	Clients []string `yaml:"clients" json:"clients"`
	Rows    []Row    `yaml:"rows" json:"rows"`

	File string `yaml:"-" json:"file"`
}

// Row is one claim. Its sides are run, and the first of its answers whose
// condition the figures meet is the answer.
type Row struct {
	ID      string `yaml:"id" json:"id"`
	Section string `yaml:"section,omitempty" json:"section,omitempty"`
	Claim   string `yaml:"claim" json:"claim"`
	// ByClient: the answer is the client's, so every library is asked.
	ByClient bool `yaml:"by_client,omitempty" json:"by_client,omitempty"`
	// Clients are what the row is put to besides: versions of which something of
	// their own is known, as LIBRARY@VERSION.
	Clients []string `yaml:"clients,omitempty" json:"clients,omitempty"`
	// Settings: the row is about what clients make of what they are told, so that
	// reports say for each side what was asked, said and done.
	Settings bool `yaml:"settings,omitempty" json:"settings,omitempty"`
	// Needs are the options of clients that the claim is about: of a client that
	// does not take one of them it says nothing.
	Needs []string `yaml:"needs,omitempty" json:"needs,omitempty"`
	// Measured: what is compared between the sides is time, so their runs take
	// turns, after a round that only warms up, and each gives a sample of the
	// figures that are measured.
	Measured bool            `yaml:"measured,omitempty" json:"measured,omitempty"`
	Sides    map[string]Side `yaml:"sides" json:"sides"`
	Answers  []Answer        `yaml:"answers" json:"answers"`
	// Recorded is the answer that was seen, by client library, or by LIBRARY@VERSION
	// where that differs; another one is reported as a failure.
	Recorded map[string]string `yaml:"recorded,omitempty" json:"recorded,omitempty"`
}

// Broker is whom a row is put to that no client has a part in.
const Broker = "broker"

// OfBroker says whether a row is about brokers alone: all its sides are cases.
func (r Row) OfBroker() bool {
	for _, side := range r.Sides {
		if len(side.Cases) == 0 {
			return false
		}
	}
	return true
}

// Side is one half of the evidence: a scenario and how often it is run, or
// conversations with a broker.
type Side struct {
	Scenario string `yaml:"scenario,omitempty" json:"scenario,omitempty"` // as on the command line; a file is looked for beside the table's
	Runs     int    `yaml:"runs,omitempty" json:"runs,omitempty"`         // sound ones; 0 is 2
	// Client is whom the scenario is always run with, as LIBRARY or
	// LIBRARY@VERSION, whomever the row is put to: a control, or a known bug.
	Client string `yaml:"client,omitempty" json:"client,omitempty"`
	// Cases, in place of a scenario, are cases of conform, by number or name:
	// what no client can be made to send. They are held once.
	Cases []string `yaml:"cases,omitempty" json:"cases,omitempty"`
}

// Shown says what a side shows, in words: its scenario, or its cases.
func (s Side) Shown() string {
	switch {
	case len(s.Cases) > 0:
		return "conform --case " + strings.Join(s.Cases, ",")
	case s.Client != "":
		return s.Scenario + " with " + s.Client
	}
	return s.Scenario
}

// Answer is one answer that a row may have.
type Answer struct {
	When    string `yaml:"when,omitempty" json:"when,omitempty"` // a condition on SIDE.FIGURE; left out of the last: otherwise
	Answer  string `yaml:"answer" json:"answer"`                 // of Answers
	Because string `yaml:"because" json:"because"`               // a sentence; {SIDE.FIGURE} stands for the figure
}

// Answers lists what a row can come to by evidence.
func Answers() []string { return []string{"upheld", "qualified", "refuted"} }

// Claims is the name of the folder that has a table of its own.
const Claims = "claims"

// defaultSideRuns is how often a side is run that does not say it.
const defaultSideRuns = 2

// FindTable resolves what a person names on the command line, where it names
// claims: "claims", a file of their own that has rows, or one row of either
// ("claims/ID", "FILE.yaml/ID"; Address gives it). is is false where it names
// something else.
func FindTable(name string) (t Table, is bool, err error) {
	file, id := name, ""
	if dir := filepath.Dir(name); isYAML(dir) || dir == Claims {
		file, id = dir, filepath.Base(name)
	}
	switch {
	case file == Claims:
		t, err = builtIn()
	case isYAML(file):
		text, err := os.ReadFile(file)
		if err != nil || !hasRows(text) {
			return t, false, nil // Find says what is wrong
		}
		if t, err = ParseTable(file, text); err != nil {
			return t, true, err
		}
	default:
		return t, false, nil
	}
	if err != nil || id == "" {
		return t, true, err
	}
	at := slices.IndexFunc(t.Rows, func(r Row) bool { return r.ID == id })
	switch {
	case at < 0 && file == Claims:
		return t, false, nil // it may be a scenario
	case at < 0:
		return t, true, fmt.Errorf("%s has no row %q: it has %s", file, id, strings.Join(t.ids(), ", "))
	}
	t.Rows = t.Rows[at : at+1]
	return t, true, nil
}

func isYAML(name string) bool {
	return filepath.Ext(name) == ".yaml" || filepath.Ext(name) == ".yml"
}

func builtIn() (Table, error) {
	text, err := embedded.ReadFile(Claims + ".yaml")
	if err != nil {
		return Table{}, fmt.Errorf("read claims: %w", err)
	}
	t, err := ParseTable(Claims+".yaml", text)
	t.File = Claims
	return t, err
}

func (t Table) ids() (all []string) {
	for _, r := range t.Rows {
		all = append(all, r.ID)
	}
	return all
}

// Address is what names one row alone on the command line.
func (t Table) Address(id string) string { return t.File + "/" + id }

// hasRows says whether a file is a table, of whatever quality.
func hasRows(text []byte) bool {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return false
	}
	for _, doc := range documents(tree) {
		values, _ := entries(doc)
		if slices.ContainsFunc(values, func(v *ast.MappingValueNode) bool { return v.Key.GetToken().Value == "rows" }) {
			return true
		}
	}
	return false
}

// ParseTable reads a table of claims. Whether conditions mean something is for
// those who know the figures.
func ParseTable(file string, text []byte) (Table, error) {
	var t Table
	root, err := read(file, text, "table of claims", &t)
	if err != nil {
		return t, err
	}
	t.File = file
	for _, r := range t.Rows {
		for name, side := range r.Sides {
			if len(side.Cases) == 0 {
				side.Runs = orElse(side.Runs, defaultSideRuns)
				r.Sides[name] = side
			}
		}
	}
	return t, placed(validateTable(&t), file, root)
}

// Find loads the scenario of a side.
func (t Table) Find(side Side, v Vocabulary) (Scenario, error) {
	name := side.Scenario
	if isYAML(name) && !filepath.IsAbs(name) {
		name = filepath.Join(filepath.Dir(t.File), name)
	}
	found, err := Find(name, v)
	if err != nil {
		return Scenario{}, err
	}
	if len(found) != 1 {
		return Scenario{}, fmt.Errorf("%s is a folder of %d scenarios: a side is one", name, len(found))
	}
	return found[0], nil
}
