package report

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// ConformanceMarkdown writes a conformance run as one page, short enough to be
// kept in git: the matrix in words, then what is not a pass with the part of the
// conversation that shows it, and of failures the last request and answer.
func ConformanceMarkdown(w io.Writer, m matrix.Matrix) error {
	var b strings.Builder
	b.WriteString("# What brokers promise on the wire\n\n")
	setOn(&b, m)
	if len(m.Columns) > 0 && len(m.Cases) > 0 {
		b.WriteString(conformWords(m).markdown() + "\n")
	}
	told := false
	for _, c := range m.Cases {
		standings := standingsOf(m, c)
		if len(standings) > 0 && !told {
			b.WriteString("## Not a pass\n\n")
			told = true
		}
		if len(standings) > 0 {
			fmt.Fprintf(&b, "### %d %s\n\nPromise: %s. Source: %s.\n\n", c.Number, escape(c.Name), escape(c.Promise), escape(c.Source))
		}
		for _, s := range standings {
			conversation(&b, s)
		}
	}
	for i, l := range lacksOf(m) {
		if i == 0 {
			b.WriteString("## Not applicable\n\n")
		}
		fmt.Fprintf(&b, "- %s\n", escape(l.text(m)))
	}
	_, err := io.WriteString(w, clean(strings.TrimRight(b.String(), "\n"))+"\n")
	return err
}

// setOn says what was held on what, when and how.
func setOn(b *strings.Builder, m matrix.Matrix) {
	if made := madeWith(m); made != "" {
		b.WriteString(escape(made) + "\n\n")
	}
	if m.Command != "" {
		fence(b, "sh", m.Command)
	}
	for _, c := range m.Columns {
		fmt.Fprintf(b, "- **%s**", escape(onLine(c.Name)))
		if c.Broker != "" {
			fmt.Fprintf(b, ", %s", escape(onLine(c.Broker)))
		}
		if c.As != "" {
			fmt.Fprintf(b, ", held to the rules of Kafka %s", escape(onLine(c.As)))
		}
		fmt.Fprintf(b, ": %s", tally(m, c))
		if c.Broken != "" {
			fmt.Fprintf(b, "; **there is nothing to be seen: %s**", escape(onLine(c.Broken)))
		}
		b.WriteString("\n")
	}
	if len(m.Columns) == 0 {
		b.WriteString("No broker was looked at.\n")
	}
	b.WriteString("\n")
}

// madeWith says when a run was made, and with which idemcheck.
func madeWith(m matrix.Matrix) string {
	var parts []string
	if m.Idemcheck != "" {
		parts = append(parts, "idemcheck "+onLine(m.Idemcheck))
	}
	if !m.Made.IsZero() {
		parts = append(parts, m.Made.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}

// conformWords is the matrix in words.
func conformWords(m matrix.Matrix) grid {
	g := grid{heads: []string{"group", "case"}}
	for _, c := range m.Columns {
		g.heads = append(g.heads, onLine(c.Name))
	}
	for _, group := range groupsOf(m) {
		name := group.name // said once
		for _, c := range group.cases {
			row := []string{name, fmt.Sprintf("%d %s", c.Number, c.Name)}
			for i := range m.Columns {
				row = append(row, cellWord(m.Columns[i].Cell(c.Number)))
			}
			g.rows, name = append(g.rows, row), ""
		}
	}
	return g
}

// conversation says why a cell is what it is, with the steps that led to it. A
// reason that is one of the steps is said there alone.
func conversation(b *strings.Builder, s standing) {
	fmt.Fprintf(b, "**%s** on %s", cellWord(s.cell), escape(strings.Join(s.columns, ", ")))
	decided := len(s.cell.Steps) > 0 && stepText(s.cell.Steps[deciding(s.cell)]) == brief(s.cell.Reason)
	switch {
	case !decided || s.cell.Surprise:
		fmt.Fprintf(b, ": %s", escape(s.told))
	case s.cell.Known != "":
		fmt.Fprintf(b, ", known: %s", escape(onLine(s.cell.Known)))
	}
	talks := len(s.cell.Steps) > 0 && !s.cell.Surprise
	if talks && len(s.columns) > 1 {
		fmt.Fprintf(b, " (below: %s)", escape(s.columns[0]))
	}
	b.WriteString("\n\n")
	if !talks {
		return
	}
	left, steps := excerpt(s.cell)
	if left > 0 {
		fmt.Fprintf(b, "- %s before\n", counted(left, "step", "steps"))
	}
	for _, step := range steps {
		text := escape(stepText(step))
		if step.Verdict != matrix.Pass && step.Verdict != matrix.NotRun {
			text = "**" + step.Verdict.String() + "**: " + text
		}
		fmt.Fprintf(b, "- %s\n", text)
	}
	b.WriteString("\n")
	if s.cell.Verdict != matrix.Fail {
		return
	}
	frames := s.cell.Steps[deciding(s.cell)].Frames
	for _, f := range frames[max(len(frames)-2, 0):] {
		fence(b, "text", frameHead(f)+"\n"+firstLines(f.Decoded, mostLines))
	}
}

// mostLines is how many lines of a decoded request or answer a page shows.
const mostLines = 40

// frameHead says which frame it is: "-> Produce version 12 to broker 1, correlation id 3".
func frameHead(f matrix.Frame) string {
	arrow, to := "->", "to"
	if f.Answer {
		arrow, to = "<-", "from"
	}
	whom := fmt.Sprintf("broker %d", f.Broker)
	if f.Broker < 0 {
		whom = "the address given"
	}
	return fmt.Sprintf("%s %s version %d %s %s, correlation id %d", arrow, f.API, f.Version, to, whom, f.Correlation)
}

// firstLines cuts text that is too long, and says so.
func firstLines(text string, most int) string {
	lines := strings.Split(text, "\n")
	if len(lines) <= most {
		return text
	}
	return strings.Join(lines[:most], "\n") + fmt.Sprintf("\n... %s more", counted(len(lines)-most, "line", "lines"))
}

var ticks = regexp.MustCompile("`{3,}")

// fence writes text as a block of code, which nothing in it can end.
func fence(b *strings.Builder, language, text string) {
	fmt.Fprintf(b, "```%s\n%s\n```\n\n", language, ticks.ReplaceAllStringFunc(text, func(t string) string { return strings.Repeat("'", len(t)) }))
}
