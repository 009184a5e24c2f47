package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// producersOf asks the leader what it remembers of producer ids (KIP-664, Kafka
// 2.8); ok is false where it can't be asked.
func (t *talk) producersOf(p *partition) (all map[int64]lastOf, frames []matrix.Frame, ok bool) {
	broker := t.leader(p)
	req := kmsg.NewPtrDescribeProducersRequest()
	version, offered := t.on.offers(broker, req)
	if !offered {
		return nil, nil, false
	}
	req.SetVersion(version)
	rt := kmsg.NewDescribeProducersRequestTopic()
	rt.Topic, rt.Partitions = p.topic.name, []int32{p.number}
	req.Topics = append(req.Topics, rt)
	resp, frames, err := t.ask(broker, req)
	t.must(err)
	all = make(map[int64]lastOf)
	for _, topic := range resp.(*kmsg.DescribeProducersResponse).Topics {
		for _, part := range topic.Partitions {
			if part.ErrorCode != 0 {
				return nil, frames, false
			}
			for _, s := range part.ActiveProducers {
				all[s.ProducerID] = lastOf{int16(s.ProducerEpoch), s.LastSequence}
			}
		}
	}
	return all, frames, true
}

// lookAtProducers compares what the leader says of itself with what its answers
// have shown. Only what it does list is compared: cases of their own are about
// what it must list and what it must not.
func (t *talk) lookAtProducers(p *partition) {
	listed, frames, ok := t.producersOf(p)
	if !ok || len(listed) == 0 {
		return
	}
	var got, want []string
	for id, is := range listed {
		should, known := p.last[id]
		if !known {
			continue
		}
		got = append(got, t.spellState(id, is))
		want = append(want, t.spellState(id, should))
	}
	slices.Sort(got)
	slices.Sort(want)
	s := matrix.Step{What: fmt.Sprintf("DescribeProducers of %s", p), Said: strings.Join(got, "; "), Expected: strings.Join(want, "; "), Verdict: matrix.Pass, Frames: frames}
	if s.Said != s.Expected {
		s.Verdict, s.Note = matrix.NonStrict, "its answers to the batches were right, so it knows better than it tells"
	}
	t.step(s)
}

func (t *talk) spellState(id int64, s lastOf) string {
	return fmt.Sprintf("%s at epoch %d, last sequence %d", t.name(id), s.epoch, s.sequence)
}

// remembers is a step: whether DescribeProducers lists a producer id.
func (t *talk) remembers(p *partition, id int64, want bool) {
	listed, frames, ok := t.producersOf(p)
	if !ok {
		t.done(fmt.Sprintf("DescribeProducers of %s", p), "the broker does not offer it")
		return
	}
	said := map[bool]string{true: t.name(id) + " is listed", false: t.name(id) + " is not listed"}
	_, is := listed[id]
	t.check(fmt.Sprintf("DescribeProducers of %s", p), said[is], said[want], is == want, frames...)
}

// describes is a step: what DescribeProducers says of a producer id.
func (t *talk) describes(p *partition, id int64, want lastOf) {
	listed, frames, _ := t.producersOf(p)
	said := t.name(id) + " is not listed"
	is, ok := listed[id]
	if ok {
		said = t.spellState(id, is)
	}
	t.check(fmt.Sprintf("DescribeProducers of %s", p), said, t.spellState(id, want), ok && is == want, frames...)
}
