package repro

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/checker"
)

// Signature is what an anomaly has in common with itself in another run: two
// runs show the same anomaly when their signatures are equal. It holds no
// number, offset or time, since those are never the same twice.
type Signature struct {
	Guarantee string        `json:"guarantee"`
	Kind      checker.Kind  `json:"kind"`
	Blame     checker.Blame `json:"blame"`
	Cause     checker.Cause `json:"cause,omitempty"` // empty where nothing is known of it
}

// Signatures lists what a verdict shows, each once, in the verdict's order. A
// verdict with a harness error shows nothing: it may not be held against anyone.
//
// A verdict keeps the first few anomalies of a kind. One that comes behind
// many others of its kind with another cause is not seen.
func Signatures(v *checker.Verdict) []Signature {
	if v.HarnessError != "" {
		return nil
	}
	var all []Signature
	for _, g := range v.Guarantees {
		for _, a := range g.Anomalies {
			s := Signature{Guarantee: g.Name, Kind: a.Kind, Blame: a.Blame, Cause: a.Cause}
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all
}

// Has says whether a verdict shows an anomaly.
func Has(v *checker.Verdict, s Signature) bool { return slices.Contains(Signatures(v), s) }

// String is the form for people and flags:
// "duplicates/duplicate: broker-forgot (protocol-limit)", without the colon and
// what follows it where no cause is known.
func (s Signature) String() string {
	cause := ""
	if s.Cause != "" {
		cause = ": " + string(s.Cause)
	}
	return fmt.Sprintf("%s/%s%s (%s)", s.Guarantee, s.Kind, cause, s.Blame)
}

// ParseSignature reads what String writes. An error says what is allowed.
func ParseSignature(text string) (Signature, error) {
	var s Signature
	rest, blame, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(text), ")"), " (")
	if !ok || !strings.HasSuffix(strings.TrimSpace(text), ")") {
		return s, fmt.Errorf("anomaly %q: want GUARANTEE/KIND: CAUSE (BLAME), like \"duplicates/duplicate: broker-forgot (protocol-limit)\"", text)
	}
	what, cause, _ := strings.Cut(rest, ":")
	guarantee, kind, _ := strings.Cut(what, "/")
	s = Signature{Guarantee: strings.TrimSpace(guarantee), Kind: checker.Kind(strings.TrimSpace(kind)),
		Blame: checker.Blame(blame), Cause: checker.Cause(strings.TrimSpace(cause))}
	if !slices.Contains(blames(), s.Blame) {
		return Signature{}, fmt.Errorf("anomaly %q: unknown blame %q (allowed: %s)", text, blame, words(blames()))
	}
	var names []string
	for _, c := range checker.Names() {
		names = append(names, c.Name)
		if c.Name != s.Guarantee {
			continue
		}
		if !slices.Contains(c.Kinds, s.Kind) {
			return Signature{}, fmt.Errorf("anomaly %q: %s has no kind %q (allowed: %s)", text, c.Name, s.Kind, words(c.Kinds))
		}
		return s, nil
	}
	return Signature{}, fmt.Errorf("anomaly %q: unknown guarantee %q (allowed: %s)", text, s.Guarantee, words(names))
}

// Choose picks the anomaly that a person means among those of a verdict: by
// its whole text, or by its kind, GUARANTEE/KIND or cause where that is one's
// alone. Empty is the first.
func Choose(all []Signature, text string) (Signature, error) {
	if len(all) == 0 {
		return Signature{}, fmt.Errorf("the run shows no anomaly")
	}
	if text == "" {
		return all[0], nil
	}
	var found []Signature
	for _, s := range all {
		if slices.Contains([]string{s.String(), s.Guarantee + "/" + string(s.Kind), string(s.Kind), string(s.Cause)}, text) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Signature{}, fmt.Errorf("the run shows no anomaly %q; it shows %s", text, words(all))
	}
	return Signature{}, fmt.Errorf("%q may mean several anomalies of the run: say which (%s)", text, words(found))
}

func blames() []checker.Blame {
	return []checker.Blame{checker.BlameClient, checker.BlameBroker, checker.BlameConfiguration, checker.BlameLimit, checker.BlameNoneKnown}
}

// words joins what there is with commas.
func words[T any](all []T) string {
	text := make([]string, len(all))
	for i, one := range all {
		text[i] = fmt.Sprint(one)
	}
	return strings.Join(text, ", ")
}
