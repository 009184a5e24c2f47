package bisect

import (
	"context"
	"fmt"
	"slices"
)

// Options are what a search can be told besides.
type Options struct {
	// Confirm asks the two versions next to the change once more.
	Confirm bool
	// Told, when not nil, hears of every answer as it comes.
	Told func(Tried)
}

// Search looks for a version with which something starts or stops. Versions are
// given oldest first, each once (version.Sort); has is asked for one of them at a
// time, and for none twice except to confirm.
//
// First both ends are asked: the oldest and the newest version that can say.
// Where they agree there is nothing to find by bisection. Otherwise the middle of
// what lies between is asked, until no version is left there that was not. One
// that cannot say is stepped around, and named in the result.
//
// The error is has's own, or that of ctx: the search then ends where it is, and
// the result says how far it came. Fewer than two versions, or one given twice,
// are an error as well.
func Search(ctx context.Context, versions []string, has func(ctx context.Context, version string) (Answer, error), o Options) (Result, error) {
	if len(versions) < 2 {
		return Result{}, fmt.Errorf("bisect: %d versions to choose from, want two or more", len(versions))
	}
	for i, v := range versions {
		if slices.Contains(versions[:i], v) {
			return Result{}, fmt.Errorf("bisect: version %s is given twice", v)
		}
	}
	s := &search{versions: versions, has: has, told: o.Told, shown: make([]Shown, len(versions)), asked: make([]bool, len(versions)), lo: -1, hi: len(versions)}
	err := s.run(ctx, o.Confirm)
	r := s.result()
	r.BrokenOff = err != nil
	return r, err
}

// search is the state of one. What is at lo and hi could say, once they are
// within the list.
type search struct {
	versions []string
	has      func(ctx context.Context, version string) (Answer, error)
	told     func(Tried)

	shown   []Shown // by version
	asked   []bool  // by version
	lo, hi  int
	ends    [2]int // lo and hi as they were to begin with; 0, 0 until both are known
	tried   []Tried
	doubted []Tried // second answers that were not the first's
	settled bool    // nothing is left to ask between lo and hi
}

func (s *search) run(ctx context.Context, confirm bool) error {
	if err := s.findEnds(ctx); err != nil || s.lo >= s.hi || s.shown[s.lo] == s.shown[s.hi] {
		return err
	}
	for {
		at := s.middle()
		if at < 0 {
			break
		}
		if err := s.ask(ctx, at); err != nil {
			return err
		}
		switch s.shown[at] {
		case s.shown[s.lo]:
			s.lo = at
		case s.shown[s.hi]:
			s.hi = at
		}
	}
	s.settled = true
	if confirm {
		return s.confirm(ctx)
	}
	return nil
}

// findEnds moves lo and hi to the first versions from either side that can say;
// they meet when fewer than two can.
func (s *search) findEnds(ctx context.Context) error {
	for at := range s.versions {
		if err := s.ask(ctx, at); err != nil {
			return err
		}
		if s.shown[at] != CannotSay {
			s.lo = at
			break
		}
	}
	if s.lo < 0 {
		s.hi = s.lo
		return nil
	}
	for at := len(s.versions) - 1; at > s.lo; at-- {
		if err := s.ask(ctx, at); err != nil {
			return err
		}
		if s.shown[at] != CannotSay {
			s.hi = at
			s.ends = [2]int{s.lo, s.hi}
			return nil
		}
	}
	s.hi = s.lo
	return nil
}

// middle is the version in the middle of those between lo and hi that were not
// asked; -1 when there is none.
func (s *search) middle() int {
	var open []int
	for at := s.lo + 1; at < s.hi; at++ {
		if !s.asked[at] {
			open = append(open, at)
		}
	}
	if len(open) == 0 {
		return -1
	}
	return open[len(open)/2]
}

func (s *search) ask(ctx context.Context, at int) error {
	answer, err := s.answer(ctx, at)
	if err != nil {
		return err
	}
	s.asked[at], s.shown[at] = true, answer.Shown
	s.note(Tried{Version: s.versions[at], Answer: answer})
	return nil
}

func (s *search) answer(ctx context.Context, at int) (Answer, error) {
	if ctx.Err() != nil {
		return Answer{}, fmt.Errorf("bisect: before version %s: %w", s.versions[at], context.Cause(ctx))
	}
	answer, err := s.has(ctx, s.versions[at])
	if err != nil {
		return Answer{}, fmt.Errorf("bisect: version %s: %w", s.versions[at], err)
	}
	return answer, nil
}

func (s *search) note(t Tried) {
	s.tried = append(s.tried, t)
	if s.told != nil {
		s.told(t)
	}
}

// confirm asks both neighbours once more.
func (s *search) confirm(ctx context.Context) error {
	for _, at := range []int{s.lo, s.hi} {
		answer, err := s.answer(ctx, at)
		if err != nil {
			return err
		}
		t := Tried{Version: s.versions[at], Answer: answer, Again: true}
		s.note(t)
		if answer.Shown != s.shown[at] {
			s.doubted = append(s.doubted, t)
		}
	}
	return nil
}
