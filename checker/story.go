package checker

import (
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// story knows what happened around the records: the faults, why producers
// raised their epochs, and which sequences were used twice.
type story struct {
	faults   []faultSpan // by id of the planned fault, then start
	bumps    map[bumpKey]history.WireEvent
	refusals map[epochKey]history.WireEvent // the first that asked for a new epoch
	reuses   map[tripleKey]bool
	embedded bool
	deletions
}

// faultSpan is one time that a fault was in force.
type faultSpan struct {
	id         int32
	name       string
	target     string
	start, end int64 // end is history.Forever when it was never reported
}

// about says whether the fault was aimed at that very partition's leader.
func (f *faultSpan) about(tp history.TopicPartition) bool {
	_, after, ok := strings.Cut(f.target, "(leader of "+tp.String())
	return ok && (strings.HasPrefix(after, ")") || strings.HasPrefix(after, ","))
}

type bumpKey struct {
	id    int64
	epoch int16
}

// epochKey names what a producer sent to one partition under one epoch.
type epochKey struct {
	tp    history.TopicPartition
	id    int64
	epoch int16
}

type tripleKey struct {
	tp    history.TopicPartition
	id    int64
	epoch int16
	base  int32
}

func newStory(m *history.Manifest, events []history.FaultEvent) *story {
	st := &story{bumps: make(map[bumpKey]history.WireEvent), refusals: make(map[epochKey]history.WireEvent), reuses: make(map[tripleKey]bool), embedded: m.Cluster.Kind == "embedded", deletions: newDeletions(events)}
	open := make(map[int32]int)
	for _, ev := range events {
		switch ev.Status {
		case history.FaultStarted:
			open[ev.ID] = len(st.faults)
			st.faults = append(st.faults, faultSpan{ev.ID, ev.Fault, ev.Target, ev.At, history.Forever})
		case history.FaultEnded:
			if i, ok := open[ev.ID]; ok {
				st.faults[i].end = ev.At
			}
		}
	}
	return st
}

// bump notes the error for which a producer raised its epoch.
func (st *story) bump(ev *history.WireEvent, p *producer) {
	if key := (bumpKey{ev.ProducerID, ev.Epoch}); p.hasFail {
		if _, ok := st.bumps[key]; !ok {
			st.bumps[key] = p.failed
		}
	}
	p.hasFail = false
}

// refused notes an answer by which the leader of a partition did not know what a
// sequence follows. The epoch is one for all partitions of a producer: the answer
// that made it raise it may have been of another partition.
func (st *story) refused(ev *history.WireEvent) {
	key := epochKey{tpOf(ev), ev.ProducerID, ev.Epoch}
	if _, ok := st.refusals[key]; !ok {
		st.refusals[key] = *ev
	}
}

// reused notes a sequence used for other records.
func (st *story) reused(ev *history.WireEvent) {
	st.reuses[tripleKey{tpOf(ev), ev.ProducerID, ev.Epoch, ev.BaseSequence}] = true
}

func (st *story) isReused(ev *history.WireEvent) bool {
	return st.reuses[tripleKey{tpOf(ev), ev.ProducerID, ev.Epoch, ev.BaseSequence}]
}

// onLink says whether a fault works on connections only and leaves brokers be
// (faults named in the catalogue under "on the link").
func onLink(fault string) bool {
	switch fault {
	case "cut-before-request", "cut-after-append", "cut-mid-request", "delay-acks", "blackhole-acks", "blackhole",
		"late-request", "stall-read", "refuse", "reset", "latency", "bandwidth", "slicer", "jitter",
		"answer-error", "hide-topic", "hide-leader":
		return true
	}
	return false
}

// onProducer says whether a fault is done to a producer (those named in the
// catalogue under "on producers").
func onProducer(fault string) bool { return strings.HasSuffix(fault, "-producer") }

// touchesBrokers says whether a fault may have cost a broker what it knew: its
// process, its leadership, its state. Other properties of a topic do not.
func touchesBrokers(fault string) bool {
	return !onLink(fault) && !onProducer(fault) && fault != "change-config"
}

// disturbed says whether any broker may have been touched between two moments.
func (st *story) disturbed(from, to int64) bool {
	for _, f := range st.faults {
		if touchesBrokers(f.name) && f.start <= to && f.end >= from {
			return true
		}
	}
	return false
}

// disturbance returns the fault on brokers, in force between two moments, that
// is most likely to have cost a partition's leader what it knew: in words, and
// whether it ends a broker's process. That is the first that does and began in
// between, else one that does and had begun before, else the first about that very
// partition, else the first; empty when there was none.
func (st *story) disturbance(tp history.TopicPartition, from, to int64) (words string, restarts bool) {
	const none, any, its, ends, began = 0, 1, 2, 3, 4
	best := none
	for _, f := range st.faults {
		if !touchesBrokers(f.name) || f.start > to || f.end < from {
			continue
		}
		weight := any
		switch {
		case endsProcess(f.name) && f.start >= from:
			weight = began
		case endsProcess(f.name):
			weight = ends
		case f.about(tp):
			weight = its
		}
		if weight > best {
			best, words = weight, fmt.Sprintf("fault %d, %s", f.id, strings.TrimSpace(f.name+" "+f.target))
		}
	}
	return words, best >= ends
}

// expiry returns the fault, in words, by which a broker forgot producer ids
// between two moments because they had been idle; empty when none did.
func (st *story) expiry(from, to int64) string {
	for _, f := range st.faults {
		if f.name == "expire-producer-ids" && f.start <= to && f.end >= from {
			return fmt.Sprintf("fault %d, %s", f.id, strings.TrimSpace(f.name+", "+f.target))
		}
	}
	return ""
}

// unclean returns the fault, in words, that had an out-of-sync replica of the
// partition elected after a moment; empty when there was none.
func (st *story) unclean(tp history.TopicPartition, after int64) string {
	for _, f := range st.faults {
		if f.name == "unclean-election" && f.end >= after && f.about(tp) {
			return fmt.Sprintf("fault %d, %s", f.id, f.name)
		}
	}
	return ""
}

// endsProcess says whether a fault ends a broker's process, and with it what
// that broker only knew in memory.
func endsProcess(fault string) bool {
	switch fault {
	case "unclean-election", "upgrade", "full-disk":
		return true
	}
	return !onProducer(fault) && (strings.HasPrefix(fault, "kill-") || strings.HasPrefix(fault, "stop-") || strings.Contains(fault, "restart"))
}

// faultOf names the fault behind a wire event: " (fault 0, cut-after-append)";
// empty when none was.
func (st *story) faultOf(ev history.WireEvent) string {
	if ev.Fault == history.NoFault {
		return ""
	}
	for _, f := range st.faults {
		if f.id == ev.Fault {
			return fmt.Sprintf(" (fault %d, %s)", f.id, f.name)
		}
	}
	return fmt.Sprintf(" (fault %d)", ev.Fault)
}
