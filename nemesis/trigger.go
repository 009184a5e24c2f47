package nemesis

import (
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// tally counts what triggers refer to, for each (producer, partition) and with
// history.Any in either place.
type tally map[history.TriggerKind]map[[2]int32]int64

func newTally() tally {
	t := make(tally)
	for _, kind := range []history.TriggerKind{
		history.TriggerAcks, history.TriggerRequests, history.TriggerRecords, history.TriggerUnacked,
	} {
		t[kind] = make(map[[2]int32]int64)
	}
	return t
}

// add counts one more of a kind. The producer is history.Any when nobody knows
// the client: it counts among all, and once.
func (t tally) add(kind history.TriggerKind, producer, partition int32) {
	counts := t[kind]
	counts[[2]int32{history.Any, partition}]++
	counts[[2]int32{history.Any, history.Any}]++
	if producer != history.Any {
		counts[[2]int32{producer, partition}]++
		counts[[2]int32{producer, history.Any}]++
	}
}

// reached says whether a counting trigger has come. A trigger on unacked
// batches of any producer wants them to be of one producer.
func (t tally) reached(trigger history.Trigger) bool {
	if trigger.Kind == history.TriggerUnacked && trigger.Producer == history.Any {
		for key, count := range t[trigger.Kind] {
			if key[0] != history.Any && key[1] == trigger.Partition && count >= trigger.Count {
				return true
			}
		}
		return false
	}
	return t[trigger.Kind][[2]int32{trigger.Producer, trigger.Partition}] >= trigger.Count
}

// counted bumps a counter and pulls every fault whose trigger that brings.
// mark is the exchange that did it, nil when it was none. Called with mu held.
func (n *Nemesis) counted(kind history.TriggerKind, producer, partition int32, mark *exchange) {
	n.tally.add(kind, producer, partition)
	n.progress++
	for _, f := range n.faults {
		if f.state == waiting && f.plan.Trigger.Kind == kind && n.tally.reached(f.plan.Trigger) {
			n.pull(f, words(f.plan.Trigger), mark)
		}
	}
}

// sequenced pulls the faults that wait for this base sequence. Called with mu held.
func (n *Nemesis) sequenced(sequence, producer, partition int32, mark *exchange) {
	for _, f := range n.faults {
		t := f.plan.Trigger
		if f.state == waiting && t.Kind == history.TriggerSequence && t.Count == int64(sequence) &&
			matches(t.Producer, producer) && matches(t.Partition, partition) {
			n.pull(f, words(t), mark)
		}
	}
}

// Called tells the nemesis that one more record was handed to a client.
func (n *Nemesis) Called(producer int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.armed {
		// A record's partition is no part of this trigger: lanes take turns.
		n.counted(history.TriggerRecords, int32(producer), history.Any-1, nil)
	}
}

func matches(wanted, is int32) bool { return wanted == history.Any || wanted == is }

// words says a trigger as a person would.
func words(t history.Trigger) string {
	var b strings.Builder
	switch t.Kind {
	case history.TriggerAcks:
		fmt.Fprintf(&b, "%d acks", t.Count)
	case history.TriggerRequests:
		fmt.Fprintf(&b, "%d produce batches", t.Count)
	case history.TriggerRecords:
		fmt.Fprintf(&b, "%d records sent", t.Count)
	case history.TriggerSequence:
		fmt.Fprintf(&b, "base sequence %d", t.Count)
	case history.TriggerUnacked:
		fmt.Fprintf(&b, "%d batches appended and not acknowledged", t.Count)
	case history.TriggerFaultStart:
		fmt.Fprintf(&b, "start of fault %d", t.Count)
	case history.TriggerFaultEnd:
		fmt.Fprintf(&b, "end of fault %d", t.Count)
	default:
		panic(fmt.Sprintf("nemesis: impossible trigger %q", t.Kind))
	}
	if t.Producer != history.Any {
		fmt.Fprintf(&b, " of producer %d", t.Producer)
	}
	if t.Partition != history.Any {
		fmt.Fprintf(&b, " on partition %d", t.Partition)
	}
	return b.String()
}
