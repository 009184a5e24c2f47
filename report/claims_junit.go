package report

import (
	"io"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/idemcheck/idemcheck/claims"
)

// ClaimsJUnit writes a table of claims as a JUnit report, a test suite per
// client: an answer that is not the recorded one is a failure, one that could
// not be given an error, and one that does not apply is skipped.
func ClaimsJUnit(w io.Writer, b claims.Book) error {
	all := junit.Testsuites{Name: "idemcheck claims"}
	_, clients := axes(b)
	for _, client := range clients {
		s := junit.Testsuite{Name: "claims with " + inXML(client)}
		for _, d := range b.Decisions {
			if d.Client == client {
				s.AddTestcase(claimTestcase(d))
			}
		}
		all.AddSuite(s)
	}
	return all.WriteXML(w)
}

func claimTestcase(d claims.Decision) junit.Testcase {
	c := junit.Testcase{Name: d.Row.ID, Classname: "idemcheck.claims"}
	message, data := inXML(d.Answer+": "+d.Because), ""
	for _, side := range sidesOf(d) {
		data += side + ": " + d.Row.Sides[side].Shown() + ", " + runsOf(d.Runs[side], "") + ": " + figured(d, side) + "\n"
	}
	if d.Command != "" {
		data += d.Command + "\n"
	}
	data = clean(data)
	switch {
	case d.Turned():
		c.Failure = &junit.Result{Type: "turned", Message: "recorded: " + d.Recorded + "; now " + message, Data: data}
	case d.Answer == claims.Inconclusive:
		c.Error = &junit.Result{Type: "inconclusive", Message: message, Data: data}
	case d.Answer == claims.NotApplicable:
		c.Skipped = &junit.Result{Message: message}
	default:
		c.SystemOut = &junit.Output{Data: message + "\n" + data}
	}
	return c
}
