package checker

import (
	"errors"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker/linear"
	"github.com/idemcheck/idemcheck/history"
)

// liar is a second judge that finds what it is told to.
type liar struct {
	counts map[string]int64
	err    error
}

func (l liar) Partition(map[int32]*history.OpBlock, *history.LogBlock, map[int32]bool, bool) (map[string]int64, error) {
	return l.counts, l.err
}

func TestJudgesThatDisagreeAreAHarnessError(t *testing.T) {
	for _, kind := range []Kind{StaleOrder, Duplicate, Lost, FailedVisible, Unsent} {
		v := baseRun().judgeWith(Options{CrossCheck: liar{counts: map[string]int64{string(kind): 1}}})
		if !strings.Contains(v.HarnessError, "disagree about "+string(kind)) || v.Overall != Inconclusive {
			t.Errorf("%s: %q", kind, v.HarnessError)
		}
	}
	v := baseRun().judgeWith(Options{CrossCheck: liar{err: errors.New("tired")}})
	if !strings.Contains(v.HarnessError, "tired") {
		t.Errorf("%q", v.HarnessError)
	}
	if v := baseRun().judgeWith(Options{CrossCheck: linear.CrossCheck{}}); v.HarnessError != "" || v.Totals.CrossChecked != 6 {
		t.Errorf("%q, %d records", v.HarnessError, v.Totals.CrossChecked)
	}
}

// TestASampleIsCrossChecked cuts the log anywhere: the second judge must agree
// about the part that it is shown.
func TestASampleIsCrossChecked(t *testing.T) {
	m := baseRun()
	m.send(1, later, later+5, history.Acked, 8).send(1, later+1, later+9, history.Acked, 9)
	m.send(2, later+6, later+7, history.Acked, 6).send(2, later+7, later+9, history.Acked, 11)
	m.stored(2, 2).stored(2, 2).stored(1, 4).stored(1, 5).stored(1, 5).stored(2, 3)
	s, err := newSweep(partition{tp: tp0, end: 12, whole: true}, m.manifest.Processes, m, &runClock{firstFault: history.Forever}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(m.Log(tp0)); err != nil {
		t.Fatal(err)
	}
	if s.firstStale != 8 || s.found.count(Duplicate) != 2 {
		t.Fatalf("first stale at %d, %d duplicates: the test is not what it was meant to be", s.firstStale, s.found.count(Duplicate))
	}
	for rows := range int64(14) {
		seen, err := crossCheck(linear.CrossCheck{}, s, m, m.manifest.Processes, rows)
		if err != nil || seen != min(rows, 12) {
			t.Errorf("%d rows: %d seen, %v", rows, seen, err)
		}
	}
	s.firstStale = 3
	if _, err := crossCheck(linear.CrossCheck{}, s, m, m.manifest.Processes, 5); err == nil {
		t.Error("a wrong answer about the sample went unnoticed")
	}
}
