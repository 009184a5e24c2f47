package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/checker"
)

// Style says how lines may look.
type Style struct {
	Colour bool
	Width  int // columns; 0 is without limit
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	dim    = "2"
)

func (s Style) paint(code, text string) string {
	if !s.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// Line writes what came out of one scenario: a headline, what the run
// exercised, and, where something is wrong, what.
func Line(out io.Writer, r Result, s Style) {
	w := new(strings.Builder)
	defer func() { s.show(out, w.String()) }()
	mark, code := badge(r.Outcome)
	fmt.Fprintf(w, "%s %-26s %s%s\n", s.paint(code, mark), r.called(), s.paint(code, headline(r)), s.paint(dim, took(r.Took)))
	if r.Verdict != nil {
		fmt.Fprintf(w, "    %s\n", Exercised(r.Verdict))
	}
	if r.Broken != "" {
		fmt.Fprintf(w, "    %s\n", strings.ReplaceAll(r.Broken, "\n", "\n    "))
	}
	if v := r.Verdict; v != nil {
		if v.HarnessError != "" {
			fmt.Fprintf(w, "    %s\n", v.HarnessError)
		}
		if r.Outcome != AsExpected || v.Overall == checker.Violation {
			anomalies(w, v, s)
		}
	}
	if r.Outcome != AsExpected && r.Outcome != Skipped && r.Dir != "" {
		fmt.Fprintf(w, "    %s\n", s.paint(dim, "idemcheck show "+r.Dir))
	}
}

func badge(o Outcome) (mark, code string) {
	switch o {
	case AsExpected:
		return "ok  ", green
	case NotAsExpected:
		return "FAIL", red
	case Inconclusive:
		return "????", yellow
	case Broken:
		return "ERR ", red
	case Skipped:
		return "skip", yellow
	}
	panic(fmt.Sprintf("report: impossible outcome %q", o))
}

func headline(r Result) string {
	switch {
	case r.Outcome == Skipped:
		return r.Skipped
	case r.Verdict == nil, r.Verdict.HarnessError != "":
		return "could not be carried out"
	}
	return r.Verdict.Why
}

func took(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return fmt.Sprintf("  (%.1f s)", d.Seconds())
}

// Exercised says in a line what a run put to the test, from its coverage. What
// is zero and says nothing by being so is left out.
func Exercised(v *checker.Verdict) string {
	c := v.Coverage
	parts := []string{fmt.Sprintf("%s, %d acked", records(v.Totals.Sent), v.Totals.Acked)}
	add := func(name, one, many string) {
		if n := c[name]; n != 0 {
			parts = append(parts, counted(n, one, many))
		}
	}
	add("faults_fired", "fault", "faults")
	if lost := c["dropped_acks"]; lost > 0 {
		parts = append(parts, fmt.Sprintf("%s lost (%s)", counted(lost, "ack", "acks"), records(c["dropped_ack_records"])))
	}
	add("forged_answers", "answer forged", "answers forged")
	add("retries", "retry", "retries")
	add("deduplicated", "duplicate suppressed", "duplicates suppressed")
	add("duplicates_in_log", "record stored again", "records stored again")
	add("leader_changes", "leader change", "leader changes")
	add("epoch_bumps", "epoch bump", "epoch bumps")
	add("reconnects", "reconnect", "reconnects")
	return strings.Join(parts, ", ")
}

// perGuarantee is how many anomalies of a guarantee a summary spells out; of
// those that were expected one is enough to see that they are.
const perGuarantee = 2

// anomalies lists the broken guarantees with the first few diagnoses.
func anomalies(w io.Writer, v *checker.Verdict, s Style) {
	most := perGuarantee
	if v.AsExpected {
		most = 1
	}
	for _, g := range v.Guarantees {
		if g.Status != checker.Violation {
			continue
		}
		fmt.Fprintf(w, "    %s %s\n", s.paint(bold, g.Name+":"), g.Why)
		for i, a := range g.Anomalies {
			if i == most {
				fmt.Fprintf(w, "      %s\n", s.paint(dim, fmt.Sprintf("... %d more kept in verdict.json", len(g.Anomalies)-i)))
				break
			}
			fmt.Fprintf(w, "      - %s [%s]\n", a.Diagnosis, a.Blame)
		}
	}
}

// Tables writes, after a set of results, what came of each scenario with each
// client and on each Kafka where there were several, and where the time went.
func Tables(out io.Writer, results []Result, s Style) {
	w := new(strings.Builder)
	if len(setups(results)) > 1 {
		fmt.Fprintf(w, "\n%s", outcomes(results).fit(s))
	}
	if g := times(results); len(g.rows) > 0 {
		fmt.Fprintf(w, "\n%s", g.plain(s))
	}
	Style{Colour: s.Colour}.show(out, w.String()) // a table that is folded is none
}

// Summary writes the last lines of a set of results.
func Summary(w io.Writer, results []Result, took time.Duration, s Style) {
	count := make(map[Outcome]int)
	for _, r := range results {
		count[r.Outcome]++
	}
	var parts []string
	for _, o := range []Outcome{AsExpected, NotAsExpected, Inconclusive, Broken, Skipped} {
		if n := count[o]; n > 0 {
			_, code := badge(o)
			parts = append(parts, s.paint(code, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(o), "-", " "))))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing was run"}
	}
	s.show(w, "\n")
	for _, whole := range AllSkipped(results) {
		s.show(w, s.paint(yellow, whole)+"\n")
	}
	s.show(w, fmt.Sprintf("%s: %s, in %.1f s\n", counted(len(results), "scenario", "scenarios"), strings.Join(parts, ", "), took.Seconds()))
}
