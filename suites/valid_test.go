package suites

import (
	"strings"
	"testing"
)

func TestAChangedScenarioIsHeldToWhatAFileIsHeldTo(t *testing.T) {
	all, err := Find("basic/ack-loss", vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	if err := all[0].Valid(vocabulary()); err != nil {
		t.Errorf("as it was read: %v", err)
	}
	changed := all[0]
	changed.Topics.Replication = changed.Cluster.Brokers + 1
	changed.Workload.Records = 0
	err = changed.Valid(vocabulary())
	if err == nil || !strings.Contains(err.Error(), "topics.replication: replication 4: the cluster has 3 brokers") || !strings.Contains(err.Error(), "workload.records: records 0") {
		t.Errorf("%v, want both problems, each behind its place", err)
	}
}
