package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/claims"
)

// Claim writes what one row of a table of claims came to.
func Claim(out io.Writer, d claims.Decision, s Style) {
	w := new(strings.Builder)
	fmt.Fprintf(w, "%s %s  %s: %s\n", s.paint(answerCode(d), pad(d.Answer, answerWidth())), d.Row.ID, d.Client, d.Because)
	for _, set := range d.Settings() {
		fmt.Fprintf(w, "    %s\n", s.paint(dim, fmt.Sprintf("%s, %s: asked %s; said: %s; did: %s", set.Client, set.Side, set.Asked, set.Said, set.Did)))
	}
	if d.Turned() {
		fmt.Fprintf(w, "    %s\n", s.paint(red, "recorded: "+d.Recorded))
	}
	if look := lookFirst(d); look != "" && (d.Turned() || d.Answer == claims.Inconclusive) {
		fmt.Fprintf(w, "    %s\n", s.paint(dim, look))
	}
	s.show(out, w.String())
}

// Claims writes a table of claims: a row per claim, a column per client, and how
// many there are of each answer.
func Claims(out io.Writer, b claims.Book, s Style) {
	if len(b.Decisions) == 0 {
		return
	}
	s.show(out, "\n"+claimsGrid(b).fit(s)+"\n"+claimsTally(b)+"\n")
}

// claimsGrid has the answers in words.
func claimsGrid(b claims.Book) grid {
	g := grid{heads: []string{"claim"}, short: shortAnswer, legend: "+ upheld, ~ qualified, X refuted, ? inconclusive, - not applicable"}
	rows, clients := axes(b)
	g.heads = append(g.heads, clients...)
	for _, id := range rows {
		cells := make([]string, len(clients)+1)
		cells[0] = id
		for _, d := range b.Decisions {
			if d.Row.ID == id {
				cells[1+slices.Index(clients, d.Client)] = answerWords(d)
			}
		}
		g.rows = append(g.rows, cells)
	}
	return g
}

// axes lists the rows and the clients of a book, as they come.
func axes(b claims.Book) (rows, clients []string) {
	for _, d := range b.Decisions {
		if !slices.Contains(rows, d.Row.ID) {
			rows = append(rows, d.Row.ID)
		}
		if !slices.Contains(clients, d.Client) {
			clients = append(clients, d.Client)
		}
	}
	return rows, clients
}

func answerWords(d claims.Decision) string {
	if d.Turned() {
		return d.Answer + " (recorded: " + d.Recorded + ")"
	}
	return d.Answer
}

func shortAnswer(cell string) string {
	for answer, mark := range map[string]string{
		"upheld": "+", "qualified": "~", "refuted": "X", claims.Inconclusive: "?", claims.NotApplicable: "-",
	} {
		if cell == answer || strings.HasPrefix(cell, answer+" (") {
			return mark
		}
	}
	return ""
}

// claimsTally says "14 answers in 312.0 s: 10 upheld, 2 refuted, ...".
func claimsTally(b claims.Book) string {
	var parts []string
	for _, answer := range claims.Everything() {
		if n := b.Count(answer); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, answer))
		}
	}
	text := fmt.Sprintf("%s in %s: %s", counted(len(b.Decisions), "answer", "answers"), briefly(b.Took), strings.Join(parts, ", "))
	if n := len(b.Turned()); n > 0 {
		text += fmt.Sprintf("; %d not as recorded", n)
	}
	return text
}

func answerCode(d claims.Decision) string {
	switch {
	case d.Turned():
		return red
	case d.Answer == claims.Inconclusive || d.Answer == claims.NotApplicable:
		return yellow
	}
	return green
}

func answerWidth() int {
	width := 0
	for _, answer := range claims.Everything() {
		width = max(width, len(answer))
	}
	return width
}

func pad(text string, width int) string { return fmt.Sprintf("%-*s", width, text) }

// sidesOf lists the sides of a decision, by name.
func sidesOf(d claims.Decision) []string { return slices.Sorted(maps.Keys(d.Row.Sides)) }

// lookFirst is the evidence to look at first: of a run that proves nothing, where
// there is one.
func lookFirst(d claims.Decision) (look string) {
	for _, side := range sidesOf(d) {
		for _, r := range d.Runs[side] {
			if r.Dir != "" && (look == "" || !r.Sound()) {
				look = exhibited(r)
			}
		}
	}
	return look
}

// exhibited is what shows a run: a command, or the page of its conversations.
func exhibited(r claims.Run) string {
	switch {
	case r.Dir == "":
		return ""
	case len(r.Cases) > 0:
		return r.Dir + "/conform.html"
	}
	return "idemcheck show " + r.Dir
}

// figured lists the figures of a side that are not nought, as "12 dropped_acks",
// then what was measured, with its interval, or what came of its cases.
func figured(d claims.Decision, side string) string {
	var parts []string
	figures := d.Figures[side]
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		if figures[name] != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", name, figures[name]))
		}
	}
	for _, m := range claims.Measures() {
		if spread, err := claims.Spread(claims.Samples(d.Runs[side], m.Name)); err == nil {
			parts = append(parts, fmt.Sprintf("%s %s", m.Name, spread))
		}
	}
	for _, r := range d.Runs[side] {
		for _, c := range r.Cases {
			parts = append(parts, strings.TrimSuffix(fmt.Sprintf("%s %s: %s", c.Name, c.Verdict, c.Reason), ": "))
		}
	}
	return strings.Join(parts, ", ")
}
