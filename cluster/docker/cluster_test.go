package docker

import (
	"testing"
	"time"
)

func TestAClusterOfThreeBrokers(t *testing.T) {
	needDocker(t)
	began := time.Now()
	_, admin, _ := startCluster(t, 3)
	answering := time.Since(began)
	if _, err := admin.CreateTopic(within(t, 20*time.Second), "first", 4, 3, nil); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	t.Logf("three brokers answered after %.2f s, a replicated topic had its full ISR after %.2f s", answering.Seconds(), whole.Seconds())
}
