package runner_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// A kfake that advertises addresses of its own stands for a cluster that
// somebody else runs.
func TestProducersOfAnExternalClusterStayOnTheProxiesAndItsTopicsGo(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(1, "others"))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	session := runner.NewSession(runner.Config{
		Cluster: external.Kind, Outside: runner.Outside{Config: external.Config{Bootstrap: fake.ListenAddrs()[2:]}},
	})
	defer session.Close()
	scenario := suites.Scenario{
		Name: "outside", Why: "a test", Cluster: suites.Cluster{Kind: "docker", Brokers: 3},
		Topics:   suites.Topics{Count: 1, Partitions: 3, Replication: 3},
		Clients:  []suites.Client{{Library: "franz-go", Idempotence: true, Acks: "all"}},
		Workload: history.WorkloadSpec{Name: "unique-append", Producers: 2, Records: 60, Size: 100, Warmup: 3},
		Check:    []string{"duplicates"}, Budget: 30 * time.Second,
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := session.Run(t.Context(), scenario, 1, dir); err != nil {
		t.Fatal(err)
	}
	run, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	batches, records := int64(0), int64(0)
	for e, err := range run.Wire() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == history.WireAnswer && e.BrokerCode == 0 {
			batches += int64(e.Records)
		}
		if e.Kind == history.WireNotKafka {
			t.Errorf("passed unseen: %s", e.Note)
		}
	}
	for _, err := range run.AllLog() {
		if err != nil {
			t.Fatal(err)
		}
		records++
	}
	if records != 126 || batches != records {
		t.Errorf("%d records in the log, %d appended through the proxies, want 126", records, batches)
	}
	if kind := run.Manifest.Cluster.Kind; kind != "external" || !strings.HasPrefix(run.Manifest.Topics[0].Name, "idemcheck-outside-") {
		t.Errorf("cluster %q, topic %q", kind, run.Manifest.Topics[0].Name)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	topics, err := kadm.NewClient(client).ListTopics(ctx)
	if err != nil || !slices.Equal(topics.Names(), []string{"others"}) {
		t.Errorf("left: %v, %v", topics.Names(), err)
	}

	for says, change := range map[string]func(*suites.Scenario){
		"needs 4 brokers":             func(s *suites.Scenario) { s.Topics.Replication = 4 },
		"needs --cluster embedded":    func(s *suites.Scenario) { s.Cluster.Kind = "embedded" },
		"needs the broker property":   func(s *suites.Scenario) { s.Cluster.Config = map[string]string{"no.such.property": "1"} },
		"--hooks has no kill, stop, ": func(s *suites.Scenario) { s.Nemesis = []history.FaultSpec{{Fault: "kill-leader"}} },
	} {
		other := scenario
		change(&other)
		var skipped *runner.Skipped
		if err := session.Can(other); !errors.As(err, &skipped) || !strings.Contains(skipped.Why, says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}
