package conformance

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/conformance/matrix"
	"github.com/idemcheck/idemcheck/history"
)

// brokenOn is the version of Kafka that is made to break its promises.
const brokenOn = "4.3.1"

// startKafka starts three brokers in containers. It skips the test, loudly, where
// that can't be done, or fails it where Docker is required.
func startKafka(t *testing.T) *Target {
	t.Helper()
	missing := func(err error) {
		t.Helper()
		if os.Getenv("IDEMCHECK_REQUIRE_DOCKER") == "1" {
			t.Fatalf("Docker is required: %v", err)
		}
		t.Skipf("NOT TESTED on Kafka, which needs Docker: %v", err)
	}
	if testing.Short() {
		missing(errors.New("containers take longer than -short allows"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if _, err := docker.Engine(ctx); err != nil {
		missing(err)
	}
	began := time.Now()
	c, err := docker.Start(t.Context(), docker.Config{
		Kafka: brokenOn, Brokers: 3, Run: "test of conformance",
		Config: BrokerConfig(),
		// Nothing listens there: everybody dials through the cluster.
		Advertised: []string{"127.0.0.1:9091", "127.0.0.1:9092", "127.0.0.1:9093"},
		Progress:   func(text string) { t.Logf("%5.2f s: %s", time.Since(began).Seconds(), text) },
	})
	if err != nil && strings.Contains(err.Error(), "there is no image") {
		missing(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	admin, err := cluster.NewAdmin(c)
	t.Cleanup(func() {
		if admin != nil {
			admin.Close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	as, err := history.ParseKafkaVersion(brokenOn)
	if err != nil {
		t.Fatal(err)
	}
	return &Target{Cluster: c, Admin: admin, As: as, Exact: true, Prefix: "conform-", ExpiryCheck: ExpiryCheck}
}

// TestKafkaKeepsItsPromises is what the matrix in results/ was made from, for one
// version: every case passes, save where nothing is promised.
func TestKafkaKeepsItsPromises(t *testing.T) {
	on := startKafka(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	cells, err := Run(ctx, on, Cases(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		if c.Verdict != matrix.Pass && c.Verdict != matrix.Informational {
			t.Errorf("%d: %v: %s", c.Case, c.Verdict, c.Reason)
		}
	}
}

func TestABrokenPromiseIsFoundOnKafkaByTheCasesThatAreAboutItAndByNoOthers(t *testing.T) {
	on := startKafka(t)
	const limit = 4 * time.Minute // for one round of cases
	sound := verdicts(t, on, standing(), limit)
	for _, c := range standing() {
		if cell := sound[c.Number]; cell.Verdict != matrix.Pass {
			t.Logf("can show nothing: %d %s: %v: %s", c.Number, c.Name, cell.Verdict, cell.Reason)
		}
	}
	t.Run("nothing", func(t *testing.T) { changesNothing(t, on, sound, limit) })
	for _, b := range brokenBrokers() { // one by one: they share the brokers
		t.Run(b.Name, func(t *testing.T) { b.hold(t, on, sound, limit) })
	}
}
