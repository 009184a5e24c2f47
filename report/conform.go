package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// Conformance writes a conformance run for a terminal: a row per case and a
// column per broker, then what is not a pass, with its reason, then the counts.
func Conformance(out io.Writer, style Style, m matrix.Matrix) {
	fmt.Fprint(out, "\n")
	if slices.ContainsFunc(m.Columns, func(c matrix.Column) bool { return len(c.Cells) > 0 }) {
		// A table that is folded is none.
		Style{Colour: style.Colour}.show(out, conformGrid(m, style).fit(style)+legend(m))
	}
	var w strings.Builder
	for _, c := range m.Cases {
		standings := standingsOf(m, c)
		if len(standings) == 0 {
			continue
		}
		fmt.Fprintf(&w, "\n%s\n  %s\n  %s\n", style.paint(bold, fmt.Sprintf("%d %s", c.Number, c.Name)), c.Promise, style.paint(dim, c.Source))
		for _, s := range standings {
			on := ""
			if len(m.Columns) > 1 {
				on = strings.Join(s.columns, ", ") + ": "
			}
			mark, code := cellMark(s.cell)
			fmt.Fprintf(&w, "    - %s %s%s\n", style.paint(code, mark), on, s.told)
		}
	}
	for i, l := range lacksOf(m) {
		if i == 0 {
			fmt.Fprintf(&w, "\n%s\n", style.paint(bold, "not applicable"))
		}
		fmt.Fprintf(&w, "  - %s\n", l.text(m))
	}
	w.WriteString("\n")
	for _, c := range m.Columns {
		if len(c.Cells) > 0 || c.Broken == "" {
			fmt.Fprintf(&w, "%s: %s\n", style.paint(bold, c.Name), tally(m, c))
		}
		if c.Broken != "" {
			fmt.Fprintf(&w, "%s: %s\n", style.paint(bold, c.Name), style.paint(red, "broken: "+onLine(c.Broken)))
		}
	}
	if len(m.Columns) == 0 {
		w.WriteString("no broker was looked at\n")
	}
	style.show(out, w.String())
}

// conformGrid has a row per case, under its group, and a column per broker.
func conformGrid(m matrix.Matrix, style Style) grid {
	g := grid{heads: []string{"case"}}
	for _, c := range m.Columns {
		g.heads = append(g.heads, onLine(c.Name))
	}
	for _, group := range groupsOf(m) {
		g.rows = append(g.rows, []string{style.paint(bold, group.name)})
		for _, c := range group.cases {
			row := []string{fmt.Sprintf("%3d %s", c.Number, onLine(c.Name))}
			for i := range m.Columns {
				mark, code := cellMark(m.Columns[i].Cell(c.Number))
				row = append(row, style.paint(code, mark))
			}
			g.rows = append(g.rows, row)
		}
	}
	return g
}

// cellMark is short for what a cell says.
func cellMark(cell *matrix.Cell) (mark, code string) {
	if cell.Known != "" {
		return "known", yellow
	}
	switch cell.Verdict {
	case matrix.NotRun:
		mark, code = ".", dim
	case matrix.Pass:
		mark, code = "ok", green
	case matrix.NonStrict:
		mark, code = "ok~", yellow
	case matrix.Fail:
		mark, code = "FAIL", red
	case matrix.Informational:
		mark, code = "info", dim
	case matrix.NotApplicable:
		mark, code = "-", dim
	case matrix.Error:
		mark, code = "ERR", red
	default:
		panic(fmt.Sprintf("report: impossible verdict %d", cell.Verdict))
	}
	if cell.Surprise {
		mark, code = mark+"!", red
	}
	return mark, code
}

// legend says what the marks mean that occur, but for those that say it themselves.
func legend(m matrix.Matrix) string {
	occurs := make(map[string]bool)
	for i := range m.Columns {
		for _, c := range m.Cases {
			cell := m.Columns[i].Cell(c.Number)
			mark, _ := cellMark(cell)
			occurs[strings.TrimSuffix(mark, "!")] = true
			occurs["!"] = occurs["!"] || cell.Surprise
		}
	}
	var lines string
	for _, l := range []struct{ mark, means string }{
		{"ok~", "not as promised, and harmless"},
		{"info", "nothing is promised: what the broker did"},
		{"known", "in the file of expected failures"},
		{"!", "better than the file of expected failures has it"},
		{"-", "not applicable"},
		{"ERR", "could not be held to its end"},
		{".", "not run"},
	} {
		if occurs[l.mark] {
			lines += fmt.Sprintf("  %-5s  %s\n", l.mark, l.means)
		}
	}
	if lines == "" {
		return ""
	}
	return "\n" + lines
}

// tally says how often each verdict was given: "30 pass, 2 fail (1 known)".
func tally(m matrix.Matrix, column matrix.Column) string {
	counts, known, surprises := make(map[matrix.Verdict]int), make(map[matrix.Verdict]int), 0
	for _, c := range m.Cases {
		cell := column.Cell(c.Number)
		counts[cell.Verdict]++
		if cell.Known != "" {
			known[cell.Verdict]++
		}
		if cell.Surprise {
			surprises++
		}
	}
	var parts []string
	for _, v := range []matrix.Verdict{matrix.Pass, matrix.NonStrict, matrix.Fail, matrix.Informational, matrix.NotApplicable, matrix.Error, matrix.NotRun} {
		if counts[v] == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", counts[v], v)
		if n := known[v]; n > 0 {
			text += fmt.Sprintf(" (%d known)", n)
		}
		parts = append(parts, text)
	}
	if surprises > 0 {
		parts = append(parts, counted(surprises, "surprise", "surprises"))
	}
	if len(parts) == 0 {
		return "nothing was held"
	}
	return strings.Join(parts, ", ")
}

// caseGroup is a group of cases, in the order in which they come.
type caseGroup struct {
	name  string
	cases []matrix.Case
}

func groupsOf(m matrix.Matrix) (groups []caseGroup) {
	for _, c := range m.Cases {
		i := slices.IndexFunc(groups, func(g caseGroup) bool { return g.name == c.Group })
		if i < 0 {
			i = len(groups)
			groups = append(groups, caseGroup{name: c.Group})
		}
		groups[i].cases = append(groups[i].cases, c)
	}
	return groups
}
