package checker

import (
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// protocol collects what is wrong on the wire, grouped by kind, cause, process
// and partition: a client that numbers wrongly does so again and again.
type protocol struct {
	blame  Blame // of all that it collects
	limit  int
	kinds  map[Kind]*wireTally
	groups map[protocolKey]*Anomaly // nil: counted, not kept
}

type protocolKey struct {
	kind    Kind
	cause   Cause
	process int32
	tp      history.TopicPartition
}

type wireTally struct {
	count, causes int64
	kept          []*Anomaly
}

func newProtocol(blame Blame, limit int) *protocol {
	return &protocol{blame: blame, limit: limit, kinds: make(map[Kind]*wireTally), groups: make(map[protocolKey]*Anomaly)}
}

// add counts one batch.
func (p *protocol) add(kind Kind, cause Cause, ev *history.WireEvent, make func() (string, []history.WireEvent)) {
	p.addN(1, kind, cause, ev, make)
}

// addN counts n times the same. The anomaly's evidence is made only for the
// first of a group that is kept.
func (p *protocol) addN(n int64, kind Kind, cause Cause, ev *history.WireEvent, make func() (string, []history.WireEvent)) {
	t := p.kinds[kind]
	if t == nil {
		t = &wireTally{}
		p.kinds[kind] = t
	}
	t.count += n
	key := protocolKey{kind, cause, ev.Process, tpOf(ev)}
	if kind == NoProducerID || kind == WrongAcks || kind == TooManyInFlight || kind == EarlyRetry {
		key.tp = history.TopicPartition{} // said of the client, not of a partition
	}
	if a, ok := p.groups[key]; ok {
		if a != nil {
			a.Count += n
		}
		return
	}
	t.causes++
	if len(t.kept) >= p.limit {
		p.groups[key] = nil
		return
	}
	diagnosis, wire := make()
	a := &Anomaly{
		Kind: kind, Count: n, Process: ev.Process, Topic: ev.Topic, Partition: ev.Partition, Number: ev.First,
		Wire: wire, Blame: p.blame, Cause: cause, Diagnosis: diagnosis,
	}
	if ev.Kind == history.WireAnswer && ev.BaseOffset >= 0 {
		a.Offsets = []int64{ev.BaseOffset}
	}
	p.groups[key] = a
	t.kept = append(t.kept, a)
}

// batchOf describes a batch: "batch (pid 7, epoch 0, seq 3, 1 record)".
func batchOf(ev history.WireEvent) string {
	if ev.ProducerID < 0 {
		return fmt.Sprintf("batch without producer id (%s)", records(int64(ev.Records)))
	}
	return fmt.Sprintf("batch (%s, %s)", tripleOf(ev), records(int64(ev.Records)))
}

// tripleOf names what a broker knows a batch by.
func tripleOf(ev history.WireEvent) string {
	return fmt.Sprintf("pid %d, epoch %d, seq %d", ev.ProducerID, ev.Epoch, ev.BaseSequence)
}

// numbersOf names the records in a batch.
func numbersOf(ev history.WireEvent) string {
	switch {
	case ev.First < 0:
		return "unreadable records"
	case ev.First == ev.Last:
		return fmt.Sprintf("record %d", ev.First)
	}
	return fmt.Sprintf("records %d to %d", ev.First, ev.Last)
}

func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}
