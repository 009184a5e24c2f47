package embedded

import (
	"context"
	"net"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAFencedProducerIsToldSoInAWordThatItsVersionKnows(t *testing.T) {
	c := start(t, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()[0].Advertised), kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return c.Dial(ctx, address) }))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
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
		answer, err := client.Broker(0).RetriableRequest(t.Context(), pinned{req, version})
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

// pinned is a request that goes out in one version.
type pinned struct {
	*kmsg.EndTxnRequest
	version int16
}

func (p pinned) MaxVersion() int16 { return p.version }
