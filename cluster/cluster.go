// Package cluster is a Kafka cluster seen by the harness: brokers that proxies
// dial, and what can be done to them. The kinds live in its subpackages:
// cluster/docker (containers), cluster/embedded (kfake), cluster/external (the
// user's own).
//
// It knows nothing of proxies beyond the addresses that brokers must advertise,
// and nothing of producers, plans or verdicts.
package cluster

import (
	"context"
	"net"

	"github.com/idemcheck/idemcheck/history"
)

// Broker is one broker of a running cluster.
type Broker struct {
	ID int32
	// Advertised is what the broker tells clients: the loopback address of its
	// proxy, "127.0.0.1:19092"; or on an external cluster its own, in whose place
	// the proxies tell clients theirs.
	Advertised string
}

// Capability names something that only some clusters can do.
type Capability string

const (
	// CanPower: Kill, Stop, Start, Pause and Resume (the cluster is a Power).
	CanPower Capability = "power"
	// CanMoveLeader: leadership can be moved without a failure (the cluster is a Mover).
	CanMoveLeader Capability = "move-leader"
	// CanReplicate: replicas, ISR and elections are real.
	CanReplicate Capability = "replicate"
	// CanIsolate: traffic between brokers can be silenced (the cluster is an Isolator).
	CanIsolate Capability = "isolate"
	// CanDisk: a broker's log directory can be made slow or full (the cluster is a Disks).
	CanDisk Capability = "disk"
	// CanUpgrade: a broker can be replaced by one of another version (the cluster is an Upgrader).
	CanUpgrade Capability = "upgrade"
	// CanConfigure: topic properties can be changed while the cluster runs.
	CanConfigure Capability = "configure"
	// CanExpire: producer ids expire, and how soon can be set.
	CanExpire Capability = "expire-producer-ids"
)

// Cluster is a running cluster.
type Cluster interface {
	// Facts describes it for the manifest.
	Facts() history.ClusterFacts
	// Brokers lists them by rising id, dead or alive.
	Brokers() []Broker
	// Dial connects past the proxies to the broker that advertises address.
	// Proxies use it for their upstream side, the harness for its own requests.
	Dial(ctx context.Context, advertised string) (net.Conn, error)
	// Has says whether the cluster can do it.
	Has(Capability) bool
	// Logs writes the log of every broker into dir, one file a broker.
	Logs(ctx context.Context, dir string) error
	// Close ends the cluster and removes everything that was started for it.
	// It works on a half-started or broken cluster, and is safe to call twice.
	Close(ctx context.Context) error
}

// Power is what can be done to a broker's process. Each call returns when the
// effect is there, not when it was asked for.
type Power interface {
	Kill(ctx context.Context, broker int32) error   // SIGKILL
	Stop(ctx context.Context, broker int32) error   // graceful: controlled shutdown
	Start(ctx context.Context, broker int32) error  // after Kill or Stop; returns when the broker answers requests again
	Pause(ctx context.Context, broker int32) error  // SIGSTOP to every process of the broker
	Resume(ctx context.Context, broker int32) error // SIGCONT
}

// Watched is a cluster that notices when a broker ends that nobody ended: then
// neither it nor a client is to be judged.
type Watched interface {
	// Lost is closed when that has happened; Loss then says to which brokers, how
	// they ended and what they wrote last.
	Lost() <-chan struct{}
	Loss() error
}

// Mover moves leadership without a failure.
type Mover interface {
	// MoveLeader makes another in-sync replica lead the partition, and returns
	// its id once metadata says so.
	MoveLeader(ctx context.Context, topic string, partition int32) (to int32, err error)
}

// Placer is a cluster that leaves it to chance who leads the partitions of a new
// topic, unless told.
type Placer interface {
	// PlaceLeaders makes the n-th broker, counted round and round, the leader of
	// the n-th partition.
	PlaceLeaders(topic string) error
}

// Cut says which traffic between brokers is silenced: packets vanish, no
// connection is closed or refused.
type Cut struct {
	Broker  int32
	Peers   []int32 // the other brokers concerned; nil is all of them
	In, Out bool    // packets to the broker, from the broker
}

// Isolator silences traffic between brokers. Harness and proxies reach the
// brokers all the same.
type Isolator interface {
	// Isolate returns when the cut is in force. heal undoes exactly this cut,
	// and may be called after the broker has been restarted.
	Isolate(ctx context.Context, cut Cut) (heal func(context.Context) error, err error)
}

// Disks makes log directories slow or full. heal may be called after the broker
// has gone, and leaves a disk that a restarted broker can use.
type Disks interface {
	SlowDisk(ctx context.Context, broker int32, rate int64) (heal func(context.Context) error, err error) // rate in KiB per second
	FillDisk(ctx context.Context, broker int32) (heal func(context.Context) error, err error)
}

// Upgrader replaces a broker, with its log directory, by one of another version.
type Upgrader interface {
	// Upgrade stops the broker gracefully and starts one of the version (as
	// "4.3.1") in its place. It returns when that one answers requests, with by
	// what the broker's version was known before and after.
	Upgrade(ctx context.Context, broker int32, kafka string) (seen string, err error)
}
