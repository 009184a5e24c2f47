package conformance

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// answerLimit is what a produce request gives the broker, ms.
const answerLimit = 5000

// part is one batch of a produce request.
type part struct {
	to *partition
	batch
	raw []byte // as it was built
}

// delivery says how a produce request goes out. Its zero value is acks=all, to
// the leader, outside of a transaction.
type delivery struct {
	acks    *int16
	to      *int32 // in place of the leader
	txn     string // transactional id
	limit   time.Duration
	limitMs int32 // given to the broker; 0 is answerLimit
}

func (d delivery) ack() int16 {
	if d.acks == nil {
		return -1
	}
	return *d.acks
}

// request builds a produce request of some parts, which may be of several
// partitions but go to one leader.
func (t *talk) request(leader int32, d delivery, parts []part) *kmsg.ProduceRequest {
	req := kmsg.NewPtrProduceRequest()
	t.newest(leader, req)
	if t.produceVersion > 0 {
		req.Version = t.produceVersion
	}
	req.Acks, req.TimeoutMillis = d.ack(), answerLimit
	if d.limitMs > 0 {
		req.TimeoutMillis = d.limitMs
	}
	if d.txn != "" {
		req.TransactionID = &d.txn
	}
	for i := range parts {
		p := &parts[i]
		p.raw = p.batch.raw()
		at := slices.IndexFunc(req.Topics, func(rt kmsg.ProduceRequestTopic) bool { return rt.Topic == p.to.topic.name })
		if at < 0 {
			rt := kmsg.NewProduceRequestTopic()
			rt.Topic, rt.TopicID = p.to.topic.name, p.to.topic.id
			req.Topics, at = append(req.Topics, rt), len(req.Topics)
		}
		rp := kmsg.NewProduceRequestTopicPartition()
		rp.Partition, rp.Records = p.to.number, p.raw
		req.Topics[at].Partitions = append(req.Topics[at].Partitions, rp)
	}
	return req
}

// answersTo finds the answer to each part.
func answersTo(resp *kmsg.ProduceResponse, parts []part) []answer {
	out := make([]answer, len(parts))
	for i, p := range parts {
		out[i] = answer{silent: true, told: "the answer leaves the partition out"}
		for _, rt := range resp.Topics {
			if rt.Topic != p.to.topic.name && rt.TopicID != p.to.topic.id {
				continue
			}
			for _, rp := range rt.Partitions {
				if rp.Partition != p.to.number {
					continue
				}
				out[i] = answer{code: rp.ErrorCode, offset: rp.BaseOffset}
				if rp.ErrorMessage != nil {
					out[i].told = *rp.ErrorMessage
				}
			}
		}
	}
	return out
}

// notYet: a leader that is new, or a topic that a broker has not heard of yet;
// a client asks again.
func notYet(code int16) bool { return code == 3 || code == 5 || code == 6 || code == 9 || code == 100 }

// settleLimit is how long a broker may answer so.
const settleLimit = 15 * time.Second

// send sends parts in one request and returns an answer each. A broker that is
// not the leader yet is asked again.
func (t *talk) send(d delivery, parts ...part) ([]answer, []matrix.Frame, int16) {
	deadline := time.Now().Add(settleLimit)
	limit := patience
	if d.limit > 0 {
		limit = d.limit
	}
	for {
		broker := t.leader(parts[0].to)
		if d.to != nil {
			broker = *d.to
		}
		req := t.request(broker, d, parts)
		resp, frames, err := t.askWithin(broker, req, limit)
		var got []answer
		if err != nil {
			a, ok := answerOf(err)
			if !ok {
				t.stop(matrix.Error, "produce to broker %d: %v", broker, err)
			}
			for range parts {
				got = append(got, a)
			}
		} else {
			got = answersTo(resp.(*kmsg.ProduceResponse), parts)
		}
		wait := d.to == nil && slices.ContainsFunc(got, func(a answer) bool { return notYet(a.code) })
		if !wait || time.Now().After(deadline) {
			return got, frames, req.Version
		}
		t.pause(50 * time.Millisecond)
		t.forget(parts)
	}
}

// forget has the leaders of parts looked up again.
func (t *talk) forget(parts []part) {
	for _, p := range parts {
		delete(t.leaders, p.to)
	}
}

// leader finds who leads a partition.
func (t *talk) leader(p *partition) int32 {
	if id, ok := t.leaders[p]; ok {
		return id
	}
	id, err := t.on.Admin.WaitLeader(t.ctx, p.topic.name, p.number, -1)
	t.must(err)
	t.leaders[p] = id
	return id
}

// produce sends a batch and holds its answer to a rule. What is appended is
// expected in the log at the end.
func (t *talk) produce(to *partition, b batch, want rule) answer {
	return t.produceAs(delivery{}, to, b, want)
}

func (t *talk) produceAs(d delivery, to *partition, b batch, want rule) answer {
	parts := []part{{to: to, batch: b}}
	got, frames, version := t.send(d, parts...)
	t.judge(parts[0], got[0], want, frames, t.sentence(d, parts[0], version))
	return got[0]
}

func (t *talk) sentence(d delivery, p part, version int16) string {
	what := fmt.Sprintf("produce %s to %s", t.spell(p.batch), p.to)
	if d.ack() != -1 {
		what += fmt.Sprintf(", acks=%d", d.ack())
	}
	if d.to != nil {
		what += fmt.Sprintf(", at broker %d", *d.to)
	}
	return what + fmt.Sprintf(" (version %d)", version)
}

// judge holds one answer to a rule.
func (t *talk) judge(p part, got answer, want rule, frames []matrix.Frame, what string) {
	s := matrix.Step{What: what, Said: got.String(), Verdict: matrix.Pass, Frames: frames}
	end := p.to.end
	if got.code == 0 && !got.closed && !got.silent && got.offset == end {
		p.to.keep(p.batch, p.raw, got.offset)
	}
	if want.anything {
		s.Verdict = matrix.Informational
		t.step(s)
		return
	}
	now := want.of(t.on.As)
	s.Expected = now.want.String()
	if now.want.offset == logEnd && now.want.code == 0 {
		s.Expected = fmt.Sprintf("0 (NONE) at offset %d, the log's end", end)
	}
	if len(want.eras) > 1 {
		s.Note = "since " + now.why
		if now.why == "" {
			s.Note = "by version"
		}
	}
	if got.is(now.want, end) {
		t.step(s)
		return
	}
	s.Verdict = matrix.Fail
	if other := want.elsewhere(got, end); other != "" {
		s.Note = "as " + other
		if !t.on.Exact {
			s.Verdict = matrix.NonStrict
		}
	}
	if slices.ContainsFunc(want.harmless, func(a answer) bool { return got.is(a, end) }) {
		s.Verdict, s.Note = matrix.NonStrict, want.because
	}
	t.step(s)
}

// appends: the batch is in order, and is stored. It returns its offset.
func (t *talk) appends(to *partition, b batch) int64 {
	return t.produce(to, b, always(appended())).offset
}

// repeats: the batch is a repetition, answered with its first offset and stored
// no more.
func (t *talk) repeats(to *partition, b batch, offset int64) {
	t.produce(to, b, always(original(offset)))
}

// refuses: the batch is refused with a code and changes nothing.
func (t *talk) refuses(to *partition, b batch, code int16) {
	t.produce(to, b, always(refused(code)))
}

// pause waits, or ends the conversation with its context.
func (t *talk) pause(d time.Duration) {
	select {
	case <-time.After(d):
	case <-t.ctx.Done():
		t.stop(matrix.Error, "%v", t.ctx.Err())
	}
}
