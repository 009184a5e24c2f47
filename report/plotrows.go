package report

import (
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// wire takes the frames that are shown.
func (p *plot) wire() error {
	proof := make(map[batchKey]bool)
	if p.anomaly != nil {
		for _, e := range p.anomaly.Wire {
			proof[batchKey{e.Conn, e.Correlation, e.Topic, e.Partition}] = true
		}
	}
	for e, err := range p.run.Wire() {
		if err != nil {
			return err
		}
		switch e.Kind {
		case history.WireConnect, history.WireDisconnect, history.WireNotKafka, history.WireMetadata, history.WireHidden:
			continue
		case history.WireInitProducerID, history.WireRequest, history.WireAnswer, history.WireRelease, history.WireDelivery:
		}
		about := p.isAbout(e)
		shown := p.whole || about || e.Kind != history.WireInitProducerID && proof[batchKey{e.Conn, e.Correlation, e.Topic, e.Partition}]
		if !shown || len(p.frames) == mostFrames {
			p.left.frames++
			continue
		}
		p.frames = append(p.frames, e)
		row := plotRow{at: e.At, kind: rowFrame, process: p.processOf(e), event: e, fault: e.Fault, about: about}
		if e.Kind == history.WireAnswer && e.BaseOffset >= 0 && (e.Error == 0 || e.Action == history.ActionForged && e.BrokerCode == 0) {
			at := appendedAt{history.TopicPartition{Topic: e.Topic, Partition: e.Partition}, e.BaseOffset}
			row.stored = !p.appends[at]
			p.appends[at] = true
		}
		p.rows = append(p.rows, row)
	}
	return nil
}

func (p *plot) processOf(e history.WireEvent) int32 {
	for _, process := range p.run.Manifest.Processes {
		if process.ClientID == e.ClientID {
			return process.ID
		}
	}
	return e.Process
}

// ops takes when the records that are shown were handed over, and what their
// application was told.
func (p *plot) ops(sent int64) error {
	var ops []history.Op
	if p.whole {
		for op, err := range p.run.AllOps() {
			if err != nil {
				return err
			}
			ops = append(ops, op)
		}
	} else if p.anomaly != nil {
		ops = p.anomaly.Ops
	}
	p.left.records = int(sent) - len(ops)
	for _, op := range ops {
		where := history.TopicPartition{Topic: op.Topic, Partition: op.Partition}
		about := p.about[recordID{op.Process, where, op.Number}]
		name := fmt.Sprintf("record %d for %s", op.Number, p.place(where))
		p.rows = append(p.rows, plotRow{at: op.Call, kind: rowHanded, process: op.Process, fault: history.NoFault, text: name + " handed over", about: about})
		if op.Return == history.Forever {
			continue
		}
		p.rows = append(p.rows, plotRow{at: op.Return, kind: rowTold, process: op.Process, fault: history.NoFault, text: name + ": " + toldOf(op), about: about})
	}
	return nil
}

// strikes takes the faults that touched a frame, and those in force meanwhile.
func (p *plot) strikes() {
	touched := make(map[int32]int64) // when the first of its frames was there
	for _, e := range p.frames {
		if _, already := touched[e.Fault]; !already {
			touched[e.Fault] = e.At
		}
	}
	var first, last int64 = history.Forever, 0
	for _, r := range p.rows {
		first, last = min(first, r.at), max(last, r.at)
	}
	beside := 0
	for _, planned := range p.run.Plan.Faults {
		f := plotFault{planned: planned}
		fired := false
		for _, e := range p.run.Faults {
			switch {
			case e.ID != planned.ID:
			case e.Status == history.FaultStarted:
				f.start, fired = e, true
			case e.Status == history.FaultEnded || e.Status == history.FaultBroken:
				f.end, f.over = e, true
			}
		}
		during := f.start.At <= last && (!f.over || f.end.At >= first) && beside < mostAtWork
		if !fired {
			p.left.never++
			continue
		}
		frame, struck := touched[planned.ID]
		if !struck && !p.whole && !during {
			p.left.faults++
			continue
		}
		// The frame that brings on a fault is there before the fault is, and yet
		// it is the first that the fault touches: a reader looks for the cause
		// in front of it.
		at := f.start.At
		if struck {
			at = min(at, frame)
		} else {
			beside++
		}
		p.faults = append(p.faults, f)
		p.rows = append(p.rows, plotRow{at: at, kind: rowStrikes, process: -1, fault: planned.ID, text: fmt.Sprintf("fault %d %s strikes, at %s", planned.ID, planned.Fault, f.start.Trigger)})
		if f.over && f.end.At-f.start.At > int64(time.Millisecond) {
			p.rows = append(p.rows, plotRow{at: f.end.At, kind: rowEnds, process: -1, fault: planned.ID, text: fmt.Sprintf("fault %d %s has ended", planned.ID, planned.Fault)})
		}
	}
}
