package conformance

import (
	"fmt"
	"slices"
)

// topic is a topic of one conversation, with what its log should hold: nobody
// else writes there.
type topic struct {
	name        string
	id          [16]byte
	replication int
	partitions  []*partition
}

// partition is one of its logs.
type partition struct {
	topic  *topic
	number int32
	start  int64 // where the log should begin
	end    int64 // and end
	kept   []kept
	last   map[int64]lastOf // what its leader should remember
	// loose: the log can't be foretold, since nothing is promised of it.
	loose bool
}

// kept is a batch that should stand in the log.
type kept struct {
	batch
	offset int64
	raw    []byte // as it was sent
}

type lastOf struct {
	epoch    int16
	sequence int32
}

func newTopic(name string, partitions, replication int) *topic {
	t := &topic{name: name, replication: replication}
	for i := range partitions {
		t.partitions = append(t.partitions, &partition{topic: t, number: int32(i), last: make(map[int64]lastOf)})
	}
	return t
}

func (p *partition) String() string { return fmt.Sprintf("%s/%d", p.topic.name, p.number) }

// keep notes a batch that was appended.
func (p *partition) keep(b batch, raw []byte, offset int64) {
	p.kept = append(p.kept, kept{b, offset, raw})
	p.end = offset + int64(b.n)
	if b.id >= 0 && b.first >= 0 {
		p.last[b.id] = lastOf{b.epoch, b.last()}
	}
}

// trim notes that the log begins at an offset.
func (p *partition) trim(start int64) {
	p.start = start
	p.kept = slices.DeleteFunc(p.kept, func(k kept) bool { return k.offset+int64(k.n) <= start })
}
