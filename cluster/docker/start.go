package docker

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// widestLine is how much of a broker's line an error shows, bytes: some list
// every partition.
const widestLine = 200

// cleanupTime is how long removing a cluster that did not start may take.
const cleanupTime = 60 * time.Second

// Start starts a cluster and returns when every broker answers and sees all
// others. When it fails, or the context ends, nothing is left.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.Ready == 0 {
		config.Ready = defaultReady
	}
	if config.Kafka != "" {
		// Before an engine is looked for: no machine has it.
		if _, err := history.ParseKafkaVersion(config.Kafka); err != nil {
			return nil, err
		}
	}
	owner, err := self()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errUnreachable, err)
	}
	provider, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	sweepBefore(ctx, &config)
	c := &Cluster{config: config, provider: provider, engine: provider.Client(), losses: losses{first: make(chan struct{})}}
	if c.disk = c.volume; config.Disks {
		c.disk = c.ownDisk
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	c.id = hex.EncodeToString(random[:4])
	if err := c.start(ctx, owner, random); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("start cluster: %w", err), c.Close(ctx))
	}
	return c, nil
}

// sweepBefore removes what killed runs left: their brokers would take memory and
// cores from the ones to come. What can't be removed keeps no run from starting.
func sweepBefore(ctx context.Context, config *Config) {
	ctx, cancel := context.WithTimeout(ctx, cleanupTime)
	defer cancel()
	removed, err := Sweep(ctx, false)
	if removed != (Removed{}) {
		config.progress("removed what a killed run left behind: %s", removed)
	}
	if err != nil {
		config.progress("what killed runs left behind could not all be removed, see idemcheck clean: %v", err)
	}
}

func (c *Cluster) start(ctx context.Context, owner owner, random []byte) (err error) {
	if c.image, err = findImage(ctx, c.engine, &c.config); err != nil {
		return err
	}
	if c.version, err = versionOf(c.image, c.config.Kafka); err != nil {
		return err
	}
	for _, kafka := range c.config.Upgrades {
		if _, err := findVersion(ctx, c.engine, &c.config, kafka); err != nil {
			return err
		}
	}
	c.labels = owner.labels()
	c.labels[labelCluster] = c.id
	c.labels[labelRun] = c.config.Run

	c.config.progress("creating networks")
	var clientNet, innerNet netip.Prefix
	if c.clientsNet, clientNet, err = c.createNetwork(ctx, "clients", c.labels); err != nil {
		return err
	}
	if err := checkReachable(clientNet); err != nil {
		return err
	}
	if c.innerNet, innerNet, err = c.createNetwork(ctx, "replication", c.labels); err != nil {
		return err
	}

	random[0] &= 0x7f // the text form must not begin with a dash
	c.shared = node{clusterID: base64.RawURLEncoding.EncodeToString(random), properties: properties(&c.config, c.version)}
	if !c.version.KRaft() {
		c.zookeeper = &broker{inner: hostAddress(innerNet, zookeeperPlace)}
		c.shared.zookeeper = c.zookeeper.inner.String()
	}
	for i, advertised := range c.config.Advertised {
		b := &broker{
			id: int32(i + 1), advertised: advertised,
			clients: hostAddress(clientNet, firstBroker+i), inner: hostAddress(innerNet, firstBroker+i),
		}
		c.brokers = append(c.brokers, b)
		c.shared.addresses = append(c.shared.addresses, b.inner.String())
	}

	c.config.progress("starting %d brokers of %s", c.config.Brokers, c.image.reference)
	ready, cancel := c.limitReady(ctx)
	defer cancel()
	return together(ready, c.all(), func(ctx context.Context, b *broker) error {
		if b == c.zookeeper {
			return c.startZooKeeper(ctx)
		}
		if err := c.createBroker(ctx, b, c.image); err != nil {
			return err
		}
		if err := c.begin(ctx, b); err != nil {
			return err
		}
		if err := c.waitAnswer(ctx, b, len(c.brokers)); err != nil {
			return err
		}
		c.config.progress("broker %d is ready", b.id)
		return nil
	})
}

// together does something to all brokers at once. The first error ends the
// others' context, and is returned when they all have ended.
func together(ctx context.Context, brokers []*broker, do func(context.Context, *broker) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		working sync.WaitGroup
		once    sync.Once
		first   error
	)
	for _, b := range brokers {
		working.Go(func() {
			if err := do(ctx, b); err != nil {
				once.Do(func() { first = err })
				cancel(err)
			}
		})
	}
	working.Wait()
	return first
}

// lastLines ends an error message with what a broker wrote last.
func lastLines(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return "it wrote nothing"
	}
	var b strings.Builder
	b.WriteString("its last lines:")
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if len(line) > widestLine {
			line = strings.ToValidUTF8(line[:widestLine], "") + " ..."
		}
		b.WriteString("\n" + line)
	}
	return b.String()
}
