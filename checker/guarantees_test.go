package checker

import (
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/checker/linear"
	"github.com/idemcheck/idemcheck/history"
)

// pair is one run that keeps a guarantee, or breaks it in one way. The run
// starts from two idempotent producers, whose records 0 to 3 of process 1 and 0
// to 1 of process 2 stand at offsets 0 to 5.
type pair struct {
	name  string
	build func(m *memoryRun)
	kind  Kind // empty: nothing is found
	count int64
	blame Blame
	cause Cause
	says  string // part of the diagnosis
	also  []Kind // what else is found
}

func baseRun() *memoryRun {
	return newMemoryRun(idempotent(1), idempotent(2)).sequential(1, 4).sequential(2, 2)
}

func (p pair) check(t *testing.T, guarantee string) {
	t.Helper()
	m := baseRun()
	p.build(m)
	v := m.judgeWith(Options{Version: "test", CrossCheck: linear.CrossCheck{}})
	if v.HarnessError != "" {
		t.Fatalf("harness error: %s", v.HarnessError)
	}
	found := make(map[Kind]int64)
	for _, g := range v.Guarantees {
		for _, a := range g.Anomalies {
			found[a.Kind] += a.Count
			if a.Diagnosis == "" || a.Blame == "" || !knownCause(a.Cause) {
				t.Errorf("%s has no diagnosis or blame, or no cause that is listed: %+v", a.Kind, a)
			}
		}
	}
	g := guaranteeOf(t, v, guarantee)
	if p.kind == "" {
		if g.Status != Pass || v.Overall != Pass {
			t.Fatalf("%s, %s: %s %v", v.Overall, g.Status, g.Why, g.Anomalies)
		}
		return
	}
	if g.Status != Violation || found[p.kind] != p.count {
		t.Fatalf("%s: %s; want %d %s, found %v", g.Status, g.Why, p.count, p.kind, found)
	}
	allowed := map[Kind]bool{p.kind: true}
	for _, kind := range p.also {
		allowed[kind] = true
		if found[kind] == 0 {
			t.Errorf("no %s was found: %v", kind, found)
		}
	}
	for kind := range found {
		if !allowed[kind] {
			t.Errorf("found %s as well: %v", kind, found)
		}
	}
	for _, a := range g.Anomalies {
		if a.Kind == p.kind {
			if a.Blame != p.blame || a.Cause != p.cause || !strings.Contains(a.Diagnosis, p.says) {
				t.Errorf("blame %s, want %s; cause %s, want %s; diagnosis %q, want %q in it", a.Blame, p.blame, a.Cause, p.cause, a.Diagnosis, p.says)
			}
			return
		}
	}
}

func checkPairs(t *testing.T, guarantee string, pairs []pair) {
	for _, p := range pairs {
		t.Run(p.name, func(t *testing.T) { p.check(t, guarantee) })
	}
}

// later is a moment behind everything in baseRun.
const later = 100 * second

// retried is a request sent again on another connection.
func retried(ev history.WireEvent, conn int64) history.WireEvent {
	ev.Conn, ev.Correlation = conn, 900+int32(conn)
	return ev
}

// with changes a wire event.
func with(ev history.WireEvent, change func(*history.WireEvent)) history.WireEvent {
	change(&ev)
	return ev
}

func cut(ev *history.WireEvent) { ev.Action, ev.Fault = history.ActionCut, 0 }

func epoch1(ev *history.WireEvent) { ev.Epoch, ev.BaseSequence = 1, 0 }

// sentAgainAfterItsAck has a record of a producer without idempotence sent again
// 20 ms after its acknowledgement, and stored again.
func sentAgainAfterItsAck(m *memoryRun, between ...history.WireEvent) {
	const again = later + 20_000_002
	m.manifest.Processes[0] = plain(1)
	bare := func(ev *history.WireEvent) { ev.ProducerID, ev.Epoch, ev.BaseSequence = -1, -1, -1 }
	m.send(1, later, again+9, history.Acked, 7)
	for range 2 {
		m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: -1, Epoch: -1, Sequence: -1})
	}
	m.batch(with(request(1, 4, 1, later+1), bare)).batch(with(answer(1, 4, 1, later+2, 0, 6), bare))
	for _, ev := range between {
		m.batch(ev)
	}
	m.batch(with(retried(request(1, 4, 1, again), 30), bare)).batch(with(retried(answer(1, 4, 1, again+1, 0, 7), 30), bare))
}

func TestDuplicates(t *testing.T) { checkPairs(t, Duplicates, duplicatesPairs()) }

func duplicatesPairs() []pair {
	return []pair{
		{name: "a retry that the broker suppressed is no duplicate", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Acked, 6).stored(1, 4)
			m.batch(request(1, 4, 1, later+1)).batch(with(answer(1, 4, 1, later+2, 0, 6), cut))
			m.batch(retried(request(1, 4, 1, later+3), 30)).batch(retried(answer(1, 4, 1, later+4, 0, 6), 30))
		}},
		{name: "a record acked once and stored twice under one stamp is the broker's", kind: Duplicate, count: 1, blame: BlameBroker, cause: CauseNotDeduplicated,
			says: "failed to deduplicate", also: []Kind{DoubleAppend}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 7).stored(1, 4).stored(1, 4)
				m.batch(request(1, 4, 1, later+1)).batch(with(answer(1, 4, 1, later+2, 0, 6), cut))
				m.batch(retried(request(1, 4, 1, later+3), 30)).batch(retried(answer(1, 4, 1, later+4, 0, 7), 30))
			}},
		{name: "a batch stored again by a new leader", kind: Duplicate, count: 1, blame: BlameBroker, cause: CauseStoredAgainNewLeader, says: "the new one did not know the batch",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 7).stored(1, 4).stored(1, 4)
				m.log[7].LeaderEpoch = 3
				m.batch(request(1, 4, 1, later+1)).batch(with(answer(1, 4, 1, later+2, 0, 6), cut))
				other := func(ev *history.WireEvent) { ev.Broker = 2 }
				m.batch(with(retried(request(1, 4, 1, later+3), 30), other)).batch(with(retried(answer(1, 4, 1, later+4, 0, 7), 30), other))
			}},
		{name: "a batch stored again behind six others is a limit", kind: Duplicate, count: 1, blame: BlameLimit, cause: CauseStoredAgainWindow, says: "more than five batches",
			build: func(m *memoryRun) {
				for i := range int64(7) {
					m.exchange(4+i, same)
				}
				m.stored(1, 4)
				m.batch(retried(request(1, 4, 1, later+190), 30)).batch(retried(answer(1, 4, 1, later+191, 0, 13), 30))
			}},
		{name: "a record stored again under a raised epoch is the client's", kind: Duplicate, count: 1, blame: BlameClient, cause: CauseRestampedUndecided,
			says: "the client sent the same record again as (pid 1001, epoch 1, seq 0) after it got 45 (OUT_OF_ORDER_SEQUENCE_NUMBER) for partition 1: stored again at offset 7",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 7).stored(1, 4)
				m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: 1001, Epoch: 1})
				m.batch(request(1, 4, 1, later+1)).batch(with(answer(1, 4, 1, later+2, 0, 6), cut))
				elsewhere := func(ev *history.WireEvent) { ev.Partition, ev.Process = 1, 1 }
				m.batch(with(request(1, 7, 1, later+3), elsewhere)).batch(with(answer(1, 7, 1, later+4, 45, -1), elsewhere))
				m.batch(with(retried(request(1, 4, 1, later+5), 30), epoch1)).batch(with(retried(answer(1, 4, 1, later+6, 0, 7), 30), epoch1))
			}},
		{name: "a record sent again long after its acknowledgement had arrived", kind: Duplicate, count: 1, blame: BlameClient, cause: CauseSentAgainAfterAck, says: "had reached the client 20 ms before",
			build: func(m *memoryRun) { sentAgainAfterItsAck(m) }},
		{name: "a record whose connection ended as its acknowledgement came", kind: Duplicate, count: 1, blame: BlameConfiguration, cause: CauseWithoutIdempotence, says: "without idempotence the broker cannot know",
			build: func(m *memoryRun) {
				sentAgainAfterItsAck(m, history.WireEvent{At: later + 3, Kind: history.WireDisconnect, Conn: request(1, 4, 1, 0).Conn})
			}},
		{name: "a record stored again under a raised epoch though its acknowledgement had arrived", kind: Duplicate, count: 1, blame: BlameClient, cause: CauseRestampedAfterAck,
			says: "was acknowledged at offset 7, and its acknowledgement had reached the client 20 ms before it sent the record again; after it got 45 (OUT_OF_ORDER_SEQUENCE_NUMBER) " +
				"it sent it as (pid 1001, epoch 1, seq 1): stored again at offset 8, though it knew it to be stored",
			build: func(m *memoryRun) {
				const ms20 = 20_000_000
				m.exchange(4, same) // at later + 40
				m.send(1, later+50, later+ms20+99, history.Acked, 8).stored(1, 5)
				m.batch(request(1, 5, 1, later+51)).batch(answer(1, 5, 1, later+52, 0, 7))
				m.batch(retried(request(1, 4, 1, later+60), 30)).batch(retried(answer(1, 4, 1, later+61, 45, -1), 30))
				m.storedAs(history.LogRecord{Process: 1, Number: 5, ProducerID: 1001, Epoch: 1, Sequence: 1})
				bumped := func(ev *history.WireEvent) { ev.Epoch, ev.BaseSequence = 1, 1 }
				m.batch(with(retried(request(1, 5, 1, later+52+ms20), 31), bumped)).batch(with(retried(answer(1, 5, 1, later+53+ms20, 0, 8), 31), bumped))
			}},
		{name: "a retry that may have crossed with its acknowledgement", kind: Duplicate, count: 1, blame: BlameConfiguration, cause: CauseWithoutIdempotence, says: "without idempotence the broker cannot know",
			build: func(m *memoryRun) {
				m.manifest.Processes[0] = plain(1)
				bare := func(ev *history.WireEvent) { ev.ProducerID, ev.Epoch, ev.BaseSequence = -1, -1, -1 }
				m.send(1, later, later+5_000_000+9, history.Acked, 7)
				for range 2 {
					m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: -1, Epoch: -1, Sequence: -1})
				}
				m.batch(with(request(1, 4, 1, later+1), bare)).batch(with(answer(1, 4, 1, later+2, 0, 6), bare))
				m.batch(with(retried(request(1, 4, 1, later+5_000_000), 30), bare)).batch(with(retried(answer(1, 4, 1, later+5_000_000+1, 0, 7), 30), bare))
			}},
		{name: "a record of unknown outcome may be stored once", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Unknown, history.NoOffset).stored(1, 4)
			m.batch(request(1, 4, 1, later+1))
		}},
		{name: "a record of unknown outcome stored twice", kind: Duplicate, count: 1, blame: BlameBroker, cause: CauseNotDeduplicated, says: "stored again at offset 7",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Unknown, history.NoOffset).stored(1, 4).stored(1, 4)
				m.batch(request(1, 4, 1, later+1))
			}},
		{name: "a batch stored twice is one cause", kind: Duplicate, count: 3, blame: BlameClient, cause: CauseRestampedUndecided, says: "and 2 records more the same way",
			build: func(m *memoryRun) {
				for i := range int64(3) {
					m.send(1, later, later+9, history.Acked, 6+i).stored(1, 4+i)
				}
				for i := range int64(3) {
					m.storedAs(history.LogRecord{Process: 1, Number: 4 + i, ProducerID: 1001, Epoch: 1, Sequence: int32(i)})
				}
				m.batch(request(1, 4, 3, later+1)).batch(answer(1, 4, 3, later+2, 0, 6))
				m.batch(with(retried(request(1, 4, 3, later+5), 30), epoch1))
			}},
		{name: "idempotence asked for and no producer id sent", kind: Duplicate, count: 1, blame: BlameClient, cause: CauseNotTurnedOn, says: "the client sent no producer id",
			also: []Kind{NoProducerID}, build: func(m *memoryRun) {
				none := func(ev *history.WireEvent) { ev.ProducerID, ev.Epoch, ev.BaseSequence = -1, -1, -1 }
				m.send(1, later, later+9, history.Acked, 7)
				for range 2 {
					m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: -1, Epoch: -1, Sequence: -1})
				}
				m.batch(with(request(1, 4, 1, later+1), none)).batch(with(with(answer(1, 4, 1, later+2, 0, 6), none), cut))
				m.batch(with(retried(request(1, 4, 1, later+3), 30), none)).batch(with(retried(answer(1, 4, 1, later+4, 0, 7), 30), none))
			}},
	}
}

// TestARestartedLeaderForgets is the finding of the scenario
// leader-restart-forgets: retry, 45, epoch bump, second append.
func TestARestartedLeaderForgets(t *testing.T) {
	m := baseRun()
	m.plan.Faults = []history.PlannedFault{{ID: 0, Fault: "blackhole-acks"}, {ID: 1, Fault: "restart-leader"}}
	for id, name := range []string{"blackhole-acks", "restart-leader"} {
		at := later + 5 + int64(id)
		m.faults = append(m.faults, history.FaultEvent{ID: int32(id), Fault: name, Target: "broker 1", Status: history.FaultStarted, At: at},
			history.FaultEvent{ID: int32(id), Fault: name, Status: history.FaultEnded, At: at + 1})
	}
	held := func(ev *history.WireEvent) { ev.Action, ev.Fault = history.ActionHeld, 0 }
	for i := range int64(2) {
		m.send(1, later+i, later+90+i, history.Acked, 8+i).stored(1, 4+i)
	}
	for i := range int64(2) {
		m.storedAs(history.LogRecord{Process: 1, Number: 4 + i, ProducerID: 1001, Epoch: 1, Sequence: int32(i), LeaderEpoch: 1})
		m.batch(request(1, 4+i, 1, later+1+i)).batch(with(answer(1, 4+i, 1, later+3+i, 0, 6+i), held))
		m.batch(with(answer(1, 4+i, 1, later+8+i, 0, 6+i), func(ev *history.WireEvent) {
			ev.Kind, ev.Action, ev.Fault = history.WireRelease, history.ActionDropped, 0
		}))
		m.batch(retried(request(1, 4+i, 1, later+20+i), 30+i)).batch(retried(answer(1, 4+i, 1, later+30+i, 45, -1), 30+i))
		bumped := func(ev *history.WireEvent) { ev.Epoch, ev.BaseSequence = 1, int32(i) }
		m.batch(with(retried(request(1, 4+i, 1, later+40+i), 40+i), bumped)).batch(with(retried(answer(1, 4+i, 1, later+50+i, 0, 8+i), 40+i), bumped))
	}
	m.manifest.Judge.Expect = "duplicate"
	m.manifest.Judge.Cover = map[string]int64{"dropped_acks": 2, "answers_45": 1, "epoch_bumps": 1, "restamped": 2}
	v := m.judge()
	if v.Overall != Violation || !v.AsExpected {
		t.Fatalf("%s, as expected %v: %s %s", v.Overall, v.AsExpected, v.Why, v.HarnessError)
	}
	g := guaranteeOf(t, v, Duplicates)
	if g.Count != 2 || g.Causes != 1 || g.Anomalies[0].Blame != BlameLimit {
		t.Errorf("count %d, causes %d, blame %s", g.Count, g.Causes, g.Anomalies[0].Blame)
	}
	const want = "batch (pid 1001, epoch 0, seq 4, 1 record) was appended at offset 6 and its answer lost (fault 0, blackhole-acks); " +
		"the leader forgot it (fault 1, restart-leader broker 1): a broker that starts again remembers only the last batch of a producer id; " +
		"sent again as it was, it was answered 45 (OUT_OF_ORDER_SEQUENCE_NUMBER); " +
		"the client took that for a loss and sent the same record as (pid 1001, epoch 1, seq 0): stored again at offset 8 (and 1 record more the same way)"
	if got := g.Anomalies[0].Diagnosis; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestWhatStoodBehindAForgottenBatchIsNotTheClientsEither has two batches
// unacknowledged when the leader restarts. Only the first is tried again as it
// was; its refusal makes the client number both anew.
func TestWhatStoodBehindAForgottenBatchIsNotTheClientsEither(t *testing.T) {
	build := func(fault string, partitions ...int32) *memoryRun {
		m := baseRun()
		m.plan.Faults = []history.PlannedFault{{Fault: fault}}
		m.faults = []history.FaultEvent{{Fault: fault, Target: "all 3 brokers", Status: history.FaultStarted, At: later + 10},
			{Fault: fault, Status: history.FaultEnded, At: later + 11}}
		for i := range int64(2) {
			m.send(1, later+i, later+90+i, history.Acked, 8+2*i).stored(1, 4+i)
			m.batch(request(1, 4+i, 1, later+2+i)).batch(with(answer(1, 4+i, 1, later+5+i, 0, 6+i), cut))
		}
		for i, partition := range partitions {
			refused := func(ev *history.WireEvent) { ev.Partition = partition }
			at := later + 20 + int64(i)
			m.batch(with(retried(request(1, 4, 1, at), 30+int64(i)), refused)).batch(with(retried(answer(1, 4, 1, at+10, 45, -1), 30+int64(i)), refused))
		}
		// An error of another kind on its way does not make it raise the epoch.
		m.send(1, later+12, later+99, history.Unknown, -1)
		m.batch(retried(request(1, 6, 1, later+32), 33)).batch(retried(answer(1, 6, 1, later+33, 19, -1), 33))
		for i := range int64(2) {
			bumped := func(ev *history.WireEvent) { ev.Epoch, ev.BaseSequence = 1, int32(i) }
			m.storedAs(history.LogRecord{Process: 1, Number: 4 + i, ProducerID: 1001, Epoch: 1, Sequence: int32(i), LeaderEpoch: 1})
			m.batch(with(retried(request(1, 4+i, 1, later+40+i), 40+i), bumped)).batch(with(retried(answer(1, 4+i, 1, later+50+i, 0, 8+2*i), 40+i), bumped))
			if i == 0 { // another's record in between keeps the two duplicates apart
				m.send(2, later, later+99, history.Acked, 9).stored(2, 2)
			}
		}
		return m
	}
	for name, c := range map[string]struct {
		m     *memoryRun
		blame Blame
		says  string
	}{
		"a restart": {build("restart-all", 0), BlameLimit,
			"the leader forgot what it had stored (fault 0, restart-all all 3 brokers) and answered 45 (OUT_OF_ORDER_SEQUENCE_NUMBER) to batch (pid 1001, epoch 0, seq 4, 1 record) of the same partition; " +
				"the client raised its epoch for all that it had no answer for, and sent the same record as (pid 1001, epoch 1, seq 1): stored again at offset 10"},
		"no restart": {build("reset", 0), BlameClient, "after it got 45 (OUT_OF_ORDER_SEQUENCE_NUMBER): stored again at offset 10: it could not know the first to be lost"},
		"a restart, of which another partition told first": {build("restart-all", 1, 0), BlameLimit,
			"the leader forgot what it had stored (fault 0, restart-all all 3 brokers) and answered 45 (OUT_OF_ORDER_SEQUENCE_NUMBER) to batch (pid 1001, epoch 0, seq 4, 1 record) of the same partition"},
		"another partition": {build("restart-all", 1), BlameClient, "after it got 45 (OUT_OF_ORDER_SEQUENCE_NUMBER) for partition 1: stored again at offset 10"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, a := range guaranteeOf(t, c.m.judge(), Duplicates).Anomalies {
				if a.Ops[0].Number != 5 {
					continue
				}
				if a.Blame != c.blame || !strings.Contains(a.Diagnosis, c.says) {
					t.Errorf("blame %s, want %s; diagnosis\n%s\nwant in it\n%s", a.Blame, c.blame, a.Diagnosis, c.says)
				}
				return
			}
			t.Error("the second record's duplicate was not found, or not told on its own")
		})
	}
}

func TestLost(t *testing.T) { checkPairs(t, LostRecords, lostPairs()) }

func lostPairs() []pair {
	return []pair{
		{name: "an unknown record that is absent is not lost", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Unknown, history.NoOffset)
		}},
		{name: "an acked record behind unknown ones that are absent is found", build: func(m *memoryRun) {
			for range 10 {
				m.send(1, later, later+9, history.Unknown, history.NoOffset)
			}
			m.send(1, later, later+9, history.Acked, 6).stored(1, 14)
		}},
		{name: "an acked record that the broker acknowledged is gone", kind: Lost, count: 1, blame: BlameBroker, cause: CauseLostByBroker, says: "lost by the broker or in replication",
			also: []Kind{AckContradictsLog}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
			}},
		{name: "an acked record in the middle is gone", kind: Lost, count: 1, blame: BlameBroker, cause: CauseLostByBroker, says: "at offset 6 stands record 5 of process 1",
			also: []Kind{AckContradictsLog}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6).send(1, later, later+9, history.Acked, 6).stored(1, 5)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
				m.batch(request(1, 5, 1, later+3)).batch(answer(1, 5, 1, later+4, 0, 6))
			}},
		{name: "an acked record whose sequence the log has for another is the client's loss", kind: Lost, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "took the one for a retry of the other",
			build: func(m *memoryRun) {
				at := int64(len(m.log))
				m.send(1, later, later+9, history.Acked, at).stored(1, 4) // no proxy saw it sent
				m.send(1, later+10, later+19, history.Acked, at)
				back := func(ev *history.WireEvent) { ev.BaseSequence = 4 }
				m.batch(with(request(1, 5, 1, later+11), back)).batch(with(answer(1, 5, 1, later+12, 0, at), back))
			}},
		{name: "an acked record whose sequence was an earlier one's, behind many refusals and a late retry, is the client's loss", kind: Lost, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "took the one for a retry of the other",
			also: []Kind{SequenceReuse}, build: func(m *memoryRun) {
				at := int64(len(m.log))
				for n := int64(4); n < 9; n++ {
					m.send(1, later+n, later+n+9, history.Acked, at+n-4).stored(1, n)
					m.batch(request(1, n, 1, later+n)).batch(answer(1, n, 1, later+n, 0, at+n-4))
				}
				for n := int64(9); n < 60; n++ {
					m.send(1, later+n, later+n+9, history.Unknown, history.NoOffset)
					m.batch(request(1, n, 1, later+n)).batch(answer(1, n, 1, later+n, 6, -1))
				}
				again := func(ev *history.WireEvent) { ev.Correlation += 1000 }
				m.batch(with(request(1, 6, 1, later+60), again)).batch(with(answer(1, 6, 1, later+60, 0, at+2), again))
				m.send(1, later+60, later+99, history.Acked, at)
				back := func(ev *history.WireEvent) { ev.BaseSequence = 4 }
				m.batch(with(request(1, 60, 1, later+61), back)).batch(with(answer(1, 60, 1, later+62, 0, at), back))
			}},
		{name: "what an unclean election gave up is no broker's fault", kind: Lost, count: 1, blame: BlameConfiguration, cause: CauseUncleanElection, says: "elected: fault 0, unclean-election",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
				m.during("unclean-election", "brokers [3] from broker 1 (leader of t/0), both ways", later, later+8)
			}},
		{name: "an unclean election for another partition explains nothing", kind: Lost, count: 1, blame: BlameBroker, cause: CauseLostByBroker, says: "lost by the broker or in replication",
			also: []Kind{AckContradictsLog}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
				m.during("unclean-election", "brokers [3] from broker 1 (leader of t/1), both ways", later, later+8)
			}},
		{name: "an unclean election before the acknowledgement explains nothing", kind: Lost, count: 1, blame: BlameBroker, cause: CauseLostByBroker, says: "lost by the broker or in replication",
			also: []Kind{AckContradictsLog}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
				m.during("unclean-election", "brokers [3] from broker 1 (leader of t/0), both ways", later-4, later-1)
			}},
		{name: "success without any broker's word is the client's", kind: Lost, count: 1, blame: BlameClient, cause: CauseAckMadeUp, says: "no broker acknowledged it",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 6, -1))
			}},
		{name: "success for what never went out is the client's", kind: Lost, count: 1, blame: BlameClient, cause: CauseAckedUnsent, says: "never seen on the wire",
			build: func(m *memoryRun) { m.send(1, later, later+9, history.Acked, 6) }},
		{name: "a sequence used twice loses the second batch", kind: Lost, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "used the sequence of",
			also: []Kind{SequenceReuse}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 6).stored(1, 4).send(1, later, later+9, history.Acked, 6)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
				same := func(ev *history.WireEvent) { ev.BaseSequence = 4 }
				m.batch(with(request(1, 5, 1, later+3), same)).batch(with(answer(1, 5, 1, later+4, 0, 6), same))
			}},
		{name: "with acks=0 nothing is promised", build: func(m *memoryRun) {
			m.manifest.Processes[0].Acks = "0"
			m.send(1, later, later+9, history.Acked, history.NoOffset)
		}},
		{name: "with acks=1 the configuration is to blame", kind: Lost, count: 1, blame: BlameConfiguration, cause: CauseAcksBelowAll, says: "acks=1",
			build: func(m *memoryRun) {
				m.manifest.Processes[0].Acks = "1"
				m.manifest.Processes[0].Idempotence = false
				none := func(ev *history.WireEvent) { ev.ProducerID, ev.Acks = -1, 1 }
				m.send(1, later, later+9, history.Acked, 6)
				m.batch(with(request(1, 4, 1, later+1), none)).batch(with(answer(1, 4, 1, later+2, 0, 6), none))
			}},
	}
}

func TestPayload(t *testing.T) { checkPairs(t, Payload, payloadPairs()) }

func payloadPairs() []pair {
	strange := func(standing history.Standing) func(*memoryRun) {
		return func(m *memoryRun) {
			m.storedAs(history.LogRecord{Standing: standing, Process: -1, Number: -1, Claims: "t/3"})
		}
	}
	return []pair{
		{name: "control records are no data", build: strange(history.Control)},
		{name: "a corrupt record", build: strange(history.Corrupt), kind: Corrupt, count: 1, blame: BlameNoneKnown, cause: CauseDamaged, says: "fails its own checksum"},
		{name: "a foreign record", build: strange(history.Foreign), kind: Foreign, count: 1, blame: BlameNoneKnown, cause: CauseOtherWriter, says: "not one of this run"},
		{name: "a record of another partition", build: strange(history.Misplaced), kind: Misplaced, count: 1, blame: BlameClient, cause: CauseSentElsewhere, says: "sent to t/3"},
		{name: "a record that nobody sent", build: func(m *memoryRun) { m.stored(2, 2) }, kind: Unsent, count: 1, blame: BlameNoneKnown, cause: CauseNobodySent, says: "number 2 of process 2"},
		{name: "a record of a process that nobody started", build: func(m *memoryRun) { m.stored(9, 0) }, kind: Unsent, count: 1, blame: BlameNoneKnown, cause: CauseNobodySent, says: "process 9"},
		{name: "an acked offset where another record stands, as the broker said", kind: WrongOffset, count: 1, blame: BlameBroker, cause: CauseAckContradictsLog, says: "broker 1 answered so",
			also: []Kind{AckContradictsLog}, build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 3).stored(1, 4)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 3))
			}},
		{name: "an acked offset that no broker gave", kind: WrongOffset, count: 1, blame: BlameClient, cause: CauseOffsetMadeUp, says: "the client made it up",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 5).stored(1, 4)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
			}},
		{name: "an acked offset beyond the end", kind: WrongOffset, count: 1, blame: BlameClient, cause: CauseOffsetMadeUp, says: "acked at offset 60, where nothing stands",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 60).stored(1, 4)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
			}},
		{name: "success without an offset claims none", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Acked, history.NoOffset).stored(1, 4)
		}},
	}
}

func TestFailedVisible(t *testing.T) { checkPairs(t, FailedIsAbsent, failedVisiblePairs()) }

func failedVisiblePairs() []pair {
	return []pair{
		{name: "a failed record that is absent", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Failed, history.NoOffset)
		}},
		{name: "a failed record after an attempt that nobody answered", kind: FailedVisible, count: 1, blame: BlameClient, cause: CauseFailedUndecided, says: "the outcome is unknown, not failed",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Failed, history.NoOffset).stored(1, 4)
				m.batch(request(1, 4, 1, later+1))
			}},
		{name: "a failed record whose leader stepped down after it had appended it", kind: FailedVisible, count: 1, blame: BlameClient, cause: CauseFailedUndecided, says: "the outcome is unknown, not failed",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Failed, history.NoOffset).stored(1, 4)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 6, 6))
			}},
		{name: "a failed record that the broker refused and stored", kind: FailedVisible, count: 1, blame: BlameBroker, cause: CauseRefusedAndStored, says: "refused every attempt and stored one",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Failed, history.NoOffset).stored(1, 4)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 10, -1))
			}},
	}
}

func TestOrder(t *testing.T) { checkPairs(t, Order, orderPairs()) }

func orderPairs() []pair {
	overtaken := func(m *memoryRun) {
		m.send(1, later, later+9, history.Acked, 7).send(1, later+1, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
		m.batch(request(1, 4, 1, later+1)).batch(request(1, 5, 1, later+2))
		m.batch(answer(1, 4, 1, later+3, 6, -1)).batch(answer(1, 5, 1, later+4, 0, 6))
		m.batch(retried(request(1, 4, 1, later+5), 30)).batch(retried(answer(1, 4, 1, later+6, 0, 7), 30))
	}
	return []pair{
		{name: "two producers may interleave", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Acked, 7).send(2, later, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
		}},
		{name: "a record behind one that its producer sent later", build: overtaken, kind: Reorder, count: 1, blame: BlameBroker, cause: CauseStoredOutOfSequence,
			says: "the broker stored a lower sequence behind a higher one"},
		{name: "a late record of an unknown outcome is not judged", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Unknown, history.NoOffset).send(1, later+1, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
		}},
		{name: "where another process keeps the promise order is still judged, and not where none is made", build: func(m *memoryRun) {
			m.manifest.Processes[0].OrderPromised = false
			overtaken(m)
		}},
		{name: "records of one call in another order", kind: Reorder, count: 1, blame: BlameClient, cause: CauseReorderedInCall, says: "in one call",
			build: func(m *memoryRun) {
				m.manifest.Processes[0].OrderPromised, m.manifest.Processes[0].OrderInCall, m.manifest.Processes[0].Idempotence = false, true, false
				m.send(1, later, later+9, history.Acked, 7).send(1, later, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
				m.batch(request(1, 5, 1, later+1)).batch(answer(1, 5, 1, later+2, 0, 6)).batch(request(1, 4, 1, later+3)).batch(answer(1, 4, 1, later+4, 0, 7))
				for i := range m.log {
					m.log[i].ProducerID = -1
				}
				for i := range m.wire {
					if m.wire[i].Process == 1 {
						m.wire[i].ProducerID = -1
					}
				}
			}},
		{name: "records of two calls in another order, where order is promised within a call", build: func(m *memoryRun) {
			m.manifest.Processes[0].OrderPromised, m.manifest.Processes[0].OrderInCall, m.manifest.Processes[0].Idempotence = false, true, false
			m.send(1, later, later+9, history.Acked, 7).send(1, later+1, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
		}},
		{name: "nor when a scenario sets out to show a reordering", build: func(m *memoryRun) {
			m.manifest.Processes[0].OrderPromised, m.manifest.Processes[0].OrderInCall, m.manifest.Processes[0].Idempotence = false, true, false
			m.manifest.Judge.Expect = "reorder"
			m.send(1, later, later+9, history.Acked, 7).send(1, later+1, later+9, history.Acked, 6).stored(1, 5).stored(1, 4)
		}},
		{name: "a record overtaken by five is one anomaly", kind: Reorder, count: 1, blame: BlameNoneKnown, cause: CauseUnexplained, says: "the wire does not show how",
			build: func(m *memoryRun) {
				m.send(1, later, later+9, history.Acked, 11)
				for i := range int64(5) {
					m.send(1, later+1, later+9, history.Acked, 6+i).stored(1, 5+i)
				}
				m.stored(1, 4)
			}},
		{name: "five records behind a later one have one cause", kind: Reorder, count: 5, blame: BlameNoneKnown, cause: CauseUnexplained, says: "and 4 records more the same way",
			build: func(m *memoryRun) {
				for i := range int64(5) {
					m.send(1, later, later+9, history.Acked, 7+i)
				}
				m.send(1, later+1, later+9, history.Acked, 6).stored(1, 9)
				for i := range int64(5) {
					m.stored(1, 4+i)
				}
			}},
	}
}

func TestRealTimeOrder(t *testing.T) { checkPairs(t, RealTimeOrder, realTimeOrderPairs()) }

func realTimeOrderPairs() []pair {
	return []pair{
		{name: "concurrent records may stand either way", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Acked, 7).send(2, later+1, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
		}},
		{name: "equal times are concurrent", build: func(m *memoryRun) {
			m.send(1, later, later+5, history.Acked, 7).send(2, later+5, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
		}},
		{name: "a record acked before another was sent stands behind it", kind: StaleOrder, count: 1, blame: BlameNoneKnown, cause: CauseUnexplained, says: "acked before record 2 of process 2 was sent",
			build: func(m *memoryRun) {
				m.send(1, later, later+5, history.Acked, 7).send(2, later+6, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
			}},
		{name: "an unknown record never returned", build: func(m *memoryRun) {
			m.send(1, later, later+5, history.Unknown, history.NoOffset).send(2, later+6, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
		}},
		{name: "an unknown record was called all the same", kind: StaleOrder, count: 1, blame: BlameNoneKnown, cause: CauseUnexplained, says: "stands behind it",
			build: func(m *memoryRun) {
				m.send(1, later, later+5, history.Acked, 7).send(2, later+6, later+9, history.Unknown, history.NoOffset).stored(2, 2).stored(1, 4)
			}},
		{name: "an unknown record that is absent is in nobody's way", build: func(m *memoryRun) {
			m.send(2, later+50, later+59, history.Unknown, history.NoOffset)
			m.send(2, later+60, later+69, history.Acked, 6).stored(2, 3)
			m.send(1, later+55, later+62, history.Acked, 7).stored(1, 4)
		}},
		{name: "with acks=0 success proves no append", build: func(m *memoryRun) {
			m.manifest.Processes[0].Acks = "0"
			m.send(1, later, later+5, history.Acked, history.NoOffset).send(2, later+6, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
		}},
		{name: "an early record stands before four that were acked: one cause", kind: StaleOrder, count: 4, blame: BlameNoneKnown, cause: CauseUnexplained, says: "and 3 records more",
			build: func(m *memoryRun) {
				m.stored(2, 2)
				for i := range int64(4) {
					m.send(1, later+i*2, later+i*2+1, history.Acked, 7+i).stored(1, 4+i)
				}
				m.send(2, later+100, later+101, history.Acked, 6)
			}},
	}
}

func TestOfARecordStoredTwiceTheFirstCopyCountsForOrder(t *testing.T) {
	m := baseRun()
	m.send(1, later, later+5, history.Acked, 6).stored(1, 4)
	m.send(2, later+6, later+9, history.Acked, 7).stored(2, 2)
	m.stored(1, 4)                                               // behind what was sent after its ack, in order and in time
	m.send(2, later+10, later+12, history.Acked, 9).stored(2, 3) // must not be held against the second copy's call
	v := m.judge()
	for _, name := range []string{RealTimeOrder, Order, Payload} {
		if g := guaranteeOf(t, v, name); g.Status != Pass {
			t.Errorf("%s: %s: %s", name, g.Status, g.Why)
		}
	}
	if g := guaranteeOf(t, v, Duplicates); g.Count != 1 {
		t.Errorf("%d duplicates", g.Count)
	}
}

func TestARecordAckedAtItsSecondCopyIsAckedRightly(t *testing.T) {
	m := baseRun().send(1, later, later+5, history.Acked, 7).stored(1, 4).stored(1, 4)
	v := m.judge()
	if g := guaranteeOf(t, v, Payload); g.Status != Pass {
		t.Errorf("%s: %s", g.Status, g.Why)
	}
	m = baseRun().send(1, later, later+5, history.Acked, 8).stored(1, 4).stored(1, 4).send(2, later, later+9, history.Acked, 8).stored(2, 2)
	if g := guaranteeOf(t, m.judge(), Payload); g.Count != 1 {
		t.Errorf("acked at neither copy: %s: %s", g.Status, g.Why)
	}
}

func TestLiveness(t *testing.T) { checkPairs(t, Liveness, livenessPairs()) }

func livenessPairs() []pair {
	healed := func(m *memoryRun) { m.manifest.Healed, m.manifest.Drained = later, later+100*second }
	return []pair{
		{name: "late, but within deadline and grace after the faults healed", build: func(m *memoryRun) {
			healed(m)
			m.send(1, 50*second, later+34*second, history.Acked, 6).stored(1, 4)
		}},
		{name: "later than that", kind: Stuck, count: 1, blame: BlameClient, cause: CauseNeverSent, says: "answered 6.0 s after it was due", build: func(m *memoryRun) {
			healed(m)
			m.send(1, 50*second, later+36*second, history.Acked, 6).stored(1, 4)
		}},
		{name: "never answered, never sent", kind: Stuck, count: 1, blame: BlameClient, cause: CauseNeverSent, says: "the client never sent it", build: func(m *memoryRun) {
			healed(m)
			m.send(1, later, history.Forever, history.Unknown, history.NoOffset)
		}},
		{name: "the answer arrived and the client kept it", kind: Stuck, count: 1, blame: BlameClient, cause: CauseAnswerKept, says: "got the answer and did not report it", build: func(m *memoryRun) {
			healed(m)
			m.send(1, later, history.Forever, history.Unknown, history.NoOffset).stored(1, 4)
			m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
		}},
		{name: "behind a backlog that moves", build: func(m *memoryRun) {
			healed(m)
			m.send(1, 50*second, later+30*second, history.Acked, 6).stored(1, 4)
			m.send(1, 50*second, later+60*second, history.Acked, 7).stored(1, 5)
		}},
		{name: "behind one that does not", kind: Stuck, count: 1, blame: BlameClient, cause: CauseNeverSent, says: "answered 7.0 s after it was due", build: func(m *memoryRun) {
			healed(m)
			m.send(1, 50*second, later+30*second, history.Acked, 6).stored(1, 4)
			m.send(1, 50*second, later+67*second, history.Acked, 7).stored(1, 5)
		}},
		{name: "without a deadline of its own a client may take long", build: func(m *memoryRun) {
			healed(m)
			m.manifest.Processes[0].Deadline = 0
			m.send(1, 50*second, later+90*second, history.Acked, 6).stored(1, 4)
		}},
	}
}

func TestLivenessIsOpenWhenTheHarnessGaveUpEarly(t *testing.T) {
	m := baseRun().send(1, later, history.Forever, history.Unknown, history.NoOffset)
	m.manifest.Healed, m.manifest.Drained = later, later+10*second
	v := m.judge()
	if g := guaranteeOf(t, v, Liveness); g.Status != Inconclusive || v.Overall != Inconclusive {
		t.Errorf("%s, %s: %s", v.Overall, g.Status, g.Why)
	}
}

func TestLivenessIsOpenWhileBrokersTakeNoRecords(t *testing.T) {
	for name, c := range map[string]struct {
		code int16
		at   int64
		want Status
	}{
		"answered 19 long after the healing": {19, later + 20*second, Inconclusive},
		"answered 7 long after the healing":  {7, later + 20*second, Inconclusive},
		"answered 19 just after it":          {19, later + 2*second, Violation},
		"answered 10, which is final":        {10, later + 20*second, Violation},
	} {
		t.Run(name, func(t *testing.T) {
			m := baseRun().send(1, later, history.Forever, history.Unknown, history.NoOffset)
			m.manifest.Healed, m.manifest.Drained = later, later+100*second
			m.batch(request(1, 4, 1, c.at-1)).batch(answer(1, 4, 1, c.at, c.code, -1))
			if g := guaranteeOf(t, m.judge(), Liveness); g.Status != c.want {
				t.Errorf("%s: %s", g.Status, g.Why)
			}
		})
	}
}
