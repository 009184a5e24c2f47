package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// holdings is what a process holds that it could fail to give back.
type holdings struct{ goroutines, descriptors, children int }

func held(t *testing.T) holdings {
	t.Helper()
	runtime.GC() // of connections that nobody refers to any more
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("SKIPPED: the descriptors of a process can't be counted here: %v", err)
	}
	threads, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	children := 0
	for _, thread := range threads {
		text, _ := os.ReadFile(thread) // a thread may be gone by now
		children += len(strings.Fields(string(text)))
	}
	return holdings{runtime.NumGoroutine(), len(files), children}
}

// quietly lets everything that is printed go into a file.
func quietly(t *testing.T) (said func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "said")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = file, file
	t.Cleanup(func() {
		os.Stdout, os.Stderr = out, errs
		_ = file.Close()
	})
	return func() string {
		text, _ := os.ReadFile(path)
		return string(text)
	}
}

// heldAsBefore fails the test unless the process comes to hold no more than it
// held before.
func heldAsBefore(t *testing.T, before holdings, said func() string) {
	t.Helper()
	var after holdings
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if after = held(t); after.goroutines <= before.goroutines && after.descriptors <= before.descriptors && after.children <= before.children {
			return
		}
	}
	stacks := make([]byte, 1<<20)
	t.Errorf("held %+v before the runs, and %+v after\n%s\n%s", before, after, stacks[:runtime.Stack(stacks, true)], said())
}

func TestNothingIsHeldAnyMoreAfterAHundredRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: a hundred runs take half a minute")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, write(t, dir, "mine.yaml", "RATE", "400/s"))
	said := quietly(t)
	runs := func(each int) {
		var all sync.WaitGroup
		for i := range 4 { // at once, each with clusters of its own
			all.Go(func() {
				status := run(context.Background(), []string{"run", file, "--runs", fmt.Sprint(each), "--runs-per-cluster", "10",
					"--keep", "failed", "--out", filepath.Join(dir, fmt.Sprint(i))})
				if status != exitAsExpected {
					t.Errorf("exit status %d", status)
				}
			})
		}
		all.Wait()
	}
	defer func() {
		if t.Failed() {
			t.Log(said())
		}
	}()
	runs(1) // what is started once for all stays
	before := held(t)
	runs(25)
	heldAsBefore(t, before, said)
}

// TestNothingIsHeldAnyMoreAfterRunsOnRealBrokers runs a few times, or as often
// as IDEMCHECK_LEAK_RUNS says. Brokers are killed, paused and isolated, since
// what goes on under way is what is forgotten.
func TestNothingIsHeldAnyMoreAfterRunsOnRealBrokers(t *testing.T) {
	needsDocker(t)
	dir := t.TempDir()
	text := `name: leaks
why: everything that is held while brokers come and go
cluster: {kind: docker, brokers: 3}
clients: [{idempotence: true, process: true, options: {request_timeout: 1s, retry_backoff: 50ms}}]
workload: {name: unique-append, producers: 2, records: 200, rate: 200/s, warmup: 2, tail: 10}
nemesis:
  - {fault: cut-after-append, when: {acks: 5..20}, times: 3}
  - {fault: pause-leader, when: {records: 50}, heal: {after: 500ms}}
  - {fault: isolate-broker, when: {records: 150}, heal: {after: 500ms}}
  - {fault: kill-producer, when: {records: 250}}
`
	file := filepath.Join(dir, "leaks.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	runs := func(n int) {
		status := run(t.Context(), []string{"run", file, "--cluster", "docker", "--runs", fmt.Sprint(n), "--runs-per-cluster", "10", "--keep", "failed", "--out", dir})
		if status != exitAsExpected {
			t.Errorf("exit status %d", status)
		}
	}
	if err := endProofs(); err != nil { // their cluster is this process's too
		t.Error(err)
	}
	said := quietly(t)
	runs(1)
	before := held(t)
	runs(often(t, "IDEMCHECK_LEAK_RUNS", 2))
	heldAsBefore(t, before, said)
	if found := left(t, os.Getpid()); found != "" {
		t.Errorf("the engine still has of these runs: %s", found)
	}
}

// often is how often something is done: a few times, or as the environment
// wants it.
func often(t *testing.T, variable string, few int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q: want a number of times, like 30", variable, text)
	}
	return n
}

func TestWhateverMomentAHarnessIsKilledAtTheNextRunOrCleanSweepsUp(t *testing.T) {
	needsDocker(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("moments are drawn from %d", seed)
	from := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	slow(t, dir)
	something := 0
	var before *started // what it left is still there
	nothingLeft := func(sweeper string) {
		if found := left(t, before.cmd.Process.Pid); found != "" {
			t.Errorf("%s left of a killed run: %s", sweeper, found)
		}
		before = nil
	}
	for range often(t, "IDEMCHECK_KILLS", 3) {
		began := time.Now()
		s := start(t, dir, "run", "--cluster", "docker", "slow.yaml")
		if before != nil {
			s.waitFor("creating networks", time.Minute)
			nothingLeft("the next run")
		}
		moment := time.Duration(from.Int64N(int64(20 * time.Second)))
		time.Sleep(time.Until(began.Add(moment)))
		s.endsBy(syscall.SIGKILL, 20*time.Second)
		time.Sleep(2 * time.Second) // the engine goes on with what it was asked for
		what := left(t, s.cmd.Process.Pid)
		if what != "" {
			something++
		}
		t.Logf("killed after %s, which left %d things", moment.Round(time.Millisecond), len(strings.Fields(what)))
		if before = s; from.IntN(2) == 0 {
			cli(t, dir, "clean").want(t, exitAsExpected, "removed")
			nothingLeft("clean")
		}
	}
	if before != nil {
		cli(t, dir, "clean").want(t, exitAsExpected, "removed")
		nothingLeft("clean")
	}
	t.Logf("%d of the killed runs had left something", something)
}
