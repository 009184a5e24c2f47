package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// ConformanceJUnit writes a conformance run as a JUnit report, a test suite per
// broker: a broken promise is a failure unless it is expected, a case that could
// not be held an error, one that does not apply is skipped.
func ConformanceJUnit(w io.Writer, m matrix.Matrix) error {
	all := junit.Testsuites{Name: "idemcheck conform"}
	for i := range m.Columns {
		all.AddSuite(columnSuite(m, &m.Columns[i]))
	}
	return all.WriteXML(w)
}

func columnSuite(m matrix.Matrix, column *matrix.Column) junit.Testsuite {
	s := junit.Testsuite{Name: inXML(column.Name)}
	class := "idemcheck.conform"
	if len(m.Columns) > 1 { // CI systems take equal names for one test
		class += "." + notInClass.ReplaceAllString(column.Name, "_")
	}
	var took time.Duration
	if column.Broken != "" {
		s.AddTestcase(junit.Testcase{
			Name: "broker", Classname: class,
			Error: &junit.Result{Type: "broken", Message: inXML("there is nothing to be seen: " + column.Broken)},
		})
	}
	for _, c := range m.Cases {
		cell := column.Cell(c.Number)
		if cell.Verdict == matrix.NotRun && column.Broken != "" {
			continue
		}
		took += cell.Took
		s.AddTestcase(cellTestcase(class, c, cell))
	}
	s.Time = seconds(took)
	return s
}

func cellTestcase(class string, c matrix.Case, cell *matrix.Cell) junit.Testcase {
	t := junit.Testcase{
		Name: inXML(fmt.Sprintf("%d %s", c.Number, c.Name)), Classname: class + "." + notInClass.ReplaceAllString(c.Group, "_"), Time: seconds(cell.Took),
	}
	result := func(kind string) *junit.Result {
		return &junit.Result{Type: kind, Message: inXML(told(cell)), Data: clean(evidenceText(c, cell))}
	}
	switch {
	case cell.Known != "":
		t.Skipped = &junit.Result{Message: inXML("expected failure: " + cell.Known)}
	case cell.Surprise:
		t.Failure = result("surprise")
	case cell.Verdict == matrix.Fail:
		t.Failure = result("fail")
	case cell.Verdict == matrix.Error:
		t.Error = result("error")
	case cell.Verdict == matrix.NotApplicable:
		t.Skipped = &junit.Result{Message: inXML(told(cell))}
	case cell.Verdict == matrix.NotRun:
		t.Skipped = &junit.Result{Message: "not run"}
	case cell.Reason != "": // non-strict, informational
		t.SystemOut = &junit.Output{Data: inXML(cell.Verdict.String() + ": " + told(cell))}
	}
	return t
}

// notInClass finds what would open another package where class names are shown
// as a tree, or is no part of a name.
var notInClass = regexp.MustCompile(`[^A-Za-z0-9_-]+`)

// inXML makes text fit for an attribute: on one line, and of characters that
// XML can hold.
func inXML(text string) string { return clean(onLine(text)) }

// evidenceText is the promise, and the part of the conversation that decided.
func evidenceText(c matrix.Case, cell *matrix.Cell) string {
	var b strings.Builder
	fmt.Fprintf(&b, "promise: %s\nsource: %s\n", c.Promise, c.Source)
	left, steps := excerpt(cell)
	if left > 0 {
		fmt.Fprintf(&b, "%s before\n", counted(left, "step", "steps"))
	}
	for _, s := range steps {
		if s.Verdict != matrix.NotRun {
			fmt.Fprintf(&b, "[%s] ", s.Verdict)
		}
		fmt.Fprintln(&b, stepText(s))
	}
	return b.String()
}
