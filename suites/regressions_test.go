package suites

import (
	"strings"
	"testing"
)

// A regression outlives those who know of it: its file says what it is, since
// which version and until which, how it was found, and where it was reported.
func TestEveryRegressionSaysWhereItComesFrom(t *testing.T) {
	all, err := Folder("regressions", vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, s := range all {
		names[s.Name] = true
	}
	for _, s := range all {
		text, err := embedded.ReadFile(s.File)
		if err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(string(text), "\nname: ")
		wants := []string{"# What: ", "# Since: ", " Fixed: ", " Ticket", "# How found: "}
		broken, isMended := strings.CutSuffix(s.Name, "-fixed")
		if isMended {
			wants = []string{"# The other side of "}
			if !names[broken] {
				t.Errorf("%s: there is no %s", s.File, broken)
			}
		}
		for _, want := range wants {
			if !strings.Contains("\n"+head, want) {
				t.Errorf("%s: its first lines do not say %q", s.File, strings.TrimSpace(want))
			}
		}
	}
}
