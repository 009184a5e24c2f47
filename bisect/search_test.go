package bisect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// world answers for versions v0, v1, ... by a letter each: h has, n has not, and
// ? cannot say.
type world struct {
	letters string
	asked   []string
	second  map[string]Shown // what is said the second time, where it is another
}

func (w *world) versions() []string {
	var all []string
	for i := range w.letters {
		all = append(all, fmt.Sprintf("v%d", i))
	}
	return all
}

func (w *world) has(_ context.Context, version string) (Answer, error) {
	again := slices.Contains(w.asked, version)
	w.asked = append(w.asked, version)
	if second, ok := w.second[version]; ok && again {
		return Answer{Shown: second}, nil
	}
	var at int
	fmt.Sscanf(version, "v%d", &at)
	switch w.letters[at] {
	case 'h':
		return Answer{Has, "3 of 5"}, nil
	case 'n':
		return Answer{HasNot, "0 of 5"}, nil
	}
	return Answer{CannotSay, "does not build"}, nil
}

func (w *world) search(t *testing.T, o Options) Result {
	t.Helper()
	r, err := Search(t.Context(), w.versions(), w.has, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheFirstVersionOfAChangeIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		letters       string
		outcome       Outcome
		before, first string
		between       string // versions, with spaces between
		says          string
	}{
		"it stops":                     {"hhhhnnn", Stops, "v3", "v4", "", "it stops with v4: v3 has it, v4 has it not"},
		"it starts":                    {"nnh", Starts, "v1", "v2", "", "it starts with v2: v1 has it not, v2 has it"},
		"of two":                       {"hn", Stops, "v0", "v1", "", "it stops with v1"},
		"with the newest":              {"nnnnnnnnnh", Starts, "v8", "v9", "", "it starts with v9"},
		"with the one after the first": {"hnnnnnnnnn", Stops, "v0", "v1", "", "it stops with v1"},
		"none can say between":         {"h????n", Stops, "v0", "v5", "v1 v2 v3 v4", "between them v1, v2, v3 and v4 cannot say, so that it may as well have come with one of them"},
		"one at the change cannot say": {"hhh?nnn", Stops, "v2", "v4", "v3", "between them v3 cannot say, so that it may as well have come with it"},
		"some elsewhere cannot say":    {"hh?hhnnn?n", Stops, "v4", "v5", "", "it stops with v5"},
		"the ends cannot say":          {"??nnhh?", Starts, "v3", "v4", "", "it starts with v4"},
		"both have it":                 {"hhhhh", Same, "", "", "", "there is nothing to find: v0 and v4 both have it; 2 of 5 versions were tried, and of the others nothing is known"},
		"both have it not":             {"nn", Same, "", "", "", "there is nothing to find: v0 and v1 both have it not"},
		"both have it, for what it is": {"?hnnh?", Same, "", "", "", "v1 and v4 both have it; 4 of 6 versions were tried"},
		"no version can say":           {"???", Unclear, "", "", "", "no version that was tried can say"},
		"the oldest alone can say":     {"h??", Unclear, "", "", "", "no version but v0 can say, and it has it"},
		"the newest alone can say":     {"??n", Unclear, "", "", "", "no version but v2 can say, and it has it not"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{letters: c.letters}
			r := w.search(t, Options{})
			if r.Outcome != c.outcome || r.Before != c.before || r.First != c.first || strings.Join(r.Between, " ") != c.between || len(r.Open) > 0 {
				t.Errorf("%+v", r)
			}
			if got := r.String(); !strings.Contains(got, c.says) {
				t.Errorf("it says %q, want %q", got, c.says)
			}
			if again := slices.Compact(slices.Sorted(slices.Values(w.asked))); len(again) != len(w.asked) || len(r.Tried) != len(w.asked) {
				t.Errorf("asked %v, tried %v", w.asked, r.Tried)
			}
		})
	}
}

// TestTheResultIsTrueOfEveryHistory tries every history of up to seven versions:
// what the result claims must hold, also where there are several changes.
func TestTheResultIsTrueOfEveryHistory(t *testing.T) {
	for n := 2; n <= 7; n++ {
		letters := make([]byte, n)
		var all func(i int)
		all = func(i int) {
			if i < n {
				for _, letter := range []byte("hn?") {
					letters[i] = letter
					all(i + 1)
				}
				return
			}
			w := &world{letters: string(letters)}
			if why := claimsTooMuch(w, w.search(t, Options{})); why != "" {
				t.Fatalf("%s: %s", letters, why)
			}
		}
		all(0)
	}
}

// claimsTooMuch says what of a result is not so; empty when all is.
func claimsTooMuch(w *world, r Result) string {
	at := func(version string) int { return slices.Index(w.versions(), version) }
	known := strings.Trim(w.letters, "?")
	switch {
	case len(known) < 2:
		if r.Outcome != Unclear || r.Before != "" {
			return fmt.Sprintf("%+v", r)
		}
		return ""
	case known[0] == known[len(known)-1]:
		if r.Outcome != Same || r.Before != "" {
			return fmt.Sprintf("%+v", r)
		}
		return ""
	}
	before, first := at(r.Before), at(r.First)
	if before < 0 || first <= before || w.letters[before] != known[0] || w.letters[first] != known[len(known)-1] {
		return fmt.Sprintf("the neighbours are %s and %s", r.Before, r.First)
	}
	if strings.Trim(w.letters[before+1:first], "?") != "" || len(r.Between) != first-before-1 {
		return fmt.Sprintf("between %s and %s a version can say", r.Before, r.First)
	}
	if (r.Outcome == Starts) != (w.letters[first] == 'h') || r.Outcome == Unclear || r.Outcome == Same {
		return "it is " + string(r.Outcome)
	}
	if len(r.Tried) < r.Of && !strings.Contains(r.String(), "of the others nothing is known") {
		return "it does not say that not all were tried"
	}
	return ""
}

func TestAChangeThatIsNotTheOnlyOneIsNotCalledSo(t *testing.T) {
	// It stopped with v2, came back with v4, and stopped with v8 for good.
	w := &world{letters: "hhnnhhhhnnnn"}
	r := w.search(t, Options{})
	if r.Outcome != Stops || r.First != "v2" && r.First != "v8" {
		t.Errorf("%+v", r)
	}
	if got := r.String(); !strings.Contains(got, "versions were tried, and of the others nothing is known") {
		t.Errorf("%s", got)
	}
	// It was away for a while: bisection cannot see that.
	w = &world{letters: "hhnnhh"}
	if r = w.search(t, Options{}); r.Outcome != Same || !strings.Contains(r.String(), "2 of 6 versions were tried, and of the others nothing is known") {
		t.Errorf("%s", r)
	}
}

func TestFewVersionsAreAsked(t *testing.T) {
	w := &world{letters: strings.Repeat("h", 70) + strings.Repeat("n", 58)}
	if r := w.search(t, Options{}); r.First != "v70" || len(r.Tried) > 2+7 {
		t.Errorf("%s after %d", r, len(r.Tried))
	}
}

func TestNeighboursAreAskedOnceMore(t *testing.T) {
	for name, c := range map[string]struct {
		second  map[string]Shown
		outcome Outcome
		says    string
	}{
		"and say the same":            {nil, Stops, "it stops with v3: v2 has it, v3 has it not"},
		"and the older one wavers":    {map[string]Shown{"v2": HasNot}, Unclear, "unclear: it seemed that it stops with v3, but the first time v2 has it, and the second time it has it not"},
		"and the newer one wavers":    {map[string]Shown{"v3": Has}, Unclear, "the first time v3 has it not, and the second time it has it"},
		"and one cannot say any more": {map[string]Shown{"v3": CannotSay}, Unclear, "and the second time it cannot say"},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{letters: "hhhnn", second: c.second}
			var told []Tried
			r := w.search(t, Options{Confirm: true, Told: func(tried Tried) { told = append(told, tried) }})
			if r.Outcome != c.outcome || !strings.Contains(r.String(), c.says) || len(r.Doubted) != len(c.second) {
				t.Errorf("%s %v: %s", r.Outcome, r.Doubted, r)
			}
			if !slices.Equal(told, r.Tried) || !told[len(told)-1].Again || told[0].Again {
				t.Errorf("told %v, tried %v", told, r.Tried)
			}
		})
	}
}

func TestASearchThatIsBrokenOffSaysHowFarItCame(t *testing.T) {
	broke := errors.New("the engine is gone")
	for name, c := range map[string]struct {
		answers int // before the error
		says    string
		open    int
	}{
		"at once":           {0, "broken off before two versions could say", 0},
		"after one end":     {1, "broken off before two versions could say", 0},
		"after both ends":   {2, "it stops somewhere after v0 and no later than v7; 6 versions between them were not tried", 6},
		"after a step":      {3, "it stops somewhere after v4 and no later than v7; 2 versions between them were not tried", 2},
		"when it confirms":  {6, "it was broken off before that was confirmed", 0},
		"after all of that": {100, "it stops with v6", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{letters: "hhhhhhnn"}
			left := c.answers
			r, err := Search(t.Context(), w.versions(), func(ctx context.Context, version string) (Answer, error) {
				if left--; left < 0 {
					return Answer{}, broke
				}
				return w.has(ctx, version)
			}, Options{Confirm: true})
			if through := c.answers == 100; !through && !errors.Is(err, broke) || through && err != nil || r.BrokenOff == through {
				t.Errorf("%v, %+v", err, r)
			}
			if len(r.Open) != c.open || !strings.Contains(r.String(), c.says) {
				t.Errorf("open %v: %s", r.Open, r)
			}
		})
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(broke)
	w := &world{letters: "hn"}
	if _, err := Search(ctx, w.versions(), w.has, Options{}); !errors.Is(err, broke) || len(w.asked) > 0 {
		t.Errorf("%v, asked %v", err, w.asked)
	}
}

func TestWhatCannotBeSearchedIsAnError(t *testing.T) {
	w := &world{letters: "hn"}
	for _, versions := range [][]string{nil, {"v0"}, {"v0", "v1", "v0"}} {
		if _, err := Search(t.Context(), versions, w.has, Options{}); err == nil {
			t.Errorf("%v was searched", versions)
		}
	}
}

func TestAnswersAreWordsInFiles(t *testing.T) {
	text, err := json.Marshal(Tried{Version: "1.2", Answer: Answer{Has, "4 of 5"}})
	if err != nil || string(text) != `{"version":"1.2","shown":"has","why":"4 of 5"}` {
		t.Errorf("%s, %v", text, err)
	}
	var back Tried
	if err := json.Unmarshal(text, &back); err != nil || back.Shown != Has {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"shown":"perhaps"}`), &back); err == nil {
		t.Error("an unknown word was read")
	}
}
