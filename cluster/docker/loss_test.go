package docker

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
)

// TestABrokerThatEndsUnaskedIsReportedAsWhatItIs goes from the mildest end to
// the worst, on one cluster.
func TestABrokerThatEndsUnaskedIsReportedAsWhatItIs(t *testing.T) {
	needDocker(t)
	c, _, _ := startCluster(t, 1)
	lost := func() bool {
		select {
		case <-c.Lost():
			return true
		default:
			return false
		}
	}
	for _, end := range []func(context.Context, int32) error{c.Kill, c.Stop} {
		if err := errors.Join(end(within(t, time.Minute), 1), c.Start(within(t, time.Minute), 1)); err != nil {
			t.Fatal(err)
		}
	}
	if lost() || c.Loss() != nil {
		t.Fatalf("a broker that was killed and stopped on purpose counts as lost: %v", c.Loss())
	}

	if _, err := c.engine.ContainerKill(t.Context(), c.brokers[0].containerID(), client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("a broker that somebody else killed is not missed")
	}
	for _, part := range []string{"broker 1", "ended by itself", "exit status 137", "its last lines:\n", "INFO"} {
		if !strings.Contains(c.Loss().Error(), part) {
			t.Errorf("the loss does not say %q: %v", part, c.Loss())
		}
	}

	// A broker whose disk is spoilt does not come back.
	if err := c.Start(within(t, time.Minute), 1); err != nil {
		t.Fatal(err)
	}
	if said, err := c.exec(t.Context(), c.brokers[0], "sh", "-c", "echo spoilt > "+logDir+"/meta.properties"); err != nil {
		t.Fatal(err, said)
	}
	if err := c.Stop(within(t, time.Minute), 1); err != nil {
		t.Fatal(err)
	}
	err := c.Start(within(t, time.Minute), 1)
	if err == nil || !strings.Contains(err.Error(), "exited instead of serving: exit status 1") || !strings.Contains(err.Error(), logDir) {
		t.Errorf("the start of a broker with a spoilt disk: %v", err)
	}
}

func TestABrokerThatRunsOutOfMemoryIsReportedAsSuch(t *testing.T) {
	engine := testEngine(t)
	c, err := Start(t.Context(), Config{
		Kafka: kafkaVersion, Brokers: 1, Advertised: []string{"127.0.0.1:1"}, Run: t.Name(), Memory: 96 << 20,
	})
	if err == nil {
		t.Fatal("it started", c.Close(t.Context()))
	}
	if !strings.Contains(err.Error(), "exit status 137, out of memory") {
		t.Errorf("error is %v", err)
	}
	expectNothing(t, engine, t.Name())
}
