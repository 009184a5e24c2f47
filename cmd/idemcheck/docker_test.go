package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/history"
)

// needsDocker skips the test, loudly, where no engine answers; where Docker is
// required it fails instead.
func needsDocker(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := docker.Engine(ctx)
	switch {
	case err == nil && !testing.Short():
	case os.Getenv("IDEMCHECK_REQUIRE_DOCKER") == "1":
		t.Fatalf("Docker is required, and: %v", err)
	case err == nil:
		t.Skip("SKIPPED: runs real brokers, and -short was given")
	default:
		t.Skipf("SKIPPED, nothing was tested on a real broker: %v", err)
	}
}

// left lists the containers, networks and volumes that a process of ours owns.
func left(t *testing.T, pid int) string {
	t.Helper()
	var all []string
	for _, list := range [][]string{{"ps", "-aq"}, {"network", "ls", "-q"}, {"volume", "ls", "-q"}} {
		out, err := exec.Command("docker", append(list, "--filter", fmt.Sprintf("label=idemcheck.owner.pid=%d", pid))...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker %v: %v: %s", list, err, out)
		}
		all = append(all, strings.Fields(string(out))...)
	}
	return strings.Join(all, " ")
}

func TestTheBasicSuiteHoldsOnThreeRealBrokers(t *testing.T) {
	needsDocker(t)
	dir := t.TempDir()
	s := start(t, dir, "run", "--cluster", "docker", "--kafka", "4.3.1", "basic")
	s.waitFor("scenarios:", 8*time.Minute)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("%v", err)
	}
	t.Logf("\n%s", s.said.String())
	if n := len(listed(t, shard{}, 1, "basic")); !strings.Contains(s.said.String(), fmt.Sprintf("%d scenarios: %d as expected", n, n)) {
		t.Error("not everything was as expected")
	}
	if found := left(t, s.cmd.Process.Pid); found != "" {
		t.Errorf("left behind: %s", found)
	}
	forgets := ""
	for _, run := range runDirs(t, dir) {
		before, _ := os.ReadFile(filepath.Join(run, "verdict.json"))
		cli(t, dir, "check", run).want(t, exitAsExpected)
		if after, err := os.ReadFile(filepath.Join(run, "verdict.json")); err != nil || string(before) != string(after) {
			t.Errorf("%s: judged again, the verdict is another (%v)", run, err)
		}
		for _, broker := range []string{"1", "2", "3"} {
			if info, err := os.Stat(filepath.Join(run, "broker", "broker-"+broker+".log")); err != nil || info.Size() == 0 {
				t.Errorf("%s: no log of broker %s (%v)", run, broker, err)
			}
		}
		if strings.Contains(run, "restart-forgets") {
			forgets = run
		}
	}
	forgotten(t, forgets)
}

// forgotten follows the finding of leader-restart-forgets through the wire
// journal: retry, answer 45, epoch bump, second append.
func forgotten(t *testing.T, run string) {
	t.Helper()
	verdict, err := checker.Load(run)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range verdict.Guarantees {
		if g.Name != checker.Duplicates {
			continue
		}
		var steps []string
		for _, e := range g.Anomalies[0].Wire {
			switch {
			case e.Kind == history.WireRequest:
				steps = append(steps, fmt.Sprintf("send epoch %d", e.Epoch))
			case e.Kind == history.WireAnswer && e.Action == history.ActionHeld:
				steps = append(steps, fmt.Sprintf("answer %d kept back", e.Error))
			case e.Kind == history.WireAnswer:
				steps = append(steps, fmt.Sprintf("answer %d", e.Error))
			}
		}
		story := strings.Join(steps, ", ")
		for _, part := range []string{"send epoch 0, answer 0 kept back", "send epoch 0, answer 45, send epoch 1, answer 0"} {
			if !strings.Contains(story, part) {
				t.Errorf("the wire journal tells %q, want in it %q", story, part)
			}
		}
		return
	}
	t.Error("no duplicates were judged")
}

func TestASignalInAnyPhaseOnRealBrokersLeavesNothingBehind(t *testing.T) {
	needsDocker(t)
	for _, phase := range []string{"creating networks", "is ready", "brokers ready", "slow: send", "restart-leader"} {
		t.Run(phase, func(t *testing.T) {
			dir := t.TempDir()
			slow(t, dir)
			s := start(t, dir, "run", "--cluster", "docker", "slow.yaml")
			if phase == "restart-leader" { // while the leader is down
				s.waitFor("slow: send", 2*time.Minute)
				time.Sleep(1500 * time.Millisecond)
			} else {
				s.waitFor(phase, 2*time.Minute)
			}
			s.endsBy(syscall.SIGINT, 90*time.Second)
			if found := left(t, s.cmd.Process.Pid); found != "" {
				t.Errorf("left behind: %s\n%s", found, s.said.String())
			}
			run, err := history.Open(runDirs(t, dir)[0])
			if err != nil {
				t.Fatal(err)
			}
			if run.Manifest.Ended != history.EndedInterrupted {
				t.Errorf("ended %q in %q: %s", run.Manifest.Ended, run.Manifest.EndedIn, run.Manifest.Error)
			}
		})
	}
}

// slow writes a scenario whose leader restarts soon and whose sending takes long.
func slow(t *testing.T, dir string) {
	t.Helper()
	text := `name: slow
why: to be stopped
cluster: {kind: docker}
clients: [{idempotence: true}]
workload: {name: unique-append, records: 600, rate: 20/s, warmup: 2}
nemesis: [{fault: restart-leader, when: {records: 20}}]
`
	if err := os.WriteFile(filepath.Join(dir, "slow.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCleanSweepsWhatAKilledRunLeftAndNothingElse(t *testing.T) {
	needsDocker(t)
	dir := t.TempDir()
	slow(t, dir)
	killed, living := start(t, dir, "run", "--cluster", "docker", "slow.yaml"), start(t, dir, "run", "--cluster", "docker", "slow.yaml")
	killed.waitFor("slow: send", 3*time.Minute)
	living.waitFor("slow: send", 3*time.Minute)
	killed.endsBy(syscall.SIGKILL, 20*time.Second)
	if left(t, killed.cmd.Process.Pid) == "" {
		t.Fatal("a killed run left nothing: the test proves nothing")
	}
	cli(t, dir, "clean").want(t, exitAsExpected, "removed")
	if found := left(t, killed.cmd.Process.Pid); found != "" {
		t.Errorf("clean left %s", found)
	}
	if left(t, living.cmd.Process.Pid) == "" {
		t.Error("clean swept a living run")
	}
	living.endsBy(syscall.SIGINT, 90*time.Second)
	if found := left(t, living.cmd.Process.Pid); found != "" {
		t.Errorf("the living run left %s", found)
	}
}

func TestTwoRunsOnRealBrokersAtOnceAreBothSound(t *testing.T) {
	needsDocker(t)
	for i := range 2 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			cli(t, t.TempDir(), "run", "--cluster", "docker", "basic/leader-restart-forgets").want(t, exitAsExpected, "1 scenario: 1 as expected")
		})
	}
}

func TestAnImageThatCannotBeHadIsSaid(t *testing.T) {
	needsDocker(t)
	dir := t.TempDir()
	cli(t, dir, "run", "--cluster", "docker", "--kafka", "9.9.9", "basic/leader-restart-forgets").want(t, exitBroken, "9.9.9", "build-image --kafka 9.9.9", "idemcheck doctor")
	cli(t, dir, "run", "--cluster", "docker", "--image", "idemcheck/nothing:1", "basic/leader-restart-forgets").want(t, exitBroken, "idemcheck/nothing:1")
}

func TestWithoutAnEngineTheErrorSaysSo(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "nobody.sock"))
	dir := t.TempDir()
	cli(t, dir, "run", "--cluster", "docker", "basic/leader-restart-forgets").want(t, exitBroken, "no Docker engine answers", "DOCKER_HOST")
	cli(t, dir, "doctor").want(t, exitBroken, "MISSING container engine", "mend it with")
	cli(t, dir, "clean").want(t, exitBroken, "engine")
}

// Both sides of two claims, one of which needs brokers that can be cut off.
func TestClaimsAreDecidedOnRealBrokers(t *testing.T) {
	needsDocker(t)
	dir := t.TempDir()
	c := cli(t, dir, "run", "--cluster", "docker", "--client", "franz-go", "claims/retry-duplicates", "claims/acks-all-durable", "claims/lower-sequence-is-duplicate", "claims/consumer-duplicates", "--junit", "claims.xml")
	c.want(t, exitAsExpected, "upheld         retry-duplicates", "upheld         acks-all-durable", "upheld         consumer-duplicates",
		"refuted        lower-sequence-is-duplicate  broker: ", "4 answers in", "3 upheld, 1 refuted")
}
