package proxy

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// answered copies the broker's verdicts into the exchange.
func answered(p *pending, message *kmsg.ProduceResponse) {
	const missing = -1 << 15 // no code of Kafka's
	batches := p.exchange.Batches
	for i := range batches {
		batches[i].Error, batches[i].BaseOffset = missing, -1
	}
	at := 0
	for k := range message.Topics {
		t := &message.Topics[k]
		for j := range t.Partitions {
			part := &t.Partitions[j]
			// Brokers mostly answer in the order of the request.
			for range batches {
				if at == len(batches) {
					at = 0
				}
				if batches[at].Partition == part.Partition && sameTopic(t, p, at) {
					batches[at].Error, batches[at].BaseOffset = part.ErrorCode, part.BaseOffset
					at++
					break
				}
				at++
			}
		}
	}
	for i := range batches {
		if batches[i].Error != missing {
			continue
		}
		batches[i].Error = history.NeverAsked
		if _, ok := p.withheld[i]; !ok {
			batches[i].Error = -1 // UNKNOWN_SERVER_ERROR
			p.shares[i].note = "the broker's answer leaves this partition out"
		}
	}
}

// rewrite replaces codes as a Rewrite decision asks, and says whether it did. The
// offset stays, as it does where a broker has appended and then gives an error:
// Kafka's DelayedProduce changes the code alone.
func rewrite(p *pending, message *kmsg.ProduceResponse, d Decision) bool {
	if d.Verb != Rewrite {
		return false
	}
	changed := false
	for i, code := range d.Codes {
		if i < 0 || i >= len(p.exchange.Batches) {
			continue
		}
		if _, ok := p.withheld[i]; ok {
			p.withheld[i] = code
			continue
		}
		topic := findTopic(message, p, i)
		if topic == nil {
			continue
		}
		for k := range topic.Partitions {
			part := &topic.Partitions[k]
			if part.Partition == p.exchange.Batches[i].Partition {
				part.ErrorCode = code
				changed = true
			}
		}
	}
	return changed
}
