// Package embedded is kfake in process, behind the same proxies as a real
// cluster: for feedback in seconds and for controls.
//
// kfake is not Kafka (it keeps one epoch per producer id, has no replicas and
// loses nothing when leadership moves), so no verdict about a broker is ever
// drawn from it.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Kind is what the command line calls this cluster.
const Kind = "embedded"

// Config says what to start.
type Config struct {
	// Advertised has one loopback address per broker: what the broker's proxy
	// listens on, and what the broker tells clients.
	Advertised []string
	Config     map[string]string // broker properties kfake knows
}

// Cluster is a running kfake.
type Cluster struct {
	fake    *kfake.Cluster
	brokers []cluster.Broker
	config  map[string]string
	log     *logBuffer

	mu    sync.Mutex
	dials map[string]string // advertised address -> the address kfake listens on
}

// Start brings up one kfake broker per advertised address.
func Start(c Config) (*Cluster, error) {
	if len(c.Advertised) == 0 {
		return nil, errors.New("start embedded cluster: no address to advertise: want one per broker")
	}
	for i, address := range c.Advertised {
		if slices.Contains(c.Advertised[:i], address) {
			return nil, fmt.Errorf("start embedded cluster: two brokers are to advertise %s", address)
		}
	}
	e := &Cluster{config: c.Config, log: new(logBuffer), dials: make(map[string]string)}
	next := 0
	listen := func(network, _ string) (net.Listener, error) {
		if next >= len(c.Advertised) {
			return nil, fmt.Errorf("kfake asked for more than %d listeners", len(c.Advertised))
		}
		real, err := net.Listen(network, "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		advertised := c.Advertised[next]
		next++
		address, err := net.ResolveTCPAddr("tcp", advertised)
		if err != nil {
			_ = real.Close()
			return nil, err
		}
		e.dials[advertised] = real.Addr().String()
		return &advertisingListener{Listener: real, advertised: address}, nil
	}
	opts := []kfake.Opt{
		kfake.NumBrokers(len(c.Advertised)), kfake.ListenFn(listen), kfake.WithLogger(e.log),
	}
	if len(c.Config) > 0 {
		opts = append(opts, kfake.BrokerConfigs(c.Config))
	}
	fake, err := kfake.NewCluster(opts...)
	if err != nil {
		return nil, fmt.Errorf("start embedded cluster: %w", err)
	}
	e.fake = fake
	fake.Fault(fencedOld())
	fake.ControlKey(int16(kmsg.InitProducerID), newcomers())
	fake.ControlKey(int16(kmsg.AddPartitionsToTxn), unwrap)
	for i, advertised := range c.Advertised {
		e.brokers = append(e.brokers, cluster.Broker{ID: int32(i), Advertised: advertised})
	}
	return e, nil
}

// advertisingListener listens at one address and says that it is another: kfake
// tells clients what Addr returns, and clients are to come through the proxy.
type advertisingListener struct {
	net.Listener
	advertised net.Addr
}

func (l *advertisingListener) Addr() net.Addr { return l.advertised }

// Facts implements cluster.Cluster.
func (e *Cluster) Facts() history.ClusterFacts {
	facts := history.ClusterFacts{Kind: Kind, Kafka: "kfake " + version(), Config: e.config}
	for _, b := range e.brokers {
		facts.Brokers = append(facts.Brokers, b.ID)
	}
	return facts
}

func version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			if strings.HasSuffix(dep.Path, "franz-go/pkg/kfake") {
				return dep.Version
			}
		}
	}
	return "unknown"
}

// Brokers implements cluster.Cluster.
func (e *Cluster) Brokers() []cluster.Broker { return e.brokers }

// Dial implements cluster.Cluster.
func (e *Cluster) Dial(ctx context.Context, advertised string) (net.Conn, error) {
	e.mu.Lock()
	address, ok := e.dials[advertised]
	e.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("dial embedded broker: none advertises %s", advertised)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// Has implements cluster.Cluster.
func (e *Cluster) Has(c cluster.Capability) bool {
	return c == cluster.CanMoveLeader || c == cluster.CanConfigure
}

// MoveLeader implements cluster.Mover: the next broker leads the partition.
func (e *Cluster) MoveLeader(_ context.Context, topic string, partition int32) (int32, error) {
	info := e.fake.PartitionInfo(topic, partition)
	if info == nil {
		return 0, fmt.Errorf("move leader of %s/%d: no such partition", topic, partition)
	}
	if len(e.brokers) == 1 {
		return 0, fmt.Errorf("move leader of %s/%d: there is no other broker", topic, partition)
	}
	to := (info.Leader + 1) % int32(len(e.brokers))
	if err := e.fake.MoveTopicPartition(topic, partition, to); err != nil {
		return 0, fmt.Errorf("move leader of %s/%d to broker %d: %w", topic, partition, to, err)
	}
	return to, nil
}

// PlaceLeaders implements cluster.Placer. kfake gives a new partition whatever
// leader chance has it.
func (e *Cluster) PlaceLeaders(topic string) error {
	for partition := int32(0); ; partition++ {
		if e.fake.PartitionInfo(topic, partition) == nil {
			return nil
		}
		to := partition % int32(len(e.brokers))
		if err := e.fake.MoveTopicPartition(topic, partition, to); err != nil {
			return fmt.Errorf("make broker %d leader of %s/%d: %w", to, topic, partition, err)
		}
	}
}

// Logs implements cluster.Cluster.
func (e *Cluster) Logs(_ context.Context, dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "kfake.log"), e.log.bytes(), 0o644); err != nil {
		return fmt.Errorf("write log of embedded cluster: %w", err)
	}
	return nil
}

// Close implements cluster.Cluster.
func (e *Cluster) Close(context.Context) error {
	e.fake.Close()
	return nil
}
