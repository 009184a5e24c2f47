package repro

import (
	"slices"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

// FactsOf gathers what a search wants to know of the run that showed an
// anomaly. nemesis is the scenario's that the search starts from: its entries,
// every time counted, are the planned faults of the run, in their order.
func FactsOf(run *history.Run, nemesis []history.FaultSpec, a checker.Anomaly) Facts {
	facts := Facts{Topic: -1, Partition: a.Partition, Producer: -1}
	for i, t := range run.Manifest.Topics {
		if t.Name == a.Topic {
			facts.Topic = i
		}
	}
	if facts.Topic < 0 || a.Partition < 0 {
		facts.Partition = -1
	}
	for _, p := range run.Manifest.Processes {
		if p.ID == a.Process {
			facts.Producer = p.Producer
		}
	}
	var never, late []int32
	moment := momentOf(a)
	for id, went := range fates(run) {
		switch {
		case !went.fired && went.status == history.FaultNeverFired:
			never = append(never, id)
		case went.fired && moment > 0 && went.at > moment:
			late = append(late, id)
		}
	}
	facts.Never, facts.Late = entriesOf(nemesis, never), entriesOf(nemesis, late)
	return facts
}

// momentOf is when the last of what proves an anomaly happened; 0 when there is
// nothing with a time.
func momentOf(a checker.Anomaly) int64 {
	var moment int64
	for _, e := range a.Wire {
		moment = max(moment, e.At)
	}
	for _, op := range a.Ops {
		moment = max(moment, op.Call)
		if op.Return != history.Forever {
			moment = max(moment, op.Return)
		}
	}
	return moment
}

// fate is how one planned fault went.
type fate struct {
	fault  string
	status history.FaultStatus // the last that was written
	fired  bool
	at     int64 // when it took effect, ns since the clock base
	lasted int64 // ns; 0 when it did not end
	first  history.FaultEvent
	last   history.FaultEvent
}

// fates reads a run's fault journal, by planned fault.
func fates(run *history.Run) map[int32]fate {
	all := make(map[int32]fate)
	for _, e := range run.Faults {
		f, known := all[e.ID]
		if !known {
			f = fate{fault: e.Fault, first: e}
		}
		f.status, f.last = e.Status, e
		switch e.Status {
		case history.FaultStarted:
			f.fired, f.at, f.first = true, e.At, e
		case history.FaultEnded:
			if !f.fired { // its beginning was not written
				f.fired, f.at = true, e.At
			}
			f.lasted = e.At - f.at
		case history.FaultNeverFired, history.FaultBroken:
		}
		all[e.ID] = f
	}
	return all
}

// inOrder lists the faults that fired, as they took effect.
func inOrder(all map[int32]fate) []int32 {
	var ids []int32
	for id, f := range all {
		if f.fired {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b int32) int {
		switch x, y := all[a], all[b]; {
		case x.at != y.at && x.at < y.at, x.at == y.at && a < b:
			return -1
		case a == b:
			return 0
		}
		return 1
	})
	return ids
}
