package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// hit is the broker that a fault names first: "broker 2 (active controller ...".
func hit(t *testing.T, e history.FaultEvent) (id int32) {
	t.Helper()
	if _, err := fmt.Sscanf(e.Target, "broker %d", &id); err != nil {
		t.Errorf("target %q: %v", e.Target, err)
	}
	return id
}

// silentButOpen proves that a broker's port takes connections and nothing
// answers there: its processes stand still and have not ended.
func silentButOpen(t *testing.T, s stage, id int32) {
	t.Helper()
	conn, err := s.cluster.Dial(t.Context(), advertised(t, s.cluster, id))
	if err != nil {
		t.Errorf("a paused broker's port is closed: %v", err)
		return
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if view, err := s.admin.ViewOf(ctx, id, "none", 0); err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Errorf("a paused broker answered: %v, %v", view, err)
	}
}

// brokerWrote is what a broker of a proof wrote, of lines that have all words.
func (p proof) brokerWrote(t *testing.T, id int32, words ...string) (lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.run.Dir, "broker", fmt.Sprintf("broker-%d.log", id)))
	if err != nil {
		t.Fatal(err)
	}
next:
	for line := range strings.Lines(string(text)) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue next
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// stepsDown proves from its own log that a broker which led went on as the
// follower of another one. (It cuts its log back only if it has more than that
// one, which is a matter of milliseconds.)
func (p proof) stepsDown(t *testing.T, id int32, topic string, partition int32) {
	t.Helper()
	what := fmt.Sprintf("Follower %s-%d starts at leader epoch", topic, partition)
	if lines := p.brokerWrote(t, id, what, fmt.Sprintf("Previous leader Some(%d)", id)); len(lines) == 0 {
		t.Errorf("broker %d never wrote %q", id, what)
	}
}

func TestAKilledBrokerIsGone(t *testing.T) {
	prove(t, onBrokers, "faults/kill-broker", during{"kill-broker": func(s stage) {
		waitDown(t, s, hit(t, s.event))
		if s.admin.Whole(t.Context()) == nil {
			t.Error("the cluster says it is whole while a broker is dead")
		}
	}})
}

func TestAPausedBrokerIsSilentAndNotGone(t *testing.T) {
	prove(t, onBrokers, "faults/pause-broker", during{"pause-broker": func(s stage) { silentButOpen(t, s, hit(t, s.event)) }})
}

func TestAnotherBrokerBecomesController(t *testing.T) {
	prove(t, onBrokers, "faults/kill-controller", during{"kill-controller": func(s stage) {
		id := hit(t, s.event)
		var epoch int32
		if _, words, _ := strings.Cut(s.event.Target, "epoch "); words != "" {
			fmt.Sscanf(words, "%d", &epoch)
		}
		waitDown(t, s, id)
		within(t, 20*time.Second, "another controller, of a higher epoch", func(ctx context.Context) bool {
			now, since, err := s.admin.Controller(ctx)
			return err == nil && now != id && since > epoch && epoch > 0
		})
	}})
}

func TestAPausedLeaderWakesUpAsAZombie(t *testing.T) {
	var old, partition int32
	var topic string
	p := prove(t, onBrokers, "faults/pause-leader", during{"pause-leader": func(s stage) {
		old, topic, partition = struck(t, s.event)
		silentButOpen(t, s, old)
		leadsNoMore(t, s, old, topic, partition)
	}})
	ended := p.ended(t, "pause-leader")
	t.Logf("%s", ended.Detail)
	p.stepsDown(t, old, topic, partition)
	// What reached it while it was paused it refuses, or its stale word is heard
	// by nobody: with the epoch of then it acknowledges nothing any more.
	for _, e := range p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireAnswer && e.Broker == old && e.Topic == topic && e.Partition == partition && e.At > ended.HealAsked && e.BrokerCode == 0
	}) {
		if !p.stands(t, e) {
			t.Errorf("the zombie acknowledged at offset %d what is not there: %+v", e.BaseOffset, e)
		}
	}
}

func TestAStoppedLeaderHandsOverAndIsGone(t *testing.T) {
	var old int32
	p := prove(t, onBrokers, "faults/stop-leader", during{"stop-leader": func(s stage) {
		id, topic, partition := struck(t, s.event)
		old = id
		waitDown(t, s, id)
		leadsNoMore(t, s, id, topic, partition)
	}})
	if len(p.brokerWrote(t, old, "ontrolled shutdown")) == 0 {
		t.Errorf("broker %d wrote nothing of a controlled shutdown", old)
	}
}

func TestAllBrokersAreDownAtOnce(t *testing.T) {
	prove(t, onBrokers, "faults/restart-all", during{"restart-all": func(s stage) {
		within(t, 60*time.Second, "no broker's port is open", func(ctx context.Context) bool {
			for _, b := range s.cluster.Brokers() {
				conn, err := s.cluster.Dial(ctx, b.Advertised)
				if err == nil {
					conn.Close()
				}
				if !errors.Is(err, syscall.ECONNREFUSED) {
					return false
				}
			}
			return true
		})
	}})
}

func TestAnIsolatedLeaderBelievesThatItLeadsWhileAnotherDoes(t *testing.T) {
	for _, name := range []string{"faults/isolate-leader", "faults/isolate-leader-unprotected"} {
		var old, partition int32
		var topic string
		p := prove(t, onBrokers, name, during{"isolate-leader": func(s stage) {
			old, topic, partition = struck(t, s.event)
			leadsNoMore(t, s, old, topic, partition)
			// The harness reaches it all the same; it is the others that don't.
			own, err := s.admin.ViewOf(t.Context(), old, topic, partition)
			all, allErr := s.admin.Replicas(t.Context(), topic, partition)
			if err != nil || allErr != nil || own.Leader != old || all.Leader == old || all.Epoch <= own.Epoch {
				t.Errorf("cut off, broker %d says %s (%v), the others %s (%v)", old, own, err, all, allErr)
			}
		}})
		p.stepsDown(t, old, topic, partition)
	}
}

func TestALeaderIsolatedFromItsClientsLeadsOn(t *testing.T) {
	var silent int32
	var since int64
	p := prove(t, onBrokers, "faults/isolate-leader-from-clients", during{"isolate-leader": func(s stage) {
		id, topic, partition := struck(t, s.event)
		silent, since = id, s.event.At
		time.Sleep(2 * time.Second) // longer than a session
		if r, err := s.admin.Replicas(t.Context(), topic, partition); err != nil || r.Leader != id || len(r.InSync) != 3 {
			t.Errorf("%s (%v), want broker %d to lead all three", r, err, id)
		}
	}})
	f := p.ended(t, "isolate-leader")
	// Whichever was on its way: who waits for an answer sends no more, and on a
	// new connection waits for the first answer there.
	if held := p.wire(t, func(e history.WireEvent) bool {
		return e.Fault == f.ID && e.Action == history.ActionHeld && e.Broker == silent
	}); len(held) == 0 {
		t.Error("no request and no answer was kept back")
	}
	// Heal is asked for 3 s after the start; what passes before was on its way at the start.
	if passed := p.wire(t, func(e history.WireEvent) bool {
		return e.Broker == silent && e.Kind == history.WireAnswer && e.Action == history.ActionPassed && e.At > since+int64(100*time.Millisecond) && e.At < since+int64(2900*time.Millisecond)
	}); len(passed) > 0 {
		t.Errorf("%d answers of broker %d reached clients meanwhile, the first %+v", len(passed), silent, passed[0])
	}
}

func TestAnIsolatedBrokerIsFencedAndComesBack(t *testing.T) {
	for _, name := range []string{"faults/isolate-broker", "faults/isolate-broker-out", "faults/split"} {
		lookFor := func(s stage) {
			id := hit(t, history.FaultEvent{Target: strings.NewReplacer("brokers [", "broker ", "]", " ").Replace(s.event.Target)})
			within(t, 20*time.Second, fmt.Sprintf("%s: the others see broker %d go", name, id), func(ctx context.Context) bool {
				for _, b := range s.cluster.Brokers() {
					if b.ID == id {
						continue
					}
					if alive, err := s.admin.Sees(ctx, b.ID); err != nil || len(alive) != 2 || slices.Contains(alive, id) {
						return false
					}
				}
				return true
			})
			if alive, err := s.admin.Sees(t.Context(), id); err != nil || len(alive) == 2 && !slices.Contains(alive, id) {
				t.Errorf("%s: broker %d, which the harness must reach, sees %v (%v)", name, id, alive, err)
			}
		}
		prove(t, onBrokers, name, during{strings.TrimSuffix(strings.TrimPrefix(name, "faults/"), "-out"): lookFor})
	}
}

func TestWhatAnIsolatedBrokerStoresWithoutBeingHeardIsStoredAgain(t *testing.T) {
	p := prove(t, onBrokers, "faults/isolate-broker-unprotected", nil)
	f := p.ended(t, "isolate-broker")
	swallowed := p.wire(t, func(e history.WireEvent) bool {
		return e.Kind == history.WireAnswer && e.Fault == f.ID && e.Action == history.ActionHeld && e.BrokerCode == 0
	})
	if len(swallowed) == 0 {
		t.Error("no answer of an append was kept back")
	}
}

func TestAnISRBelowTheMinimumRefusesRecords(t *testing.T) {
	p := prove(t, onBrokers, "faults/shrink-isr", during{"shrink-isr": func(s stage) {
		_, topic, partition := struck(t, history.FaultEvent{Target: s.event.Target[strings.Index(s.event.Target, "from ")+len("from "):]})
		var r cluster.Replicas
		if !within(t, 20*time.Second, "fewer in-sync replicas than min.insync.replicas, under the same leader", func(ctx context.Context) bool {
			var err error
			r, err = s.admin.Replicas(ctx, topic, partition)
			return err == nil && len(r.InSync) == 2
		}) {
			t.Logf("last seen: %s", r)
		}
	}})
	if refused := p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.BrokerCode == 19 }); len(refused) == 0 {
		t.Error("no broker answered 19 (NOT_ENOUGH_REPLICAS)")
	}
}

// Up to 3.6 the high watermark passes an ISR that has become too small, and
// what waited for it is answered 20; KAFKA-15583 (3.7) ended that.
func TestAnISRThatShrinksUnderAnAppendIsAnswered20(t *testing.T) {
	needsKafka(t, "3.6.2")
	p := prove(t, onBrokers, "faults/shrink-isr-after-append", nil)
	after := p.wire(t, func(e history.WireEvent) bool { return e.Kind == history.WireAnswer && e.BrokerCode == 20 })
	if len(after) == 0 {
		t.Fatal("no broker answered 20 (NOT_ENOUGH_REPLICAS_AFTER_APPEND)")
	}
	for _, e := range after {
		tp := history.TopicPartition{Topic: e.Topic, Partition: e.Partition}
		if r, ok, err := p.run.FindLog(tp, e.BaseOffset); err != nil || !ok || r.Process != e.Process || r.Number != e.First {
			t.Errorf("record %d of process %d was answered 20 at offset %d, where stands %+v (%v, %v)", e.First, e.Process, e.BaseOffset, r, ok, err)
		}
	}
}

func TestAnUncleanElectionLosesWhatOnlyTheDeadLeaderHad(t *testing.T) {
	p := prove(t, onBrokers, "faults/unclean-election", nil)
	t.Logf("%s", p.ended(t, "unclean-election").Detail)
	for _, g := range p.verdict.Guarantees {
		for _, a := range g.Anomalies {
			if a.Kind != checker.Lost {
				continue
			}
			if a.Blame != checker.BlameConfiguration || !strings.Contains(a.Diagnosis, "unclean-election") {
				t.Errorf("blamed is %s: %s", a.Blame, a.Diagnosis)
			}
			at := a.Ops[0].Offset
			if r, ok, err := p.run.FindLog(history.TopicPartition{Topic: a.Topic, Partition: a.Partition}, at); err != nil || !ok || r.LeaderEpoch == 0 {
				t.Errorf("at offset %d, where a lost record was acknowledged, stands %+v (%v, %v): want a record of a later leader epoch", at, r, ok, err)
			}
		}
	}
}
