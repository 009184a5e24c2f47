// Package cluster is a Kafka cluster seen by the harness: brokers that proxies
// dial, and what can be done to them. The kinds live in its subpackages:
// cluster/docker (containers), cluster/embedded (kfake).
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
	// Advertised is what clients are told: the loopback address of this
	// broker's proxy, "127.0.0.1:19092".
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

// Mover moves leadership without a failure.
type Mover interface {
	// MoveLeader makes another in-sync replica lead the partition, and returns
	// its id once metadata says so.
	MoveLeader(ctx context.Context, topic string, partition int32) (to int32, err error)
}
