package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

// moment is one line of a time line.
type moment struct {
	at   int64
	rank int // order among equal times
	text string
}

// Overview writes what a run was: the scenario, what took part, its phases,
// its faults, and its verdict per guarantee.
func Overview(out io.Writer, run *history.Run, v *checker.Verdict, s Style) {
	w := new(strings.Builder)
	defer func() { s.show(out, w.String()) }()
	m := run.Manifest
	fmt.Fprintf(w, "%s  %s\n", s.paint(bold, m.Scenario), m.Why)
	fmt.Fprintf(w, "  run %s, seed %d, %s, %s %s\n", m.Run, m.Seed, m.ClockBase.Format(time.RFC3339), m.Cluster.Kind, orImage(m.Cluster))
	for _, p := range m.Processes {
		fmt.Fprintf(w, "  producer %d: %s %s, idempotence %s, acks %s, %s\n",
			p.Producer, p.Library, p.Version, idempotence(p), cmp.Or(p.Acks, "not said"), records(p.Sent))
		if p.Refused != "" {
			fmt.Fprintf(w, "    it would not open: %s\n", p.Refused)
		}
		for _, u := range p.Unmapped {
			fmt.Fprintf(w, "    %s is not in force as asked: %s\n", u.Option, u.Why)
		}
	}
	for _, c := range m.Consumers {
		fmt.Fprintf(w, "  consumer %d: %s %s, processed %s, ended: %s\n", c.ID, c.Library, c.Version, records(c.Processed), c.End)
	}
	for _, t := range m.Topics {
		fmt.Fprintf(w, "  topic %s: %s, replication %d, end offsets %v\n", t.Name, counted(t.Partitions, "partition", "partitions"), t.Replication, t.Ends)
	}
	if m.Ended != history.EndedComplete {
		fmt.Fprintf(w, "  %s in phase %s: %s\n", s.paint(red, string(m.Ended)), m.EndedIn, m.Error)
	}
	fmt.Fprintf(w, "\n%s\n", s.paint(bold, "time line"))
	for _, line := range timeline(run) {
		fmt.Fprintf(w, "  %s  %s\n", clock(line.at), line.text)
	}
	fmt.Fprintf(w, "\n%s  %s\n", s.paint(bold, "verdict: "+v.Overall.String()), v.Why)
	for _, g := range v.Guarantees {
		fmt.Fprintf(w, "  %-16s %-13s %s\n", g.Name, g.Status, g.Why)
	}
	if v.HarnessError != "" {
		fmt.Fprintf(w, "  %s\n", s.paint(red, v.HarnessError))
	}
	fmt.Fprintf(w, "\n%s  %s\n", s.paint(bold, "exercised"), Exercised(v))
}

// idempotence says whether it was on, and if it is not to be had.
func idempotence(p history.Process) string {
	if p.Without {
		return "off (the library has none)"
	}
	if p.Defaults {
		return "not said"
	}
	return onOff(p.Idempotence)
}

// timeline merges phases and faults.
func timeline(run *history.Run) []moment {
	var lines []moment
	for _, p := range run.Manifest.Phases {
		lines = append(lines, moment{p.Start, 0, fmt.Sprintf("phase %s (%s)", p.Name, span(p.End-p.Start))})
	}
	for _, f := range run.Faults {
		lines = append(lines, moment{f.At, 1, faultLine(f)})
	}
	slices.SortStableFunc(lines, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
	return lines
}

func faultLine(f history.FaultEvent) string {
	switch f.Status {
	case history.FaultStarted:
		return fmt.Sprintf("fault %d %s strikes %s, at %s", f.ID, f.Fault, f.Target, f.Trigger)
	case history.FaultEnded:
		text := fmt.Sprintf("fault %d %s has ended", f.ID, f.Fault)
		if f.Hits != (history.FaultHits{}) {
			text += fmt.Sprintf(": hit %s, %s, %s; %s lost", counted(f.Hits.Requests, "request", "requests"), counted(f.Hits.Batches, "batch", "batches"),
				records(f.Hits.Records), counted(f.Hits.Acks, "acknowledgement", "acknowledgements"))
		}
		if f.Detail != "" {
			text += " (" + f.Detail + ")"
		}
		return text
	case history.FaultNeverFired:
		text := fmt.Sprintf("fault %d %s never fired: it waited for %s", f.ID, f.Fault, f.Trigger)
		if f.Detail != "" {
			text += " (" + f.Detail + ")"
		}
		return text
	case history.FaultBroken:
		return fmt.Sprintf("fault %d %s could not be carried out: %s", f.ID, f.Fault, f.Error)
	}
	return fmt.Sprintf("fault %d %s: %s", f.ID, f.Fault, f.Status)
}

// Anomalies writes the story of every anomaly that was kept, in order: what
// was sent when, what the wire saw, what the log holds, who is to blame.
func Anomalies(out io.Writer, v *checker.Verdict, s Style) {
	w := new(strings.Builder)
	defer func() { s.show(out, w.String()) }()
	n := 0
	for _, g := range v.Guarantees {
		for _, a := range g.Anomalies {
			n++
			fmt.Fprintf(w, "\n%s %s\n", s.paint(bold, fmt.Sprintf("anomaly %d:", n)), title(g, a))
			fmt.Fprintf(w, "  promise: %s\n", g.Promise)
			for _, line := range evidence(a) {
				fmt.Fprintf(w, "  %s  %s\n", clock(line.at), line.text)
			}
			for _, rec := range a.Log {
				fmt.Fprintf(w, "  %12s  %s\n", "in the log", logLine(rec))
			}
			fmt.Fprintf(w, "  %s %s\n", s.paint(bold, "to blame:"), a.Blame)
			fmt.Fprintf(w, "  %s\n", a.Diagnosis)
		}
	}
	if n == 0 {
		fmt.Fprintf(w, "\nno anomalies\n")
	}
}

func title(g checker.Guarantee, a checker.Anomaly) string {
	text := fmt.Sprintf("%s (%s) of %s/%d", a.Kind, g.Name, a.Topic, a.Partition)
	if a.Number >= 0 {
		text = fmt.Sprintf("%s (%s): record %d of process %d in %s/%d", a.Kind, g.Name, a.Number, a.Process, a.Topic, a.Partition)
	}
	if a.Count > 1 {
		text += fmt.Sprintf(", and %d more of the same cause", a.Count-1)
	}
	return text
}

func evidence(a checker.Anomaly) []moment {
	var lines []moment
	for _, op := range a.Ops {
		name := fmt.Sprintf("record %d of process %d", op.Number, op.Process)
		lines = append(lines, moment{op.Call, 0, name + " handed to the client"})
		if op.Return == history.Forever {
			continue
		}
		lines = append(lines, moment{op.Return, 2, name + ": client reports " + toldOf(op)})
	}
	for _, e := range a.Wire {
		lines = append(lines, moment{e.At, 1, wireLine(e)})
	}
	slices.SortStableFunc(lines, func(a, b moment) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
	for _, op := range a.Ops {
		if op.Return == history.Forever {
			lines = append(lines, moment{history.Forever, 0, fmt.Sprintf("record %d of process %d: never answered", op.Number, op.Process)})
		}
	}
	return lines
}

// toldOf is what the application was told of a record: "acked at offset 12",
// "unknown: the connection was closed".
func toldOf(op history.Op) string {
	switch {
	case op.Outcome == history.Acked:
		return fmt.Sprintf("%s at offset %d", op.Outcome, op.Offset)
	case op.Error != "":
		return fmt.Sprintf("%s: %s", op.Outcome, op.Error)
	}
	return op.Outcome.String()
}

func wireLine(e history.WireEvent) string {
	where := fmt.Sprintf("[broker %d, connection %d, correlation %d]", e.Broker, e.Conn, e.Correlation)
	by := ""
	if e.Fault != history.NoFault {
		by = fmt.Sprintf(" by fault %d", e.Fault)
	}
	switch e.Kind {
	case history.WireRequest:
		return fmt.Sprintf("-> produce %s: %s%s %s", batchWords(e), e.Action, by, where)
	case history.WireDelivery:
		return fmt.Sprintf("-> held produce %s: %s%s %s", batchWords(e), e.Action, by, where)
	case history.WireAnswer:
		return fmt.Sprintf("<- answer %s to %s: %s%s %s", codeWords(e), batchWords(e), e.Action, by, where)
	case history.WireRelease:
		return fmt.Sprintf("<- held answer to %s: %s%s %s", batchWords(e), e.Action, by, where)
	case history.WireInitProducerID:
		return fmt.Sprintf("<- InitProducerId: producer id %d, epoch %d, code %d %s", e.ProducerID, e.Epoch, e.Error, where)
	case history.WireMetadata:
		return fmt.Sprintf("<- Metadata of %s/%d: code %d, %s: %s%s %s", e.Topic, e.Partition, e.Error, e.Note, e.Action, by, where)
	case history.WireConnect, history.WireDisconnect, history.WireNotKafka, history.WireHidden:
		return strings.TrimSpace(fmt.Sprintf("   %s %s %s", e.Kind, e.Note, where))
	}
	return e.Kind.String()
}

func batchWords(e history.WireEvent) string {
	if e.ProducerID < 0 {
		return fmt.Sprintf("records %d..%d without producer id", e.First, e.Last)
	}
	return fmt.Sprintf("(pid %d, epoch %d, seq %d) records %d..%d", e.ProducerID, e.Epoch, e.BaseSequence, e.First, e.Last)
}

func codeWords(e history.WireEvent) string {
	text := fmt.Sprintf("%d", e.Error)
	if e.Error == 0 {
		text = fmt.Sprintf("NONE at offset %d", e.BaseOffset)
	}
	if e.Action == history.ActionForged && e.BrokerCode != history.NeverAsked {
		text += fmt.Sprintf(" (the broker said %d)", e.BrokerCode)
	}
	return text
}

func logLine(r history.LogRecord) string {
	return fmt.Sprintf("offset %d: record %d of process %d, %s (pid %d, epoch %d, seq %d, leader epoch %d)",
		r.Offset, r.Number, r.Process, r.Standing, r.ProducerID, r.Epoch, r.Sequence, r.LeaderEpoch)
}

func clock(at int64) string {
	if at == history.Forever {
		return "       never"
	}
	return fmt.Sprintf("%10.3f s", float64(at)/float64(time.Second))
}

func span(d int64) string {
	if d < 0 {
		return "cut short"
	}
	return time.Duration(d).Round(time.Millisecond).String()
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

func orImage(c history.ClusterFacts) string {
	if c.Image != "" {
		return c.Image
	}
	if c.Upgraded != "" {
		return c.Kafka + ", upgraded to " + c.Upgraded
	}
	return c.Kafka
}
