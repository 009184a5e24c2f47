package embedded

import (
	"context"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestANewTransactionalIDIsTakenWhateverProducerIDComesWithIt(t *testing.T) {
	c := start(t, 1)
	client := direct(t, c)
	for _, known := range []bool{false, true} {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = kmsg.StringPtr("x"), 10_000, 4711, 0
		resp, err := req.RequestWith(t.Context(), client)
		if err != nil || (resp.ErrorCode != 0) != known || !known && resp.ProducerID == 4711 {
			t.Errorf("known %t: %+v, %v", known, resp, err)
		}
	}
}

// direct is a client past the proxies.
func direct(t *testing.T, c *Cluster) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()[0].Advertised),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return c.Dial(ctx, address) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func TestAFencedProducerIsToldSoInAWordThatItsVersionKnows(t *testing.T) {
	c := start(t, 1)
	client := direct(t, c)
	take := func() (id int64, epoch int16) {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.TransactionalID, req.TransactionTimeoutMillis, req.ProducerID, req.ProducerEpoch = kmsg.StringPtr("x"), 10_000, -1, -1
		resp, err := req.RequestWith(t.Context(), client)
		if err != nil || resp.ErrorCode != 0 {
			t.Fatalf("%+v, %v", resp, err)
		}
		return resp.ProducerID, resp.ProducerEpoch
	}
	end := func(version, epoch int16, id int64) error {
		req := kmsg.NewPtrEndTxnRequest()
		req.Version, req.TransactionalID, req.ProducerID, req.ProducerEpoch, req.Commit = version, "x", id, epoch, false
		answer, err := client.Broker(0).RetriableRequest(t.Context(), only{req, version})
		if err != nil {
			t.Fatal(err)
		}
		return kerr.ErrorForCode(answer.(*kmsg.EndTxnResponse).ErrorCode)
	}
	id, old := take()
	_, current := take()
	_ = end(1, current, id) // there is nothing to end; whose epoch counts is known from now on
	for version, want := range map[int16]error{0: kerr.InvalidProducerEpoch, 1: kerr.InvalidProducerEpoch, 2: kerr.ProducerFenced, 3: kerr.ProducerFenced} {
		if err := end(version, old, id); err != want {
			t.Errorf("version %d: %v, want %v", version, err, want)
		}
	}
}

func TestPartitionsJoinATransactionInEveryVersion(t *testing.T) {
	c := start(t, 1)
	client := direct(t, c)
	if _, err := kadm.NewClient(client).CreateTopic(t.Context(), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	for version := int16(0); version <= 5; version++ {
		name := string('a' + rune(version))
		take := kmsg.NewPtrInitProducerIDRequest()
		take.TransactionalID, take.TransactionTimeoutMillis, take.ProducerID, take.ProducerEpoch = &name, 10_000, -1, -1
		taken, err := take.RequestWith(t.Context(), client)
		if err != nil {
			t.Fatal(err)
		}
		add := kmsg.NewPtrAddPartitionsToTxnRequest()
		if version < 4 {
			add.TransactionalID, add.ProducerID, add.ProducerEpoch = name, taken.ProducerID, taken.ProducerEpoch
			add.Topics = []kmsg.AddPartitionsToTxnRequestTopic{{Topic: "t", Partitions: []int32{0}}}
		} else {
			add.Transactions = []kmsg.AddPartitionsToTxnRequestTransaction{{
				TransactionalID: name, ProducerID: taken.ProducerID, ProducerEpoch: taken.ProducerEpoch,
				Topics: []kmsg.AddPartitionsToTxnRequestTransactionTopic{{Topic: "t", Partitions: []int32{0}}},
			}}
		}
		if _, err := client.Broker(0).RetriableRequest(t.Context(), only{add, version}); err != nil {
			t.Fatal(err)
		}
		described, err := kadm.NewClient(client).DescribeTransactions(t.Context(), name)
		if err != nil || described[name].Err != nil || len(described[name].Topics) != 1 {
			t.Errorf("version %d: %+v, %v", version, described, err)
		}
	}
}

// only is a request that goes out in one version.
type only struct {
	kmsg.Request
	version int16
}

func (o only) MaxVersion() int16 { return o.version }
