package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Markdown writes results as one page: what came out, what it was drawn from,
// what failed and how to see it again, and where the time went.
func Markdown(w io.Writer, setting Setting, results []Result) error {
	rec := Sum(setting, results)
	var b strings.Builder
	fmt.Fprintf(&b, "# idemcheck: %s\n\n", rec.headline())
	fmt.Fprintf(&b, "%s\n\n", rec.setting())
	if len(results) > 0 {
		b.WriteString(outcomes(results).markdown() + "\n")
	}
	for _, whole := range rec.Whole {
		fmt.Fprintf(&b, "**%s**\n\n", escape(whole))
	}
	rec.findings(&b)
	skips(&b, results)
	rec.exercised(&b)
	rec.seeds(&b)
	if g := times(results); len(g.rows) > 0 {
		b.WriteString("## Time\n\nMedian and longest; of cluster (until it was up and whole) and whole again (after all faults were told to end) the longest. " +
			"Fault latency is from a fault's turn to its effect, fault heal from the moment it was to end until it was undone.\n\n" + g.markdown())
	}
	_, err := io.WriteString(w, clean(b.String()))
	return err
}

func (rec Record) headline() string {
	parts := []string{}
	for _, o := range outcomesInWords {
		if n := rec.Outcomes[o.outcome]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o.word))
		}
	}
	if len(parts) == 0 {
		return "nothing was run"
	}
	return strings.Join(parts, ", ")
}

func (rec Record) setting() string {
	on := rec.Cluster
	if len(rec.Versions) > 0 {
		on += ", Kafka " + strings.Join(rec.Versions, ", ")
	}
	text := fmt.Sprintf("idemcheck %s on %s. Began %s, took %s, exit status %d.", rec.Version, on,
		rec.Began.UTC().Format(time.RFC3339), rec.Took.Round(time.Second), rec.Exit)
	if len(rec.Clients) > 0 {
		text += " Clients: " + strings.Join(rec.Clients, "; ") + "."
	}
	if rec.Shard != "" {
		text += " Shard " + rec.Shard + "."
	}
	if rec.Left > 0 {
		text += fmt.Sprintf(" **%s were not got round to.**", counted(rec.Left, "run", "runs"))
	}
	return text
}

func (rec Record) findings(b *strings.Builder) {
	if len(rec.Findings) == 0 {
		return
	}
	b.WriteString("## Not as expected\n\n")
	for _, f := range rec.Findings {
		fmt.Fprintf(b, "### %s%s, seed %d: %s\n\n%s\n\n", f.Scenario, setup{f.Client, f.Kafka}.on(), f.Seed, strings.ReplaceAll(string(f.Outcome), "-", " "), escape(f.Why))
		for _, cause := range f.Causes {
			fmt.Fprintf(b, "- %s\n", escape(cause))
		}
		if len(f.Causes) > 0 {
			b.WriteString("\n")
		}
		b.WriteString("```sh\n" + f.Again + "\n")
		if f.Dir != "" {
			b.WriteString("idemcheck show " + f.Dir + "\n")
		}
		b.WriteString("```\n\n")
	}
}

// skips lists every reason once.
func skips(b *strings.Builder, results []Result) {
	var reasons []string
	of := make(map[string][]string)
	for _, s := range results {
		if s.Outcome != Skipped {
			continue
		}
		name := (&scene{folder: s.Folder, scenario: s.Scenario}).name()
		name += s.setup().on()
		if of[s.Skipped] == nil {
			reasons = append(reasons, s.Skipped)
		}
		if !slices.Contains(of[s.Skipped], name) {
			of[s.Skipped] = append(of[s.Skipped], name)
		}
	}
	if len(reasons) == 0 {
		return
	}
	b.WriteString("## Skipped\n\n")
	for _, reason := range reasons {
		fmt.Fprintf(b, "- %s: %s\n", escape(reason), escape(strings.Join(of[reason], ", ")))
	}
	b.WriteString("\n")
}

func (rec Record) exercised(b *strings.Builder) {
	if rec.Records == 0 {
		return
	}
	runs := 0
	for outcome, n := range rec.Outcomes {
		if outcome != Skipped {
			runs += n
		}
	}
	fired := 0
	g := grid{heads: []string{"fault", "fired", "planned"}}
	for _, name := range slices.Sorted(maps.Keys(rec.Faults)) {
		count := rec.Faults[name]
		fired += count.Fired
		g.rows = append(g.rows, []string{name, fmt.Sprint(count.Fired), fmt.Sprint(count.Planned)})
	}
	b.WriteString("## Exercised\n\n")
	fmt.Fprintf(b, "%s, %s sent, %d acknowledged, %s read back, %s on the wire, %s.\n\n",
		counted(runs, "run", "runs"), records(rec.Records), rec.Acked, records(rec.Log),
		counted(rec.Wire, "event", "events"), counted(fired, "fault", "faults"))
	var parts []string
	for _, c := range []struct{ counter, words string }{
		{"dropped_acks", "acknowledgements of batches lost"}, {"retries", "retries"}, {"deduplicated", "duplicates suppressed by brokers"},
		{"duplicates_in_log", "records stored again"}, {"leader_changes", "leader changes"}, {"epoch_bumps", "epoch bumps"},
		{"forged_answers", "answers forged"}, {"reconnects", "reconnects"},
	} {
		parts = append(parts, fmt.Sprintf("%s: %d", c.words, rec.Coverage[c.counter]))
	}
	fmt.Fprintf(b, "%s.\n\n", strings.Join(parts, "; "))
	if len(g.rows) > 0 {
		b.WriteString(g.markdown() + "\n")
	}
}

func (rec Record) seeds(b *strings.Builder) {
	if len(rec.Seeds) == 0 {
		return
	}
	b.WriteString("## Seeds\n\n")
	for _, name := range slices.Sorted(maps.Keys(rec.Seeds)) {
		fmt.Fprintf(b, "- %s: %s\n", name, spans(rec.Seeds[name]))
	}
	b.WriteString("\n")
}

// spans writes numbers in order, those that follow one another as 7..9.
func spans(numbers []uint64) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(numbers)))
	var parts []string
	for i := 0; i < len(sorted); {
		end := i
		for end+1 < len(sorted) && sorted[end+1] == sorted[end]+1 {
			end++
		}
		if end == i {
			parts = append(parts, fmt.Sprint(sorted[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d..%d", sorted[i], sorted[end]))
		}
		i = end + 1
	}
	return strings.Join(parts, ", ")
}

// escape keeps text that others wrote from being taken for Markdown or HTML,
// and on one line.
func escape(text string) string {
	return strings.NewReplacer("\\", "\\\\", "\n", " ", "`", "\\`", "*", "\\*", "_", "\\_", "<", "&lt;", ">", "&gt;", "[", "\\[", "]", "\\]", "#", "\\#", "&", "&amp;").Replace(text)
}
