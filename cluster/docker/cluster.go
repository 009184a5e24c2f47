package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

var (
	_ cluster.Cluster = (*Cluster)(nil)
	_ cluster.Power   = (*Cluster)(nil)
	_ cluster.Mover   = (*Cluster)(nil)
	_ cluster.Watched = (*Cluster)(nil)
)

// Cluster is a cluster of brokers in containers. It is safe for use by several
// goroutines, save that one broker's power calls must follow one another.
type Cluster struct {
	id       string // unique; in labels and names
	config   Config
	image    image
	version  history.KafkaVersion // that it was started with; zero when nobody could say
	provider *testcontainers.DockerProvider
	engine   client.APIClient
	brokers  []*broker

	labels               map[string]string // of everything that is made for it
	clientsNet, innerNet string            // names of its networks
	shared               node              // what all brokers are told
	zookeeper            *broker           // nil with KRaft
	disk                 disk
	losses               losses
	disks                disks // of brokers that have one of their own

	closing sync.Mutex
	closed  bool

	silence silence // the cuts in force between brokers

	mover sync.Mutex
	admin *cluster.Admin // made at the first leader move
}

// dialTime is how long a dial may take; a broker that is cut off is silent.
const dialTime = 5 * time.Second

// broker is one broker, or the cluster's ZooKeeper: one container at a time.
type broker struct {
	id         int32 // 0 is the ZooKeeper
	advertised string
	clients    netip.Addr   // on the clients network
	inner      netip.Addr   // on the replication network
	disk       *mount.Mount // of its log directory; nil until it has one

	mu        sync.Mutex
	container string   // the engine's id; empty before it has one
	image     image    // that the container was made from
	former    []string // containers that it had before, stopped, with their logs
	life      *life    // current or last; nil before the first
}

// life is one run of a broker's container, from start to exit.
type life struct {
	container string
	ended     chan struct{} // closed when the container is seen to have exited
	at        time.Time     // when that was; set before ended is closed
	meant     atomic.Bool   // the end was asked for
	stop      context.CancelFunc
}

// name is what the broker is called in errors.
func (b *broker) name() string {
	if b.id == 0 {
		return "ZooKeeper"
	}
	return fmt.Sprintf("broker %d", b.id)
}

func (b *broker) containerID() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.container
}

func (b *broker) imageName() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.image.reference
}

func (b *broker) current() *life {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.life
}

// running says whether the container runs, paused or not.
func (b *broker) running() bool {
	l := b.current()
	if l == nil {
		return false
	}
	select {
	case <-l.ended:
		return false
	default:
		return true
	}
}

func (b *broker) address() string {
	return netip.AddrPortFrom(b.clients, clientPort).String()
}

// Facts describes the cluster for the manifest.
func (c *Cluster) Facts() history.ClusterFacts {
	facts := history.ClusterFacts{
		Kind: "docker", Kafka: c.version.String(), Image: c.image.reference, Digest: c.image.digest,
		Config: c.shared.properties,
	}
	upgraded := 0
	for _, b := range c.brokers {
		facts.Brokers = append(facts.Brokers, b.id)
		b.mu.Lock()
		if len(b.former) > 0 {
			upgraded++
			facts.Upgraded, facts.UpgradedImage, facts.UpgradedDigest = b.image.kafka, b.image.reference, b.image.digest
		}
		b.mu.Unlock()
	}
	if upgraded > 0 && upgraded < len(c.brokers) {
		facts.Upgraded += fmt.Sprintf(" (%d of %d brokers)", upgraded, len(c.brokers))
	}
	return facts
}

// Brokers lists the brokers by rising id, dead or alive.
func (c *Cluster) Brokers() []cluster.Broker {
	list := make([]cluster.Broker, len(c.brokers))
	for i, b := range c.brokers {
		list[i] = cluster.Broker{ID: b.id, Advertised: b.advertised}
	}
	return list
}

// Has says what can be done to this cluster: everything that its version of
// Kafka knows, save what needs a second broker.
func (c *Cluster) Has(capability cluster.Capability) bool {
	switch capability {
	case cluster.CanMoveLeader, cluster.CanReplicate, cluster.CanUpgrade:
		if len(c.brokers) < 2 {
			return false
		}
	case cluster.CanDisk:
		if !c.config.Disks {
			return false
		}
	case cluster.CanIsolate:
		return c.canIsolate() == nil
	}
	return slices.Contains(Capabilities(c.version), capability)
}

// Dial connects to the broker that advertises the address, at its container's
// address. A broker that does not run refuses at once, as the port of a dead
// process on a living host does: the address of a stopped container is gone,
// and the kernel would look for it for seconds.
func (c *Cluster) Dial(ctx context.Context, advertised string) (net.Conn, error) {
	for _, b := range c.brokers {
		if b.advertised == advertised {
			return c.dial(ctx, b)
		}
	}
	return nil, fmt.Errorf("no broker advertises %s", advertised)
}

func (c *Cluster) dial(ctx context.Context, b *broker) (net.Conn, error) {
	refused := fmt.Errorf("dial broker %d: it is not running: %w", b.id, syscall.ECONNREFUSED)
	if !b.running() {
		return nil, refused
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	go func(l *life) { // a broker that goes away while it is being dialled refuses too
		select {
		case <-l.ended:
			cancel()
		case <-ctx.Done():
		}
	}(b.current())
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", b.address())
	if errors.Is(err, syscall.EHOSTUNREACH) && b.running() {
		// The kernel may still remember that nobody had the address during a cut.
		conn, err = dialer.DialContext(ctx, "tcp", b.address())
	}
	switch {
	case err == nil:
		return conn, nil
	case !b.running():
		return nil, refused
	default:
		return nil, fmt.Errorf("dial broker %d: %w", b.id, err)
	}
}

// MoveLeader makes another in-sync replica lead the partition.
func (c *Cluster) MoveLeader(ctx context.Context, topic string, partition int32) (to int32, err error) {
	c.mover.Lock()
	defer c.mover.Unlock()
	if c.admin == nil {
		if c.admin, err = cluster.NewAdmin(c); err != nil {
			return -1, err
		}
	}
	return c.admin.MoveLeader(ctx, topic, partition)
}

// Close removes the containers, networks and volumes. It may be called twice, and
// again after it failed; it works on what a failed start left.
func (c *Cluster) Close(ctx context.Context) error {
	c.mover.Lock()
	if c.admin != nil {
		c.admin.Close()
		c.admin = nil
	}
	c.mover.Unlock()
	c.closing.Lock()
	defer c.closing.Unlock()
	if c.closed {
		return nil
	}
	for _, b := range c.all() {
		b.mean()
	}
	_, err := remove(ctx, c.engine, client.Filters{}.Add("label", labelCluster+"="+c.id), anyOwner)
	for _, b := range c.all() {
		if l := b.current(); l != nil {
			l.stop()
		}
	}
	if err != nil {
		return fmt.Errorf("remove cluster %s (idemcheck clean does so later): %w", c.id, err)
	}
	c.disks.release()
	c.closed = true
	return c.provider.Close()
}

// all lists the brokers, and the ZooKeeper behind them where there is one.
func (c *Cluster) all() []*broker {
	if c.zookeeper == nil {
		return c.brokers
	}
	return append(slices.Clone(c.brokers), c.zookeeper)
}

// ignoreNotFound takes the error of a removal: what is gone is removed.
func ignoreNotFound(err error) error {
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
