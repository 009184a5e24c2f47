package bisect

import (
	"fmt"
	"strings"
)

// Outcome is what a search came to.
type Outcome string

const (
	// Unclear: fewer than two versions could say, the search was broken off, or a
	// second answer was not the first.
	Unclear Outcome = "unclear"
	// Same: both ends show the same, so that there is nothing to find by bisection.
	Same Outcome = "same"
	// Starts: there is a version that has it next to an older one that has not.
	Starts Outcome = "starts"
	// Stops: there is a version that has it not next to an older one that has.
	Stops Outcome = "stops"
)

// Result is what is known at the end of a search.
type Result struct {
	Outcome Outcome `json:"outcome"`

	// Oldest and Newest are the ends: the first versions, from either side, that
	// could say. Empty when there are none.
	Oldest string `json:"oldest,omitempty"`
	Newest string `json:"newest,omitempty"`
	// Before and First are the neighbours: the last version known to be as the
	// oldest, and the first known to be as the newest. Empty when the ends agree,
	// or are not known. Between them lie at most versions that could not say; where
	// the search was broken off, also those of Open.
	Before string `json:"before,omitempty"`
	First  string `json:"first,omitempty"`
	// Between are the versions between the two that could not say: it may as well
	// have come with any of them.
	Between []string `json:"between,omitempty"`
	// Open are the versions between the two that are still to be asked.
	Open []string `json:"open,omitempty"`

	Tried   []Tried `json:"tried"`             // all answers, in the order in which they came
	Doubted []Tried `json:"doubted,omitempty"` // second answers that were not the first's
	Of      int     `json:"of"`                // how many versions there were to choose from
	// BrokenOff: an error ended the search before it was through.
	BrokenOff bool `json:"broken_off,omitempty"`
}

func (s *search) result() Result {
	r := Result{Outcome: Unclear, Tried: s.tried, Doubted: s.doubted, Of: len(s.versions)}
	if s.lo >= 0 {
		r.Oldest = s.versions[s.lo]
	}
	if s.ends == [2]int{} { // fewer than two can say, or it was not known yet
		return r
	}
	r.Oldest, r.Newest = s.versions[s.ends[0]], s.versions[s.ends[1]]
	if s.shown[s.lo] == s.shown[s.hi] {
		r.Outcome = Same
		return r
	}
	r.Before, r.First = s.versions[s.lo], s.versions[s.hi]
	for at := s.lo + 1; at < s.hi; at++ {
		if s.asked[at] {
			r.Between = append(r.Between, s.versions[at])
		} else {
			r.Open = append(r.Open, s.versions[at])
		}
	}
	if s.settled && len(s.doubted) == 0 {
		r.Outcome = Stops
		if s.shown[s.hi] == Has {
			r.Outcome = Starts
		}
	}
	return r
}

// String says in a sentence or two what is known, and what is not.
func (r Result) String() string {
	asked := 0
	for _, t := range r.Tried {
		if !t.Again {
			asked++
		}
	}
	rest := ""
	if left := r.Of - asked; left > 0 {
		rest = fmt.Sprintf("; %d of %d versions were tried, and of the others nothing is known", asked, r.Of)
	}
	switch {
	case r.Newest == "" && r.BrokenOff:
		return "broken off before two versions could say" + rest
	case r.Newest == "" && r.Oldest == "":
		return "no version that was tried can say" + rest
	case r.Newest == "":
		return fmt.Sprintf("no version but %s can say, and it %s%s", r.Oldest, verb(r.shown(r.Oldest)), rest)
	case r.Outcome == Same:
		return fmt.Sprintf("there is nothing to find: %s and %s both %s%s", r.Oldest, r.Newest, verbs(r.shown(r.Oldest)), rest)
	}
	what := "starts"
	if r.shown(r.First) == HasNot {
		what = "stops"
	}
	neighbours := fmt.Sprintf("%s %s, %s %s", r.Before, verb(r.shown(r.Before)), r.First, verb(r.shown(r.First)))
	between := ""
	if len(r.Between) > 0 {
		between = fmt.Sprintf("; between them %s cannot say, so that it may as well have come with %s", list(r.Between), oneOf(r.Between))
	}
	switch {
	case len(r.Doubted) > 0:
		var said []string
		for _, t := range r.Doubted {
			said = append(said, fmt.Sprintf("the first time %s %s, and the second time it %s", t.Version, verb(r.shown(t.Version)), again(t.Shown)))
		}
		return fmt.Sprintf("unclear: it seemed that it %s with %s, but %s%s", what, r.First, strings.Join(said, "; "), rest)
	case len(r.Open) > 0:
		return fmt.Sprintf("it %s somewhere after %s and no later than %s; %s between them were not tried%s", what, r.Before, r.First, count(len(r.Open)), between)
	}
	if r.BrokenOff {
		between += "; it was broken off before that was confirmed"
	}
	return fmt.Sprintf("it %s with %s: %s%s%s", what, r.First, neighbours, between, rest)
}

// shown is the first answer of a version.
func (r Result) shown(version string) Shown {
	for _, t := range r.Tried {
		if t.Version == version {
			return t.Shown
		}
	}
	return CannotSay
}

func verb(s Shown) string {
	if s == Has {
		return "has it"
	}
	return "has it not"
}

func verbs(s Shown) string {
	if s == Has {
		return "have it"
	}
	return "have it not"
}

func again(s Shown) string {
	if s == CannotSay {
		return "cannot say"
	}
	return verb(s)
}

func list(versions []string) string {
	if n := len(versions); n > 1 {
		return strings.Join(versions[:n-1], ", ") + " and " + versions[n-1]
	}
	return strings.Join(versions, "")
}

func oneOf(versions []string) string {
	if len(versions) > 1 {
		return "one of them"
	}
	return "it"
}

func count(n int) string {
	if n == 1 {
		return "1 version"
	}
	return fmt.Sprintf("%d versions", n)
}
