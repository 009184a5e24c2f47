package checker

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func knownCause(c Cause) bool {
	return slices.ContainsFunc(Causes(), func(m CauseMeaning) bool { return m.Cause == c })
}

func TestCausesAreSlugsWithAMeaningEach(t *testing.T) {
	slug := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	causes, meanings := make(map[Cause]bool), make(map[string]bool)
	for _, m := range Causes() {
		if !slug.MatchString(string(m.Cause)) || m.Meaning == "" || strings.HasSuffix(m.Meaning, ".") {
			t.Errorf("%q: %q", m.Cause, m.Meaning)
		}
		if causes[m.Cause] || meanings[m.Meaning] {
			t.Errorf("%s is listed twice, or means what another does", m.Cause)
		}
		causes[m.Cause], meanings[m.Meaning] = true, true
	}
}

// storedTwice is a record whose acknowledgement was lost and whose retry, the
// same batch, was stored again, with a fault between.
func storedTwice(fault, target string) func(*memoryRun) {
	return func(m *memoryRun) {
		m.send(1, later, later+90, history.Acked, 7).stored(1, 4).stored(1, 4)
		m.batch(request(1, 4, 1, later+1)).batch(with(answer(1, 4, 1, later+3, 0, 6), cut))
		m.batch(retried(request(1, 4, 1, later+40), 40)).batch(retried(answer(1, 4, 1, later+50, 0, 7), 40))
		m.during(fault, target, later+20, later+21)
	}
}

// numberedAnew is a record whose acknowledgement was lost, whose retry got an
// error, and which was stored again under a raised epoch, with a fault between.
func numberedAnew(fault string, code int16) func(*memoryRun) {
	return func(m *memoryRun) {
		m.send(1, later, later+90, history.Acked, 7).stored(1, 4)
		m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: 1001, Epoch: 1})
		m.batch(request(1, 4, 1, later+1)).batch(with(answer(1, 4, 1, later+3, 0, 6), cut))
		m.batch(retried(request(1, 4, 1, later+40), 40)).batch(retried(answer(1, 4, 1, later+50, code, -1), 40))
		m.batch(with(retried(request(1, 4, 1, later+60), 41), epoch1)).batch(with(retried(answer(1, 4, 1, later+61, 0, 7), 41), epoch1))
		m.during(fault, "broker 1", later+20, later+21)
	}
}

// refusedAndStored is a record that its client is told to be refused, and that
// is stored all the same; it comes again under another epoch.
func refusedAndStored(m *memoryRun) {
	m.send(1, later, later+90, history.Acked, 7).stored(1, 4)
	m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: 1001, Epoch: 1})
	m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+3, 3, -1))
	m.batch(with(retried(request(1, 4, 1, later+60), 41), epoch1)).batch(with(retried(answer(1, 4, 1, later+61, 0, 7), 41), epoch1))
}

// swapped is two records of process 1 that stand in the wrong order, under the
// given sequences.
func swapped(change func(*history.Process), late, early int32) func(*memoryRun) {
	return func(m *memoryRun) {
		change(&m.manifest.Processes[0])
		id := int64(1001)
		if !m.manifest.Processes[0].Idempotence {
			id = -1
		}
		m.send(1, later, later+99, history.Acked, 7).send(1, later+1, later+99, history.Acked, 6)
		m.storedAs(history.LogRecord{Process: 1, Number: 5, ProducerID: id, Sequence: early})
		m.storedAs(history.LogRecord{Process: 1, Number: 4, ProducerID: id, Sequence: late})
		for i, number := range []int64{5, 4} {
			stamp := func(ev *history.WireEvent) { ev.ProducerID, ev.BaseSequence = id, []int32{early, late}[i] }
			m.batch(with(request(1, number, 1, later+10+int64(i)), stamp)).batch(with(answer(1, number, 1, later+20+int64(i), 0, 6+int64(i)), stamp))
		}
	}
}

// answeredWithout is a batch without producer id that a broker refuses.
func answeredWithout(acks int16, code int16) func(*memoryRun) {
	return func(m *memoryRun) {
		m.manifest.Processes[0] = plain(1)
		bare := func(ev *history.WireEvent) { ev.ProducerID, ev.Acks = -1, acks }
		m.send(1, later, later+9, history.Unknown, history.NoOffset)
		m.batch(with(request(1, 4, 1, later+1), bare)).batch(with(answer(1, 4, 1, later+2, code, -1), bare))
	}
}

// told is a run from baseRun, and the cause of what is found of one kind.
type told struct {
	name  string
	build func(*memoryRun)
	kind  Kind
	cause Cause
}

// moreTold are the causes that no pair is about, and those that must not depend
// on which fault it was.
func moreTold() []told {
	nothing := func(*history.Process) {}
	all := []told{
		{"an idle producer id", storedTwice("expire-producer-ids", "producer ids of t/0 on broker 1"), Duplicate, CauseForgotExpiry},
		{"a refusal with no broker touched", numberedAnew("reset", outOfOrder), Duplicate, CauseRestampedAfterRefusal},
		{"another error with no broker touched", numberedAnew("reset", 7), Duplicate, CauseRestampedUndecided},
		{"the last attempt was refused, and the one before not answered", numberedAnew("reset", 3), Duplicate, CauseRestampedUndecided},
		{"every attempt was refused", refusedAndStored, Duplicate, CauseRestampedRefused},
		{"numbers given in another order", swapped(nothing, 5, 4), Reorder, CauseNumberedOutOfOrder},
		{"the broker's order", swapped(nothing, 4, 5), Reorder, CauseStoredOutOfSequence},
		{"sent on, one in flight", swapped(func(p *history.Process) { p.Idempotence = false }, 0, 0), Reorder, CauseSentOnUnsettled},
		{"a refusal about replicas", answeredWithout(1, 19), ImpossibleAnswer, CauseAnswerAboutReplicas},
		{"a refusal about transactions", answeredWithout(-1, 48), ImpossibleAnswer, CauseAnswerAboutTransactions},
		{"failed on a forged answer", func(m *memoryRun) {
			m.manifest.Forged = true
			m.send(1, later, later+9, history.Failed, history.NoOffset).stored(1, 4)
			m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 10, -1))
		}, FailedVisible, CauseForged},
		{"no further try after the faults", func(m *memoryRun) {
			m.manifest.Healed, m.manifest.Drained = later, later+100*second
			m.send(1, later-9, history.Forever, history.Unknown, history.NoOffset).batch(request(1, 4, 1, later-8))
		}, Stuck, CauseNotTriedAgain},
		{"another producer's record before an acknowledged one", func(m *memoryRun) {
			m.send(1, later, later+5, history.Acked, 7).send(2, later+6, later+9, history.Acked, 6).stored(2, 2).stored(1, 4)
			m.batch(request(1, 4, 1, later+1)).batch(answer(1, 4, 1, later+2, 0, 7))
			m.batch(request(2, 2, 1, later+7)).batch(answer(2, 2, 1, later+8, 0, 6))
		}, StaleOrder, CauseStoredBeforeAcked},
	}
	for _, fault := range []string{"restart-leader", "kill-leader", "stop-leader", "rolling-restart", "restart-all", "upgrade", "full-disk"} {
		all = append(all, told{"stored again after " + fault, storedTwice(fault, "broker 1"), Duplicate, CauseStoredAgainRestart},
			told{"refused after " + fault, numberedAnew(fault, outOfOrder), Duplicate, CauseForgotRestart})
	}
	for _, fault := range []string{"pause-leader", "move-leader", "isolate-leader"} {
		all = append(all, told{"stored again after " + fault, storedTwice(fault, "broker 1"), Duplicate, CauseStoredAgainFault},
			told{"refused after " + fault, numberedAnew(fault, outOfOrder), Duplicate, CauseForgotFault})
	}
	for _, fault := range []string{"reset", "pause-producer", "change-config"} { // that cost no broker what it knew
		all = append(all, told{"stored again after " + fault, storedTwice(fault, "topic t"), Duplicate, CauseNotDeduplicated},
			told{"refused after " + fault, numberedAnew(fault, outOfOrder), Duplicate, CauseRestampedAfterRefusal})
	}
	return all
}

func TestTheSameBugHasTheSameCauseWhateverTheFault(t *testing.T) {
	for _, c := range moreTold() {
		t.Run(c.name, func(t *testing.T) {
			m := baseRun()
			c.build(m)
			for _, a := range anomalies(m.judge()) {
				if a.Kind == c.kind {
					if a.Cause != c.cause {
						t.Errorf("cause %s, want %s: %s", a.Cause, c.cause, a.Diagnosis)
					}
					return
				}
			}
			t.Errorf("no %s was found", c.kind)
		})
	}
}

// TestKfakeChangesTheBlameAndNotTheCause: what did not come back on a real
// broker and did on kfake is told apart by the blame.
func TestKfakeChangesTheBlameAndNotTheCause(t *testing.T) {
	for _, embedded := range []bool{false, true} {
		m := baseRun()
		storedTwice("reset", "")(m)
		want := BlameBroker
		if embedded {
			m.manifest.Cluster.Kind, want = "embedded", BlameNoneKnown
		}
		a := guaranteeOf(t, m.judge(), Duplicates).Anomalies[0]
		if a.Cause != CauseNotDeduplicated || a.Blame != want {
			t.Errorf("embedded %v: cause %s, blame %s: %s", embedded, a.Cause, a.Blame, a.Diagnosis)
		}
	}
}

func TestTwoCausesOfOneKindAreTwoAnomalies(t *testing.T) {
	m := baseRun()
	m.manifest.Processes[0].InFlight = 2
	for i := range int64(6) {
		m.send(1, later, later+99, history.Unknown, -1).batch(request(1, 4+i, 1, later+i))
	}
	g := guaranteeOf(t, m.judge(), ClientProtocol)
	var causes []Cause
	for _, a := range g.Anomalies {
		causes = append(causes, a.Cause)
	}
	if g.Causes != 2 || !slices.Equal(causes, []Cause{CauseMoreThanTold, CauseMoreThanFive}) {
		t.Errorf("%d causes, %v", g.Causes, causes)
	}
}

func anomalies(v *Verdict) []Anomaly {
	var all []Anomaly
	for _, g := range v.Guarantees {
		all = append(all, g.Anomalies...)
	}
	return all
}

// everyAnomaly is all that the tables of this package and the golden runs have.
func everyAnomaly(t *testing.T) []Anomaly {
	t.Helper()
	all := anomalies(deletedTopic(3 * second).judge())
	for _, table := range [][]pair{
		duplicatesPairs(), lostPairs(), payloadPairs(), failedVisiblePairs(), orderPairs(), realTimeOrderPairs(), livenessPairs(),
		clientProtocolPairs(), brokerProtocolPairs(), retryBackoffPairs(),
	} {
		for _, p := range table {
			m := baseRun()
			p.build(m)
			all = append(all, anomalies(m.judge())...)
		}
	}
	for _, c := range moreTold() {
		m := baseRun()
		c.build(m)
		all = append(all, anomalies(m.judge())...)
	}
	verdicts, err := filepath.Glob("../results/golden/*/" + VerdictFile)
	if err != nil || len(verdicts) == 0 {
		t.Fatalf("no golden runs: %v", err)
	}
	for _, path := range verdicts {
		v, err := Load(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, anomalies(v)...)
	}
	return all
}

func TestEveryCauseIsReached(t *testing.T) {
	reached := make(map[Cause]bool)
	for _, a := range everyAnomaly(t) {
		if !knownCause(a.Cause) {
			t.Errorf("%s has cause %q, which is not listed: %s", a.Kind, a.Cause, a.Diagnosis)
		}
		reached[a.Cause] = true
	}
	for _, m := range Causes() {
		if !reached[m.Cause] {
			t.Errorf("no test and no golden run has anything of cause %s", m.Cause)
		}
	}
}

func TestEqualSentencesHaveEqualCauses(t *testing.T) {
	inBrackets, numbers, more := regexp.MustCompile(` ?\([^()]*\)`), regexp.MustCompile(`[0-9.]+`), regexp.MustCompile(`records?`)
	causes := make(map[string]Anomaly)
	same := 0
	for _, a := range everyAnomaly(t) {
		sentence := a.Diagnosis
		for before := ""; before != sentence; {
			before, sentence = sentence, inBrackets.ReplaceAllString(sentence, "")
		}
		sentence = more.ReplaceAllString(numbers.ReplaceAllString(sentence, "#"), "record")
		if b, ok := causes[sentence]; !ok {
			causes[sentence] = a
		} else if b.Cause != a.Cause {
			t.Errorf("%s and %s say the same:\n%s\n%s", b.Cause, a.Cause, b.Diagnosis, a.Diagnosis)
		} else if b.Diagnosis != a.Diagnosis {
			same++
		}
	}
	if same < 5 {
		t.Errorf("only %d sentences were like another: this test compares nothing", same)
	}
}
