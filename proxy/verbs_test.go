package proxy

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

var versions = []int16{3, 7, 9, 12, 13}

// everyVersion runs a test with several versions of the Produce API.
func everyVersion(t *testing.T, test func(t *testing.T, version int16)) {
	for _, v := range versions {
		t.Run(fmt.Sprintf("produce version %d", v), func(t *testing.T) { test(t, v) })
	}
}

// on makes a hook that decides once, on the exchange with this correlation id.
func on(correlation int32, d Decision) func(*Exchange) Decision {
	return func(e *Exchange) Decision {
		if e.Correlation == correlation {
			return d
		}
		return Decision{}
	}
}

func actions(events []history.WireEvent) []history.Action {
	var all []history.Action
	for _, e := range events {
		all = append(all, e.Action)
	}
	return all
}

// same fails with both values when they differ.
func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

const (
	passed   = history.ActionPassed
	held     = history.ActionHeld
	withheld = history.ActionWithheld
	cut      = history.ActionCut
	dropped  = history.ActionDropped
	forged   = history.ActionForged
)

func TestAPassedExchangeIsUnaltered(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, nil)
		r.f.SetTopic(topicID("a"), "a")
		client, broker := r.connect()
		request := produceFrame(1, v, -1, load{"a", 2, 10, 3, 100})
		answer := answerFrame(1, v, verdict{"a", 2, 0, 77})
		write(t, client, request)
		if got := readFrame(t, broker); !bytes.Equal(got, request) {
			t.Fatal("the request was altered")
		}
		write(t, broker, answer)
		if got := readFrame(t, client); !bytes.Equal(got, answer) {
			t.Fatal("the answer was altered")
		}
		e := r.j.of(history.WireAnswer)[0]
		want := history.WireEvent{
			At: e.At, Kind: history.WireAnswer, Action: passed, Fault: history.NoFault, Broker: 9, Conn: e.Conn, Correlation: 1,
			ClientID: "p0", Version: v, Acks: -1, Topic: "a", Partition: 2, ProducerID: 1000, Epoch: 3, BaseSequence: 10,
			Records: 3, CRC: e.CRC, Bytes: e.Bytes, Process: 5, First: 10, Last: 12, BaseOffset: 77,
		}
		same(t, "answer", e, want)
	})
}

func TestARequestCutReachesNobodyAndLosesEarlierAnswers(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, &script{request: on(2, Decision{Verb: Cut, Fault: 6})})
		r.f.SetTopic(topicID("a"), "a")
		client, broker := r.connect()
		first := produceFrame(1, v, -1, load{"a", 0, 0, 1, 100})
		write(t, client, bytes.Join([][]byte{first,
			produceFrame(2, v, -1, load{"a", 0, 1, 1, 100}), produceFrame(3, v, -1, load{"a", 0, 2, 1, 100})}, nil))
		if got := readFrame(t, broker); !bytes.Equal(got, first) {
			t.Fatal("the first request was altered")
		}
		ends(t, client)
		silent(t, broker)
		write(t, broker, answerFrame(1, v, verdict{"a", 0, 0, 40}))
		ends(t, broker)
		eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
		same(t, "requests", actions(r.j.of(history.WireRequest)), []history.Action{passed, cut, dropped})
		answers := r.j.of(history.WireAnswer)
		same(t, "answers", actions(answers), []history.Action{dropped})
		same(t, "offset", answers[0].BaseOffset, int64(40))
		same(t, "fault", answers[0].Fault, int32(6))
		lost, by := r.s.losses()
		if len(lost) != 1 || lost[0].Correlation != 1 || by[0] != 6 {
			t.Errorf("lost %+v by %v", lost, by)
		}
	})
}

func TestAnAnswerCutLosesThosePipelinedBehindIt(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, &script{answer: on(2, Decision{Verb: Cut, Fault: 6})})
		r.f.SetTopic(topicID("a"), "a")
		client, broker := r.connect()
		for i := range int32(3) {
			write(t, client, produceFrame(i+1, v, -1, load{"a", 0, int64(i), 1, 100}))
			readFrame(t, broker)
		}
		first := answerFrame(1, v, verdict{"a", 0, 0, 50})
		write(t, broker, first, answerFrame(2, v, verdict{"a", 0, 0, 51}))
		if got := readFrame(t, client); !bytes.Equal(got, first) {
			t.Fatal("the first answer was altered")
		}
		ends(t, client)
		write(t, broker, answerFrame(3, v, verdict{"a", 0, 0, 52}))
		ends(t, broker)
		eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
		answers := r.j.of(history.WireAnswer)
		same(t, "answers", actions(answers), []history.Action{passed, cut, dropped})
		same(t, "offset", answers[2].BaseOffset, int64(52))
		lost, by := r.s.losses()
		if len(lost) != 1 || lost[0].Correlation != 3 || lost[0].Batches[0].BaseOffset != 52 || by[0] != 6 {
			t.Errorf("lost %+v by %v", lost, by)
		}
	})
}

func TestACutWaitsOnlyBrieflyForOwedAnswers(t *testing.T) {
	r := newRig(t, &script{answer: on(1, Decision{Verb: Cut})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}), produceFrame(2, 9, -1, load{"a", 0, 1, 1, 100}))
	readFrame(t, broker)
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 51}))
	ends(t, client)
	start := time.Now()
	ends(t, broker)
	if d := time.Since(start); d < drainLimit/2 || d > 3*drainLimit {
		t.Errorf("the broker's end was closed after %v", d)
	}
}

func TestAHeldAnswerWaitsForItsTime(t *testing.T) {
	r := newRig(t, &script{answer: on(1, Decision{Verb: Hold, Fault: 8, For: 200 * time.Millisecond})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	start := time.Now()
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 51}))
	readAnswer(t, client, 1, 9)
	if d := time.Since(start); d < 200*time.Millisecond || d > 2*time.Second {
		t.Errorf("held for %v", d)
	}
}

func TestAHeldAnswerWaitsForItsReleaseAndRequestsFlow(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		release := make(chan struct{})
		r := newRig(t, &script{answer: func(e *Exchange) Decision {
			switch e.Correlation {
			case 1:
				return Decision{Verb: Hold, Fault: 8, Release: release}
			case 2:
				return Decision{Verb: Rewrite, Fault: 9, Codes: map[int]int16{0: 6}}
			case 3:
				return Decision{Verb: Cut, Fault: 10}
			}
			return Decision{}
		}})
		r.f.SetTopic(topicID("a"), "a")
		client, broker := r.connect()
		for i := range int32(4) {
			write(t, client, produceFrame(i+1, v, -1, load{"a", 0, int64(i), 1, 100}))
			readFrame(t, broker)
			write(t, broker, answerFrame(i+1, v, verdict{"a", 0, 0, 50 + int64(i)}))
		}
		silent(t, client)
		eventually(t, "four answers", func() bool { return len(r.j.of(history.WireAnswer)) == 4 })
		close(release)
		same(t, "first", readAnswer(t, client, 1, v), []verdict{{"a", 0, 0, 50}})
		same(t, "second", readAnswer(t, client, 2, v), []verdict{{"a", 0, 6, 51}})
		ends(t, client)
		eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
		same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{held, held, held, held})
		releases := r.j.of(history.WireRelease)
		same(t, "releases", actions(releases), []history.Action{passed, forged, dropped, dropped})
		same(t, "told", [2]int16{releases[1].Error, releases[1].BrokerCode}, [2]int16{6, 0})
		lost, _ := r.s.losses()
		if len(lost) != 1 || lost[0].Correlation != 4 {
			t.Errorf("lost %+v", lost)
		}
	})
}

func TestAHeldAnswerIsLostWhenItsClientLeaves(t *testing.T) {
	r := newRig(t, &script{answer: on(1, Decision{Verb: Hold, Fault: 8, Release: make(chan struct{})})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 51}))
	silent(t, client)
	client.Close()
	ends(t, broker)
	eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
	same(t, "releases", actions(r.j.of(history.WireRelease)), []history.Action{dropped})
	lost, by := r.s.losses()
	if len(lost) != 1 || by[0] != 8 {
		t.Errorf("lost %+v by %v", lost, by)
	}
}

func TestAnAnswerThatComesAfterItsClientLeftIsLost(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	client.Close()
	time.Sleep(50 * time.Millisecond)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 51}))
	ends(t, broker)
	eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
	same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{dropped})
	lost, by := r.s.losses()
	if len(lost) != 1 || by[0] != history.NoFault {
		t.Errorf("lost %+v by %v", lost, by)
	}
}

func TestRewrittenCodesReachTheClientOnly(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, &script{answer: on(1, Decision{Verb: Rewrite, Fault: 3, Codes: map[int]int16{1: 7}})})
		r.f.SetTopic(topicID("a"), "a")
		r.f.SetTopic(topicID("b"), "b")
		client, broker := r.connect()
		write(t, client, produceFrame(1, v, -1, load{"a", 0, 0, 1, 100}, load{"a", 1, 0, 1, 100}, load{"b", 0, 0, 1, 100}))
		readFrame(t, broker)
		write(t, broker, answerFrame(1, v, verdict{"a", 0, 0, 1}, verdict{"a", 1, 0, 2}, verdict{"b", 0, 0, 3}))
		same(t, "told", readAnswer(t, client, 1, v), []verdict{{"a", 0, 0, 1}, {"a", 1, 7, 2}, {"b", 0, 0, 3}})
		answers := r.j.of(history.WireAnswer)
		same(t, "answers", actions(answers), []history.Action{passed, forged, passed})
		e := answers[1]
		if e.Error != 7 || e.BrokerCode != 0 || e.BaseOffset != 2 || e.Fault != 3 {
			t.Errorf("%+v", e)
		}
	})
}

func TestRefusingOneBatchOfSeveralSparesTheOthers(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, &script{request: on(2, Decision{Verb: Refuse, Fault: 3, Codes: map[int]int16{1: 19, 3: 3}})})
		for _, name := range []string{"a", "b", "c"} {
			r.f.SetTopic(topicID(name), name)
		}
		client, broker := r.connect()
		l := []load{{"a", 0, 0, 1, 100}, {"a", 1, 0, 1, 100}, {"a", 2, 0, 1, 100}, {"b", 0, 0, 1, 100}, {"c", 0, 0, 1, 100}}
		write(t, client, produceFrame(1, v, -1, l[0]), produceFrame(2, v, -1, l...), produceFrame(3, v, -1, l[0]))
		readFrame(t, broker)
		if got, want := readFrame(t, broker), produceFrame(2, v, -1, l[0], l[2], l[4]); !bytes.Equal(got, want) {
			t.Fatalf("forwarded\n%x\nwant\n%x", got, want)
		}
		readFrame(t, broker)
		write(t, broker, answerFrame(1, v, verdict{"a", 0, 0, 1}),
			answerFrame(2, v, verdict{"a", 0, 0, 1}, verdict{"a", 2, 0, 2}, verdict{"c", 0, 0, 3}),
			answerFrame(3, v, verdict{"a", 0, 0, 4}))
		readAnswer(t, client, 1, v)
		same(t, "told", readAnswer(t, client, 2, v),
			[]verdict{{"a", 0, 0, 1}, {"a", 1, 19, -1}, {"a", 2, 0, 2}, {"b", 0, 3, -1}, {"c", 0, 0, 3}})
		readAnswer(t, client, 3, v)
		same(t, "requests", actions(r.j.of(history.WireRequest))[1:6], []history.Action{passed, withheld, passed, withheld, passed})
		answers := r.j.of(history.WireAnswer)[1:6]
		same(t, "answers", actions(answers), []history.Action{passed, forged, passed, forged, passed})
		if e := answers[1]; e.Error != 19 || e.BrokerCode != history.NeverAsked || e.BaseOffset != -1 || e.Fault != 3 {
			t.Errorf("%+v", e)
		}
	})
}

func TestRefusingAWholeRequestIsAnsweredInItsTurn(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, &script{request: on(2, Decision{Verb: Refuse, Fault: 3, Codes: map[int]int16{0: 19, 1: 6}})})
		r.f.SetTopic(topicID("a"), "a")
		client, broker := r.connect()
		l := []load{{"a", 0, 0, 1, 100}, {"a", 1, 0, 1, 100}}
		first, third := produceFrame(1, v, -1, l[0]), produceFrame(3, v, -1, l[0])
		write(t, client, first, produceFrame(2, v, -1, l...), third)
		if !bytes.Equal(readFrame(t, broker), first) || !bytes.Equal(readFrame(t, broker), third) {
			t.Fatal("forwarded something else")
		}
		silent(t, client)
		write(t, broker, answerFrame(1, v, verdict{"a", 0, 0, 1}))
		readAnswer(t, client, 1, v)
		same(t, "told", readAnswer(t, client, 2, v), []verdict{{"a", 0, 19, -1}, {"a", 1, 6, -1}})
		silent(t, client)
		write(t, broker, answerFrame(3, v, verdict{"a", 0, 0, 2}))
		readAnswer(t, client, 3, v)
		same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{passed, forged, forged, passed})
	})
}

func TestRefusingTheOnlyRequestIsAnsweredAtOnce(t *testing.T) {
	r := newRig(t, &script{request: on(1, Decision{Verb: Refuse, Codes: map[int]int16{0: 19}})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	same(t, "told", readAnswer(t, client, 1, 9), []verdict{{"a", 0, 19, -1}})
	silent(t, broker)
}

func TestAForgedAnswerMayComeLateAndInItsTurn(t *testing.T) {
	const late = 150 * time.Millisecond
	refuse := Decision{Verb: Refuse, Fault: 3, For: late, Codes: map[int]int16{0: 6}}
	for name, c := range map[string]struct {
		script *script
		loads  []load
		broker []verdict // nil: the broker is not asked
		want   []verdict
		rows   []history.Action
	}{
		"refused whole":   {&script{request: on(1, refuse)}, []load{{"a", 0, 0, 1, 100}}, nil, []verdict{{"a", 0, 6, -1}}, []history.Action{forged}},
		"refused in part": {&script{request: on(1, refuse)}, []load{{"a", 0, 0, 1, 100}, {"a", 1, 0, 1, 100}}, []verdict{{"a", 1, 0, 4}}, []verdict{{"a", 0, 6, -1}, {"a", 1, 0, 4}}, []history.Action{forged, passed}},
		"rewritten": {&script{answer: on(1, Decision{Verb: Rewrite, Fault: 3, For: late, Codes: map[int]int16{0: 7}})}, []load{{"a", 0, 0, 1, 100}},
			[]verdict{{"a", 0, 0, 4}}, []verdict{{"a", 0, 7, 4}}, []history.Action{forged}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.script)
			client, broker := r.connect()
			began := time.Now()
			write(t, client, produceFrame(1, 9, -1, c.loads...), produceFrame(2, 9, -1, c.loads[0]))
			if c.broker != nil {
				readFrame(t, broker)
				write(t, broker, answerFrame(1, 9, c.broker...))
			}
			readFrame(t, broker)
			write(t, broker, answerFrame(2, 9, verdict{"a", 0, 0, 5})) // waits behind it
			same(t, "told", readAnswer(t, client, 1, 9), c.want)
			if took := time.Since(began); took < late {
				t.Errorf("told after %s", took)
			}
			same(t, "next", readAnswer(t, client, 2, 9), []verdict{{"a", 0, 0, 5}})
			same(t, "held", actions(r.j.of(history.WireAnswer))[0], held)
			releases := r.j.of(history.WireRelease)
			same(t, "releases", actions(releases), append(c.rows, passed))
			same(t, "fault", releases[0].Fault, int32(3))
			same(t, "code", releases[0].Error, c.want[0].code)
		})
	}
}

func TestAcksZeroHasNoAnswer(t *testing.T) {
	everyVersion(t, func(t *testing.T, v int16) {
		r := newRig(t, &script{request: on(2, Decision{Verb: Refuse, Fault: 3, Codes: map[int]int16{0: 19}})})
		r.f.SetTopic(topicID("a"), "a")
		client, broker := r.connect()
		one, two := load{"a", 0, 0, 1, 100}, load{"a", 1, 0, 1, 100}
		write(t, client, produceFrame(1, v, 0, one), produceFrame(2, v, 0, one, two),
			produceFrame(3, v, 0, one), produceFrame(4, v, -1, one))
		readFrame(t, broker)
		if !bytes.Equal(readFrame(t, broker), produceFrame(2, v, 0, two)) {
			t.Error("the refused batch was forwarded")
		}
		readFrame(t, broker)
		readFrame(t, broker)
		write(t, broker, answerFrame(4, v, verdict{"a", 0, 0, 3}))
		readAnswer(t, client, 4, v)
		same(t, "not Kafka", len(r.j.of(history.WireNotKafka)), 0)
		same(t, "requests", actions(r.j.of(history.WireRequest)), []history.Action{passed, withheld, passed, passed, passed})
	})
}
