package matrix

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var someCases = []Case{{Number: 1, Name: "first-batch"}, {Number: 13, Name: "wrap-between-batches"}, {Number: 40, Name: "fenced"}}

// readText reads a text as a file of expected failures.
func readText(t *testing.T, text string) ([]Expected, string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "known.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	expected, err := ReadExpected(file, someCases)
	return expected, file, err
}

func TestAFileOfExpectedFailuresIsReadToItsPlace(t *testing.T) {
	got, _, err := readText(t, `# what is known
- case: 13                 # number or name
  verdict: non-strict
  reason: >
    wraps one early,
    see ticket 42
  on: ["Kafka 4.3.1", Redpanda]
- {case: 13, reason: another, on: [other]}
- case: fenced
  reason: 42
`)
	want := []Expected{
		{Case: 13, Verdict: NonStrict, Reason: "wraps one early, see ticket 42", On: []string{"Kafka 4.3.1", "Redpanda"}},
		{Case: 13, Verdict: Fail, Reason: "another", On: []string{"other"}},
		{Case: 40, Verdict: Fail, Reason: "42"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAFileWithoutEntriesExpectsNothing(t *testing.T) {
	for _, text := range []string{"", "# all mended\n", "---\n", "[]\n"} {
		if got, _, err := readText(t, text); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestWhatIsWrongInAFileIsSaidWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":               {"- case: 1\n  why: x\n  reason: y\n", `:2:3: unknown key "why" (allowed: case, verdict, reason, on)`},
		"a case that is not there":     {"- case: 2\n  reason: x\n", `:1:9: there is no case "2": there are 1 to 40, by number or name`},
		"a name that is not there":     {"- reason: x\n  case: wrap\n", `:2:9: there is no case "wrap"`},
		"no case":                      {"- reason: x\n", ":1:3: case is missing"},
		"a case that is a list":        {"- case: [1]\n  reason: x\n", ":1:9: case: want a single value"},
		"a case that is null":          {"- case:\n  reason: x\n", ": case: want a single value"},
		"an unknown verdict":           {"- case: 1\n  verdict: failed\n  reason: x\n", `:2:12: verdict "failed" can't be expected (allowed: fail, non-strict, error, not-applicable)`},
		"a verdict nobody has to know": {"- case: 1\n  verdict: pass\n  reason: x\n", `:2:12: verdict "pass" can't be expected`},
		"no reason":                    {"- case: 1\n", ":1:3: reason is missing"},
		"no reason, among others":      {"- case: 1\n  verdict: fail\n", ":1:3: reason is missing"},
		"an empty reason":              {"- case: 1\n  reason: \"  \"\n", ":2:11: reason: want a single value that is not empty"},
		"columns that are no list":     {"- case: 1\n  reason: x\n  on: Kafka\n", ":3:7: on: want a list of columns"},
		"an empty list of columns":     {"- case: 1\n  reason: x\n  on: []\n", ":3:7: on: want a list of columns"},
		"a column twice in one entry":  {"- case: 1\n  reason: x\n  on: [a, a]\n", `:3:11: on: "a" stands there twice`},
		"a case twice":                 {"- case: 1\n  reason: x\n- case: first-batch\n  reason: y\n", ":3:3: case 1 is expected twice for the same column: line 1 says so too"},
		"a case on all and on one":     {"- case: 1\n  reason: x\n- {case: 1, reason: y, on: [a]}\n", ":3:3: case 1 is expected twice"},
		"a case twice on one column":   {"- {case: 1, reason: y, on: [b, a]}\n- {case: 1, reason: y, on: [a]}\n", ":2:3: case 1 is expected twice"},
		"a key twice":                  {"- case: 1\n  case: 1\n  reason: x\n", `:2:3: mapping key "case" already defined`},
		"a mapping":                    {"case: 1\nreason: x\n", ":1:1: want a list of expected failures"},
		"an entry that is a word":      {"- fenced\n", ":1:3: want a mapping with the keys case, verdict, reason, on"},
		"an alias":                     {"- &a {case: 1, reason: x}\n", ":1:3: want a mapping"},
		"what is no YAML":              {"- case: [\n", ":1:9: "},
	} {
		got, file, err := readText(t, c.text)
		if err == nil {
			t.Errorf("%s: taken, as %+v", name, got)
		} else if text := err.Error(); !strings.HasPrefix(text, file+":") || !strings.Contains(text, c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, text, c.want)
		}
	}
	_, _, err := readText(t, "- case: 2\n  reason: x\n- case: 1\n  verdict: x\n")
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want every problem on a line, and the missing reason: %v", err)
	}
	if _, err := ReadExpected(filepath.Join(t.TempDir(), "none.yaml"), someCases); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestACellIsKnownOrASurpriseOrWhatItWas(t *testing.T) {
	for name, c := range map[string]struct {
		got, expected   Verdict
		known, surprise bool
	}{
		"the failure that is expected":         {Fail, Fail, true, false},
		"the error that is expected":           {Error, Error, true, false},
		"a lack that is expected":              {NotApplicable, NotApplicable, true, false},
		"a pass where a failure was due":       {Pass, Fail, false, true},
		"non-strict where a failure was due":   {NonStrict, Fail, false, true},
		"a tale where a failure was due":       {Informational, Fail, false, true},
		"an error where a failure was due":     {Error, Fail, false, false},
		"a lack where a failure was due":       {NotApplicable, Fail, false, false},
		"a failure where non-strict was due":   {Fail, NonStrict, false, false},
		"a pass where non-strict was due":      {Pass, NonStrict, false, true},
		"a pass where an error was due":        {Pass, Error, false, true},
		"a failure where an error was due":     {Fail, Error, false, false},
		"a pass where the case did not apply":  {Pass, NotApplicable, false, true},
		"a failure where it did not apply":     {Fail, NotApplicable, false, false},
		"a case that was not run is no wonder": {NotRun, Fail, false, false},
	} {
		m := Matrix{Columns: []Column{{Name: "k", Cells: []Cell{{Case: 13, Verdict: c.got, Known: "old", Surprise: true}}}}}
		m.Expect([]Expected{{Case: 13, Verdict: c.expected, Reason: "why"}, {Case: 1, Verdict: c.got, Reason: "another case"}})
		cell := m.Columns[0].Cells[0]
		if (cell.Known == "why") != c.known || cell.Known == "old" || cell.Surprise != c.surprise {
			t.Errorf("%s: %+v", name, cell)
		}
	}
}

func TestAnEntryHoldsOnTheColumnsThatItNames(t *testing.T) {
	m := Matrix{Columns: []Column{
		{Name: "a", Cells: []Cell{{Case: 1, Verdict: Fail}}},
		{Name: "b", Cells: []Cell{{Case: 1, Verdict: Fail}}},
		{Name: "c", Cells: []Cell{{Case: 1, Verdict: Pass}}},
	}}
	m.Expect([]Expected{{Case: 1, Verdict: Fail, Reason: "one", On: []string{"b", "nowhere"}}, {Case: 1, Verdict: NonStrict, Reason: "two", On: []string{"a"}}})
	if a, b, c := m.Columns[0].Cells[0], m.Columns[1].Cells[0], m.Columns[2].Cells[0]; a.Known != "" || a.Surprise || b.Known != "one" || c.Surprise {
		t.Errorf("%+v, %+v, %+v", a, b, c)
	}
}

func TestTheExitStatusIsTheWorstThatIsNotExpected(t *testing.T) {
	cells := func(all ...Cell) Column { return Column{Cells: all} }
	for name, c := range map[string]struct {
		columns []Column
		want    int
	}{
		"no column":                       {nil, 2},
		"no cell":                         {[]Column{cells()}, 2},
		"nothing applies":                 {[]Column{cells(Cell{Verdict: NotApplicable}, Cell{})}, 2},
		"a pass":                          {[]Column{cells(Cell{Verdict: Pass}, Cell{Verdict: NotApplicable})}, 0},
		"a tale alone":                    {[]Column{cells(Cell{Verdict: Informational})}, 0},
		"non-strict is lived with":        {[]Column{cells(Cell{Verdict: NonStrict})}, 0},
		"one column of two shows nothing": {[]Column{cells(), cells(Cell{Verdict: Pass})}, 0},
		"a failure":                       {[]Column{cells(Cell{Verdict: Fail})}, 1},
		"a known failure":                 {[]Column{cells(Cell{Verdict: Fail, Known: "x"})}, 0},
		"a surprise":                      {[]Column{cells(Cell{Verdict: Pass, Surprise: true})}, 1},
		"an error":                        {[]Column{cells(Cell{Verdict: Pass}, Cell{Verdict: Error})}, 3},
		"a known error":                   {[]Column{cells(Cell{Verdict: Pass}, Cell{Verdict: Error, Known: "x"})}, 0},
		"a known error and nothing else":  {[]Column{cells(Cell{Verdict: Error, Known: "x"})}, 2},
		"a broken column":                 {[]Column{cells(Cell{Verdict: Pass}), {Broken: "no image"}}, 3},
		"a failure beside a broken one":   {[]Column{cells(Cell{Verdict: Fail}), {Broken: "no image"}}, 1},
	} {
		m := Matrix{Columns: c.columns}
		if got := m.ExitStatus(); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
