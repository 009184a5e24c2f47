package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// passing is how long (ns) after a producer stopped or died its last requests
// may still be under way to the proxy: what stands in the socket's buffers.
const passing = 250e6

// onEach runs a proof on both kinds of cluster.
func onEach(t *testing.T, proof func(t *testing.T, on setting)) {
	for _, on := range []setting{onEmbedded, onBrokers} {
		t.Run(on.cluster, func(t *testing.T) { proof(t, on) })
	}
}

// requestsOf lists the produce batches of one process that the wire showed.
func requestsOf(t *testing.T, run *history.Run, p history.Process) (all []history.WireEvent) {
	t.Helper()
	for ev, err := range run.Wire() {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == history.WireRequest && ev.ClientID == p.ClientID {
			all = append(all, ev)
		}
	}
	return all
}

// noDrivers complains of every driver process that outlives its run.
func noDrivers(t *testing.T, run *history.Run) {
	t.Helper()
	for _, p := range run.Manifest.Processes {
		if p.PID != 0 && syscall.Kill(p.PID, 0) == nil {
			t.Errorf("process %d: driver %d is left behind", p.ID, p.PID)
		}
	}
}

// follows holds a process against the one before it of the same producer: a
// client id, a connection and a producer id of its own, and records from 0.
func follows(t *testing.T, run *history.Run, old, next history.Process, at int64) {
	t.Helper()
	before, after := requestsOf(t, run, old), requestsOf(t, run, next)
	if len(before) == 0 || len(after) == 0 {
		t.Errorf("process %d sent %d batches, and process %d after it %d", old.ID, len(before), next.ID, len(after))
		return
	}
	if last := before[len(before)-1]; last.At > at+passing {
		t.Errorf("process %d sent %d ms after its end", old.ID, (last.At-at)/1e6)
	}
	ids := map[int64]bool{}
	for _, ev := range before {
		ids[ev.ProducerID] = true
	}
	for _, ev := range after {
		if ids[ev.ProducerID] || ev.Process != next.ID {
			t.Errorf("process %d goes on with the producer id of process %d: %+v", next.ID, old.ID, ev)
			return
		}
	}
	if next.Opened < at || next.ClientID == old.ClientID {
		t.Errorf("process %+v does not follow %+v, which ended at %d", next, old, at)
	}
}

// successors holds every process that a fault ended against the next one.
func successors(t *testing.T, run *history.Run, end string) (found int) {
	t.Helper()
	for _, old := range run.Manifest.Processes {
		if old.End == "" {
			continue
		}
		if old.End != end {
			t.Errorf("process %d ended by %q, want %q", old.ID, old.End, end)
		}
		for _, next := range run.Manifest.Processes[old.ID+1:] {
			if next.Producer == old.Producer {
				found++
				follows(t, run, old, next, old.Closed)
				break
			}
		}
	}
	return found
}

func TestProveKillProducer(t *testing.T) {
	onEach(t, func(t *testing.T, on setting) {
		p := prove(t, on, "faults/kill-producer", nil)
		// By the wait status, as the operating system gives it, and by the wire.
		if n := successors(t, p.run, "signal: killed"); n != 3 {
			t.Errorf("%d producers were followed by another, want 3", n)
		}
		noDrivers(t, p.run)
	})
}

func TestProveRestartProducer(t *testing.T) {
	onEach(t, func(t *testing.T, on setting) {
		p := prove(t, on, "faults/restart-producer", nil)
		if n := successors(t, p.run, "closed"); n != 3 {
			t.Errorf("%d producers were followed by another, want 3", n)
		}
	})
}

func TestProvePauseProducer(t *testing.T) {
	onEach(t, func(t *testing.T, on setting) {
		state := make(chan string, 1)
		p := prove(t, on, "faults/pause-producer", during{"pause-producer": func(s stage) {
			var producer, process, pid int
			var id string
			if _, err := fmt.Sscanf(strings.NewReplacer("(", "", ",", "", ")", "").Replace(s.event.Target), "producer %d: process %d %s pid %d", &producer, &process, &id, &pid); err != nil {
				state <- fmt.Sprintf("%q: %v", s.event.Target, err)
				return
			}
			stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			state <- string(stat)
		}})
		if stat := <-state; !strings.Contains(stat, ") T ") {
			t.Errorf("it is not stopped: /proc/PID/stat is %q", stat)
		}
		silent(t, p.run)
		noDrivers(t, p.run)
		// What was in flight timed out and is sent again, what was not expired.
		if p.verdict.Coverage["unknown"]+p.verdict.Coverage["retries"] == 0 {
			t.Error("nothing timed out while it stood still: the pause was too short to show anything")
		}
	})
}

// silent wants nothing of a paused producer on the wire, and connections that
// stay open meanwhile.
func silent(t *testing.T, run *history.Run) {
	t.Helper()
	pauses := 0
	for _, f := range run.Faults {
		if f.Status != history.FaultEnded {
			continue
		}
		for _, start := range run.Faults {
			if start.ID != f.ID || start.Status != history.FaultStarted {
				continue
			}
			for _, p := range run.Manifest.Processes {
				if !strings.Contains(f.Target, p.ClientID+",") {
					continue
				}
				pauses++
				before, meanwhile, after := 0, 0, 0
				for _, ev := range requestsOf(t, run, p) {
					switch {
					case ev.At <= start.At+passing:
						before++
					case ev.At < start.At+int64(run.Plan.Faults[f.ID].HealIn): // the end is noted when it runs again
						meanwhile++
					default:
						after++
					}
				}
				if before == 0 || meanwhile > 0 || after == 0 || f.At-start.At < 3e9 {
					t.Errorf("fault %d, %d ms: %d batches before, %d meanwhile, %d after", f.ID, (f.At-start.At)/1e6, before, meanwhile, after)
				}
			}
		}
	}
	if pauses == 0 {
		t.Error("no pause was found")
	}
}

func TestProveSecondProducer(t *testing.T) {
	onEach(t, func(t *testing.T, on setting) {
		p := prove(t, on, "faults/second-producer", nil)
		seconds := 0
		for _, first := range p.run.Manifest.Processes {
			for _, second := range p.run.Manifest.Processes[first.ID+1:] {
				if second.Producer == first.Producer {
					seconds++
					takesOver(t, p.run, first, second)
					break
				}
			}
		}
		if seconds != 2 {
			t.Errorf("%d producers were taken over, want 2", seconds)
		}
	})
}

// takesOver follows a take-over through the wire journal: the coordinator gave
// the second instance the producer id of the first under a higher epoch, and
// brokers refused what the first sent from then on, and stored nothing of it.
// Answers of two connections cross: one to a request that was sent before may
// come behind the coordinator's.
func takesOver(t *testing.T, run *history.Run, first, second history.Process) {
	t.Helper()
	if first.TransactionalID == "" || first.TransactionalID != second.TransactionalID {
		t.Errorf("transactional ids %q and %q", first.TransactionalID, second.TransactionalID)
	}
	var given history.WireEvent    // to the second
	var last history.WireEvent     // stored of the first
	var fenced []history.WireEvent // refused of the first
	type request struct {
		conn        int64
		correlation int32
	}
	sent := map[request]int64{} // by the first, when
	for ev, err := range run.Wire() {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case ev.Kind == history.WireInitProducerID && ev.ClientID == second.ClientID && ev.Error == 0 && given.At == 0:
			given = ev
		case ev.Kind == history.WireRequest && ev.ClientID == first.ClientID:
			sent[request{ev.Conn, ev.Correlation}] = ev.At
		case ev.Kind != history.WireAnswer || ev.ClientID != first.ClientID:
		case ev.Error == 0 && (given.At == 0 || sent[request{ev.Conn, ev.Correlation}] < given.At):
			last = ev
		case ev.Error == 0:
			t.Errorf("a broker stored what process %d sent %d ms after it was replaced: %+v", first.ID, (ev.At-given.At)/1e6, ev)
		case ev.Error == 47 || ev.Error == 90:
			// Also before the second has its answer: the coordinator raises the
			// epoch when it aborts what the first has open, and has the second
			// ask again until that is done.
			fenced = append(fenced, ev)
		}
	}
	for _, ev := range fenced {
		if ev.ProducerID != given.ProducerID || ev.Epoch >= given.Epoch {
			t.Errorf("fenced under producer id %d, epoch %d; the second has %d, epoch %d", ev.ProducerID, ev.Epoch, given.ProducerID, given.Epoch)
		}
	}
	if last.At == 0 || given.At == 0 || given.ProducerID != last.ProducerID || given.Epoch <= last.Epoch || len(fenced) == 0 {
		t.Errorf("process %d stored under producer id %d, epoch %d; process %d was given %d, epoch %d; %d requests were fenced",
			first.ID, last.ProducerID, last.Epoch, second.ID, given.ProducerID, given.Epoch, len(fenced))
	}
	// By the log: nothing of the first stands behind the second's first record.
	begun := map[history.TopicPartition]bool{}
	for rec, err := range run.AllLog() {
		if err != nil {
			t.Fatal(err)
		}
		tp := history.TopicPartition{Topic: rec.Topic, Partition: rec.Partition}
		switch rec.Process {
		case second.ID:
			begun[tp] = true
		case first.ID:
			if begun[tp] {
				t.Errorf("%s: a record of process %d stands behind one of process %d, at offset %d", tp, first.ID, second.ID, rec.Offset)
			}
		}
	}
}

func TestASignalToTheHarnessLeavesNoDriverBehind(t *testing.T) {
	for name, sig := range map[string]syscall.Signal{"killed": syscall.SIGKILL, "interrupted": syscall.SIGINT} {
		for _, fault := range []string{"kill-producer, when: {records: 30}, times: 20", "pause-producer, when: {records: 30}"} {
			t.Run(name+" in "+fault[:5], func(t *testing.T) {
				dir := t.TempDir()
				text := `name: apart
why: to be stopped
clients: [{idempotence: true, process: true}]
workload: {name: unique-append, producers: 2, records: 600, rate: 50/s, warmup: 2}
nemesis: [{fault: ` + fault + `}]
`
				if err := os.WriteFile(filepath.Join(dir, "apart.yaml"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				s := start(t, dir, "run", "apart.yaml")
				s.waitFor("apart: send", time.Minute)
				time.Sleep(time.Second) // a few records, and the first fault
				pids := children(t, s.cmd.Process.Pid)
				if len(pids) == 0 {
					t.Fatal("no driver was found: the test proves nothing")
				}
				s.endsBy(sig, 30*time.Second)
				for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
					left := 0
					for _, pid := range pids {
						if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && !strings.Contains(string(stat), ") Z ") {
							left++
						}
					}
					if left == 0 {
						return
					}
					if time.Now().After(deadline) {
						t.Fatalf("%d of the drivers %v are left behind", left, pids)
					}
				}
			})
		}
	}
}

// children lists the processes that a process has started and not seen end.
func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended since
		}
		var state string
		var parent, child int
		_, _ = fmt.Sscan(filepath.Base(filepath.Dir(file)), &child)
		if _, err := fmt.Sscan(string(stat[strings.LastIndexByte(string(stat), ')')+1:]), &state, &parent); err == nil && parent == pid {
			pids = append(pids, child)
		}
	}
	return pids
}
