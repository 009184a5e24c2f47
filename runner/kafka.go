package runner

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// kafka is the version of Kafka that a scenario runs on, as far as anybody
// named one.
func (s *Session) kafka(sc suites.Scenario) string {
	if sc.Cluster.Kafka != "" {
		return sc.Cluster.Kafka
	}
	return s.config.Kafka
}

// version is the same as a number; zero when it cannot be made out before a
// cluster is started. An image is asked for it.
func (s *Session) version(sc suites.Scenario) history.KafkaVersion {
	if v, err := history.ParseKafkaVersion(s.kafka(sc)); err == nil {
		return v
	}
	if s.config.Image == "" {
		return history.KafkaVersion{}
	}
	if s.imageVersion == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		// Why it cannot be made out, the start of a cluster will tell.
		v, _ := docker.ImageVersion(ctx, s.config.Image)
		s.imageVersion = &v
	}
	return *s.imageVersion
}

// capabilities of the cluster that a scenario would run on, known before one is
// started, and what it is called. A version of Kafka that cannot be made out is
// denied nothing.
func (s *Session) capabilities(sc suites.Scenario) (has []cluster.Capability, who string) {
	if s.config.Cluster != docker.Kind {
		return []cluster.Capability{cluster.CanMoveLeader, cluster.CanConfigure}, s.config.Cluster
	}
	version := s.version(sc)
	if version.String() == "" {
		return docker.Capabilities(version), docker.Kind
	}
	return docker.Capabilities(version), "Kafka " + version.String()
}

// canRunOn says whether a scenario's own wishes for versions can be met.
func (s *Session) canRunOn(sc suites.Scenario) error {
	if sc.Cluster.Kafka != "" && s.config.Image != "" {
		return &Skipped{fmt.Sprintf("it always runs on Kafka %s, and --image names another image", sc.Cluster.Kafka)}
	}
	now := s.version(sc)
	if now.String() != "" && !now.From(1, 0) && pipelines(sc) {
		return &Skipped{fmt.Sprintf("it wants several batches of an idempotent producer unacknowledged at once, and Kafka %s remembers only the last (KAFKA-5494)", now)}
	}
	for _, kafka := range upgrades(sc) {
		to, err := history.ParseKafkaVersion(kafka)
		if err != nil {
			return err // the loader lets no such scenario pass
		}
		if now.String() != "" && now.Compare(to) >= 0 {
			return &Skipped{fmt.Sprintf("it upgrades to Kafka %s, and this is %s", to, now)}
		}
	}
	return nil
}

// pipelines says whether a fault of the scenario waits for an idempotent
// producer to have more than one batch of a partition unacknowledged.
func pipelines(sc suites.Scenario) bool {
	idempotent := slices.ContainsFunc(sc.Clients, func(c suites.Client) bool { return c.Idempotence })
	return idempotent && slices.ContainsFunc(sc.Faults(), func(f history.FaultSpec) bool {
		return f.When.Unacked != nil && f.When.Unacked.Least > 1
	})
}

// upgrades lists the versions that a scenario upgrades brokers to.
func upgrades(sc suites.Scenario) []string {
	var to []string
	for _, f := range sc.Faults() {
		if f.Kafka != "" {
			to = append(to, f.Kafka)
		}
	}
	return to
}
