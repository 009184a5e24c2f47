package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

// PageMarkdown is Page as Markdown, short enough to be kept in git: the time line
// in letters, the log, and the frames as a table.
func PageMarkdown(out io.Writer, run *history.Run, v *checker.Verdict, about PageInfo) error {
	p, err := newPlot(run, v)
	if err != nil {
		return fmt.Errorf("draw the page of run %s: %w", run.Dir, err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s", escape(heading(p.guarantee, p.anomaly)), escape(run.Manifest.Scenario))
	if run.Manifest.Why != "" {
		fmt.Fprintf(&b, ": %s", escape(run.Manifest.Why))
	}
	b.WriteString(".\n\n")
	if a := p.anomaly; a != nil {
		fmt.Fprintf(&b, "**To blame: %s.** %s\n\nThe promise: %s\n\n", escape(string(a.Blame)), escape(a.Diagnosis), escape(p.guarantee.Promise))
	}
	if about.Command != "" {
		fence(&b, "sh", about.Command)
	}
	if len(p.rows) > 0 {
		b.WriteString("## What happened\n\nA row a step, not to scale. `P` a producer's process, `|` the proxy, `#` while a fault is in force, `B` a broker; `x` lost, `]` held back, `~` forged. `>` in front: what the anomaly is about.\n\n")
		fence(&b, "text", p.letters())
	}
	if left := p.leaves(); left != "" {
		b.WriteString(escape(left) + "\n\n")
	}
	p.logMarkdown(&b)
	if len(p.faults) > 0 {
		g := grid{heads: faultHeads()}
		for _, f := range p.faults {
			g.rows = append(g.rows, p.faultRow(f))
		}
		b.WriteString("## The faults\n\n" + g.markdown() + "\n")
	}
	if len(p.frames) > 0 {
		g := grid{heads: frameHeads()}
		for _, e := range p.frames {
			g.rows = append(g.rows, p.frameRow(e))
		}
		b.WriteString("## The frames, in order\n\n" + g.markdown() + "\n")
	}
	b.WriteString("## The run\n\n")
	for _, fact := range p.facts() {
		fmt.Fprintf(&b, "- %s: %s\n", escape(fact[0]), escape(onLine(fact[1])))
	}
	for i, line := range about.Story {
		if i == 0 {
			b.WriteString("\n## How it was found\n\n")
		}
		fmt.Fprintf(&b, "%d. %s\n", i+1, escape(onLine(line)))
	}
	_, err = io.WriteString(out, clean(strings.TrimRight(b.String(), "\n"))+"\n")
	return err
}

func (p *plot) logMarkdown(b *strings.Builder) {
	for i, l := range p.logs {
		if i == 0 {
			b.WriteString("## The log in the end\n\n")
		}
		g := grid{heads: []string{"offset of " + l.where.String(), "record", "id, epoch, sequence", "about"}}
		for _, r := range l.records {
			about := ""
			if r.about {
				about = "here"
			}
			g.rows = append(g.rows, []string{fmt.Sprint(r.Offset), strings.TrimSpace(nameInLog(r) + " " + oddInLog(r)), stampInLog(r), about})
		}
		b.WriteString(g.markdown() + "\n")
	}
}

// letters draws the time line with letters.
func (p *plot) letters() string {
	var b strings.Builder
	inForce := make(map[int32]bool)
	for _, r := range p.rows {
		front := " "
		if r.about {
			front = ">"
		}
		if r.kind == rowStrikes && p.lastsLong(r.fault) {
			inForce[r.fault] = true
		}
		proxy := "|"
		if len(inForce) > 0 {
			proxy = "#"
		}
		if r.kind == rowEnds {
			delete(inForce, r.fault)
		}
		text := r.text
		if r.kind == rowFrame {
			text = p.label(r.event)
			if what := doing(r.event); what != "" {
				text += ", " + what
			}
			if r.stored {
				text += " (stored)"
			}
		}
		fmt.Fprintf(&b, "%s %11s  %s  %s\n", front, p.since(r.at), p.lettersOf(r, proxy), onLine(text))
	}
	return strings.TrimRight(b.String(), "\n")
}

// lastsLong says whether a fault goes on for rows to come.
func (p *plot) lastsLong(fault int32) bool {
	for _, f := range p.faults {
		if f.planned.ID == fault && !f.over {
			return true
		}
	}
	for _, r := range p.rows {
		if r.kind == rowEnds && r.fault == fault {
			return true
		}
	}
	return false
}

// lettersOf draws one row: "P0 ----|---> B1".
func (p *plot) lettersOf(r plotRow, proxy string) string {
	left, right, broker, producer := "    ", "    ", "   ", "   "
	if r.process >= 0 {
		producer = fmt.Sprintf("%-3s", fmt.Sprintf("P%d", r.process))
	}
	switch r.kind {
	case rowStrikes, rowEnds:
		proxy = "#"
	case rowHanded:
		left = "o   "
	case rowTold:
		left = "*   "
	case rowFrame:
		broker = fmt.Sprintf("%-3s", fmt.Sprintf("B%d", r.event.Broker))
		way := reachOf(r.event)
		mark := map[ending]string{lost: "x", held: "]", arrived: "-", altered: "~"}[way.end]
		switch {
		case way.from == atProducer && way.to == atBroker:
			left, right = "----", "--->"
		case way.from == atProducer:
			left = "---" + mark
		case way.from == atProxy && way.to == atBroker:
			right = "--->"
		case way.from == atBroker && way.to == atProducer:
			left, right = "<--"+mark, "----"
		case way.from == atBroker:
			right = mark + "---"
		case way.to == atProducer:
			left = "<--" + mark
		default:
			left = "  " + mark + " "
		}
	}
	return producer + " " + left + proxy + right + " " + broker
}
