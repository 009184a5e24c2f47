package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/moby/moby/client"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

var _ cluster.Upgrader = (*Cluster)(nil)

// Upgrade stops a broker gracefully and starts one of a newer version in its
// place: another container, with the same log directory, names and addresses.
// The old container stays, stopped, for its log. seen says by what the broker
// was known before and after: its own word in its log, and the levels of
// metadata.version that it supports.
//
// The level that the cluster uses is not raised. Brokers that need a ZooKeeper
// are not upgraded: they would have to be told which protocol to speak until
// all are new.
func (c *Cluster) Upgrade(ctx context.Context, id int32, kafka string) (seen string, err error) {
	err = c.do(id, "upgrade", func(b *broker) error {
		to, version, err := c.successor(ctx, b, kafka)
		if err != nil {
			return err
		}
		before, err := c.identity(ctx, b)
		if err != nil {
			return err
		}
		if err := c.stop(ctx, b); err != nil {
			return err
		}
		if err := c.setAside(ctx, b); err != nil {
			return err
		}
		ctx, cancel := c.limitReady(ctx)
		defer cancel()
		if err := c.createBroker(ctx, b, to); err != nil {
			return err
		}
		if err := c.begin(ctx, b); err != nil {
			return err
		}
		if err := c.silenceAgain(ctx, b); err != nil {
			return err
		}
		if err := c.waitAnswer(ctx, b, 0); err != nil {
			return err
		}
		after, err := c.identity(ctx, b)
		if err != nil {
			return err
		}
		if after.says != "" && after.says != version.String() {
			return fmt.Errorf("the broker of image %s says it is Kafka %s, not %s", to.reference, after.says, version)
		}
		seen = fmt.Sprintf("%s -> %s", before, after)
		return nil
	})
	return seen, err
}

// successor finds the image that a broker is to be upgraded to, and refuses one
// that is no upgrade.
func (c *Cluster) successor(ctx context.Context, b *broker, kafka string) (image, history.KafkaVersion, error) {
	var version history.KafkaVersion
	if !c.version.KRaft() {
		return image{}, version, fmt.Errorf("Kafka %s needs a ZooKeeper, and only clusters without are upgraded", c.version) //nolint:staticcheck // a product's name
	}
	if !b.running() {
		return image{}, version, errors.New("it is not running")
	}
	to, err := findVersion(ctx, c.engine, &c.config, kafka)
	if err != nil {
		return image{}, version, err
	}
	if version, err = versionOf(to, kafka); err != nil {
		return image{}, version, err
	}
	b.mu.Lock()
	old := b.image
	b.mu.Unlock()
	if from, err := versionOf(old, ""); err == nil && from.Compare(version) >= 0 {
		return image{}, version, fmt.Errorf("it runs Kafka %s: %s is no upgrade", from, kafka)
	}
	return to, version, nil
}

// setAside frees the name of a stopped broker's container for another one.
func (c *Cluster) setAside(ctx context.Context, b *broker) error {
	ctx, cancel := unhurried(ctx)
	defer cancel()
	b.mu.Lock()
	defer b.mu.Unlock()
	name := fmt.Sprintf("idemcheck-%s-broker-%d-was-%d", c.id, b.id, len(b.former)+1)
	if _, err := c.engine.ContainerRename(ctx, b.container, client.ContainerRenameOptions{NewName: name}); err != nil {
		return fmt.Errorf("set the old container aside: %w", err)
	}
	b.former = append(b.former, b.container)
	b.container = ""
	return nil
}

// identity is by what a broker's version is known.
type identity struct {
	image    string
	says     string // its version, in its log; empty when it does not say
	produce  int16  // the newest Produce request it knows
	features string // of the levels of metadata.version it supports
}

func (i identity) String() string {
	says := i.says
	if says == "" {
		says = "image " + i.image
	}
	return fmt.Sprintf("%s (%s, Produce up to %d)", says, i.features, i.produce)
}

// ownVersion is the line in which a broker says at its start who it is.
var ownVersion = regexp.MustCompile(`Kafka version ?: (\S+)`)

// identity asks a broker who it is.
func (c *Cluster) identity(ctx context.Context, b *broker) (identity, error) {
	i := identity{image: b.imageName(), features: "no metadata.version"}
	var log bytes.Buffer
	if err := c.copyLog(ctx, b.containerID(), &log, "all"); err != nil {
		return i, fmt.Errorf("read its log: %w", err)
	}
	if said := ownVersion.FindAllSubmatch(log.Bytes(), -1); said != nil {
		i.says = string(said[len(said)-1][1])
	}
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := c.dial(ctx, b)
	if err != nil {
		return i, err
	}
	defer conn.Close()
	stop := closeAfter(ctx, conn)
	defer stop()
	asked := kmsg.NewPtrApiVersionsRequest()
	asked.Version = 3 // from 2.4 on; its answer's head is that of version 0
	asked.ClientSoftwareName, asked.ClientSoftwareVersion = "idemcheck", "1"
	answer, err := cluster.Exchange(conn, asked)
	if err != nil {
		return i, fmt.Errorf("ApiVersions: %w", err)
	}
	versions := answer.(*kmsg.ApiVersionsResponse)
	if err := kerr.ErrorForCode(versions.ErrorCode); err != nil {
		return i, fmt.Errorf("ApiVersions: %w", err)
	}
	i.produce = newest(versions, (*kmsg.ProduceRequest)(nil).Key())
	for _, f := range versions.SupportedFeatures {
		if f.Name == "metadata.version" {
			i.features = fmt.Sprintf("metadata.version %d to %d", f.MinVersion, f.MaxVersion)
		}
	}
	return i, nil
}
