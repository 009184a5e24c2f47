package checker

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// exchange is an acked record of process 1 with its request and answer.
func (m *memoryRun) exchange(number int64, change func(*history.WireEvent)) *memoryRun {
	at := later + 10*number
	offset := int64(len(m.log))
	m.send(1, at, at+9, history.Acked, offset).stored(1, number)
	return m.batch(with(request(1, number, 1, at+1), change)).batch(with(answer(1, number, 1, at+2, 0, offset), change))
}

func same(*history.WireEvent) {}

func base(sequence int32) func(*history.WireEvent) {
	return func(ev *history.WireEvent) { ev.BaseSequence = sequence }
}

func TestClientProtocol(t *testing.T) { checkPairs(t, ClientProtocol, clientProtocolPairs()) }

func clientProtocolPairs() []pair {
	lostAnswer := func(m *memoryRun, number int64) { // an attempt whose answer never came
		m.batch(request(1, number, 1, later))
	}
	return []pair{
		{name: "sequences go on", build: func(m *memoryRun) { m.exchange(4, same).exchange(5, same) }},
		{name: "sequences wrap to 0 behind 2147483647", build: func(m *memoryRun) {
			m.batch(with(request(2, 2, 1, later+1), base(2147483647))).send(2, later, later+2, history.Unknown, -1)
			m.batch(with(request(2, 3, 1, later+2), base(0))).send(2, later, later+3, history.Unknown, -1)
			for i := range m.wire {
				if ev := &m.wire[i]; ev.Process == 2 && ev.First < 2 {
					ev.BaseSequence += 2147483645
				}
			}
		}},
		{name: "a gap after an error is the client's right", build: func(m *memoryRun) {
			m.send(1, later, later+3, history.Failed, -1)
			m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 10, -1))
			m.exchange(5, base(4))
		}},
		{name: "a gap with no error before it", kind: SequenceGap, count: 1, blame: BlameClient, cause: CauseSequenceLeftOut, says: "it left out sequence 4",
			build: func(m *memoryRun) { m.exchange(4, base(5)) }},
		{name: "a gap after another connection has ended proves nothing", build: func(m *memoryRun) {
			// Seen with @platformatic/kafka: what lay between had died in a black hole.
			m.batch(history.WireEvent{At: later, Kind: history.WireDisconnect, Conn: request(1, 0, 1, 0).Conn})
			elsewhere := func(ev *history.WireEvent) { ev.Conn = 77 }
			m.exchange(4, elsewhere).exchange(5, func(ev *history.WireEvent) { ev.Conn, ev.BaseSequence = 77, 9 })
		}},
		{name: "a gap on another connection proves nothing", build: func(m *memoryRun) {
			m.exchange(4, func(ev *history.WireEvent) { ev.BaseSequence, ev.Conn = 5, 77 })
		}},
		{name: "batches that died with a connection come behind one that overtook them", build: func(m *memoryRun) {
			elsewhere := func(ev *history.WireEvent) { ev.Conn = 30 }
			for range 3 {
				m.send(1, later, later+99, history.Unknown, -1)
			}
			m.batch(with(request(1, 6, 1, later+1), elsewhere)).batch(with(request(1, 4, 1, later+2), elsewhere)).
				batch(with(request(1, 5, 1, later+3), elsewhere)).batch(with(request(1, 6, 1, later+4), elsewhere))
		}},
		{name: "batches that died with a connection come behind two that overtook them", build: func(m *memoryRun) {
			elsewhere := func(ev *history.WireEvent) { ev.Conn = 30 }
			for range 4 {
				m.send(1, later, later+99, history.Unknown, -1)
			}
			for i, number := range []int64{6, 7, 4, 5, 6, 7} {
				m.batch(with(request(1, number, 1, later+1+int64(i)), elsewhere))
			}
		}},
		{name: "a step back beyond what was left out", kind: SequenceBack, count: 1, blame: BlameClient, cause: CauseSequenceSteppedBack, says: "stepped back behind sequence 7",
			build: func(m *memoryRun) {
				elsewhere := func(ev *history.WireEvent) { ev.Conn = 30; ev.First, ev.Last = -1, -1 }
				m.batch(with(request(1, 6, 1, later+1), elsewhere)).batch(with(request(1, 1, 1, later+2), func(ev *history.WireEvent) {
					elsewhere(ev)
					ev.BaseSequence = 2147483000
				}))
			}},
		{name: "a step back to what was never sent", kind: SequenceBack, count: 1, blame: BlameClient, cause: CauseSequenceSteppedBack, says: "stepped back behind sequence 4",
			build: func(m *memoryRun) { m.exchange(4, base(2147483000)) }},
		{name: "a retry of the same batch is no step back", build: func(m *memoryRun) {
			lostAnswer(m, 4)
			m.exchange(4, func(ev *history.WireEvent) { ev.Conn = 77 }).exchange(5, func(ev *history.WireEvent) { ev.Conn = 77 })
		}},
		{name: "a batch that overtook others on a new connection is sent again in its turn", build: func(m *memoryRun) {
			// Seen with franz-go: the requests before it had died with the old connection.
			again := func(ev *history.WireEvent) { ev.Conn = 77 }
			m.batch(with(request(1, 5, 1, later), again)).batch(with(answer(1, 5, 1, later+1, 45, -1), again))
			m.exchange(4, again)
			m.exchange(5, func(ev *history.WireEvent) { ev.Conn, ev.Correlation = 77, ev.Correlation+100 })
			m.exchange(6, again)
		}},
		{name: "other records under a sequence in use", kind: SequenceReuse, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "drops its records",
			build: func(m *memoryRun) {
				m.exchange(4, same)
				m.send(1, later+99, later+109, history.Unknown, -1).batch(with(request(1, 5, 1, later+100), base(4)))
			}},
		{name: "other records under a sequence in use, behind many that were refused", kind: SequenceReuse, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "drops its records",
			build: func(m *memoryRun) {
				// Seen with @platformatic/kafka, which counts from 0 again under one id.
				m.exchange(4, same)
				for i := range int64(40) {
					m.send(1, later+100+2*i, later+999, history.Unknown, -1)
					m.batch(request(1, 5+i, 1, later+100+2*i)).batch(answer(1, 5+i, 1, later+101+2*i, 10, -1))
				}
				m.send(1, later+400, later+999, history.Unknown, -1).batch(with(request(1, 45, 1, later+500), base(4)))
			}},
		{name: "other records under a sequence that was certainly refused", build: func(m *memoryRun) {
			m.send(1, later, later+3, history.Failed, -1)
			m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 87, -1))
			m.exchange(5, base(4)).exchange(6, base(5))
		}},
		{name: "other records under a sequence whose leader stepped down after it had appended it", kind: SequenceReuse, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "never certainly refused",
			build: func(m *memoryRun) {
				m.send(1, later, later+3, history.Unknown, -1)
				m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 6, 6))
				m.exchange(5, base(4)).exchange(6, base(5))
			}},
		{name: "other records under a sequence that somebody else leads", build: func(m *memoryRun) {
			m.send(1, later, later+3, history.Unknown, -1)
			m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 6, -1))
			m.exchange(5, base(4)).exchange(6, base(5))
		}},
		{name: "refused once and open once is not certainly refused", kind: SequenceReuse, count: 1, blame: BlameClient, cause: CauseSequenceReused, says: "never certainly refused",
			build: func(m *memoryRun) {
				m.send(1, later, later+3, history.Unknown, -1)
				lostAnswer(m, 4)
				m.batch(retried(request(1, 4, 1, later+1), 30)).batch(retried(answer(1, 4, 1, later+2, 6, -1), 30))
				m.exchange(5, base(4))
			}},
		{name: "a retry cut otherwise with no error before it", kind: ChangedBatch, count: 1, blame: BlameClient, cause: CauseRetryCutDifferently, says: "only by the same first and last sequence",
			build: func(m *memoryRun) {
				m.send(1, later, later+3, history.Unknown, -1).send(1, later, later+3, history.Unknown, -1)
				m.batch(request(1, 4, 2, later+1)).batch(request(1, 4, 1, later+2))
			}},
		{name: "a batch too large may be split", build: func(m *memoryRun) {
			m.send(1, later, later+3, history.Unknown, -1).send(1, later, later+3, history.Unknown, -1)
			m.batch(request(1, 4, 2, later+1)).batch(answer(1, 4, 2, later+2, 10, -1)).batch(request(1, 4, 1, later+3)).batch(request(1, 5, 1, later+4))
		}},
		{name: "no producer id where idempotence was asked for", kind: NoProducerID, count: 1, blame: BlameClient, cause: CauseNotTurnedOn, says: "never turned it on",
			build: func(m *memoryRun) {
				m.exchange(4, func(ev *history.WireEvent) { ev.ProducerID, ev.BaseSequence = -1, -1 })
			}},
		{name: "no producer id where none was asked for", build: func(m *memoryRun) {
			m.manifest.Processes[0].Idempotence = false
			m.exchange(4, func(ev *history.WireEvent) { ev.ProducerID, ev.BaseSequence = -1, -1 })
		}},
		{name: "acks=1 with a producer id", kind: WrongAcks, count: 1, blame: BlameClient, cause: CauseIdempotentAcksBelowAll, says: "acks=1",
			build: func(m *memoryRun) { m.exchange(4, func(ev *history.WireEvent) { ev.Acks = 1 }) }},
		{name: "five requests in flight", build: func(m *memoryRun) {
			for i := range int64(5) {
				m.send(1, later, later+99, history.Unknown, -1).batch(request(1, 4+i, 1, later+i))
			}
		}},
		{name: "six requests in flight", kind: TooManyInFlight, count: 1, blame: BlameClient, cause: CauseMoreThanFive, says: "6 produce requests in flight",
			build: func(m *memoryRun) {
				for i := range int64(6) {
					m.send(1, later, later+99, history.Unknown, -1).batch(request(1, 4+i, 1, later+i))
				}
			}},
		{name: "six requests, one answered", build: func(m *memoryRun) {
			for i := range int64(6) {
				m.send(1, later, later+99, history.Unknown, -1).batch(request(1, 4+i, 1, later+2*i))
			}
			m.batch(answer(1, 4, 1, later+9, 7, -1))
		}},
		{name: "more in flight than asked for", kind: TooManyInFlight, count: 1, blame: BlameClient, cause: CauseMoreThanTold, says: "was told to have at most 2",
			build: func(m *memoryRun) {
				m.manifest.Processes[0].InFlight = 2
				for i := range int64(3) {
					m.send(1, later, later+99, history.Unknown, -1).batch(request(1, 4+i, 1, later+i))
				}
			}},
		{name: "more in flight than asked for, of a client that takes no such option", build: func(m *memoryRun) {
			m.manifest.Processes[0].InFlight = 2
			m.manifest.Processes[0].Unmapped = []history.Unmapped{{Option: "in_flight"}}
			for i := range int64(3) {
				m.send(1, later, later+99, history.Unknown, -1).batch(request(1, 4+i, 1, later+i))
			}
		}},
		{name: "a batch refused for its sequence and never sent again", kind: DroppedBatch, count: 1, blame: BlameClient, cause: CauseGaveUpOutOfTurn, says: "never sent it again",
			build: func(m *memoryRun) { refusedForSequence(m) }},
		{name: "a batch refused for its sequence, told late, and never sent again", kind: DroppedBatch, count: 1, blame: BlameClient, cause: CauseGaveUpOutOfTurn, says: "never sent it again",
			build: func(m *memoryRun) { refusedLate(m, history.ActionPassed) }},
		{name: "a batch refused for its sequence, which its client was never told", build: func(m *memoryRun) { refusedLate(m, history.ActionDropped) }},
		{name: "a batch refused for its sequence and sent again", build: func(m *memoryRun) {
			refusedForSequence(m)
			m.batch(with(request(1, 5, 1, later+50), epoch1))
		}},
		{name: "a batch given up with the one ahead of it", build: func(m *memoryRun) {
			m.send(1, later, later+9, history.Unknown, history.NoOffset).send(1, later, later+9, history.Unknown, history.NoOffset)
			refusedBehind(m)
		}},
		{name: "a batch given up after a second try", build: func(m *memoryRun) {
			storedAtLast(m)
			refusedBehind(m)
			again := func(ev *history.WireEvent) { ev.Correlation += 200 }
			m.batch(with(request(1, 5, 1, later+4), again)).batch(with(answer(1, 5, 1, later+4, outOfOrder, -1), again))
			sentAgain(m)
		}},
		{name: "a batch refused for its sequence by a broker that had been restarted", build: func(m *memoryRun) {
			refusedForSequence(m).during("restart-leader", "broker 1", later-5, later)
			m.send(2, later, later+99, history.Acked, int64(len(m.log))).stored(2, 2) // acked after the fault
		}},
		{name: "a batch given up by a client that may not try again", build: func(m *memoryRun) {
			m.manifest.Processes[0].Options = map[string]string{"retries": "1"}
			refusedForSequence(m)
		}},
		{name: "a batch given up by a client whose time is over", build: func(m *memoryRun) {
			m.manifest.Processes[0].Options = map[string]string{"delivery_timeout": "2"}
			refusedForSequence(m)
		}},
		{name: "a batch given up after a forged refusal", build: func(m *memoryRun) {
			m.manifest.Forged = true
			refusedForSequence(m)
			m.wire[len(m.wire)-3].Action = history.ActionForged // the answer 45
		}},
		{name: "a raised epoch starts from 0", build: func(m *memoryRun) {
			m.exchange(4, epoch1).exchange(5, func(ev *history.WireEvent) { ev.Epoch, ev.BaseSequence = 1, 1 })
		}},
	}
}

// refusedForSequence is a batch behind one that was refused, and refused itself;
// the first is sent again and stored.
func refusedForSequence(m *memoryRun) *memoryRun {
	storedAtLast(m)
	refusedBehind(m)
	return sentAgain(m)
}

func storedAtLast(m *memoryRun) {
	m.send(1, later, later+99, history.Acked, int64(len(m.log))).stored(1, 4).send(1, later, later+9, history.Unknown, history.NoOffset)
}

func refusedBehind(m *memoryRun) {
	m.batch(request(1, 4, 1, later+1)).batch(request(1, 5, 1, later+2))
	m.batch(answer(1, 4, 1, later+3, 6, -1)).batch(answer(1, 5, 1, later+4, outOfOrder, -1))
}

// refusedLate is refusedForSequence with answers that are held for a while and
// then passed on, or dropped.
func refusedLate(m *memoryRun, then history.Action) {
	storedAtLast(m)
	m.batch(request(1, 4, 1, later+1)).batch(request(1, 5, 1, later+2))
	for _, late := range []func(*history.WireEvent){
		func(ev *history.WireEvent) { ev.Action = history.ActionHeld },
		func(ev *history.WireEvent) { ev.Kind, ev.Action, ev.At = history.WireRelease, then, ev.At+1 },
	} {
		m.batch(with(answer(1, 4, 1, later+3, 6, -1), late)).batch(with(answer(1, 5, 1, later+3, outOfOrder, -1), late))
	}
	sentAgain(m)
}

func sentAgain(m *memoryRun) *memoryRun {
	again := func(ev *history.WireEvent) { ev.Correlation += 100 }
	return m.batch(with(request(1, 4, 1, later+5), again)).batch(with(answer(1, 4, 1, later+6, 0, int64(len(m.log)-1)), again))
}

// refusedThenSent is a batch that is refused with 6 and sent again some ms later.
func refusedThenSent(ms int64, change func(*history.WireEvent)) func(*memoryRun) {
	return func(m *memoryRun) {
		m.manifest.Processes[0].RetryBackoff = 100 * time.Millisecond
		again := later + 2 + ms*1e6
		m.send(1, later, again+9, history.Acked, int64(len(m.log))).stored(1, 4)
		m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 6, -1))
		other := func(ev *history.WireEvent) { ev.Correlation += 100; change(ev) }
		m.batch(with(request(1, 4, 1, again), other)).batch(with(answer(1, 4, 1, again+1, 0, int64(len(m.log)-1)), other))
	}
}

func TestRetryBackoff(t *testing.T) { checkPairs(t, RetryBackoff, retryBackoffPairs()) }

func retryBackoffPairs() []pair {
	return []pair{
		{name: "a retry before its time", kind: EarlyRetry, count: 1, blame: BlameClient, cause: CauseNoBackoff, says: "40.0 ms later, where retry_backoff is 100ms", build: refusedThenSent(40, same)},
		{name: "a retry in time, less some jitter", build: refusedThenSent(80, same)},
		{name: "a retry at once on another connection", build: refusedThenSent(1, func(ev *history.WireEvent) { ev.Conn = 30 })},
		{name: "a retry at once of a client that takes no such option", build: func(m *memoryRun) {
			m.manifest.Processes[0].Unmapped = []history.Unmapped{{Option: "retry_backoff"}}
			refusedThenSent(1, same)(m)
		}},
	}
}

func TestAnEarlyRetryThatNobodyAsksAboutIsNoViolation(t *testing.T) {
	m := baseRun()
	refusedThenSent(1, same)(m)
	m.manifest.Judge.Checks = slices.DeleteFunc(m.manifest.Judge.Checks, func(name string) bool { return name == RetryBackoff })
	v := m.judge()
	if g := guaranteeOf(t, v, RetryBackoff); v.Overall != Pass || g.Status != NotRun || !strings.Contains(g.Why, "seen: early-retry once") {
		t.Errorf("%s; %s: %s", v.Overall, g.Status, g.Why)
	}
}

func TestBrokerProtocol(t *testing.T) { checkPairs(t, BrokerProtocol, brokerProtocolPairs()) }

func brokerProtocolPairs() []pair {
	twice := func(second history.WireEvent) func(m *memoryRun) {
		return func(m *memoryRun) {
			m.exchange(4, same)
			m.batch(retried(request(1, 4, 1, second.At-1), 30)).batch(retried(second, 30))
		}
	}
	return []pair{
		{name: "a retry acknowledged at the first offset", build: twice(answer(1, 4, 1, later+90, 0, 6))},
		{name: "a retry refused", build: twice(answer(1, 4, 1, later+90, 45, -1))},
		{name: "a retry acknowledged without an offset", build: twice(answer(1, 4, 1, later+90, 0, -1))},
		{name: "a retry acknowledged where it does not stand", kind: WrongDuplicateOffset, count: 1, blame: BlameBroker, cause: CauseRetryAckedElsewhere,
			says: "acknowledged the retry where it does not stand", build: twice(answer(1, 4, 1, later+90, 0, 3))},
		{name: "a retry acknowledged elsewhere by another broker is not judged",
			build: twice(with(answer(1, 4, 1, later+90, 0, 3), func(ev *history.WireEvent) { ev.Broker = 2 }))},
		{name: "a retry acknowledged elsewhere after a restart is not judged", build: func(m *memoryRun) {
			twice(answer(1, 4, 1, later+90, 0, 3))(m)
			m.plan.Faults = []history.PlannedFault{{Fault: "restart-leader"}}
			m.faults = []history.FaultEvent{{Fault: "restart-leader", Status: history.FaultStarted, At: later + 50},
				{Fault: "restart-leader", Status: history.FaultEnded, At: later + 60}}
			m.send(2, later, later+99, history.Acked, 7).stored(2, 2) // acked after the fault
		}},
		{name: "a retry acknowledged elsewhere behind five other batches is not judged", build: func(m *memoryRun) {
			for i := range int64(6) {
				m.exchange(4+i, same)
			}
			m.batch(retried(request(1, 4, 1, later+190), 30)).batch(retried(answer(1, 4, 1, later+191, 0, 3), 30))
		}},
		{name: "a retry acknowledged elsewhere behind four other batches", kind: WrongDuplicateOffset, count: 1, blame: BlameBroker, cause: CauseRetryAckedElsewhere,
			says: "with 4 batches of that producer id sent since", build: func(m *memoryRun) {
				for i := range int64(5) {
					m.exchange(4+i, same)
				}
				m.batch(retried(request(1, 4, 1, later+190), 30)).batch(retried(answer(1, 4, 1, later+191, 0, 3), 30))
			}},
		{name: "a retry appended anew after the leader had timed out on its replicas is not judged", build: func(m *memoryRun) {
			timedOut := func(ev *history.WireEvent) {
				if ev.Kind == history.WireAnswer {
					ev.Error, ev.BrokerCode, ev.BaseOffset = 7, 7, 3
				}
			}
			m.exchange(4, timedOut)
			m.batch(retried(request(1, 4, 1, later+89), 30)).batch(retried(answer(1, 4, 1, later+90, 0, 6), 30))
		}},
		{name: "a retry that times out on its replicas elsewhere is not judged", build: twice(answer(1, 4, 1, later+90, 7, 3))},
		{name: "a code that is no answer to a produce request", kind: ImpossibleAnswer, count: 1, blame: BlameBroker, cause: CauseNoProduceAnswer,
			says: "is no answer to a produce request", build: twice(answer(1, 4, 1, later+90, 27, -1))},
		{name: "a forged answer is not the broker's", build: func(m *memoryRun) {
			m.manifest.Forged = true
			twice(with(answer(1, 4, 1, later+90, 27, -1), func(ev *history.WireEvent) {
				ev.Action, ev.BrokerCode = history.ActionForged, history.NeverAsked
			}))(m)
		}},
		{name: "an answer about sequences to a batch without any", kind: ImpossibleAnswer, count: 1, blame: BlameBroker, cause: CauseAnswerAboutSequences, says: "has no producer id",
			build: func(m *memoryRun) {
				m.manifest.Processes[0].Idempotence = false
				twice(answer(1, 4, 1, later+90, 45, -1))(m)
				for i := range m.wire {
					if m.wire[i].At >= later {
						m.wire[i].ProducerID = -1
					}
				}
			}},
		{name: "two producers with one producer id", kind: SharedProducerID, count: 1, blame: BlameBroker, cause: CauseProducerIDTwice, says: "processes 1 and 2 both send",
			build: func(m *memoryRun) {
				m.send(2, later, later+9, history.Unknown, -1)
				m.batch(with(request(2, 2, 1, later+1), func(ev *history.WireEvent) { ev.ProducerID, ev.Epoch = 1001, 3 }))
			}},
	}
}

func TestInstancesOfOneTransactionalIDShareAProducerID(t *testing.T) {
	for id, want := range map[string]int64{"orders": 0, "": 1} {
		m := baseRun()
		m.send(2, later, later+9, history.Unknown, -1)
		m.batch(with(request(2, 2, 1, later+1), func(ev *history.WireEvent) { ev.ProducerID, ev.Epoch = 1001, 3 }))
		for i := range m.manifest.Processes {
			m.manifest.Processes[i].TransactionalID = id
		}
		found := int64(0)
		for _, g := range m.judge().Guarantees {
			for _, a := range g.Anomalies {
				if a.Kind == SharedProducerID {
					found++
				}
			}
		}
		if found != want {
			t.Errorf("transactional id %q: %d anomalies, want %d", id, found, want)
		}
	}
}

func TestNothingIsHeldAgainstKfake(t *testing.T) {
	m := baseRun().exchange(4, same)
	m.manifest.Cluster.Kind = "embedded"
	m.batch(retried(request(1, 4, 1, later+90), 30)).batch(retried(answer(1, 4, 1, later+91, 0, 3), 30))
	v := m.judge()
	g := guaranteeOf(t, v, BrokerProtocol)
	if g.Status != NotRun || g.Why == "" || v.Overall != Pass {
		t.Errorf("%s, %s: %s", v.Overall, g.Status, g.Why)
	}
	m = baseRun().send(1, later, later+9, history.Acked, 6)
	m.manifest.Cluster.Kind = "embedded"
	m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 6))
	if a := guaranteeOf(t, m.judge(), LostRecords).Anomalies[0]; a.Blame == BlameBroker {
		t.Errorf("kfake is blamed: %s", a.Diagnosis)
	}
}
