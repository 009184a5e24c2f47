package checker

import (
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// deletedTopic is a run in whose topic one record is left, of those that were
// acknowledged: the others were acknowledged before a fault deleted the topic.
func deletedTopic(until int64) *memoryRun {
	m := newMemoryRun(idempotent(1))
	for i := range int64(3) { // of the first life
		m.send(1, second+i, 2*second+i, history.Acked, i)
		m.batch(request(1, i, 1, second+10+i)).batch(answer(1, i, 1, second+20+i, 0, i))
	}
	m.send(1, later, later+9, history.Acked, 0).stored(1, 3) // of the second
	m.batch(request(1, 3, 1, later+1)).batch(answer(1, 3, 1, later+2, 0, 0))
	m.during("recreate-topic", "topic t", 3*second, 4*second)
	m.faults[1].Deleted = []history.Deletion{{Topic: "t", To: -1, Until: until}}
	m.manifest.Judge.Expect, m.manifest.Judge.ExpectCount = "lost", "deleted_records"
	return m
}

func TestWhatWentWithADeletedTopicIsLostOnPurpose(t *testing.T) {
	v := deletedTopic(3 * second).judge()
	if v.Overall != Violation || !v.AsExpected || v.Coverage[covDeletedRecords] != 3 {
		t.Fatalf("%s, as expected %v, %d deleted: %s %s", v.Overall, v.AsExpected, v.Coverage[covDeletedRecords], v.Why, v.HarnessError)
	}
	a := guaranteeOf(t, v, LostRecords).Anomalies[0]
	const want = "record 0 of process 1 was acked at offset 0 and is not in the log; at offset 0 stands record 3 of process 1 (leader epoch 0): " +
		"it was deleted with its topic, on purpose (fault 0, recreate-topic), after broker 1 had acknowledged it (and 2 records more the same way)"
	if a.Blame != BlameConfiguration || a.Diagnosis != want {
		t.Errorf("blame %s\ngot  %s\nwant %s", a.Blame, a.Diagnosis, want)
	}
}

func TestWhatIsLostAfterADeletionIsNotExcusedByIt(t *testing.T) {
	m := deletedTopic(3 * second)
	m.send(1, later+10, later+19, history.Acked, 1)
	m.batch(request(1, 4, 1, later+11)).batch(answer(1, 4, 1, later+12, 0, 1))
	v := m.judge()
	if v.Overall != Violation || v.AsExpected {
		t.Errorf("%s, as expected %v: %s; one more is gone than was deleted", v.Overall, v.AsExpected, v.Why)
	}
	if g := guaranteeOf(t, v, LostRecords); g.Count != 4 {
		t.Errorf("%d lost, want 4", g.Count)
	}
}

func TestARetriedAcknowledgementCountsOnceAmongTheDeleted(t *testing.T) {
	m := deletedTopic(3 * second)
	m.batch(retried(request(1, 2, 1, second+30), 90)).batch(retried(answer(1, 2, 1, second+40, 0, 2), 90))
	if v := m.judge(); !v.AsExpected || v.Coverage[covDeletedRecords] != 3 {
		t.Errorf("as expected %v, %d deleted: %s", v.AsExpected, v.Coverage[covDeletedRecords], v.Why)
	}
}

func TestRecordsThatWereReadBeforeTheyWereDeletedAreJudged(t *testing.T) {
	m := baseRun()
	m.during("delete-records", "t/0", 0, 1)
	m.faults[1].Deleted = []history.Deletion{{Topic: "t", From: 0, To: 2, Kept: true}}
	if v := m.judge(); v.Overall != Pass || v.Coverage[covTrimmedRecords] != 2 {
		t.Errorf("%s, %d trimmed: %s", v.Overall, v.Coverage[covTrimmedRecords], v.Why)
	}
}

func TestARetryAfterItsProducerIDExpiredIsTheProtocolsLimit(t *testing.T) {
	m := baseRun()
	m.send(1, later, later+90, history.Acked, 7).stored(1, 4).stored(1, 4)
	lost := answer(1, 4, 1, later+3, 0, 6)
	lost.Action = history.ActionCut
	m.batch(request(1, 4, 1, later+1)).batch(lost)
	m.batch(retried(request(1, 4, 1, later+40), 40)).batch(retried(answer(1, 4, 1, later+50, 0, 7), 40))
	m.during("expire-producer-ids", "producer ids of t/0 on broker 1, its leader", later+20, later+21)
	m.manifest.Judge.Expect = "duplicate"
	v := m.judge()
	if v.Overall != Violation || !v.AsExpected {
		t.Fatalf("%s, as expected %v: %s %s", v.Overall, v.AsExpected, v.Why, v.HarnessError)
	}
	a := guaranteeOf(t, v, Duplicates).Anomalies[0]
	const want = "batch (pid 1001, epoch 0, seq 4, 1 record) was appended at offset 6 and its answer lost; the same batch came again and was stored again at offset 7: " +
		"the broker had forgotten the producer id, which had expired (fault 0, expire-producer-ids, producer ids of t/0 on broker 1, its leader): " +
		"without one it accepts any sequence, and a retry that comes later than producer.id.expiration.ms is a new batch to it"
	if a.Blame != BlameLimit || a.Diagnosis != want {
		t.Errorf("blame %s\ngot  %s\nwant %s", a.Blame, a.Diagnosis, want)
	}
}

func TestAChangedPropertyMakesNoBrokerForget(t *testing.T) {
	m := baseRun()
	m.send(1, later, later+90, history.Acked, 7).stored(1, 4).stored(1, 4)
	lost := answer(1, 4, 1, later+3, 0, 6)
	lost.Action = history.ActionCut
	m.batch(request(1, 4, 1, later+1)).batch(lost)
	m.batch(retried(request(1, 4, 1, later+40), 40)).batch(retried(answer(1, 4, 1, later+50, 0, 7), 40))
	m.during("change-config", "topic t", later+20, later+21)
	if g := guaranteeOf(t, m.judge(), Duplicates); g.Anomalies[0].Blame != BlameBroker {
		t.Errorf("blame %s: %s", g.Anomalies[0].Blame, g.Anomalies[0].Diagnosis)
	}
}
