package conformance

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// layout is how a topic is made. Its zero value is one partition, as many
// replicas as the cluster has brokers up to three, and the broker's defaults.
type layout struct {
	partitions  int
	replication int
	config      map[string]string
}

// topic makes a topic of one partition, or takes the turn's own.
func (t *talk) topic() *partition {
	if t.turns == 0 {
		return t.topicOf(layout{}).partitions[0]
	}
	if t.shared == nil {
		t.shared = t.topicOf(layout{partitions: t.turns})
	}
	return t.shared.partitions[t.turn]
}

// topicWith makes one with properties, in pairs.
func (t *talk) topicWith(properties ...string) *partition {
	return t.topicOf(layout{config: pairs(properties)}).partitions[0]
}

func pairs(properties []string) map[string]string {
	config := make(map[string]string)
	for i := 0; i+1 < len(properties); i += 2 {
		config[properties[i]] = properties[i+1]
	}
	return config
}

// topicOf makes a topic and waits until every broker knows its leaders.
func (t *talk) topicOf(l layout) *topic {
	if l.partitions == 0 {
		l.partitions = 1
	}
	if l.replication == 0 {
		l.replication = t.on.replication()
	}
	name := fmt.Sprintf("%s%d-%d-%d", t.on.Prefix, t.cell.Case, len(t.topics), time.Now().UnixNano())
	top := newTopic(name, l.partitions, l.replication)
	id, err := t.on.Admin.CreateTopic(t.ctx, name, l.partitions, l.replication, l.config)
	t.must(err)
	top.id = id
	t.topics = append(t.topics, top)
	return top
}

// producer asks for a producer id, outside of any transaction.
func (t *talk) producer() batch {
	got, frames := t.initProducer("", noProducer, noProducer, 0)
	if got.ErrorCode != 0 {
		t.check("InitProducerId", codeName(got.ErrorCode), codeName(0), false, frames...)
	}
	t.name(got.ProducerID)
	return batch{id: got.ProducerID, epoch: got.ProducerEpoch, text: fmt.Sprintf("%d", t.cell.Case)}
}

// at is the batch of n records from a sequence on.
func (b batch) at(first int32, n int) batch {
	b.first, b.n = first, n
	b.text = fmt.Sprintf("%s (%d, %d, %d, %d)", b.text, b.id, b.epoch, first, n)
	return b
}

// raised is the same producer with its epoch raised.
func (b batch) raised() batch {
	b.epoch++
	return b
}

// coordinatorLimit is how long a coordinator may take to come up.
const coordinatorLimit = 15 * time.Second

// initProducer asks for a producer id; of the coordinator where there is a
// transactional id. id and epoch are those that the producer has (KIP-360), or -1.
func (t *talk) initProducer(txn string, id int64, epoch int16, timeout time.Duration) (*kmsg.InitProducerIDResponse, []matrix.Frame) {
	for deadline := time.Now().Add(coordinatorLimit); ; t.pause(100 * time.Millisecond) {
		broker := t.anyBroker()
		if txn != "" {
			broker = t.coordinator(txn)
		}
		req := kmsg.NewPtrInitProducerIDRequest()
		t.newest(broker, req)
		req.ProducerID, req.ProducerEpoch = id, epoch
		req.TransactionTimeoutMillis = 60_000
		if timeout > 0 {
			req.TransactionTimeoutMillis = int32(timeout.Milliseconds())
		}
		if txn != "" {
			req.TransactionalID = &txn
		}
		resp, frames, err := t.ask(broker, req)
		t.must(err)
		got := resp.(*kmsg.InitProducerIDResponse)
		if !comingUp(got.ErrorCode) || time.Now().After(deadline) {
			return got, frames
		}
	}
}

// comingUp: a coordinator that is loading, has moved, or still writes the end of
// the transaction before; clients ask again.
func comingUp(code int16) bool {
	return code == 14 || code == 15 || code == 16 || code == 51
}

// coordinator finds who coordinates a transactional id.
func (t *talk) coordinator(txn string) int32 {
	last := ""
	for deadline := time.Now().Add(coordinatorLimit); time.Now().Before(deadline); t.pause(100 * time.Millisecond) {
		broker := t.anyBroker()
		req := kmsg.NewPtrFindCoordinatorRequest()
		t.newest(broker, req)
		req.CoordinatorType = 1
		req.CoordinatorKey, req.CoordinatorKeys = txn, []string{txn}
		resp, _, err := t.ask(broker, req)
		t.must(err)
		got := resp.(*kmsg.FindCoordinatorResponse)
		node, code := got.NodeID, got.ErrorCode
		if len(got.Coordinators) == 1 {
			node, code = got.Coordinators[0].NodeID, got.Coordinators[0].ErrorCode
		}
		if code == 0 {
			return node
		}
		last = codeName(code)
	}
	t.stop(matrix.Error, "no broker coordinates transactional id %q: %s", txn, last)
	return -1
}
