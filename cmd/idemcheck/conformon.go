package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/cluster/embedded"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/conformance"
	"github.com/idemcheck/idemcheck/history"
)

const (
	// conformBrokers is how many a cluster of ours has: a leader, and two followers
	// of which one can be missed.
	conformBrokers = 3
	// endLimit is how long ending a cluster may take.
	endLimit = 60 * time.Second
)

// namedAddresses are addresses for brokers to name. Cases connect past them, so
// that nothing need listen there.
func namedAddresses() (all []string) {
	for i := range conformBrokers {
		all = append(all, fmt.Sprintf("127.0.0.1:%d", 19092+i))
	}
	return all
}

// name is what a column is called.
func (f *conformFlags) name(kafka string) string {
	switch {
	case f.cluster == "embedded":
		return "kfake"
	case f.cluster == external.Kind:
		return strings.Join(f.outside.bootstrap, ", ")
	case f.image != "":
		return f.image
	}
	return "Kafka " + kafka
}

// start brings up, or finds, what is looked at; end undoes it.
func (f *conformFlags) start(ctx context.Context, kafka string, screen *progress) (on *conformance.Target, end func() error, err error) {
	on = &conformance.Target{As: f.asVersion, Prefix: fmt.Sprintf("idemcheck-conform-%x-", time.Now().Unix()&0xffffff), KeepTopics: true}
	switch f.cluster {
	case embedded.Kind:
		on.Cluster, err = embedded.Start(embedded.Config{Advertised: namedAddresses()})
	case docker.Kind:
		on.Cluster, err = f.startDocker(ctx, kafka, screen, on)
	case external.Kind:
		on.KeepTopics = f.outside.keepTopics
		var found *external.Cluster
		ctx, cancel := context.WithTimeoutCause(ctx, preflightLimit, fmt.Errorf("it took longer than %s", preflightLimit))
		defer cancel()
		if found, err = external.Find(ctx, f.outside.outside(screen.note).Config); err == nil {
			on.Cluster = found
		}
	}
	if err != nil {
		return nil, nil, err
	}
	on.Admin, err = cluster.NewAdmin(on.Cluster)
	end = func() error {
		if on.Admin != nil {
			on.Admin.Close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), endLimit)
		defer cancel()
		return on.Cluster.Close(ctx)
	}
	if err == nil && f.cluster == docker.Kind {
		err = on.Admin.WaitWhole(ctx)
	}
	if err != nil {
		return nil, nil, errors.Join(err, end())
	}
	return on, end, nil
}

// startDocker starts brokers in containers.
func (f *conformFlags) startDocker(ctx context.Context, kafka string, screen *progress, on *conformance.Target) (cluster.Cluster, error) {
	c, err := docker.Start(ctx, docker.Config{
		Kafka: kafka, Image: f.image, Brokers: conformBrokers, Advertised: namedAddresses(), Run: "conform", Progress: screen.note,
		Config: conformance.BrokerConfig(),
	})
	if err != nil {
		return nil, err
	}
	on.ExpiryCheck = conformance.ExpiryCheck
	if on.As.String() == "" {
		if v, err := history.ParseKafkaVersion(c.Facts().Kafka); err == nil {
			on.As, on.Exact = v, true
		}
	}
	return c, nil
}
