package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/history"
)

// needsKafka skips the test, loudly, where there is no image of a version;
// where Docker is required it fails instead.
func needsKafka(t *testing.T, version string) {
	t.Helper()
	needsDocker(t)
	_, err := docker.ImageVersion(t.Context(), "idemcheck/kafka:"+version)
	switch {
	case err == nil:
	case os.Getenv("IDEMCHECK_REQUIRE_DOCKER") == "1":
		t.Fatalf("Docker is required, and: %v", err)
	default:
		t.Skipf("SKIPPED, nothing was tested on Kafka %s (build its image: go run ./images/cmd/build-image --kafka %s): %v", version, version, err)
	}
}

// brokerLog is what a broker wrote, over all its lives.
func (p proof) brokerLog(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.run.Dir, "broker", name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUpgradeReplacesEveryBrokerWhileRecordsOfBothVersionsAreJudged(t *testing.T) {
	needsKafka(t, "3.9.2")
	p := prove(t, onBrokers, "faults/upgrade", nil)

	facts := p.run.Manifest.Cluster
	if facts.Kafka != "3.9.2" || facts.Image != "idemcheck/kafka:3.9.2" || facts.Upgraded != "4.3.1" || facts.UpgradedImage != "idemcheck/kafka:4.3.1" || facts.Digest == facts.UpgradedDigest {
		t.Errorf("the manifest says %+v", facts)
	}
	detail := p.ended(t, "upgrade").Detail
	for _, id := range facts.Brokers {
		log := p.brokerLog(t, fmt.Sprintf("broker-%d", id))
		old, young := strings.Index(log, "Kafka version: 3.9.2"), strings.LastIndex(log, "Kafka version: 4.3.1")
		if old < 0 || young < old {
			t.Errorf("broker %d does not say that it is 3.9.2, and later 4.3.1", id)
		}
		if strings.LastIndex(log, "Kafka version: 3.9.2") > young {
			t.Errorf("broker %d is 3.9.2 at the end", id)
		}
		// metadata.version 21 is 3.9, 30 is 4.3.
		if want := fmt.Sprintf("broker %d: 3.9.2 (metadata.version 1 to 21, Produce up to 11) -> 4.3.1 (metadata.version 7 to 30, Produce up to 13)", id); !strings.Contains(detail, want) {
			t.Errorf("the fault's detail lacks %q: %s", want, detail)
		}
	}

	// Old brokers take Produce requests of version 11 at most, new ones 13: by
	// that, who appended a batch is seen on the wire.
	appended := map[int16]int{}
	for _, e := range p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.BrokerCode == 0 }) {
		if p.stands(t, e) {
			appended[e.Version]++
		}
	}
	if appended[11] < 100 || appended[13] < 100 || len(appended) != 2 {
		t.Errorf("batches in the log by the version of their request: %v", appended)
	}
}

func TestAClusterOfBeforeKRaftFailsOver(t *testing.T) {
	const version = "2.8.2"
	needsKafka(t, version)
	p := prove(t, setting{"docker", version}, "faults/kill-leader", nil)
	if facts := p.run.Manifest.Cluster; facts.Kafka != version || facts.Config["zookeeper.session.timeout.ms"] == "" {
		t.Errorf("the manifest says %+v", facts)
	}
	if log := p.brokerLog(t, "broker-1"); !strings.Contains(log, "Kafka version: "+version) {
		t.Error("broker 1 does not say that it is " + version)
	}
	if log := p.brokerLog(t, "zookeeper"); !strings.Contains(log, "Expiring session") {
		t.Error("ZooKeeper has not missed the broker that was killed")
	}
}

func TestABrokerThatSomebodyElseKillsBreaksTheRunAndIsNoViolation(t *testing.T) {
	needsDocker(t)
	dir := t.TempDir()
	text := `name: calm
why: to be disturbed
cluster: {kind: docker}
clients: [{idempotence: true}]
workload: {name: unique-append, records: 1200, rate: 20/s, warmup: 2}
`
	if err := os.WriteFile(filepath.Join(dir, "calm.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, dir, "run", "--cluster", "docker", "calm.yaml")
	s.waitFor("calm: send", 3*time.Minute)
	id, err := exec.Command("docker", "ps", "-q", "--filter", fmt.Sprintf("label=idemcheck.owner.pid=%d", s.cmd.Process.Pid), "--filter", "label=idemcheck.broker=2").Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("docker", "kill", strings.TrimSpace(string(id))).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	killed := time.Now()
	s.waitFor("1 broken", time.Minute)
	if took := time.Since(killed); took > 30*time.Second {
		t.Errorf("the run ended %s after the broker", took)
	}
	_ = s.cmd.Wait()
	if code := s.cmd.ProcessState.ExitCode(); code != exitBroken {
		t.Errorf("exit status %d, want %d", code, exitBroken)
	}
	for _, part := range []string{"broker 2", "ended by itself", "exit status 137", "its last lines"} {
		if !strings.Contains(s.said.String(), part) {
			t.Errorf("it does not say %q:\n%s", part, s.said.String())
		}
	}
	run, err := history.Open(runDirs(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	if m := run.Manifest; m.Ended != history.EndedBroken || m.EndedIn != "send" || !strings.Contains(m.Error, "broker 2") {
		t.Errorf("the manifest says that it ended %q in %q: %s", m.Ended, m.EndedIn, m.Error)
	}
	if found := left(t, s.cmd.Process.Pid); found != "" {
		t.Errorf("left behind: %s", found)
	}
}
