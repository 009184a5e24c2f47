package embedded

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// fencedOld answers the EndTxn request of a fenced producer as Kafka does. Below
// version 2 of the request that is INVALID_PRODUCER_EPOCH: clients so old do not
// know PRODUCER_FENCED (KIP-588), which kfake answers to all of them. That a
// producer is fenced shows once its successor has ended a transaction.
func fencedOld() kfake.Fault {
	const knowsFenced = 2
	latest := make(map[int64]int16) // epoch by producer id; only kfake's own goroutine is here
	return kfake.Fault{
		Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Count: -1, Err: kerr.InvalidProducerEpoch,
		When: func(r kmsg.Request) bool {
			req := r.(*kmsg.EndTxnRequest)
			if req.ProducerEpoch >= latest[req.ProducerID] {
				latest[req.ProducerID] = req.ProducerEpoch
				return false
			}
			return req.Version < knowsFenced
		},
	}
}
