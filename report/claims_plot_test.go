package report

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/suites"
)

// measuredBook has one row that compares a rate between two sides.
func measuredBook() claims.Book {
	sampled := func(rates ...float64) (runs []claims.Run) {
		for _, rate := range rates {
			runs = append(runs, claims.Run{Dir: "runs/1", Verdict: &checker.Verdict{Overall: checker.Pass}, Sample: claims.Sample{"records_per_s": rate}})
		}
		return runs
	}
	row := suites.Row{
		ID: "cost", Claim: "it <costs> little", Measured: true,
		Sides:   map[string]suites.Side{"on": {Scenario: "a", Runs: 3}, "off": {Scenario: "b", Runs: 3}},
		Answers: []suites.Answer{{Answer: "upheld", Because: "{ratio(on.records_per_s, off.records_per_s)}"}},
	}
	runs := map[string][]claims.Run{"on": sampled(900, 950, 1000), "off": sampled(1000, 1100, 1400)}
	d, err := claims.Decide(row, "<franz>", "franz-go", runs)
	if err != nil {
		panic(err)
	}
	return claims.Book{Title: "cost", Decisions: []claims.Decision{d}}
}

func TestWhatWasMeasuredIsDrawnADotPerRun(t *testing.T) {
	var out strings.Builder
	if err := ClaimsPlot(&out, measuredBook()); err != nil {
		t.Fatal(err)
	}
	svg := out.String()
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v\n%s", err, svg)
		}
	}
	if dots, bars := strings.Count(svg, `class="run"`), strings.Count(svg, `class="mean"`); dots != 6 || bars != 2 {
		t.Errorf("%d dots and %d intervals: want 6 and 2", dots, bars)
	}
	for _, want := range []string{"cost, &lt;franz&gt;", ">records per s<", ">1500<", ">750<", ">on<", ">off<", "<title>950 (826 to 1074)</title>"} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is missing:\n%s", want, svg)
		}
	}
}

func TestAPageHasAPlotWhereSomethingWasMeasured(t *testing.T) {
	for name, c := range map[string]struct {
		book claims.Book
		want int
	}{"measured": {measuredBook(), 1}, "not": {aBook(), 0}} {
		var page, md strings.Builder
		if err := errors.Join(ClaimsHTML(&page, c.book), ClaimsMarkdown(&md, c.book)); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(page.String(), "<svg"); n != c.want {
			t.Errorf("%s: %d plots in the page", name, n)
		}
		if n := strings.Count(md.String(), "records\\_per\\_s 950 (826 to 1074)"); n != c.want {
			t.Errorf("%s: the interval stands %d times in the page:\n%s", name, n, md.String())
		}
	}
}
