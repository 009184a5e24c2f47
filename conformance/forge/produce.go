package forge

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// asked is one partition of a produce request.
type asked struct {
	at      place
	of      *partition
	records int64  // how many it has
	batch   *batch // nil: it passes as it is
}

// produce carries out a produce request: asks the break about each batch, the
// broker about what is left to it, and the break about its answers.
func (c *conn) produce(head header, body, frame []byte) error {
	req := kmsg.NewPtrProduceRequest()
	req.SetVersion(head.version)
	if err := req.ReadFrom(body); err != nil {
		return fmt.Errorf("read Produce %d: %w", head.version, err)
	}
	all := c.asked(req)
	onward, changed := without(req, all)
	if changed {
		frame = head.request(onward)
	}
	if req.Acks == 0 { // no answer comes, and nothing is known to be stored
		if len(onward.Topics) == 0 {
			return nil
		}
		return writeFrame(c.upstream, frame)
	}
	resp, raw := kmsg.NewPtrProduceResponse(), []byte(nil)
	resp.SetVersion(head.version)
	if len(onward.Topics) > 0 {
		var err error
		if raw, err = c.ask(frame); err != nil {
			return err
		}
		if resp, err = head.answer(raw); err != nil {
			return err
		}
	}
	if c.answered(resp, all) || raw == nil {
		raw = head.frame(put(req, resp, all))
	}
	if err := c.storeExtra(head, req, all); err != nil {
		return err
	}
	if write := c.forger.breaks.write; write != nil {
		return write(c.client, raw)
	}
	return writeFrame(c.client, raw)
}

// asked reads the batches of a request and asks the break about each.
func (c *conn) asked(req *kmsg.ProduceRequest) (all []asked) {
	c.forger.mu.Lock()
	defer c.forger.mu.Unlock()
	for _, topic := range req.Topics {
		for _, part := range topic.Partitions {
			a := asked{at: place{topic.Topic, topic.TopicID, part.Partition}, records: countRecords(part.Records)}
			a.of = c.forger.partition(a.at)
			if b, ok := readBatch(part.Records); ok && req.TransactionID == nil {
				b.acks, b.broker, b.before = req.Acks, c.broker, a.of.repeated(b)
				if ask := c.forger.breaks.asked; ask != nil {
					ask(a.of, b)
				}
				a.batch = b
			}
			all = append(all, a)
		}
	}
	return all
}

// without is the request that the broker gets, and whether it is another one.
func without(req *kmsg.ProduceRequest, all []asked) (onward *kmsg.ProduceRequest, changed bool) {
	onward = kmsg.NewPtrProduceRequest()
	*onward = *req
	onward.Topics = nil
	i := 0
	for _, topic := range req.Topics {
		left := topic
		left.Partitions = nil
		for _, part := range topic.Partitions {
			b := all[i].batch
			i++
			if b != nil && b.local {
				changed = true
				continue
			}
			if b != nil && &b.raw[0] != &part.Records[0] {
				part.Records, changed = b.raw, true
			}
			left.Partitions = append(left.Partitions, part)
		}
		if len(left.Partitions) > 0 {
			onward.Topics = append(onward.Topics, left)
		}
	}
	return onward, changed
}

// answered notes what the broker stored, asks the break about each answer, and
// says whether any is another one now.
func (c *conn) answered(resp *kmsg.ProduceResponse, all []asked) (changed bool) {
	c.forger.mu.Lock()
	defer c.forger.mu.Unlock()
	for _, a := range all {
		b, said := a.batch, find(resp, a.at)
		if said != nil && said.ErrorCode == 0 {
			a.of.end = max(a.of.end, said.BaseOffset+a.records)
		}
		if b == nil || said == nil && !b.local {
			continue
		}
		if !b.local {
			b.code, b.offset = said.ErrorCode, said.BaseOffset
		}
		if b.code == 0 && b.before == nil && (!b.local || b.claimed) {
			a.of.keep(b)
			a.of.end = max(a.of.end, b.offset+a.records)
		}
		if change := c.forger.breaks.answered; change != nil {
			change(a.of, b)
		}
		changed = changed || b.changed
	}
	return changed
}

func find(resp *kmsg.ProduceResponse, at place) *kmsg.ProduceResponseTopicPartition {
	for i := range resp.Topics {
		topic := &resp.Topics[i]
		if topic.Topic != at.topic || topic.TopicID != at.id {
			continue
		}
		if j := slices.IndexFunc(topic.Partitions, func(p kmsg.ProduceResponseTopicPartition) bool { return p.Partition == at.number }); j >= 0 {
			return &topic.Partitions[j]
		}
	}
	return nil
}

// put is the answer that the client gets: in the order of its request, of the
// broker where it answered and from here where that is changed.
func put(req *kmsg.ProduceRequest, resp *kmsg.ProduceResponse, all []asked) *kmsg.ProduceResponse {
	out := kmsg.NewPtrProduceResponse()
	*out = *resp
	out.Topics = nil
	i := 0
	for _, topic := range req.Topics {
		said := kmsg.NewProduceResponseTopic()
		said.Topic, said.TopicID = topic.Topic, topic.TopicID
		for range topic.Partitions {
			a := all[i]
			i++
			part := kmsg.NewProduceResponseTopicPartition()
			part.Partition, part.LogAppendTime, part.LogStartOffset = a.at.number, -1, -1
			if from := find(resp, a.at); from != nil {
				part = *from
			}
			if a.batch != nil && a.batch.changed {
				part.ErrorCode, part.BaseOffset = a.batch.code, a.batch.offset
			}
			said.Partitions = append(said.Partitions, part)
		}
		out.Topics = append(out.Topics, said)
	}
	return out
}

// storeExtra stores what a break has stored beside the request, under its header.
func (c *conn) storeExtra(head header, req *kmsg.ProduceRequest, all []asked) error {
	for _, a := range all {
		if a.batch == nil || a.batch.extra == nil {
			continue
		}
		more := kmsg.NewPtrProduceRequest()
		more.SetVersion(head.version)
		more.Acks, more.TimeoutMillis = -1, req.TimeoutMillis
		topic, part := kmsg.NewProduceRequestTopic(), kmsg.NewProduceRequestTopicPartition()
		topic.Topic, topic.TopicID = a.at.topic, a.at.id
		part.Partition, part.Records = a.at.number, a.batch.extra
		topic.Partitions = append(topic.Partitions, part)
		more.Topics = append(more.Topics, topic)
		raw, err := c.ask(head.request(more))
		if err != nil {
			return err
		}
		resp, err := head.answer(raw)
		if err != nil {
			return err
		}
		if said := find(resp, a.at); said == nil || said.ErrorCode != 0 {
			return fmt.Errorf("the broker did not append what it was to store beside a request: %+v", said)
		}
	}
	return nil
}
