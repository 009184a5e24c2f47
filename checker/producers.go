package checker

import "github.com/idemcheck/idemcheck/history"

// ringSize is how many batches are remembered per producer id and partition:
// well above the five that a broker keeps, to recognize late retries.
const ringSize = 32

// producer is one producer id on the wire.
type producer struct {
	process int32 // first seen with it; -1 until one could be read
	epoch   int16 // highest so far
	// failed is what may make the client raise its epoch: the last error under
	// this one that it was told about its sequences, else the last of any kind.
	failed  history.WireEvent
	hasFail bool
}

// producerPart is one producer id in one partition.
type producerPart struct {
	owner   *producer
	epoch   int16
	next    int32 // sequence that the next new batch should have
	conn    int64 // that the last new batch came on
	excused bool  // the client was told of an error since the last new batch
	skipped skipped
	strict  bool // every new batch of the epoch took the next sequence
	ring    []sentBatch
	at      int   // where the ring is written next
	sent    int64 // new batches so far
	// kept are the batches that the broker stored last, as it remembers them,
	// whatever was sent and refused since.
	kept   [window]sentBatch
	stored int64
}

// keep remembers a batch as the broker does.
func (p *producerPart) keep(b *sentBatch) {
	for i := range p.kept {
		if p.kept[i].stored && sameTriple(&p.kept[i].request, &b.request) {
			p.kept[i] = *b // a retry so late that its first attempt is forgotten here
			return
		}
	}
	p.kept[p.stored%window] = *b
	p.stored++
}

// sentBatch is one batch, however often it was sent.
type sentBatch struct {
	request history.WireEvent // as first sent
	nth     int64             // among the new batches of its producer and partition
	sends   int               // attempts seen
	refused int               // attempts that the client was told were certainly not appended
	errors  int               // attempts that the client was told any error for
	stored  bool              // first is set
	first   history.WireEvent // the answer that first said it was appended
}

// nextSequence is the sequence behind a batch. Sequences wrap to 0 after
// 2147483647 (Kafka's DefaultRecordBatch).
func nextSequence(base, records int32) int32 {
	return int32((int64(base) + int64(records)) & 0x7fffffff)
}

// sequencesFrom is how many sequences lie from one up to another, which is
// behind it or, above 2^30, in front of it.
func sequencesFrom(from, to int32) int64 { return (int64(to) - int64(from)) & 0x7fffffff }

// skipped is a stretch of sequences that a client left out for a good reason,
// such as that the connections they were written to died before any of it
// arrived: it may send those later, behind others.
type skipped struct {
	epoch    int16
	from, to int32 // to is not part of it
}

func (s skipped) has(ev *history.WireEvent) bool {
	return ev.Epoch == s.epoch && sequencesFrom(s.from, ev.BaseSequence) < sequencesFrom(s.from, s.to)
}

// overlap says whether two batches share a sequence.
func overlap(a, b *history.WireEvent) bool {
	return sequencesFrom(a.BaseSequence, b.BaseSequence) < int64(a.Records) || sequencesFrom(b.BaseSequence, a.BaseSequence) < int64(b.Records)
}

func sameTriple(a, b *history.WireEvent) bool {
	return a.ProducerID == b.ProducerID && a.Epoch == b.Epoch && a.BaseSequence == b.BaseSequence
}

// sameNumbering says whether two batches give the same records the same
// sequences, so that they differ only in where they are cut.
func sameNumbering(a, b *history.WireEvent) bool {
	dense := func(e *history.WireEvent) bool { return e.Last-e.First+1 == int64(e.Records) }
	return a.Process == b.Process && dense(a) && dense(b) &&
		a.First-int64(a.BaseSequence) == b.First-int64(b.BaseSequence)
}

func sameRecords(a, b *history.WireEvent) bool {
	return a.Process == b.Process && a.First == b.First && a.Last == b.Last && a.Records == b.Records
}

// find returns the remembered batch under the event's producer id, epoch and
// sequence; the newest where there are several.
func (p *producerPart) find(ev *history.WireEvent) *sentBatch {
	i := p.at
	for range p.ring {
		if i--; i < 0 {
			i = len(p.ring) - 1
		}
		if b := &p.ring[i]; sameTriple(&b.request, ev) && b.request.Records == ev.Records {
			return b
		}
	}
	return nil
}

// findUnless is find for a batch that may be known to be new.
func (p *producerPart) findUnless(isNew bool, ev *history.WireEvent) *sentBatch {
	if isNew {
		return nil
	}
	return p.find(ev)
}

func (p *producerPart) remember(ev *history.WireEvent) {
	if len(p.ring) < ringSize {
		p.ring = append(p.ring, sentBatch{})
	}
	b := &p.ring[p.at]
	p.at = (p.at + 1) % ringSize
	b.request, b.nth, b.sends = *ev, p.sent, 1
	b.refused, b.errors, b.stored = 0, 0, false
	p.sent++
}

// part returns the state of the event's producer id in its partition; nil for
// a batch without one.
func (j *journal) part(ev *history.WireEvent) (*producer, *producerPart) {
	if ev.ProducerID < 0 {
		return nil, nil
	}
	t := j.tp(ev)
	pp := t.parts.get(ev.ProducerID)
	if pp == nil {
		p := j.producers[ev.ProducerID]
		if p == nil {
			p = &producer{process: -1, epoch: ev.Epoch}
			j.producers[ev.ProducerID] = p
		}
		pp = &producerPart{owner: p, epoch: -1}
		j.n.sequences++
		if ev.BaseSequence == 0 {
			j.n.sequencesFrom0++
		}
		t.parts.put(ev.ProducerID, pp)
	}
	return pp.owner, pp
}

// told takes an answer that reached the client.
func (j *journal) told(ev *history.WireEvent) {
	p, pp := j.part(ev)
	if p == nil || ev.Error == 0 {
		return
	}
	if b := pp.find(ev); b != nil {
		if certainlyRefused(ev, ev.Error) {
			b.refused++
		}
		b.errors++
	}
	pp.excused = true
	if asksForEpoch(ev.Error) {
		j.story.refused(ev)
	}
	if ev.Epoch == p.epoch && (!p.hasFail || !asksForEpoch(p.failed.Error) || asksForEpoch(ev.Error)) {
		p.failed, p.hasFail = *ev, true
	}
}

// asksForEpoch says whether an error makes a producer ask for a new epoch: those
// that say the broker does not know what its sequences follow (KIP-360).
func asksForEpoch(code int16) bool { return code == 45 || code == 47 || code == 59 }

// certainlyRefused says whether an answer whose client was told this code tells
// it that the batch was not appended by this attempt. Codes that leave it open
// (7, 20, -1), codes not known here and errors of a leader that had appended do
// not.
func certainlyRefused(answer *history.WireEvent, code int16) bool {
	if hasAppended(answer) {
		return false
	}
	switch code {
	case 2, 3, 5, 6, 10, 17, 18, 19, 21, 29, 31, 32, 42, 43, 44, 45, 47, 48, 49, 53, 59, 74, 75, 76, 87, 90, 100:
		return true
	}
	return false
}
