package checker

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// covers judges a run and compares some counters.
func covers(t *testing.T, m *memoryRun, want map[string]int64) {
	t.Helper()
	v := m.judge()
	if v.HarnessError != "" {
		t.Fatal(v.HarnessError)
	}
	for name, n := range want {
		if v.Coverage[name] != n {
			t.Errorf("%s is %d, want %d", name, v.Coverage[name], n)
		}
	}
}

// swallowed is a run of one batch of three records whose first answer fared as
// change says, and that was sent again and suppressed.
func swallowed(changes ...func(*history.WireEvent)) *memoryRun {
	m := baseRun()
	m.manifest.Forged = true
	for i := range int64(3) {
		m.send(1, later, later+99, history.Acked, 6+i).stored(1, 4+i)
	}
	m.batch(request(1, 4, 3, later+1))
	for i, change := range changes {
		m.batch(with(answer(1, 4, 3, later+2+int64(i), 0, 6), change))
	}
	return m.batch(retried(request(1, 4, 3, later+20), 30)).batch(retried(answer(1, 4, 3, later+21, 0, 6), 30))
}

func action(a history.Action) func(*history.WireEvent) {
	return func(ev *history.WireEvent) { ev.Action = a }
}

func release(a history.Action) func(*history.WireEvent) {
	return func(ev *history.WireEvent) { ev.Kind, ev.Action = history.WireRelease, a }
}

func TestAcknowledgementsThatDidNotArriveAreCounted(t *testing.T) {
	lost := map[string]int64{"dropped_acks": 1, "dropped_ack_records": 3, "deduplicated": 1, "retries": 1, "retry_records": 3}
	arrived := map[string]int64{"dropped_acks": 0, "dropped_ack_records": 0, "deduplicated": 1, "retries": 1}
	for name, c := range map[string]struct {
		changes []func(*history.WireEvent)
		want    map[string]int64
	}{
		"cut":                       {[]func(*history.WireEvent){action(history.ActionCut)}, lost},
		"behind a cut":              {[]func(*history.WireEvent){action(history.ActionDropped)}, lost},
		"held and dropped":          {[]func(*history.WireEvent){action(history.ActionHeld), release(history.ActionDropped)}, lost},
		"held for ever":             {[]func(*history.WireEvent){action(history.ActionHeld)}, lost},
		"passed on and not written": {[]func(*history.WireEvent){action(history.ActionPassed), release(history.ActionDropped)}, lost},
		"replaced by an error": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Action, ev.Error, ev.BrokerCode = history.ActionForged, 7, 0
		}}, lost},
		"answered 7 by the broker that appended": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Error, ev.BrokerCode = 7, 7
		}}, lost},
		"answered 20 by the broker that appended": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Error, ev.BrokerCode = 20, 20
		}}, lost},
		"answered 6 by the leader that appended and stepped down": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Error, ev.BrokerCode = 6, 6
		}}, lost},
		"answered 6 by a broker that did not lead": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Error, ev.BrokerCode, ev.BaseOffset = 6, 6, -1
		}}, map[string]int64{"dropped_acks": 0, "deduplicated": 0, "retries": 1}},
		"answered 6 with the 0 that some brokers leave": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Error, ev.BrokerCode, ev.BaseOffset = 6, 6, 0
		}}, map[string]int64{"dropped_acks": 0, "deduplicated": 0, "retries": 1}},
		"answered 7 without an offset": {[]func(*history.WireEvent){func(ev *history.WireEvent) {
			ev.Error, ev.BrokerCode, ev.BaseOffset = 7, 7, -1
		}}, map[string]int64{"dropped_acks": 0, "dropped_ack_records": 0, "deduplicated": 0, "retries": 1}},
		"held and delivered": {[]func(*history.WireEvent){action(history.ActionHeld), release(history.ActionPassed)}, arrived},
		"passed":             {[]func(*history.WireEvent){same}, arrived},
	} {
		t.Run(name, func(t *testing.T) { covers(t, swallowed(c.changes...), c.want) })
	}
	covers(t, swallowed(func(ev *history.WireEvent) {
		ev.Action, ev.Error, ev.BrokerCode, ev.BaseOffset = history.ActionForged, 6, history.NeverAsked, -1
	}), map[string]int64{"dropped_acks": 0, "forged_answers": 1, "answers_6": 1, "deduplicated": 0, "retries": 1})
	covers(t, swallowed(action(history.ActionHeld), release(history.ActionPassed)), map[string]int64{"held_acks": 1, "held_delivered": 1})
	covers(t, swallowed(func(ev *history.WireEvent) {
		ev.Error, ev.BrokerCode, ev.Action, ev.BaseOffset = 6, 6, history.ActionCut, -1
	}), map[string]int64{"dropped_acks": 0, "dropped_answers": 1})
}

func TestARecordThatLosesItsAckTwiceCountsTwice(t *testing.T) {
	m := baseRun()
	m.manifest.Processes[0].Idempotence = false
	none := func(ev *history.WireEvent) { ev.ProducerID = -1 }
	m.send(1, later, later+99, history.Acked, 8).stored(1, 4).stored(1, 4).stored(1, 4)
	for i := range int64(3) {
		change := same
		if i < 2 {
			change = cut
		}
		m.batch(with(retried(request(1, 4, 1, later+10*i), 30+i), none))
		m.batch(with(with(retried(answer(1, 4, 1, later+10*i+5, 0, 6+i), 30+i), none), change))
	}
	covers(t, m, map[string]int64{"dropped_ack_records": 2, "duplicates_in_log": 2, "retries": 2, "reconnects": 3, "restamped": 0})
	for _, a := range guaranteeOf(t, m.judge(), Duplicates).Anomalies {
		if len(a.Offsets) != 3 {
			t.Errorf("the copies are told to stand at %v: %s", a.Offsets, a.Diagnosis)
		}
	}
}

func TestWhatTheWireExercisedIsCounted(t *testing.T) {
	m := baseRun()
	m.batch(history.WireEvent{At: 1, Kind: history.WireConnect, Conn: 11}).batch(history.WireEvent{At: 2, Kind: history.WireConnect, Conn: 12})
	m.batch(history.WireEvent{At: later + 98, Kind: history.WireDisconnect, Conn: 11}).batch(history.WireEvent{At: later + 99, Kind: history.WireNotKafka, Conn: 50})
	m.batch(history.WireEvent{At: later + 97, Kind: history.WireHidden, Action: history.ActionForged}).batch(history.WireEvent{At: later + 98, Kind: history.WireHidden, Action: history.ActionCut})
	m.send(1, later, later+99, history.Acked, 6).stored(1, 4)
	m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 6, -1))
	elsewhere := func(ev *history.WireEvent) { ev.Broker = 2; epoch1(ev) }
	m.batch(with(retried(request(1, 4, 1, later+3), 30), elsewhere)).batch(with(retried(answer(1, 4, 1, later+4, 0, 6), 30), elsewhere))
	m.batch(with(request(2, 2, 1, later+5), action(history.ActionWithheld))).send(2, later, later+9, history.Failed, -1)
	m.batch(with(request(2, 3, 1, later+6), cut)).send(2, later, later+9, history.Unknown, -1)
	m.send(2, later, history.Forever, history.Unknown, -1)
	covers(t, m, map[string]int64{
		"sent": 10, "acked": 7, "failed": 1, "unknown": 2, "unanswered": 1, "appended_records": 7, "unacked_appended": 0,
		"batches": 10, "answers": 8, "answers_0": 7, "answers_6": 1, "leader_changes": 1, "epoch_bumps": 1, "restamped": 1,
		"retries": 1, "producer_ids": 2, "connections": 2, "disconnects": 1, "not_kafka": 1, "hidden_apis": 2, "withheld_requests": 1,
		"cut_requests": 1, "reconnects": 0, "max_in_flight": 2, "faults_fired": 0,
	})
	m = baseRun().fault("cut-after-append", history.FaultStarted, history.FaultEnded)
	m.faults[0].At, m.faults[1].At = 3*second, 3*second
	m.send(1, later, later+9, history.Unknown, -1).stored(1, 4)
	covers(t, m, map[string]int64{"faults_fired": 1, "acked_after_fault": 4, "unacked_appended": 1})
}

func TestRecordNumbersSeenAreRemembered(t *testing.T) {
	var s intervals
	for _, c := range []struct{ first, last, again int64 }{
		{0, 4, 0}, {5, 9, 0}, {20, 24, 0}, {0, 4, 5}, {8, 12, 2}, {22, 30, 3}, {13, 19, 0}, {0, 30, 31}, {40, 40, 0}, {35, 36, 0}, {34, 41, 3},
	} {
		if again := s.add(c.first, c.last); again != c.again {
			t.Errorf("%d to %d: %d seen before, want %d", c.first, c.last, again, c.again)
		}
	}
	if len(s) != 2 || s[0] != (span{0, 30}) || s[1] != (span{34, 41}) {
		t.Errorf("%v", s)
	}
}

func TestWhatClientsWereToldShowsOnTheWire(t *testing.T) {
	const ms = int64(1e6)
	m := baseRun()
	for i := range int64(2) {
		m.send(1, later, later+999*ms, history.Acked, 6+i).stored(1, 4+i)
	}
	base := baseRun().judge().Coverage
	again := func(correlation int32) func(*history.WireEvent) {
		return func(ev *history.WireEvent) { ev.Correlation += correlation }
	}
	m.batch(request(1, 4, 1, later))                                                                                                    // refused twice
	m.batch(with(request(1, 4, 1, later+120*ms), again(100)))                                                                           // 120 ms later
	m.batch(with(request(1, 4, 1, later+420*ms), again(200)))                                                                           // 300 ms later: the third time
	m.batch(request(1, 5, 1, later+430*ms))                                                                                             // another batch
	m.batch(with(request(1, 4, 1, later+440*ms), again(300)))                                                                           // the first again, not in a row
	m.batch(with(request(1, 4, 1, later+445*ms), func(ev *history.WireEvent) { ev.Correlation, ev.Partition = ev.Correlation+400, 1 })) // elsewhere
	m.batch(with(request(1, 6, 1, later+450*ms), func(ev *history.WireEvent) { ev.ProducerID, ev.Acks = -1, 1 }))
	covers(t, m, map[string]int64{
		"most_attempts": 3, "least_gap_ms": 120, "most_gap_ms": 300,
		"idempotent_batches": base["idempotent_batches"] + 6, "acks_all_batches": base["acks_all_batches"] + 6,
		"sequences": base["sequences"] + 1, "sequences_from_0": base["sequences_from_0"], // in partition 1 from 4
	})
}
