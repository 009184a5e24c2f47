package claims

import (
	"testing"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/suites"
)

func TestARefusalIsSoundAndAFigure(t *testing.T) {
	refused := judged(checker.Inconclusive, map[string]int64{"refused": 1}, nil)
	if sum := Sum([]Run{refused, judged(checker.Inconclusive, nil, nil)}); sum["runs"] != 1 || sum["refused"] != 1 {
		t.Errorf("%v", sum)
	}
}

func TestAVersionMayHaveARecordedAnswerOfItsOwn(t *testing.T) {
	row := twoSides()
	row.Recorded = map[string]string{"java": "upheld", "java@3.0.0": "refuted"}
	clean := map[string][]Run{"off": {judged(checker.Pass, nil, nil), judged(checker.Pass, nil, nil)}, "on": {judged(checker.Pass, nil, nil)}}
	for client, turned := range map[string]bool{"java": true, "java@3.0.0": false, "java@3.1.0": true} {
		if d, err := Decide(row, client, "java", clean); err != nil || d.Answer != "refuted" || d.Turned() != turned {
			t.Errorf("%s: %s, recorded %q, %v", client, d.Answer, d.Recorded, err)
		}
	}
}

func TestWhatAClientWasAskedSaidAndDid(t *testing.T) {
	opened := func(coverage map[string]int64) Run {
		r := judged(checker.Pass, coverage, nil)
		r.Client, r.Asked, r.Said = "java 3.0.0", "acks=1", "opened"
		return r
	}
	refused := judged(checker.Inconclusive, map[string]int64{"refused": 1}, nil)
	refused.Client, refused.Asked, refused.Said = "java 3.0.0", "acks=1", "refused: no"
	for name, c := range map[string]struct {
		runs []Run
		want Setting
	}{
		"in order": {[]Run{opened(map[string]int64{"batches": 4, "idempotent_batches": 4, "acks_all_batches": 4, "max_in_flight": 5})},
			Setting{Said: "opened", Did: "producer id, acks=all, at most 5 in flight, each batch sent once"}},
		"off": {[]Run{opened(map[string]int64{"batches": 4, "max_in_flight": 1, "most_attempts": 3, "least_gap_ms": 90, "most_gap_ms": 110})},
			Setting{Said: "opened", Did: "producer id -1, acks=1, at most 1 in flight, a batch sent up to 3 times, 90 to 110 ms apart"}},
		"without acknowledgements": {[]Run{opened(map[string]int64{"batches": 4, "acks_none_batches": 4})},
			Setting{Said: "opened", Did: "producer id -1, acks=0, each batch sent once"}},
		"some of everything": {[]Run{opened(map[string]int64{"batches": 4, "idempotent_batches": 1, "acks_all_batches": 2, "acks_none_batches": 1})},
			Setting{Said: "opened", Did: "producer id in 1 of 4 batches, acks=all in 2 and acks=0 in 1 of 4 batches, each batch sent once"}},
		"refused": {[]Run{refused, refused}, Setting{Said: "refused: no", Did: "sent nothing"}},
		"not alike": {[]Run{refused, opened(map[string]int64{"batches": 1})},
			Setting{Said: "opened; or: refused: no", Did: "producer id -1, acks=1, each batch sent once"}},
	} {
		d := Decision{Row: suites.Row{Settings: true, Sides: map[string]suites.Side{"a": {}}}, Client: "java@3.0.0",
			Runs: map[string][]Run{"a": c.runs}, Figures: map[string]Figures{"a": Sum(c.runs)}}
		c.want.Side, c.want.Client, c.want.Asked = "a", "java 3.0.0", "acks=1"
		if got := d.Settings(); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: %+v", name, got)
		}
		if d.Row.Settings = false; d.Settings() != nil {
			t.Errorf("%s: a row about something else has settings", name)
		}
	}
	broken := Decision{Row: suites.Row{Settings: true, Sides: map[string]suites.Side{"a": {}}}, Runs: map[string][]Run{"a": {{Broken: "no broker"}}}}
	if got := broken.Settings(); got != nil {
		t.Errorf("of a broken run: %+v", got)
	}
}
