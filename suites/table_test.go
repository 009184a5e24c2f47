package suites

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every row of our own table names scenarios that there are, and every scenario of
// its folder is a side of some row.
func TestOurOwnClaimsAndTheirScenariosBelongTogether(t *testing.T) {
	table, is, err := FindTable(Claims)
	if err != nil || !is {
		t.Fatal(is, err)
	}
	used := make(map[string]bool)
	for _, row := range table.Rows {
		for name, side := range row.Sides {
			if len(side.Cases) > 0 {
				continue // cmd knows the cases
			}
			sc, err := table.Find(side, vocabulary())
			if err != nil {
				t.Errorf("row %s, side %s: %v", row.ID, name, err)
				continue
			}
			used[sc.Folder+"/"+sc.Name] = true
		}
		asked := table.Clients
		if row.OfBroker() {
			asked = []string{Broker}
		}
		for _, client := range asked {
			if !row.Measured && row.Recorded[client] == "" { // what is measured is the machine's
				t.Errorf("row %s: no answer is recorded for %s", row.ID, client)
			}
		}
	}
	all, err := Folder(Claims, vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range all {
		if !used[Claims+"/"+sc.Name] {
			t.Errorf("%s is a side of no row", sc.Name)
		}
	}
}

func TestATableIsFoundByWhatItIs(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mine := write("mine.yaml", sound)
	for name, want := range map[string]struct {
		is   bool
		rows []string
	}{
		"claims/retry-duplicates":            {true, []string{"retry-duplicates"}},
		"claims/retry-duplicates-off":        {false, nil}, // a scenario of the folder
		"basic":                              {false, nil},
		"claims-of-mine":                     {false, nil},
		mine:                                 {true, []string{"mine"}},
		mine + "/mine":                       {true, []string{"mine"}},
		write("scenario.yaml", "name: s\n"):  {false, nil},
		write("nonsense.yaml", "\x00: [\n"):  {false, nil},
		filepath.Join(dir, "not-there.yaml"): {false, nil},
	} {
		table, is, err := FindTable(name)
		var rows []string
		for _, r := range table.Rows {
			rows = append(rows, r.ID)
		}
		if err != nil || is != want.is || is && !slices.Equal(rows, want.rows) {
			t.Errorf("%s: %v, %v, %v", name, is, rows, err)
		}
	}
	if _, is, err := FindTable(mine + "/yours"); !is || err == nil || !strings.Contains(err.Error(), `has no row "yours": it has mine`) {
		t.Errorf("a row that is not there: %v, %v", is, err)
	}
	if table, _, _ := FindTable(Claims); table.Address("order") != "claims/order" {
		t.Errorf("a row is named %s", table.Address("order"))
	}
	// A scenario of its own is looked for beside the table, wherever one stands.
	write("beside.yaml", "name: beside\nwhy: because\nclients: [{idempotence: true}]\nworkload: {name: unique-append, records: 5}\n")
	table, _, err := FindTable(mine)
	if err != nil {
		t.Fatal(err)
	}
	if sc, err := table.Find(table.Rows[0].Sides["on"], vocabulary()); err != nil || sc.Name != "beside" {
		t.Errorf("%s, %v", sc.Name, err)
	}
	if _, err := table.Find(Side{Scenario: "basic"}, vocabulary()); err == nil || !strings.Contains(err.Error(), "a side is one") {
		t.Errorf("a folder as a side: %v", err)
	}
}

const sound = `title: mine
clients: [franz-go]
rows:
  - id: mine
    claim: it holds
    sides:
      on: {scenario: beside.yaml}
    answers:
      - {when: on.sent > 0, answer: upheld, because: it does}
      - {answer: refuted, because: it does not}
`

func TestWhatIsWrongWithATableIsSaidWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ old, new, says string }{
		"as it is":              {"", "", ""},
		"an unknown key":        {"claim: it holds", "clam: it holds", `mine.yaml:5:5: unknown key "clam" in rows`},
		"no claim":              {"    claim: it holds\n", "", "claim is missing"},
		"no clients":            {"clients: [franz-go]\n", "", "clients is missing"},
		"an unknown answer":     {"answer: refuted", "answer: wrong", `mine.yaml:10:18: answer "wrong": want one of upheld, qualified, refuted`},
		"no condition":          {"when: on.sent > 0, ", "", "mine.yaml:9:9: when is missing"},
		"no sentence":           {", because: it does}", "}", "because is missing"},
		"a side without a name": {"on: {", "on-it: {", `side "on-it"`},
		"a side without a file": {"{scenario: beside.yaml}", "{runs: 3}", "scenario is missing"},
		"cases":                 {"{scenario: beside.yaml}", "{cases: [sixth-back]}", ""},
		"cases and a scenario":  {"beside.yaml}", "beside.yaml, cases: [sixth-back]}", "mine.yaml:7:42: side on: a scenario or cases, not both"},
		"runs of cases":         {"{scenario: beside.yaml}", "{cases: [sixth-back], runs: 3}", "runs 3: cases are held once"},
		"a client of cases":     {"{scenario: beside.yaml}", "{cases: [sixth-back], client: sarama}", `client "sarama": cases are held without one`},
		"measured":              {"claim: it holds", "claim: it holds\n    measured: true", ""},
		"one measured":          {"beside.yaml}", "beside.yaml, runs: 1}\n    measured: true", "a row that is measured compares samples"},
		"too many runs":         {"beside.yaml}", "beside.yaml, runs: 5000}", "mine.yaml:7:41: runs 5000: want 1 to 1000"},
		"an id with blanks":     {"id: mine", "id: my claim", `id "my claim"`},
		"recorded nonsense":     {"    answers:", "    recorded: {franz-go: perhaps}\n    answers:", `recorded "perhaps"`},
		"an unknown option":     {"    sides:", "    needs: [retry]\n    sides:", `needs "retry": want an option of clients: linger, batch_size`},
		"two documents":         {"title: mine", "title: a\n---\ntitle: mine", "want exactly one table of claims"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseTable("mine.yaml", []byte(strings.Replace(sound, c.old, c.new, 1)))
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want %s", err, c.says)
			}
		})
	}
	twice := strings.TrimSuffix(sound, "\n") + "\n" + sound[strings.Index(sound, "  - id"):]
	if _, err := ParseTable("mine.yaml", []byte(twice)); err == nil || !strings.Contains(err.Error(), "there are two rows mine") {
		t.Errorf("a row that stands twice: %v", err)
	}
}
