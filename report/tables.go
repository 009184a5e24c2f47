package report

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// grid is a table: a row of heads, and rows of as many cells.
type grid struct {
	heads []string
	rows  [][]string
	links map[[2]int]string // of cells, by row and column: where a cell leads, in Markdown
	// short is a mark for a cell, where a table is too wide, and legend says what
	// the marks mean; without it cells are marks already.
	short  func(cell string) string
	legend string
}

// fit writes it in columns, or where they would be too wide for the style with
// letters for heads, which are spelled out below.
func (g grid) fit(s Style) string {
	wide := 0
	text := g.plain(s)
	for line := range strings.Lines(text) {
		wide = max(wide, visible(strings.TrimRight(line, "\n")))
	}
	if s.Width == 0 || wide <= s.Width {
		return text
	}
	short := grid{heads: []string{g.heads[0]}}
	var legend strings.Builder
	for i, head := range g.heads[1:] {
		letter := string(rune('a' + i%26))
		short.heads = append(short.heads, letter)
		fmt.Fprintf(&legend, "  %s  %s\n", letter, head)
	}
	for _, row := range g.rows {
		cells := []string{row[0]}
		for _, cell := range row[1:] {
			if g.short != nil {
				cell = g.short(cell)
			}
			cells = append(cells, cell)
		}
		short.rows = append(short.rows, cells)
	}
	if g.legend != "" {
		fmt.Fprintf(&legend, "  %s\n", g.legend)
	}
	return short.plain(s) + "\n" + legend.String()
}

// mark is short for a cell that names outcomes.
func mark(cell string) string {
	for _, m := range []struct{ word, mark string }{{"violation", "X"}, {"broken", "!"}, {"inconclusive", "?"}, {"as expected", "ok"}, {"skipped", "-"}} {
		if strings.Contains(cell, m.word) {
			return m.mark
		}
	}
	return ""
}

// plain writes it in columns, indented by two.
func (g grid) plain(s Style) string {
	width := make([]int, len(g.heads))
	for _, row := range append([][]string{g.heads}, g.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], visible(cell))
		}
	}
	var b strings.Builder
	line := func(cells []string, head bool) {
		var text strings.Builder
		for i, cell := range cells {
			pad := strings.Repeat(" ", width[i]-visible(cell))
			text.WriteString("  " + cell + pad)
		}
		out := strings.TrimRight(text.String(), " ")
		if head {
			out = s.paint(dim, out)
		}
		b.WriteString(out + "\n")
	}
	line(g.heads, true)
	for _, row := range g.rows {
		line(row, false)
	}
	return b.String()
}

// markdown writes it as a Markdown table.
func (g grid) markdown() string {
	var b strings.Builder
	row := func(n int, cells []string) {
		b.WriteString("|")
		for i, cell := range cells {
			text := strings.ReplaceAll(escape(cell), "|", "\\|")
			if to := g.links[[2]int{n, i}]; to != "" {
				text = "[" + text + "](" + strings.ReplaceAll(to, " ", "%20") + ")"
			}
			b.WriteString(" " + text + " |")
		}
		b.WriteString("\n")
	}
	row(-1, g.heads)
	b.WriteString("|" + strings.Repeat(" --- |", len(g.heads)) + "\n")
	for n, cells := range g.rows {
		row(n, cells)
	}
	return b.String()
}

// setups lists with what results were come by, in the order in which they came.
func setups(results []Result) []setup {
	var all []setup
	for _, r := range results {
		if !slices.Contains(all, r.setup()) {
			all = append(all, r.setup())
		}
	}
	return all
}

// outcomes has a row per scenario and a column per client and Kafka.
func outcomes(results []Result) grid {
	all := setups(results)
	g := grid{
		heads: []string{"scenario"}, links: make(map[[2]int]string),
		short: mark, legend: "ok as expected, X violation, ? inconclusive, ! broken, - skipped",
	}
	for _, on := range all {
		g.heads = append(g.heads, head(on, all))
	}
	place := make(map[string]int)
	for _, s := range scenes(results) {
		name := s.name()
		if _, known := place[name]; !known {
			place[name] = len(g.rows)
			g.rows = append(g.rows, append([]string{name}, make([]string, len(all))...))
		}
		column := 1 + slices.Index(all, s.setup)
		g.rows[place[name]][column] = s.cell()
		if s.client != "" {
			g.links[[2]int{place[name], column}] = s.dir
		}
	}
	return g
}

// head heads a column, with what tells it from the others.
func head(on setup, all []setup) string {
	several := slices.ContainsFunc(all, func(o setup) bool { return o.kafka != on.kafka })
	switch {
	case on == setup{}:
		return "result"
	case on.client == "":
		return "Kafka " + on.kafka
	case on.kafka == "" || !several:
		return on.client
	}
	return on.client + ", Kafka " + on.kafka
}

func (s *scene) name() string {
	if s.folder == "" {
		return s.scenario
	}
	return s.folder + "/" + s.scenario
}

// outcomesInWords are the words of a table's cell.
var outcomesInWords = [...]struct {
	outcome Outcome
	word    string
}{
	{AsExpected, "as expected"}, {NotAsExpected, "violation"}, {Inconclusive, "inconclusive"}, {Broken, "broken"}, {Skipped, "skipped"},
}

// cell says what came of a scenario in one setup, and how long it took:
// "violation, 8.1 s", or of several runs "9 as expected, 1 violation, 8.1 s".
// With clients side by side, what was violated counts for more than the time:
// "violation: duplicate, lost".
func (s *scene) cell() string {
	var parts []string
	for _, o := range outcomesInWords {
		switch n := s.outcomes[o.outcome]; {
		case n > 0 && s.runs+s.outcomes[Skipped] > 1:
			parts = append(parts, fmt.Sprintf("%d %s", n, o.word))
		case n > 0:
			parts = append(parts, o.word)
		}
	}
	switch text := strings.Join(parts, ", "); {
	case s.client != "" && len(s.kinds) > 0:
		return text + ": " + strings.Join(s.kinds, ", ")
	case s.client != "" || s.runs == 0:
		return text
	default:
		return text + ", " + briefly(median(s.whole))
	}
}

// times is where the time went, a row per scenario, client and Kafka.
func times(results []Result) grid {
	several := len(setups(results)) > 1
	g := grid{heads: []string{"where the time went", "runs", "cluster", "fault latency", "fault heal", "whole again", "run"}}
	for _, s := range scenes(results) {
		if s.runs == 0 {
			continue
		}
		name := s.name()
		if several {
			name += s.briefly()
		}
		latency := ofAll(s.latency)
		if s.slowest.Latency > 100*time.Millisecond {
			latency += " (" + s.slowest.Fault + ")"
		}
		g.rows = append(g.rows, []string{
			name, fmt.Sprint(s.runs), briefly(s.cluster), latency, ofAll(s.healing), briefly(s.heal), ofAll(s.whole),
		})
	}
	return g
}

// ofAll says the median of some times and the longest: "12 ms, to 1.2 s".
func ofAll(times []time.Duration) string {
	if len(times) < 2 {
		return briefly(median(times))
	}
	return briefly(median(times)) + ", to " + briefly(slices.Max(times))
}

// briefly says a duration in as few digits as tell something.
func briefly(d time.Duration) string {
	switch {
	case d <= 0:
		return "-"
	case d < time.Millisecond:
		return "<1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
