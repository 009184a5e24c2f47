package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

const (
	// wholeRecords is how many records a run may have that is shown in full.
	wholeRecords = 16
	// mostFrames is how many rows of the wire journal a page shows at most,
	// mostAtWork how many faults that touched none of them, and mostLog how much
	// of a partition's log.
	mostFrames, mostAtWork, mostLog = 80, 6, 24
)

// plot is what a page shows of a run: of a small one everything, of a bigger one
// what its anomaly's records and the faults on them touch.
type plot struct {
	run       *history.Run
	verdict   *checker.Verdict
	guarantee *checker.Guarantee // nil: there is no anomaly
	anomaly   *checker.Anomaly
	whole     bool

	rows      []plotRow
	frames    []history.WireEvent
	faults    []plotFault
	logs      []plotLog
	processes []history.Process // that take part, by id
	brokers   []int32
	left      struct{ frames, records, faults, never int }

	about   map[recordID]bool // whom the anomaly is about
	appends map[appendedAt]bool
}

type recordID struct {
	process int32
	history.TopicPartition
	number int64
}

type appendedAt struct {
	history.TopicPartition
	offset int64
}

// rowKind says what a row of the time line is about.
type rowKind uint8

const (
	rowStrikes rowKind = iota
	rowHanded
	rowFrame
	rowTold
	rowEnds
)

type plotRow struct {
	at      int64
	kind    rowKind
	process int32 // -1: none
	event   history.WireEvent
	fault   int32
	text    string
	about   bool // of the anomaly's records
	stored  bool // the first answer that names this offset
}

type plotFault struct {
	planned    history.PlannedFault
	start, end history.FaultEvent
	over       bool
}

type plotLog struct {
	where   history.TopicPartition
	records []plotRecord
	end     int64
}

type plotRecord struct {
	history.LogRecord
	about bool
	gap   bool // there is more between the one before and this one
}

// newPlot chooses the anomaly: the first of the kind that the scenario expects,
// else the first there is.
func newPlot(run *history.Run, v *checker.Verdict) (*plot, error) {
	p := &plot{run: run, verdict: v, about: make(map[recordID]bool), appends: make(map[appendedAt]bool)}
	for i := range v.Guarantees {
		g := &v.Guarantees[i]
		for k := range g.Anomalies {
			if a := &g.Anomalies[k]; p.anomaly == nil || string(a.Kind) == v.Expected && string(p.anomaly.Kind) != v.Expected {
				p.guarantee, p.anomaly = g, a
			}
		}
	}
	var sent int64
	for _, process := range run.Manifest.Processes {
		sent += process.Sent
	}
	p.whole = sent <= wholeRecords
	p.aim()
	if err := p.wire(); err != nil {
		return nil, err
	}
	if err := p.ops(sent); err != nil {
		return nil, err
	}
	p.strikes()
	if err := p.log(); err != nil {
		return nil, err
	}
	p.lanes()
	slices.SortStableFunc(p.rows, func(a, b plotRow) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.kind, b.kind)) })
	return p, nil
}

// aim lists the records that the anomaly is about.
func (p *plot) aim() {
	a := p.anomaly
	if a == nil {
		return
	}
	tp := history.TopicPartition{Topic: a.Topic, Partition: a.Partition}
	p.about[recordID{a.Process, tp, a.Number}] = a.Number >= 0
	for _, op := range a.Ops {
		p.about[recordID{op.Process, history.TopicPartition{Topic: op.Topic, Partition: op.Partition}, op.Number}] = true
	}
	for _, r := range a.Log {
		p.about[recordID{r.Process, history.TopicPartition{Topic: r.Topic, Partition: r.Partition}, r.Number}] = r.Number >= 0
	}
}

func (p *plot) isAbout(e history.WireEvent) bool {
	for id, is := range p.about {
		if is && id.process == e.Process && id.Topic == e.Topic && id.Partition == e.Partition && id.number >= e.First && id.number <= e.Last {
			return true
		}
	}
	return false
}

// lanes lists who takes part.
func (p *plot) lanes() {
	brokers, processes := make(map[int32]bool), make(map[int32]bool)
	for _, r := range p.rows {
		processes[r.process] = true
		if r.kind == rowFrame {
			brokers[r.event.Broker] = true
		}
	}
	for _, b := range p.run.Manifest.Cluster.Brokers {
		if brokers[b] {
			p.brokers = append(p.brokers, b)
		}
	}
	for _, process := range p.run.Manifest.Processes {
		if processes[process.ID] {
			p.processes = append(p.processes, process)
		}
	}
}

// place names a partition, in short where there is one topic.
func (p *plot) place(tp history.TopicPartition) string {
	if len(p.run.Manifest.Topics) == 1 {
		return fmt.Sprintf("partition %d", tp.Partition)
	}
	return fmt.Sprintf("topic %d/%d", slices.IndexFunc(p.run.Manifest.Topics, func(t history.Topic) bool { return t.Name == tp.Topic }), tp.Partition)
}

// log reads what stands in the partitions that are shown: of a long log what is
// around the anomaly's offsets.
func (p *plot) log() error {
	for _, topic := range p.run.Manifest.Topics {
		for partition := range topic.Partitions {
			tp := history.TopicPartition{Topic: topic.Name, Partition: int32(partition)}
			start, end := int64(0), int64(0)
			if partition < len(topic.Starts) && partition < len(topic.Ends) {
				start, end = max(topic.Starts[partition], 0), topic.Ends[partition]
			}
			var offsets []int64
			if p.whole && end-start <= mostLog {
				for o := start; o < end; o++ {
					offsets = append(offsets, o)
				}
			} else {
				offsets = p.around(tp, end)
			}
			l := plotLog{where: tp, end: end}
			for _, o := range offsets {
				r, ok, err := p.run.FindLog(tp, o)
				if err != nil {
					return err
				}
				if ok {
					before := start - 1
					if n := len(l.records); n > 0 {
						before = l.records[n-1].Offset
					}
					l.records = append(l.records, plotRecord{LogRecord: r, gap: o > before+1, about: p.about[recordID{r.Process, tp, r.Number}]})
				}
			}
			if len(l.records) > 0 {
				p.logs = append(p.logs, l)
			}
		}
	}
	return nil
}

// around lists the offsets near those that the anomaly is about, rising.
func (p *plot) around(tp history.TopicPartition, end int64) []int64 {
	const near = 2
	if p.anomaly == nil {
		return nil
	}
	var centres []int64
	if p.anomaly.Topic == tp.Topic && p.anomaly.Partition == tp.Partition {
		centres = append(centres, p.anomaly.Offsets...)
	}
	for _, op := range p.anomaly.Ops {
		if op.Topic == tp.Topic && op.Partition == tp.Partition && op.Outcome == history.Acked {
			centres = append(centres, op.Offset)
		}
	}
	for _, r := range p.anomaly.Log {
		if r.Topic == tp.Topic && r.Partition == tp.Partition {
			centres = append(centres, r.Offset)
		}
	}
	var offsets []int64
	for _, c := range centres {
		for o := max(c-near, 0); o <= c+near && o < end; o++ {
			offsets = append(offsets, o)
		}
	}
	slices.Sort(offsets)
	offsets = slices.Compact(offsets)
	return offsets[:min(len(offsets), mostLog)]
}
