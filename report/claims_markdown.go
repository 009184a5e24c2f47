package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/idemcheck/idemcheck/claims"
)

// ClaimsMarkdown writes a table of claims as a page: the answers, then per row
// the claim, the answer in a sentence with its figures, and the runs.
func ClaimsMarkdown(w io.Writer, b claims.Book) error {
	var out strings.Builder
	fmt.Fprintf(&out, "# %s\n\n%s\n\n", escape(b.Title), escape(heardOn(b)))
	if b.Command != "" {
		fence(&out, "sh", b.Command)
	}
	if len(b.Decisions) > 0 {
		out.WriteString(claimsGrid(b).markdown() + "\n" + escape(claimsTally(b)) + ".\n\n")
	}
	section, row := "", ""
	for i, d := range b.Decisions {
		if d.Row.Section != section {
			section = d.Row.Section
			fmt.Fprintf(&out, "## %s\n\n", escape(section))
		}
		if d.Row.ID != row {
			row = d.Row.ID
			fmt.Fprintf(&out, "### %s\n\n> %s\n\n", escape(row), escape(d.Row.Claim))
		}
		fmt.Fprintf(&out, "**%s**, %s: %s.", escape(d.Answer), escape(d.Client), escape(d.Because))
		if d.Turned() {
			fmt.Fprintf(&out, " It was recorded as %s.", d.Recorded)
		}
		out.WriteString("\n\n")
		for _, side := range sidesOf(d) {
			fmt.Fprintf(&out, "- *%s*, `%s`, %s", escape(side), d.Row.Sides[side].Shown(), runsOf(d.Runs[side], "`"))
			if figures := figured(d, side); figures != "" {
				out.WriteString(": " + escape(figures))
			}
			out.WriteString("\n")
		}
		out.WriteString("\n")
		if d.Command != "" {
			fence(&out, "sh", d.Command)
		}
		if i == len(b.Decisions)-1 || b.Decisions[i+1].Row.ID != d.Row.ID {
			out.WriteString(settingsTable(b, d.Row.ID))
		}
	}
	_, err := io.WriteString(w, clean(strings.TrimRight(out.String(), "\n"))+"\n")
	return err
}

// settingsTable has what every client of a row was asked, said and did; empty
// where the row is about something else.
func settingsTable(b claims.Book, row string) string {
	g := grid{heads: []string{"client", "side", "asked", "said", "did"}}
	for _, d := range b.Decisions {
		if d.Row.ID == row {
			for _, s := range d.Settings() {
				g.rows = append(g.rows, []string{s.Client, s.Side, s.Asked, s.Said, s.Did})
			}
		}
	}
	if len(g.rows) == 0 {
		return ""
	}
	return g.markdown() + "\n"
}

// heardOn says with what and on what a table was put to the test.
func heardOn(b claims.Book) string {
	return fmt.Sprintf("idemcheck %s, %s, %s, seed %d.", b.Version, b.On, b.Began.UTC().Format("2 January 2006"), b.Seed)
}

// runsOf says "2 runs" with where they are kept, each between quotes.
func runsOf(runs []claims.Run, quote string) string {
	text := counted(len(runs), "run", "runs")
	if len(runs) > 0 && len(runs[0].Cases) > 0 {
		text = counted(len(runs[0].Cases), "case", "cases")
	}
	var dirs []string
	for _, r := range runs {
		if r.Dir != "" {
			dirs = append(dirs, quote+r.Dir+quote)
		}
	}
	if len(dirs) > 0 {
		text += " (" + strings.Join(dirs, ", ") + ")"
	}
	return text
}
