package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

//go:embed page.html
var anomalyPage string

// PageInfo is what a page says that the run does not.
type PageInfo struct {
	Command string   // what shows the anomaly again; empty: nothing is said
	Story   []string // how it was found and made small, a sentence each
}

// Page writes one run's anomaly (the first of the kind that its scenario expects,
// else the first) as an HTML page that needs nothing beside it: the few steps on
// a time line, verdict, diagnosis, blame, the log and the frames. Of a run of more
// than a few records it shows what has to do with the anomaly, and says how much
// it leaves out. The error is the run's, or the writer's.
func Page(out io.Writer, run *history.Run, v *checker.Verdict, about PageInfo) error {
	p, err := newPlot(run, v)
	if err != nil {
		return fmt.Errorf("draw the page of run %s: %w", run.Dir, err)
	}
	page, err := template.New("page").Parse(anomalyPage)
	if err != nil {
		return fmt.Errorf("read the template of the page: %w", err)
	}
	var b strings.Builder
	if err := page.Execute(&b, p.fill(about)); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	_, err = io.WriteString(out, clean(b.String()))
	return err
}

// What the template is filled with.
type (
	anomalyFill struct {
		PageInfo
		Scenario, Why, Title, Promise, Diagnosis, Blame, Cause, Left string
		Overall                                                      string
		Facts                                                        [][2]string
		Drawing                                                      svgDrawing
		Logs                                                         []logFill
		Faults, Frames                                               tableFill
		Legend                                                       bool
	}
	logFill struct {
		Where, End string
		Records    []recordFill
	}
	recordFill struct {
		Offset              int64
		Record, Stamp, Odd  string
		About, Gap, Control bool
	}
	tableFill struct {
		Heads []string
		Rows  []rowFill
	}
	rowFill struct {
		Cells []string
		About bool
	}
)

func (p *plot) fill(about PageInfo) anomalyFill {
	m := p.run.Manifest
	f := anomalyFill{
		PageInfo: about, Scenario: m.Scenario, Why: m.Why, Title: heading(p.guarantee, p.anomaly), Overall: p.verdict.Overall.String(),
		Facts: p.facts(), Drawing: p.draw(), Left: p.leaves(), Legend: len(p.rows) > 0,
	}
	if p.anomaly != nil {
		f.Promise, f.Diagnosis, f.Blame, f.Cause = p.guarantee.Promise, p.anomaly.Diagnosis, string(p.anomaly.Blame), string(p.anomaly.Cause)
	}
	for _, l := range p.logs {
		fill := logFill{Where: l.where.String(), End: fmt.Sprint(l.end)}
		for _, r := range l.records {
			fill.Records = append(fill.Records, recordFill{
				Offset: r.Offset, Record: nameInLog(r), Stamp: stampInLog(r), Odd: oddInLog(r), About: r.about, Gap: r.gap, Control: r.Standing == history.Control,
			})
		}
		f.Logs = append(f.Logs, fill)
	}
	f.Faults.Heads = faultHeads()
	for _, fault := range p.faults {
		f.Faults.Rows = append(f.Faults.Rows, rowFill{Cells: p.faultRow(fault)})
	}
	f.Frames.Heads = frameHeads()
	for _, e := range p.frames {
		f.Frames.Rows = append(f.Frames.Rows, rowFill{p.frameRow(e), p.isAbout(e)})
	}
	return f
}

func nameInLog(r plotRecord) string {
	if r.Process < 0 {
		return r.Standing.String()
	}
	return fmt.Sprintf("record %d of %d", r.Number, r.Process)
}

func stampInLog(r plotRecord) string {
	if r.ProducerID < 0 {
		return "no id"
	}
	return fmt.Sprintf("%d e%d s%d", r.ProducerID, r.Epoch, r.Sequence)
}

func oddInLog(r plotRecord) string {
	if r.Standing == history.Intact || r.Process < 0 {
		return ""
	}
	return r.Standing.String()
}

func faultHeads() []string {
	return []string{"fault", "what", "at", "to", "began", "over", "hit", "what was seen"}
}

func (p *plot) faultRow(f plotFault) []string {
	over := "not before the run was"
	if f.over {
		over = p.since(f.end.At)
	}
	hits := f.end.Hits
	return []string{
		fmt.Sprint(f.planned.ID), f.planned.Fault, f.start.Trigger, f.start.Target, p.since(f.start.At), over,
		fmt.Sprintf("%s, %s; %s lost", counted(hits.Batches, "batch", "batches"), records(hits.Records), counted(hits.Acks, "acknowledgement", "acknowledgements")),
		strings.Trim(f.end.Detail+" "+f.end.Error, " "),
	}
}
