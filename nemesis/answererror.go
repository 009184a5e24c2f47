package nemesis

import (
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// AnswerError is an error code in the place of the broker's answer.
const AnswerError = "answer-error"

// forgeable lists the codes answer-error may give, and whether a real broker
// gives them after it has appended.
//
// Source: the error table of Kafka's protocol guide, where 7 and 20 are the two
// that leave the append undecided; and DelayedProduce, by which a leader that
// waits for its replicas gives 3, 6 or 56 when it stops being one.
func forgeable(code int16) (ok, afterAppend bool) {
	switch code {
	case 3, 6, 7, 20, 56:
		return true, true
	case -1, 5, 10, 19, 45, 47, 59:
		return true, false
	}
	return false, false
}

func checkError(spec history.FaultSpec, complain complain) {
	ok, afterAppend := forgeable(spec.Error)
	switch {
	case !ok:
		complain("error", "error %d: want a code that a broker can give here: -1, 3, 5, 6, 7, 10, 19, 20, 45, 47, 56, 59", spec.Error)
	case spec.Append && !afterAppend:
		complain("append", "error %d is never given after an append (3, 6, 7, 20 and 56 are)", spec.Error)
	case !spec.Append && spec.Error == 20:
		complain("append", "error 20 means appended: it needs append: true")
	}
	checkWait("none to answer at once", spec, complain)
	checkBatches(spec, complain)
}

// checkWait holds a delay that may be left out to what a timer can keep;
// without says what it means to leave it out.
func checkWait(without string, spec history.FaultSpec, complain complain) {
	if spec.Delay < 0 || (spec.Delay > 0 && spec.Delay < time.Millisecond) {
		complain("delay", "delay %s: want 1ms or more, or %s", spec.Delay, without)
	}
}

func checkBatches(spec history.FaultSpec, complain complain) {
	if spec.Batches < 0 || spec.Batches > mostTimes {
		complain("batches", "batches %d: want 0 to %d", spec.Batches, mostTimes)
	}
}

// row is a number of batches of one producer and partition that get the same
// answer one after the other, as from a broker that cannot take them for a while.
type row struct {
	topic               string
	partition, producer int32
	answered, left      int64
}

// next finds the batch of an exchange that is next in the row.
func (r *row) next(e *proxy.Exchange, producer int32) (batch int, ok bool) {
	for i := range e.Batches {
		if b := &e.Batches[i]; producer == r.producer && b.Topic == r.topic && b.Partition == r.partition {
			return i, true
		}
	}
	return 0, false
}

// refuse answers for the broker, which never sees the batch.
func (n *Nemesis) refuse(f *fault, e *proxy.Exchange, producer int32, batch int) proxy.Decision {
	n.inRow(f, e, producer, batch)
	f.event.Hits.Requests++
	f.hit(e.Batches[batch])
	n.endRow(f)
	return proxy.Decision{Verb: proxy.Refuse, Fault: f.plan.ID, For: f.plan.Delay, Codes: map[int]int16{batch: f.plan.Error}}
}

// rewrite changes what the broker says of a batch that it appended.
func (n *Nemesis) rewrite(f *fault, e *proxy.Exchange, producer int32, batch int) proxy.Decision {
	n.inRow(f, e, producer, batch)
	f.hitAll(e)
	f.event.Hits.Acks += int64(e.Batches[batch].Records)
	n.endRow(f)
	return proxy.Decision{Verb: proxy.Rewrite, Fault: f.plan.ID, For: f.plan.Delay, Codes: map[int]int16{batch: f.plan.Error}}
}

// inRow starts a row with its first batch, and counts every one.
func (n *Nemesis) inRow(f *fault, e *proxy.Exchange, producer int32, batch int) {
	if f.state == ready {
		n.start(f, connection(e, producer))
		b := &e.Batches[batch]
		f.row = &row{topic: b.Topic, partition: b.Partition, producer: producer, left: max(f.plan.Batches, 1)}
	}
	f.row.answered++
	f.row.left--
	n.progress++
}

func (n *Nemesis) endRow(f *fault) {
	if f.row.left == 0 {
		n.finish(f, nil)
	}
}

// endRows ends the rows that no further batch came to. Called with mu held.
func (n *Nemesis) endRows() {
	for _, f := range n.faults {
		if f.inRow() {
			f.event.Detail = fmt.Sprintf("answered %d of %d batches: there were no more", f.row.answered, f.plan.Batches)
			n.finish(f, nil)
		}
	}
}

// inRow says whether a fault has begun and waits for further batches, which may
// never come.
func (f *fault) inRow() bool { return f.state == active && f.row != nil }
