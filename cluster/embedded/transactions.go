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

// newcomers lets a client in that names a producer id with a transactional id
// that nobody has used before, as Kafka does (it only compares where there is
// something to compare with): kfake refuses it.
func newcomers() func(kmsg.Request) (kmsg.Response, error, bool) {
	known := make(map[string]bool) // only kfake's own goroutine is here
	return func(r kmsg.Request) (kmsg.Response, error, bool) {
		req := r.(*kmsg.InitProducerIDRequest)
		if id := req.TransactionalID; id != nil && !known[*id] {
			known[*id] = true
			req.ProducerID, req.ProducerEpoch = -1, -1
		}
		return nil, nil, false // kfake goes on with it
	}
}

// unwrap puts the partitions that are to join a transaction where kfake looks for
// them. From version 4 on the request may name several transactions (KIP-890),
// each with its partitions, which kfake does not read. It answers such a request
// with an empty list, which says that nothing failed.
func unwrap(r kmsg.Request) (kmsg.Response, error, bool) {
	if req := r.(*kmsg.AddPartitionsToTxnRequest); len(req.Transactions) == 1 {
		only := req.Transactions[0]
		req.TransactionalID, req.ProducerID, req.ProducerEpoch = only.TransactionalID, only.ProducerID, only.ProducerEpoch
		for _, t := range only.Topics {
			req.Topics = append(req.Topics, kmsg.AddPartitionsToTxnRequestTopic{Topic: t.Topic, Partitions: t.Partitions})
		}
	}
	return nil, nil, false // kfake goes on with it
}
