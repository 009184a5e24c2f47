package docker

import (
	"context"
	"fmt"
	"maps"
	"time"
)

const (
	zookeeperPort = 2181
	// zookeeperPlace is its place in the replication network, before broker 1.
	zookeeperPlace = firstBroker - 1
	// zookeeperCommand starts it, in the images that are built from published
	// jars: the official image came after the last Kafka that needs one.
	zookeeperCommand = "/etc/kafka/docker/zookeeper"
	labelZooKeeper   = "idemcheck.zookeeper"

	// zookeeperTick is ZooKeeper's unit of time: it looks for dead sessions
	// once a tick.
	zookeeperTick = 500 * time.Millisecond
	// zookeeperSession is how long a broker may be silent before ZooKeeper
	// takes it for dead, 2 to 20 ticks. A client that hears nothing for two
	// thirds of it hangs up. With 2 s, living brokers were taken for dead on
	// two cores with thirty busy threads.
	zookeeperSession = 8 * zookeeperTick
)

// startZooKeeper starts the one ZooKeeper of a cluster, on the network that
// brokers replicate over. It does not wait for it: brokers do.
func (c *Cluster) startZooKeeper(ctx context.Context) error {
	b := c.zookeeper
	labels := maps.Clone(c.labels)
	labels[labelZooKeeper] = "1"
	id, err := c.create(ctx, b, recipe{
		name: fmt.Sprintf("idemcheck-%s-zookeeper", c.id), image: c.image.reference, command: []string{zookeeperCommand}, labels: labels,
		env: map[string]string{
			"ZOO_TICK_TIME": fmt.Sprint(zookeeperTick.Milliseconds()), "ZOO_PORT": fmt.Sprint(zookeeperPort),
			// No fault takes its disk away, and a slow one would hold up every session.
			"ZOO_OPTS": "-Dzookeeper.forceSync=no",
		},
		places: []place{{c.innerNet, b.inner}},
	})
	b.container, b.image = id, c.image
	if err != nil {
		return err
	}
	return c.begin(ctx, b)
}

// outliveSession waits until ZooKeeper has forgotten the last life of a broker
// that was killed: one that comes back before finds its own name taken, and
// ends. A graceful stop gives the name back.
func (c *Cluster) outliveSession(ctx context.Context, b *broker) error {
	l := b.current()
	if c.zookeeper == nil || l == nil {
		return nil
	}
	if state, err := c.state(ctx, b); err == nil && state.ExitCode != exitKilled {
		return nil
	}
	// A session ends with the tick after its time, and is taken away then.
	select {
	case <-time.After(time.Until(l.at.Add(zookeeperSession + 2*zookeeperTick))):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
