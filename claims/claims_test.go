package claims

import (
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/conformance/matrix"
	"github.com/idemcheck/idemcheck/suites"
)

// judged is a run whose verdict has these counts.
func judged(overall checker.Status, coverage map[string]int64, broken map[string]int64) Run {
	v := &checker.Verdict{Overall: overall, Why: "because", Coverage: coverage}
	for name, n := range broken {
		v.Guarantees = append(v.Guarantees, checker.Guarantee{Name: name, Count: n})
	}
	return Run{Dir: "runs/1", Verdict: v}
}

func TestFiguresAreSumsOfSoundRuns(t *testing.T) {
	sum := Sum([]Run{
		judged(checker.Pass, map[string]int64{"retries": 3, "max_in_flight": 2, "answers_45": 1, "least_gap_ms": 90, "most_gap_ms": 300}, nil),
		judged(checker.Violation, map[string]int64{"retries": 4, "max_in_flight": 5, "least_gap_ms": 0, "most_gap_ms": 200}, map[string]int64{"client-protocol": 7}),
		judged(checker.Inconclusive, map[string]int64{"retries": 100}, map[string]int64{"lost": 100}),
		{Broken: "no broker"},
		{Skipped: "no idempotence"},
	})
	for name, want := range map[string]int64{
		"runs": 2, "violations": 1, "retries": 7, "max_in_flight": 5, "answers_45": 1, "client_protocol": 7, "lost": 0, "least_gap_ms": 90, "most_gap_ms": 300,
	} {
		if got, there := sum[name]; got != want || !there {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// twoSides is upheld where only the unprotected side stores twice.
func twoSides() suites.Row {
	return suites.Row{
		ID: "twice", Claim: "stored twice without idempotence",
		Sides: map[string]suites.Side{"off": {Scenario: "a", Runs: 2}, "on": {Scenario: "b", Runs: 1}},
		Answers: []suites.Answer{
			{When: "off.duplicates > 0 && on.duplicates == 0", Answer: "upheld", Because: "{off.duplicates} twice, with idempotence {on.duplicates} of {on.sent - on.unknown}"},
			{When: "off.duplicates > 0", Answer: "qualified", Because: "both"},
			{When: "on.duplicates == 0", Answer: "refuted", Because: "none"},
		},
		Recorded: map[string]string{"franz-go": "upheld"},
	}
}

func TestARowIsDecidedByItsFigures(t *testing.T) {
	clean := judged(checker.Pass, map[string]int64{"sent": 9, "unknown": 2}, nil)
	twice := func(n int64) Run { return judged(checker.Violation, nil, map[string]int64{"duplicates": n}) }
	for name, c := range map[string]struct {
		off, on         []Run
		answer, because string
		turned          bool
	}{
		"upheld":    {[]Run{twice(3), twice(4)}, []Run{clean}, "upheld", "7 twice, with idempotence 0 of 7", false},
		"qualified": {[]Run{twice(3), twice(4)}, []Run{twice(1)}, "qualified", "both", true},
		"refuted":   {[]Run{clean, clean}, []Run{clean}, "refuted", "none", true},
		"unheard of": {[]Run{clean, clean}, []Run{twice(1)}, Inconclusive,
			"none of what the row knows an answer to", false},
		"a run too few":                {[]Run{twice(3)}, []Run{clean}, Inconclusive, "off: 1 of the 2 runs", false},
		"a run that proves too little": {[]Run{twice(3), judged(checker.Inconclusive, nil, nil)}, []Run{clean}, Inconclusive, "of another: because", false},
		"a broken run":                 {[]Run{twice(3), {Broken: "no broker"}}, []Run{clean}, Inconclusive, "no broker", false},
		"one more was made":            {[]Run{{Broken: "no broker"}, twice(3), twice(4)}, []Run{clean}, "upheld", "7 twice", false},
		"not run":                      {nil, []Run{clean}, Inconclusive, "it was not run", false},
		"what a client cannot do":      {[]Run{twice(3), twice(4)}, []Run{{Skipped: "kafka-go has no idempotence"}}, NotApplicable, "kafka-go has no idempotence", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Decide(twoSides(), "franz-go@1.22.2", "franz-go", map[string][]Run{"off": c.off, "on": c.on})
			if err != nil {
				t.Fatal(err)
			}
			if d.Answer != c.answer || !strings.Contains(d.Because, c.because) || d.Turned() != c.turned {
				t.Errorf("%s: %s; turned %v", d.Answer, d.Because, d.Turned())
			}
		})
	}
}

func TestAClaimAboutAnOptionSaysNothingOfAClientWithoutIt(t *testing.T) {
	row := twoSides()
	row.Needs = []string{"retries"}
	clean := judged(checker.Pass, nil, nil)
	without := func(option string) map[string][]Run {
		r := clean
		r.Untaken = map[string]string{option: "it has no such option"}
		return map[string][]Run{"off": {clean, r}, "on": {clean}}
	}
	for option, want := range map[string]string{"retries": NotApplicable, "retry_backoff": "refuted"} {
		d, err := Decide(row, "aiokafka", "aiokafka", without(option))
		if err != nil || d.Answer != want || want == NotApplicable && d.Because != "the client does not take retries: it has no such option" {
			t.Errorf("without %s: %s, %s, %v", option, d.Answer, d.Because, err)
		}
	}
}

// A name that is mistyped is a nought to the library, and would decide rows.
func TestConditionsNameWhatThereIs(t *testing.T) {
	for when, says := range map[string]string{
		"off.duplicates > 0 && on.answers_45 == 0": "",
		"on.sent * 2 > off.sent":                   "",
		"of.duplicates > 0":                        `there is no side "of"`,
		"off.duplicate > 0":                        `there is no figure "duplicate"`,
		"off[\"sent\"] > 0":                        "",
		"off[on.sent] > 0":                         "there is no figure",
		"off.duplicates >":                         "unexpected",
	} {
		row := twoSides()
		row.Answers = []suites.Answer{{When: when, Answer: "upheld", Because: "so"}}
		err := Check(suites.Table{File: "mine.yaml", Rows: []suites.Row{row}})
		if (err == nil) != (says == "") || err != nil && !(strings.Contains(err.Error(), says) && strings.Contains(err.Error(), "mine.yaml: row twice")) {
			t.Errorf("%s: %v", when, err)
		}
	}
	for because, says := range map[string]string{
		"{off.sent} sent":  "",
		"{off.send} sent":  `there is no figure "send"`,
		"{off.sent sent":   "never closed",
		"nothing to count": "",
	} {
		row := twoSides()
		row.Answers = []suites.Answer{{Answer: "upheld", Because: because}}
		if err := Check(suites.Table{Rows: []suites.Row{row}}); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", because, err)
		}
	}
}

func TestOurOwnTableNamesWhatThereIs(t *testing.T) {
	table, is, err := suites.FindTable(suites.Claims)
	if err != nil || !is {
		t.Fatal(is, err)
	}
	if err := Check(table); err != nil {
		t.Error(err)
	}
}

// ofCases is a row of a broker's promises.
func ofCases() suites.Row {
	return suites.Row{
		ID: "raw", Claim: "the broker keeps it",
		Sides: map[string]suites.Side{"raw": {Cases: []string{"gap", "wrap"}}},
		Answers: []suites.Answer{
			{When: "raw.cases_passed == raw.cases", Answer: "upheld", Because: "{raw.cases_passed} of {raw.cases}"},
			{Answer: "refuted", Because: "{raw.cases_failed} of {raw.cases}"},
		},
	}
}

func TestCasesDecideARow(t *testing.T) {
	for name, c := range map[string]struct {
		gap, wrap       matrix.Verdict
		answer, because string
	}{
		"kept":               {matrix.Pass, matrix.Pass, "upheld", "2 of 2"},
		"broken":             {matrix.Pass, matrix.Fail, "refuted", "1 of 2"},
		"harmless":           {matrix.NonStrict, matrix.Pass, "refuted", "0 of 2"},
		"could not be held":  {matrix.Pass, matrix.Error, Inconclusive, "wrap: why"},
		"cannot be held":     {matrix.NotApplicable, matrix.Pass, NotApplicable, "gap: why"},
		"was not looked at":  {matrix.NotRun, matrix.Pass, Inconclusive, "gap: why"},
		"failed, and broken": {matrix.Fail, matrix.Error, Inconclusive, "wrap: why"},
	} {
		t.Run(name, func(t *testing.T) {
			run := FromCases("runs/conform", []Held{{"gap", c.gap, "why"}, {"wrap", c.wrap, "why"}})
			d, err := Decide(ofCases(), suites.Broker, suites.Broker, map[string][]Run{"raw": {run}})
			if err != nil || d.Answer != c.answer || !strings.Contains(d.Because, c.because) {
				t.Errorf("%s: %s, %v", d.Answer, d.Because, err)
			}
		})
	}
}
