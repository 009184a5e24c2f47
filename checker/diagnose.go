package checker

import (
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// diagnosis is what can be said of an anomaly.
type diagnosis struct {
	blame Blame
	cause Cause
	text  string // a sentence
}

// diagnose follows an anomaly's records through the wire and says, in a
// sentence, what happened and whose fault it is.
func (j *judgement) diagnose(inv *investigation) diagnosis {
	switch inv.kind {
	case Duplicate:
		return j.diagnoseDuplicate(inv)
	case Lost:
		return j.diagnoseLost(inv)
	case Corrupt, Foreign, Misplaced, Unsent, WrongOffset:
		return j.diagnosePayload(inv)
	case FailedVisible:
		return j.diagnoseFailedVisible(inv)
	case Reorder, StaleOrder:
		return j.diagnoseOrder(inv)
	case Stuck:
		return j.diagnoseStuck(inv)
	}
	panic(fmt.Sprintf("checker: no diagnosis for kind %q", inv.kind))
}

// onBroker is the blame for what a correct broker does not do; kfake is none.
func (j *judgement) onBroker() Blame {
	if j.story.embedded {
		return BlameNoneKnown
	}
	return BlameBroker
}

// processOf returns a process of the manifest.
func (j *judgement) processOf(id int32) history.Process {
	for _, p := range j.manifest.Processes {
		if p.ID == id {
			return p
		}
	}
	return history.Process{ID: id}
}

// listFates tells all attempts of a record, first to last.
func (j *judgement) listFates(all []attempt, number int64) string {
	const most = 4
	var parts []string
	for i, a := range all {
		if i == most-1 && len(all) > most {
			parts = append(parts, fmt.Sprintf("(%d more attempts)", len(all)-most))
		}
		if i >= most-1 && i < len(all)-1 {
			continue
		}
		parts = append(parts, batchOf(a.request)+" "+j.story.fate(a, number))
	}
	return strings.Join(parts, ", then ")
}

// recordAt describes what stands at an offset.
func (j *judgement) recordAt(inv *investigation, offset int64) string {
	for _, r := range inv.anomaly.Log {
		if r.Offset != offset {
			continue
		}
		if r.Standing != history.Intact {
			return fmt.Sprintf("a %s record", r.Standing)
		}
		return fmt.Sprintf("record %d of process %d (leader epoch %d)", r.Number, r.Process, r.LeaderEpoch)
	}
	return "nothing"
}
