package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

// reach is how far a frame got: from where, to where, and how it ended there.
type reach struct {
	from, to station
	end      ending
}

// station is a place on a frame's way.
type station uint8

const (
	atProducer station = iota
	atProxy
	atBroker
)

// ending is what became of a frame where it stopped.
type ending uint8

const (
	arrived ending = iota
	held
	lost
	altered // it arrived, and says what the broker did not
)

func reachOf(e history.WireEvent) reach {
	stopped := reach{end: lost}
	if e.Action == history.ActionHeld {
		stopped.end = held
	}
	passed := e.Action == history.ActionPassed || e.Action == history.ActionForged
	switch e.Kind {
	case history.WireRequest, history.WireDelivery:
		stopped.from, stopped.to = atProducer, atProxy
		if e.Kind == history.WireDelivery {
			stopped.from = atProxy
		}
		if passed {
			return reach{stopped.from, atBroker, arrived}
		}
	case history.WireAnswer:
		stopped.from, stopped.to = atBroker, atProxy
		if e.BrokerCode == history.NeverAsked {
			stopped.from = atProxy
		}
		if e.Action == history.ActionForged {
			return reach{stopped.from, atProducer, altered}
		}
		if passed {
			return reach{stopped.from, atProducer, arrived}
		}
	case history.WireRelease:
		stopped.from, stopped.to = atProxy, atProxy
		if passed {
			return reach{atProxy, atProducer, arrived}
		}
	case history.WireInitProducerID:
		return reach{atBroker, atProducer, arrived}
	case history.WireConnect, history.WireDisconnect, history.WireNotKafka, history.WireMetadata, history.WireHidden:
	}
	return stopped
}

// label says in short what a frame carries.
func (p *plot) label(e history.WireEvent) string {
	if e.Kind == history.WireInitProducerID {
		return fmt.Sprintf("producer id %d, epoch %d (code %d)", e.ProducerID, e.Epoch, e.Error)
	}
	stamp := "no producer id"
	if e.ProducerID >= 0 {
		stamp = fmt.Sprintf("id %d e%d seq %d", e.ProducerID, e.Epoch, e.BaseSequence)
	}
	switch e.Kind {
	case history.WireRequest, history.WireDelivery:
		where := history.TopicPartition{Topic: e.Topic, Partition: e.Partition}
		return fmt.Sprintf("%s: %s, %s", p.place(where), stamp, numbers(e))
	case history.WireAnswer, history.WireRelease:
		return fmt.Sprintf("%s to %s", codeWords(e), numbers(e))
	case history.WireConnect, history.WireDisconnect, history.WireNotKafka, history.WireMetadata, history.WireHidden, history.WireInitProducerID:
	}
	return ""
}

func numbers(e history.WireEvent) string {
	switch {
	case e.First < 0:
		return records(int64(e.Records))
	case e.First == e.Last:
		return fmt.Sprintf("record %d", e.First)
	}
	return fmt.Sprintf("records %d..%d", e.First, e.Last)
}

// doing says what was done to a frame, where that was anything.
func doing(e history.WireEvent) string {
	if e.Action == history.ActionPassed && e.Kind != history.WireRelease && e.Kind != history.WireDelivery {
		return ""
	}
	if e.Kind == history.WireRelease || e.Kind == history.WireDelivery {
		if e.Action == history.ActionPassed {
			return "held before"
		}
		return "held before, lost"
	}
	return e.Action.String() + by(e.Fault)
}

// since is a time as a page shows it, from its first row on.
func (p *plot) since(at int64) string {
	if len(p.rows) > 0 {
		at -= p.rows[0].at
	}
	if at < int64(10*time.Second) {
		return fmt.Sprintf("+%.1f ms", float64(at)/float64(time.Millisecond))
	}
	return fmt.Sprintf("+%.2f s", float64(at)/float64(time.Second))
}

// frameHeads and frameRow are the table of frames.
func frameHeads() []string {
	return []string{"time", "frame", "broker", "conn/corr", "partition", "producer id", "epoch", "sequence", "records", "numbers", "crc", "answer", "fate"}
}

func (p *plot) frameRow(e history.WireEvent) []string {
	row := []string{
		p.since(e.At), e.Kind.String(), fmt.Sprint(e.Broker), fmt.Sprintf("%d/%d", e.Conn, e.Correlation), "", fmt.Sprint(e.ProducerID), fmt.Sprint(e.Epoch),
		"", "", "", "", "", strings.TrimSpace(e.Action.String() + by(e.Fault)),
	}
	if e.Kind == history.WireInitProducerID {
		row[11] = fmt.Sprintf("code %d", e.Error)
		return row
	}
	row[4] = fmt.Sprintf("%s/%d", e.Topic, e.Partition)
	row[7], row[8], row[9], row[10] = fmt.Sprint(e.BaseSequence), fmt.Sprint(e.Records), fmt.Sprintf("%d..%d", e.First, e.Last), fmt.Sprintf("%08x", e.CRC)
	if e.Kind == history.WireAnswer || e.Kind == history.WireRelease {
		row[11] = codeWords(e)
	}
	if e.Note != "" {
		row[12] += ": " + e.Note
	}
	return row
}

// leaves says how much of the run the page does not show.
func (p *plot) leaves() string {
	var parts []string
	for _, part := range []struct {
		n         int
		one, many string
	}{
		{p.left.records, "record", "records"}, {p.left.frames, "batch, answer or other row of the wire journal", "batches, answers and other rows of the wire journal"},
		{p.left.faults, "fault", "faults"}, {p.left.never, "fault that never struck", "faults that never struck"},
	} {
		if part.n > 0 {
			parts = append(parts, counted(part.n, part.one, part.many))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Not shown: " + strings.Join(parts, "; ") + "."
}

// who names a process on its lane.
func (p *plot) who(process history.Process) (name, what string) {
	name = fmt.Sprintf("producer %d", process.Producer)
	if len(p.run.Manifest.Processes) > 1 && int(process.ID) != process.Producer {
		name += fmt.Sprintf(" (process %d)", process.ID)
	}
	return name, fmt.Sprintf("%s %s, idempotence %s, acks %s", process.Library, process.Version, idempotence(process), cmp.Or(process.Acks, "not said"))
}

// facts are the lines about the run as a whole.
func (p *plot) facts() [][2]string {
	m := p.run.Manifest
	lines := [][2]string{
		{"run", fmt.Sprintf("%s, seed %d, %s", m.Run, m.Seed, m.ClockBase.UTC().Format(time.RFC3339))},
		{"cluster", fmt.Sprintf("%s, %s, %s", m.Cluster.Kind, orImage(m.Cluster), counted(len(m.Cluster.Brokers), "broker", "brokers"))},
	}
	for _, process := range m.Processes {
		if len(lines) > 8 {
			break
		}
		name, what := p.who(process)
		lines = append(lines, [2]string{name, what + ", " + records(process.Sent)})
	}
	return append(lines, [2]string{"verdict", fmt.Sprintf("%s: %s", p.verdict.Overall, p.verdict.Why)})
}

func heading(g *checker.Guarantee, a *checker.Anomaly) string {
	if a == nil {
		return "No anomaly"
	}
	return title(*g, *a)
}
