package bisect

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestWhatStartedAndStoppedAgainHasTwoTurns(t *testing.T) {
	for name, c := range map[string]struct {
		letters, known string
		says           []string // of each result
	}{
		"both are found":             {"nnnhhhhnn", "v4", []string{"both have it not", "it starts with v3", "it stops with v7"}},
		"next to the known one":      {"nnhnn", "v2", []string{"both have it not", "it starts with v2", "it stops with v3"}},
		"the oldest cannot say":      {"?nhn", "v2", []string{"v1 and v3 both have it not", "it starts with v2", "it stops with v3"}},
		"it was away for a while":    {"hhnhh", "v2", []string{"both have it;", "it stops with v2", "it starts with v3"}},
		"one turn, one search":       {"nnnhhh", "v4", []string{"it starts with v3"}},
		"the known one agrees":       {"nnnnn", "v2", []string{"v0 and v4 both have it not", "v0 and v2 both have it not"}},
		"the known one cannot say":   {"nn?nn", "v2", []string{"both have it not", "v0 and v1 both have it not"}},
		"the known one is an end":    {"nnn", "v2", []string{"both have it not"}},
		"it is not among those":      {"nhn", "v9", []string{"both have it not"}},
		"no version is known at all": {"nhn", "", []string{"both have it not"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{letters: c.letters}
			var told []string
			results, err := Turns(t.Context(), w.versions(), c.known, w.has, Options{Told: func(t Tried) { told = append(told, t.Version) }})
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range results {
				if len(results) != len(c.says) || !strings.Contains(r.String(), c.says[i]) {
					t.Fatalf("%d results, number %d says %q, want %q", len(results), i, r, c.says)
				}
			}
			if once := slices.Compact(slices.Sorted(slices.Values(w.asked))); len(once) != len(w.asked) || !slices.Equal(told, w.asked) {
				t.Errorf("asked %v, told %v: want each once", w.asked, told)
			}
		})
	}
}

func TestNeighboursOfBothTurnsAreAskedOnceMore(t *testing.T) {
	w := &world{letters: "nhn"}
	if _, err := Turns(t.Context(), w.versions(), "v1", w.has, Options{Confirm: true}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.asked, " "); got != "v0 v2 v1 v0 v1 v1 v2" {
		t.Errorf("asked %s", got)
	}
	w = &world{letters: "nhn", second: map[string]Shown{"v1": HasNot}}
	results, err := Turns(t.Context(), w.versions(), "v1", w.has, Options{Confirm: true})
	if err != nil || len(results) != 2 || results[1].Outcome != Unclear {
		t.Errorf("%v, %v: a turn that wavers ends it", results, err)
	}
}

func TestTurnsThatAreBrokenOffSayHowFarTheyCame(t *testing.T) {
	broke := errors.New("the engine is gone")
	w := &world{letters: "nnhhnn"}
	results, err := Turns(t.Context(), w.versions(), "v3", func(ctx context.Context, version string) (Answer, error) {
		if version == "v2" {
			return Answer{}, broke
		}
		return w.has(ctx, version)
	}, Options{})
	if !errors.Is(err, broke) || len(results) != 2 || !results[1].BrokenOff {
		t.Errorf("%v, %v", results, err)
	}
}
