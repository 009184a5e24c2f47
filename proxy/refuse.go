package proxy

import (
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// refuse carries out a Refuse decision: the named batches stay here, what is
// left goes on re-encoded. It returns false when the decision names no batch.
func (r *requests) refuse(p *pending, d Decision, h header, message *kmsg.ProduceRequest, from *rope, kind history.WireKind) bool {
	p.withheld = make(map[int]int16, len(d.Codes))
	for i, code := range d.Codes {
		if i >= 0 && i < len(p.exchange.Batches) {
			p.withheld[i] = code
		}
	}
	if len(p.withheld) == 0 {
		p.withheld = nil
		return false
	}
	late := p.fault
	p.fault, p.delay = d.Fault, d.For
	for i := range p.exchange.Batches {
		if _, ok := p.withheld[i]; ok {
			p.exchange.Batches[i].Error = history.NeverAsked
			r.conn.journalBatch(kind, p, i, history.ActionWithheld, d.Fault)
		} else {
			r.conn.journalBatch(kind, p, i, history.ActionPassed, late)
		}
	}
	size := h.size + 4
	if len(p.withheld) == len(p.exchange.Batches) {
		from.discard(size)
		if p.exchange.Acks != 0 {
			p.forged = true
			r.conn.pending.push(p)
			r.conn.wakeAnswers()
		}
		return true
	}
	rest := withoutBatches(from.peek(size), h, message, p.withheld)
	if p.exchange.Acks != 0 {
		r.conn.pending.push(p)
	}
	like := from.chunks[0]
	r.out.addBytes(rest, like)
	from.discard(size)
	return true
}

// withoutBatches encodes the request anew, keeping its header as it was.
func withoutBatches(frame []byte, h header, message *kmsg.ProduceRequest, withheld map[int]int16) []byte {
	kept := *message
	kept.Topics = nil
	at := 0
	for _, t := range message.Topics {
		partitions := t.Partitions
		t.Partitions = nil
		for _, part := range partitions {
			if _, ok := withheld[at]; !ok {
				t.Partitions = append(t.Partitions, part)
			}
			at++
		}
		if len(t.Partitions) > 0 {
			kept.Topics = append(kept.Topics, t)
		}
	}
	head := h.length
	if h.version >= 9 {
		after, _ := skipTags(frame[h.length:])
		head = len(frame) - len(after)
	}
	out := append(make([]byte, 0, len(frame)), frame[:head]...)
	out = kept.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// forgeAnswer is the answer to a request of which every batch was withheld.
func forgeAnswer(p *pending) []byte {
	message := kmsg.NewPtrProduceResponse()
	message.Version = p.version
	mergeForged(message, p)
	return encodeAnswer(nil, p, message)
}

// mergeForged puts the answers of withheld batches into message, in the order
// of the request's topics and partitions; what the broker says stays in its own
// order where the request does not say otherwise.
func mergeForged(message *kmsg.ProduceResponse, p *pending) {
	for i := range p.exchange.Batches {
		code, ok := p.withheld[i]
		if !ok {
			continue
		}
		b := &p.exchange.Batches[i]
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.ErrorCode, part.BaseOffset = b.Partition, code, -1
		topic := findTopic(message, p, i)
		if topic == nil {
			t := kmsg.NewProduceResponseTopic()
			if p.version >= 13 {
				t.TopicID = p.topicIDs[i]
			} else {
				t.Topic = b.Topic
			}
			at := topicPlace(message, p, i)
			message.Topics = append(message.Topics, t)
			copy(message.Topics[at+1:], message.Topics[at:])
			message.Topics[at] = t
			topic = &message.Topics[at]
		}
		at := partitionPlace(topic, p, i)
		topic.Partitions = append(topic.Partitions, part)
		copy(topic.Partitions[at+1:], topic.Partitions[at:])
		topic.Partitions[at] = part
	}
}

func sameTopic(t *kmsg.ProduceResponseTopic, p *pending, i int) bool {
	if p.version >= 13 {
		return t.TopicID == p.topicIDs[i]
	}
	return t.Topic == p.exchange.Batches[i].Topic
}

func findTopic(message *kmsg.ProduceResponse, p *pending, i int) *kmsg.ProduceResponseTopic {
	for k := range message.Topics {
		if sameTopic(&message.Topics[k], p, i) {
			return &message.Topics[k]
		}
	}
	return nil
}

// topicPlace is where in the answer the topic of batch i belongs: after the
// nearest topic that precedes it in the request.
func topicPlace(message *kmsg.ProduceResponse, p *pending, i int) int {
	for j := i - 1; j >= 0; j-- {
		for k := len(message.Topics) - 1; k >= 0; k-- {
			if sameTopic(&message.Topics[k], p, j) {
				return k + 1
			}
		}
	}
	return 0
}

// partitionPlace is the same within a topic.
func partitionPlace(topic *kmsg.ProduceResponseTopic, p *pending, i int) int {
	for j := i - 1; j >= 0; j-- {
		if !sameTopic(topic, p, j) {
			continue
		}
		for k := len(topic.Partitions) - 1; k >= 0; k-- {
			if topic.Partitions[k].Partition == p.exchange.Batches[j].Partition {
				return k + 1
			}
		}
	}
	return 0
}

// encodeAnswer frames message as the answer to p.
func encodeAnswer(dst []byte, p *pending, message *kmsg.ProduceResponse) []byte {
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(p.correlation))
	if p.version >= 9 {
		dst = append(dst, 0) // no tags in the header
	}
	dst = message.AppendTo(dst)
	binary.BigEndian.PutUint32(dst, uint32(len(dst)-4))
	return dst
}

// acksOf reads the acks field of a produce request whose rest is unreadable.
func acksOf(body []byte, version int16) (int16, bool) {
	switch {
	case version >= 9:
		length, n := binary.Uvarint(body)
		if n <= 0 {
			return 0, false
		}
		body = body[n:]
		if length > 1 {
			if uint64(len(body)) < length-1 {
				return 0, false
			}
			body = body[length-1:]
		}
	case version >= 3:
		if len(body) < 2 {
			return 0, false
		}
		length := int(int16(binary.BigEndian.Uint16(body)))
		body = body[2:]
		if length > len(body) {
			return 0, false
		}
		body = body[max(length, 0):]
	}
	if len(body) < 2 {
		return 0, false
	}
	return int16(binary.BigEndian.Uint16(body)), true
}
