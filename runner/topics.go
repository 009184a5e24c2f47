package runner

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// makeTopics creates the run's own topics, with names that no other run has.
func (r *run) makeTopics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	spec := r.scenario.Topics
	for i := range spec.Count {
		name := fmt.Sprintf("%s-%s-%d", r.scenario.Name, r.manifest.Run, i)
		if r.site.outside { // so that everybody sees whose it is
			name = "idemcheck-" + name
		}
		id, err := r.site.admin.CreateTopic(ctx, name, spec.Partitions, spec.Replication, topicConfig(spec.Config))
		if err != nil {
			return err
		}
		if placer, ok := r.site.cluster.(cluster.Placer); ok {
			if err := placer.PlaceLeaders(name); err != nil {
				return err
			}
		}
		starts, _, err := r.site.admin.Offsets(ctx, name)
		if err != nil {
			return err
		}
		r.site.fleet.SetTopic(id, name)
		ends := make([]int64, spec.Partitions)
		for p := range ends {
			ends[p] = -1
		}
		r.manifest.Topics = append(r.manifest.Topics, history.Topic{
			Name: name, ID: hex.EncodeToString(id[:]), Partitions: spec.Partitions, Replication: spec.Replication,
			Starts: starts, Ends: ends, Read: make([]bool, spec.Partitions),
		})
	}
	return nil
}

// topicConfig turns retention and compaction off where a scenario does not say
// otherwise: nothing may leave the log before it is read.
func topicConfig(asked map[string]string) map[string]string {
	config := map[string]string{"retention.ms": "-1", "retention.bytes": "-1", "cleanup.policy": "delete"}
	for name, value := range asked {
		config[name] = value
	}
	return config
}

// topicNames lists the run's topics.
func (r *run) topicNames() []string {
	var names []string
	for _, t := range r.manifest.Topics {
		names = append(names, t.Name)
	}
	return names
}
