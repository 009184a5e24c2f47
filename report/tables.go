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
	row := func(cells []string) {
		b.WriteString("|")
		for _, cell := range cells {
			b.WriteString(" " + strings.ReplaceAll(escape(cell), "|", "\\|") + " |")
		}
		b.WriteString("\n")
	}
	row(g.heads)
	b.WriteString("|" + strings.Repeat(" --- |", len(g.heads)) + "\n")
	for _, cells := range g.rows {
		row(cells)
	}
	return b.String()
}

// versions lists the Kafka versions of results, in the order in which they came.
func versions(results []Result) []string {
	var all []string
	for _, r := range results {
		if !slices.Contains(all, r.Kafka) {
			all = append(all, r.Kafka)
		}
	}
	return all
}

// matrix has a row per scenario and a column per Kafka.
func matrix(results []Result, cell func(*scene) string) grid {
	kafkas := versions(results)
	g := grid{heads: []string{"scenario"}}
	for _, kafka := range kafkas {
		g.heads = append(g.heads, onKafka(kafka))
	}
	place := make(map[string]int)
	for _, s := range scenes(results) {
		name := s.name()
		if _, known := place[name]; !known {
			place[name] = len(g.rows)
			g.rows = append(g.rows, append([]string{name}, make([]string, len(kafkas))...))
		}
		g.rows[place[name]][1+slices.Index(kafkas, s.kafka)] = cell(s)
	}
	return g
}

// onKafka heads a column.
func onKafka(kafka string) string {
	if kafka == "" {
		return "result"
	}
	return "Kafka " + kafka
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

// cell says what came of a scenario on one Kafka, and how long it took:
// "violation, 8.1 s", or of several runs "9 as expected, 1 violation, 8.1 s".
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
	if s.runs > 0 {
		parts = append(parts, briefly(median(s.whole)))
	}
	return strings.Join(parts, ", ")
}

// times is where the time went, a row per scenario and Kafka.
func times(results []Result) grid {
	several := len(versions(results)) > 1
	g := grid{heads: []string{"where the time went", "runs", "cluster", "fault latency", "fault heal", "whole again", "run"}}
	for _, s := range scenes(results) {
		if s.runs == 0 {
			continue
		}
		name := s.name()
		if several {
			name += " on " + s.kafka
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
