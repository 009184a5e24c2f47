package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/claims"
)

//go:embed claims.html
var claimsPage string

// ClaimsHTML writes a table of claims as one page that needs nothing beside it:
// the answers, each of which leads to its evidence.
func ClaimsHTML(w io.Writer, b claims.Book) error {
	page, err := template.New("claims").Funcs(template.FuncMap{"exhibited": exhibited}).Parse(claimsPage)
	if err != nil {
		return fmt.Errorf("read the template of the claims page: %w", err)
	}
	var out strings.Builder
	if err := page.Execute(&out, claimsFill(b)); err != nil {
		return fmt.Errorf("write the claims page: %w", err)
	}
	_, err = io.WriteString(w, clean(out.String()))
	return err
}

// What the template is filled with.
type (
	claimsHTML struct {
		Title, Made, Command, Tally string
		Clients                     []string
		Rows                        []claimHTML
		Plot                        template.HTML // of what was measured; empty for nothing
	}
	claimHTML struct {
		ID, Section, Claim string
		Opens              bool // a section
		Answers            []answerHTML
	}
	answerHTML struct {
		ID, Client, Answer, Class, Because, Recorded, Command string
		Settings                                              []claims.Setting
		Sides                                                 []sideHTML
	}
	sideHTML struct {
		Name, Scenario, Figures string
		Runs                    []claims.Run
	}
)

func claimsFill(b claims.Book) claimsHTML {
	p := claimsHTML{Title: b.Title, Made: heardOn(b), Command: b.Command, Tally: claimsTally(b)}
	if slices.ContainsFunc(b.Decisions, func(d claims.Decision) bool { return d.Row.Measured }) {
		var plot strings.Builder
		_ = ClaimsPlot(&plot, b)              // a builder takes everything
		p.Plot = template.HTML(plot.String()) //nolint:gosec // it escapes what it is given
	}
	var ids []string
	ids, p.Clients = axes(b)
	section := ""
	for _, id := range ids {
		row := claimHTML{ID: id, Answers: make([]answerHTML, len(p.Clients))}
		for at, client := range p.Clients {
			for _, d := range b.Decisions {
				if d.Row.ID == id && d.Client == client {
					row.Claim, row.Section = d.Row.Claim, d.Row.Section
					row.Answers[at] = answerFill(d, at)
				}
			}
		}
		row.Opens = row.Section != section
		section = row.Section
		p.Rows = append(p.Rows, row)
	}
	return p
}

func answerFill(d claims.Decision, column int) answerHTML {
	a := answerHTML{
		ID: fmt.Sprintf("%s-%d", d.Row.ID, column+1), Client: d.Client, Answer: d.Answer, Because: d.Because,
		Class: strings.ReplaceAll(d.Answer, " ", "-"), Settings: d.Settings(), Command: d.Command,
	}
	if d.Turned() {
		a.Recorded, a.Class = d.Recorded, "turned"
	}
	for _, side := range sidesOf(d) {
		a.Sides = append(a.Sides, sideHTML{side, d.Row.Sides[side].Shown(), figured(d, side), d.Runs[side]})
	}
	return a
}
