package repro

import (
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker"
)

var forgot = Signature{checker.Duplicates, checker.Duplicate, checker.BlameLimit, "broker-forgot"}

// verdictOf is a verdict that shows these, each twice.
func verdictOf(all ...Signature) *checker.Verdict {
	v := &checker.Verdict{Overall: checker.Pass}
	for _, s := range all {
		v.Overall = checker.Violation
		a := checker.Anomaly{Kind: s.Kind, Blame: s.Blame, Cause: s.Cause, Number: 7}
		b := a
		b.Number = 8
		v.Guarantees = append(v.Guarantees, checker.Guarantee{Name: s.Guarantee, Anomalies: []checker.Anomaly{a, b}})
	}
	return v
}

func TestTheSameAnomalyIsTheSameGuaranteeKindBlameAndCause(t *testing.T) {
	v := verdictOf(forgot)
	if got := Signatures(v); len(got) != 1 || got[0] != forgot || !Has(v, forgot) {
		t.Errorf("signatures %v, want %v once", got, forgot)
	}
	for what, other := range map[string]Signature{
		"guarantee": {checker.BrokerProtocol, checker.Duplicate, checker.BlameLimit, "broker-forgot"},
		"kind":      {checker.Duplicates, checker.DoubleAppend, checker.BlameLimit, "broker-forgot"},
		"blame":     {checker.Duplicates, checker.Duplicate, checker.BlameClient, "broker-forgot"},
		"cause":     {checker.Duplicates, checker.Duplicate, checker.BlameLimit, "re-stamped"},
	} {
		if Has(v, other) {
			t.Errorf("an anomaly with another %s counts as the same", what)
		}
	}
	if got := Signatures(verdictOf(Signature{Guarantee: "order"}, forgot)); len(got) != 2 || got[1] != forgot {
		t.Errorf("signatures %v, want both, in the verdict's order", got)
	}
}

func TestAHarnessErrorShowsNoAnomaly(t *testing.T) {
	v := verdictOf(forgot)
	v.HarnessError = "the clock ran backwards"
	if Has(v, forgot) || len(Signatures(v)) > 0 {
		t.Error("an anomaly of a run with a harness error counts")
	}
}

func TestASignatureIsReadBackAsItWasWritten(t *testing.T) {
	for text, s := range map[string]Signature{
		"duplicates/duplicate: broker-forgot (protocol-limit)": forgot,
		"lost/lost (none-known)":                               {checker.LostRecords, checker.Lost, checker.BlameNoneKnown, ""},
	} {
		if s.String() != text {
			t.Errorf("%q, want %q", s, text)
		}
		if got, err := ParseSignature(text); err != nil || got != s {
			t.Errorf("%q is read as %v, %v", text, got, err)
		}
	}
	for text, says := range map[string]string{
		"duplicates/duplicate: broker-forgot": "want GUARANTEE/KIND",
		"duplicates/duplicate (nobody)":       `unknown blame "nobody"`,
		"duplicates/lost (client)":            `duplicates has no kind "lost" (allowed: duplicate)`,
		"copies/duplicate (client)":           `unknown guarantee "copies"`,
		"":                                    "want GUARANTEE/KIND",
	} {
		if _, err := ParseSignature(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestAPersonMayNameAnAnomalyByAPartThatIsItsAlone(t *testing.T) {
	append2 := Signature{checker.BrokerProtocol, checker.DoubleAppend, checker.BlameLimit, "broker-forgot"}
	all := []Signature{forgot, append2}
	for text, want := range map[string]Signature{
		"": forgot, "duplicate": forgot, "double-append": append2, "duplicates/duplicate": forgot, forgot.String(): forgot,
	} {
		if got, err := Choose(all, text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for text, says := range map[string]string{"broker-forgot": "say which", "lost": "it shows duplicates/duplicate"} {
		if _, err := Choose(all, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
	if _, err := Choose(nil, ""); err == nil {
		t.Error("an anomaly is chosen of a run that shows none")
	}
}

func TestARunIsAHitByItsAnomalyAndNothingElse(t *testing.T) {
	broken, short := verdictOf(forgot), verdictOf()
	broken.HarnessError = "a part file is missing"
	short.Overall, short.Why = checker.Inconclusive, "fault 1 never fired"
	none := verdictOf()
	none.Overall = checker.NotRun
	for what, c := range map[string]struct {
		v    *checker.Verdict
		want Outcome
	}{
		"the anomaly":              {verdictOf(forgot), Hit},
		"another anomaly":          {verdictOf(Signature{checker.Duplicates, checker.Duplicate, checker.BlameClient, "re-stamped"}), Miss},
		"a pass":                   {verdictOf(), Miss},
		"a run that proves less":   {short, Inconclusive},
		"a run that nobody judged": {none, Inconclusive},
		"a harness error":          {broken, Broken},
	} {
		if got := Judge(c.v, forgot); got.Outcome != c.want {
			t.Errorf("%s: %s, want %s", what, got.Outcome, c.want)
		}
	}
}
