// Package fake is the broker that clients/drivertest tests drivers on: two
// brokers of kfake behind the fault proxy.
//
// It is the only place where the driver test meets a cluster and a proxy.
package fake

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/clients/drivertest"
	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/embedded"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// startLimit is how long it may take to come up.
const startLimit = 20 * time.Second

// Broker implements drivertest.Broker.
type Broker struct {
	fleet   *proxy.Fleet
	cluster *embedded.Cluster
	admin   *cluster.Admin
	script  script
}

var _ drivertest.Broker = (*Broker)(nil)

// Start brings it up.
func Start(ctx context.Context) (drivertest.Broker, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	b := &Broker{script: script{replies: make(map[exchange]drivertest.Reply)}}
	if err := b.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start the broker that drivers are tested on: %w", err), b.Close())
	}
	return b, nil
}

func (b *Broker) start(ctx context.Context) (err error) {
	if b.fleet, err = proxy.Listen(drivertest.Brokers); err != nil {
		return err
	}
	// Values of 1 MiB, and what is around them.
	properties := map[string]string{"message.max.bytes": "4194304"}
	if b.cluster, err = embedded.Start(embedded.Config{Advertised: b.fleet.Addresses(), Config: properties}); err != nil {
		return err
	}
	for i, broker := range b.cluster.Brokers() {
		b.fleet.Serve(i, broker.ID, func(ctx context.Context) (net.Conn, error) { return b.cluster.Dial(ctx, broker.Advertised) })
	}
	if b.admin, err = cluster.NewAdmin(b.cluster); err != nil {
		return err
	}
	b.fleet.Attach("driver", journal{}, &b.script)
	return b.admin.WaitWhole(ctx)
}

// journal keeps nothing: what a test wants to know, the script remembers.
type journal struct{}

func (journal) Wire(history.WireEvent) {}
func (journal) Now() int64             { return 0 }

// Bootstrap implements drivertest.Broker.
func (b *Broker) Bootstrap() []string { return b.fleet.Addresses() }

// Topic implements drivertest.Broker.
func (b *Broker) Topic(ctx context.Context, name string, partitions int) error {
	id, err := b.admin.CreateTopic(ctx, name, partitions, 1, nil)
	if err != nil {
		return err
	}
	b.fleet.SetTopic(id, name)
	brokers := b.cluster.Brokers()
	for p := range partitions {
		want := brokers[p%len(brokers)].ID
		for leader := int32(-1); leader != want; {
			if leader, _, err = b.admin.Leader(ctx, name, int32(p)); err != nil {
				return err
			}
			if leader == want {
				break
			}
			if leader, err = b.cluster.MoveLeader(ctx, name, int32(p)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Log implements drivertest.Broker.
func (b *Broker) Log(ctx context.Context, topic string, partition int32) ([]drivertest.Stored, error) {
	_, ends, err := b.admin.Offsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	var all []drivertest.Stored
	open := make(map[int64][]int) // by producer id: where in all its open transaction's records are
	err = b.admin.ReadPartition(ctx, topic, partition, 0, ends[partition], func(batch cluster.BatchInfo, r cluster.RawRecord) error {
		if batch.Control {
			ended := drivertest.Aborted
			if len(r.Key) >= 4 && r.Key[3] == 1 { // version and type of an end transaction marker: 0 aborts, 1 commits
				ended = drivertest.Committed
			}
			for _, at := range open[batch.ProducerID] {
				all[at].Txn = ended
			}
			delete(open, batch.ProducerID)
			return nil
		}
		stored := drivertest.Stored{Offset: r.Offset, Key: slices.Clone(r.Key), Value: slices.Clone(r.Value), Compression: batch.Compression}
		if batch.Transactional {
			stored.Txn = drivertest.Open
			open[batch.ProducerID] = append(open[batch.ProducerID], len(all))
		}
		all = append(all, stored)
		return nil
	})
	return all, err
}

// Mute implements drivertest.Broker.
func (b *Broker) Mute() {
	for i := range b.cluster.Brokers() {
		b.fleet.Silence(i, history.NoFault, true, true, nil)
	}
}

// Vanish implements drivertest.Broker.
func (b *Broker) Vanish() (back func() error, err error) {
	var allow []func() error
	back = func() error {
		var err error
		for _, a := range allow {
			err = errors.Join(err, a())
		}
		return err
	}
	for i := range b.cluster.Brokers() {
		a, err := b.fleet.Refuse(i)
		if err != nil {
			return nil, errors.Join(err, back())
		}
		allow = append(allow, a)
		b.fleet.Reset(i, history.NoFault, nil)
	}
	return back, nil
}

// Close implements drivertest.Broker.
func (b *Broker) Close() error {
	var err error
	if b.admin != nil {
		b.admin.Close()
	}
	if b.cluster != nil {
		err = b.cluster.Close(context.Background())
	}
	if b.fleet != nil {
		err = errors.Join(err, b.fleet.Close())
	}
	return err
}
