package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// deletions are the topics that faults deleted on purpose, by partition. What
// was acknowledged there went with them: it is missing from the final read, and
// nobody but the scenario is to blame. Records that were deleted from the head
// of a log were read before, and are judged like all others.
type deletions struct {
	buried  map[history.TopicPartition][]burial
	trimmed int64 // records deleted after they were read
}

// burial is one deletion of a partition with all it held.
type burial struct {
	fault int32
	name  string
	until int64 // what was acknowledged up to this moment (ns) is what went
	// acked holds the offsets that brokers acknowledged in that time.
	acked intervals
	count int64 // of them
}

func newDeletions(events []history.FaultEvent) deletions {
	d := deletions{buried: make(map[history.TopicPartition][]burial)}
	for _, ev := range events {
		for _, what := range ev.Deleted {
			tp := history.TopicPartition{Topic: what.Topic, Partition: what.Partition}
			if what.Kept {
				d.trimmed += what.To - what.From
				continue
			}
			d.buried[tp] = append(d.buried[tp], burial{fault: ev.ID, name: ev.Fault, until: what.Until})
		}
	}
	return d
}

// of returns the deletion that took what was acknowledged at a moment; nil for
// none.
func (d deletions) of(tp history.TopicPartition, at int64) *burial {
	for i := range d.buried[tp] {
		if b := &d.buried[tp][i]; at <= b.until {
			return b
		}
	}
	return nil
}

// acknowledged takes an answer by which a broker says that it has a batch.
func (d deletions) acknowledged(ev *history.WireEvent) {
	if len(d.buried) == 0 || ev.BaseOffset < 0 || ev.Records <= 0 {
		return
	}
	if b := d.of(tpOf(ev), ev.At); b != nil {
		again := b.acked.add(ev.BaseOffset, ev.BaseOffset+int64(ev.Records)-1)
		b.count += int64(ev.Records) - again
	}
}

// count is how many acknowledged records went with their topics.
func (d deletions) count() (n int64) {
	for _, all := range d.buried {
		for _, b := range all {
			n += b.count
		}
	}
	return n
}

// onPurpose says which fault deleted a record that was acknowledged; empty for
// none.
func (d deletions) onPurpose(tp history.TopicPartition, a attempt) string {
	if !a.stored() {
		return ""
	}
	if b := d.of(tp, a.answer.At); b != nil {
		return fmt.Sprintf("fault %d, %s", b.fault, b.name)
	}
	return ""
}
