package runner

import (
	"errors"
	"testing"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

func TestBeforeOneOhNobodyIsAskedForSeveralUnacknowledgedBatches(t *testing.T) {
	waits := func(unacked int64, idempotent bool) suites.Scenario {
		return scenario(func(s *suites.Scenario) {
			s.Clients[0].Idempotence = idempotent
			s.Nemesis = []history.FaultSpec{{Fault: nemesis.KillLeader, When: history.TriggerSpec{Unacked: &history.Range{Least: unacked, Most: 5}}}}
		})
	}
	for name, c := range map[string]struct {
		scenario suites.Scenario
		kafka    string
		skipped  bool
	}{
		"two batches on 0.11":                     {waits(2, true), "0.11.0.3", true},
		"two batches on 1.0":                      {waits(2, true), "1.0.0", false},
		"one batch on 0.11":                       {waits(1, true), "0.11.0.3", false},
		"two batches without idempotence on 0.11": {waits(2, false), "0.11.0.3", false},
		"no fault on 0.11":                        {scenario(func(*suites.Scenario) {}), "0.11.0.3", false},
	} {
		var skipped *Skipped
		err := NewSession(Config{Cluster: "docker", Kafka: c.kafka}).canRunOn(c.scenario)
		if errors.As(err, &skipped) != c.skipped {
			t.Errorf("%s: %v, want skipped %v", name, err, c.skipped)
		}
	}
}
