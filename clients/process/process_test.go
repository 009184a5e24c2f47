package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// rig is one opened driver.
type rig struct {
	clients.Producer
	log    string
	broken chan error
	mu     sync.Mutex
	all    []clients.Result
}

func library(t *testing.T, command []string) (Library, *rig) {
	t.Helper()
	r := &rig{log: filepath.Join(t.TempDir(), "log"), broken: make(chan error, 4)}
	return Library{Command: command, Log: r.log, Broken: func(err error) { r.broken <- err }}, r
}

func open(t *testing.T, how string, o clients.Options) *rig {
	t.Helper()
	l, r := library(t, program(how))
	var err error
	if r.Producer, err = l.Open(t.Context(), []string{"nowhere:1"}, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		_ = r.Close(ctx)
		if alive(r.pid()) {
			t.Errorf("driver %d is left behind", r.pid())
		}
	})
	return r
}

func (r *rig) pid() int { return r.Producer.(clients.Process).PID() }

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func (r *rig) send(partition int32, values ...string) {
	for _, value := range values {
		r.Send(context.Background(), clients.Record{Topic: "t", Partition: partition, Value: []byte(value)}, func(got clients.Result) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.all = append(r.all, got)
		})
	}
}

func (r *rig) results() []clients.Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all
}

func TestRecordsAreSentAndAnsweredAndTheDriverEnds(t *testing.T) {
	r := open(t, "good", clients.Options{ClientID: "c"})
	info := r.Info()
	if info.Library != "memory" || info.Version != "1.2" || !info.OrderPromised || info.OrderWhy != "one list" || info.Deadline != 1500*time.Millisecond {
		t.Errorf("%+v", info)
	}
	for range 3000 {
		r.send(1, "one")
	}
	r.send(0, "refuse this", "lose that")
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := r.results()
	if len(all) != 3002 {
		t.Fatalf("%d answers after a flush, want 3002", len(all))
	}
	for i, got := range all[:3000] {
		if got.Outcome != history.Acked || got.Offset != int64(i) {
			t.Fatalf("record %d: %+v", i, got)
		}
	}
	if got := all[3000]; got.Outcome != history.Failed || got.Code != 10 || !strings.Contains(got.Error, "MESSAGE_TOO_LARGE (10): too large") {
		t.Errorf("%+v", got)
	}
	if got := all[3001]; got.Outcome != history.Unknown || !got.Retriable || got.Offset != history.NoOffset {
		t.Errorf("%+v", got)
	}
	if err := r.Close(t.Context()); err != nil || alive(r.pid()) {
		t.Errorf("close: %v, alive %v", err, alive(r.pid()))
	}
	if text, _ := os.ReadFile(r.log); string(text) != "here I am\n" {
		t.Errorf("the log has %q", text)
	}
	r.send(0, "too late")
	if got := r.results()[3002]; got.Outcome != history.Failed {
		t.Errorf("a record for a driver that is gone: %+v", got)
	}
	if len(r.broken) > 0 {
		t.Error(<-r.broken)
	}
}

func TestTransactionsGoThroughThePipe(t *testing.T) {
	r := open(t, "good", clients.Options{TransactionalID: "x"})
	txn, ok := r.Producer.(clients.Transactional)
	if !ok {
		t.Fatal("opened with a transactional id, and has no transactions")
	}
	if _, ok := open(t, "good", clients.Options{}).Producer.(clients.Transactional); ok {
		t.Error("opened without a transactional id, and has transactions")
	}
	ctx := t.Context()
	if err := txn.Begin(ctx); err != nil {
		t.Error(err)
	}
	if err := txn.Begin(ctx); err == nil || errors.Is(err, clients.ErrFenced) || !strings.Contains(err.Error(), "already") {
		t.Errorf("%v", err)
	}
	if err := txn.Commit(ctx); !errors.Is(err, clients.ErrFenced) {
		t.Errorf("%v", err)
	}
	if err := txn.Abort(ctx); err != nil {
		t.Error(err)
	}
}

func TestClosingAnswersWhatIsLeft(t *testing.T) {
	r := open(t, "lazy", clients.Options{})
	r.send(0, "a", "b", "c")
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, got := range r.results() {
		if got.Outcome != history.Unknown || !strings.Contains(got.Error, "closed") {
			t.Errorf("%+v", got)
		}
	}
	if len(r.results()) != 3 {
		t.Errorf("%d answers", len(r.results()))
	}
}

func TestAKilledDriverIsGoneAndItsRecordsAreUnknown(t *testing.T) {
	r := open(t, "lazy", clients.Options{})
	r.send(0, "a", "b")
	how, err := r.Producer.(clients.Process).Kill(t.Context())
	if err != nil || how != "signal: killed" || alive(r.pid()) {
		t.Errorf("%q, %v, alive %v", how, err, alive(r.pid()))
	}
	for _, got := range r.results() {
		if got.Outcome != history.Unknown {
			t.Errorf("%+v", got)
		}
	}
	if len(r.results()) != 2 || len(r.broken) != 0 {
		t.Errorf("%d answers, %d complaints: it was killed by us", len(r.results()), len(r.broken))
	}
	if _, err := r.Producer.(clients.Process).Kill(t.Context()); err == nil {
		t.Error("killed twice")
	}
}

func TestAPausedDriverStandsStillAndItsSenderWaits(t *testing.T) {
	r := open(t, "good", clients.Options{})
	process := r.Producer.(clients.Process)
	if err := process.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for range 2000 {
			r.send(0, strings.Repeat("x", 200))
		}
	}()
	select {
	case <-sent:
		t.Error("2000 records of 200 bytes went to a driver that reads nothing")
	case <-time.After(200 * time.Millisecond):
	}
	if n := len(r.results()); n > 0 {
		t.Errorf("%d answers of a driver that stands still", n)
	}
	if err := process.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-sent
	if err := r.Flush(t.Context()); err != nil || len(r.results()) != 2000 {
		t.Errorf("%d answers, %v", len(r.results()), err)
	}
}

func TestAPausedDriverCanBeClosedAndKilled(t *testing.T) {
	r := open(t, "lazy", clients.Options{})
	r.send(0, "a")
	if err := r.Producer.(clients.Process).Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := r.Close(ctx); err == nil || alive(r.pid()) || len(r.results()) != 1 {
		t.Errorf("close: %v, alive %v, %d answers", err, alive(r.pid()), len(r.results()))
	}
}

func TestWhatABrokenDriverDoesIsSaidOnce(t *testing.T) {
	for how, want := range map[string][]string{
		"crash":                {"ended by itself: exit status 2", "panic: out of memory"},
		"cut-line":             {"ended by itself: signal: killed"},
		"garbage":              {"line 2", "no event of the protocol", "WARNING: no native library"},
		"unknown-event":        {"no event \"hello\""},
		"ack-of-nothing":       {"ack of 99"},
		"ack-twice":            {"ack of 1, which is no record without an answer"},
		"other-partition":      {"sent to partition 0 and acked in partition 3"},
		"ack-without-offset":   {"line 2", "the ack of 1 has no offset"},
		"flushed-for-a-record": {"line 2", "answer to 1, which is nothing without an answer"},
		"done-for-nothing":     {"line 2", "answer to 77, which was never asked"},
		"ready-twice":          {"line 2", "a second ready event"},
		"zeros":                {"line 2", "no event of the protocol", `\x00\x00\x00`, "1000 bytes"},
		"long-garbage":         {"line 2", "no event of the protocol", "\\xfegarbage", "800000 bytes"},
		"endless-line":         {"line 2", "longer than 8 MiB", "xxx"},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			r := open(t, how, clients.Options{})
			r.send(0, "a")
			err := <-r.broken
			for _, text := range append(want, fmt.Sprintf("pid %d", r.pid())) {
				if !strings.Contains(err.Error(), text) {
					t.Errorf("%v does not say %q", err, text)
				}
			}
			if len(err.Error()) > 500 {
				t.Errorf("the error has %d bytes: %v", len(err.Error()), err)
			}
			if len(r.results()) != 1 || alive(r.pid()) {
				t.Errorf("%d answers, alive %v", len(r.results()), alive(r.pid()))
			}
			if err := r.Flush(t.Context()); err == nil {
				t.Error("a driver that is gone was flushed")
			}
			if _, err := r.Producer.(clients.Process).Kill(t.Context()); err == nil {
				t.Error("a driver that is gone was killed")
			}
			if len(r.broken) > 0 {
				t.Errorf("said again: %v", <-r.broken)
			}
		})
	}
}

func TestADriverThatCannotOpenSaysWhy(t *testing.T) {
	for how, want := range map[string]string{
		"mute": "is not ready", "old": "speaks version 7", "crash-at-once": "cannot find libkafka", "good": "no such thing",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			l, r := library(t, program(how))
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			if how == "good" {
				ctx, cancel = context.WithCancel(t.Context())
			}
			defer cancel()
			_, err := l.Open(ctx, nil, clients.Options{Acks: "impossible"})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if len(r.broken) > 0 {
				t.Errorf("said again: %v", <-r.broken)
			}
		})
	}
	l, _ := library(t, []string{filepath.Join(t.TempDir(), "nothing")})
	if _, err := l.Open(t.Context(), nil, clients.Options{}); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestWhatADriverStartedGoesWithIt(t *testing.T) {
	r := open(t, "with-a-child", clients.Options{})
	var text []byte
	for deadline := time.Now().Add(5 * time.Second); !strings.HasSuffix(string(text), "\n") && time.Now().Before(deadline); {
		text, _ = os.ReadFile(r.log)
	}
	child, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(string(text), "child ")))
	if err != nil || !alive(child) {
		t.Fatalf("no child: %q", text)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	for deadline := time.Now().Add(5 * time.Second); alive(child); {
		if time.Now().After(deadline) {
			t.Fatalf("process %d is left behind", child)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// harness is what is killed half-way: it opens a driver, says its pid, and pauses
// it if asked to.
func harness(how string) {
	r := &rig{}
	l := Library{Command: program("lazy"), Log: os.DevNull}
	var err error
	if r.Producer, err = l.Open(context.Background(), nil, clients.Options{}); err != nil {
		panic(err)
	}
	r.send(0, "a")
	if how == "paused" {
		if err := r.Producer.(clients.Process).Pause(context.Background()); err != nil {
			panic(err)
		}
	}
	fmt.Println(r.pid())
	time.Sleep(time.Hour)
}

func TestADriverEndsWithAKilledHarness(t *testing.T) {
	for _, how := range []string{"running", "paused"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0], "harness", how)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var pid int
			if _, err := fmt.Fscan(out, &pid); err != nil || !alive(pid) {
				t.Fatalf("driver %d: %v", pid, err)
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			// Whoever adopts it may take its time to reap it: dead is what counts.
			for deadline := time.Now().Add(5 * time.Second); alive(pid) && !dead(pid); {
				if time.Now().After(deadline) {
					t.Fatalf("driver %d outlives the harness", pid)
				}
				time.Sleep(10 * time.Millisecond)
			}
		})
	}
}

// dead says whether a process has ended and only waits to be reaped.
func dead(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}
