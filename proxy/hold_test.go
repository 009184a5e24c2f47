package proxy

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

func isP0(name string) bool { return name == "p0" }

func TestABlackHoleHealedWithTheBrokerAliveDelivers(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	heal := r.f.HoldAnswers(0, 5, isP0)
	var want []byte
	for i := range int32(3) {
		write(t, client, produceFrame(i, 9, -1, load{"a", 0, int64(i), 1, 100}))
		readFrame(t, broker)
		answer := answerFrame(i, 9, verdict{"a", 0, 0, int64(i)})
		write(t, broker, answer)
		want = append(want, answer...)
	}
	silent(t, client)
	same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{held, held, held})
	heal()
	same(t, "releases", actions(r.j.of(history.WireRelease)), []history.Action{passed, passed, passed})
	var got []byte
	for range 3 {
		got = append(got, readFrame(t, client)...)
	}
	if !bytes.Equal(got, want) {
		t.Error("what was held was altered")
	}
	same(t, "fault", r.j.of(history.WireRelease)[0].Fault, int32(5))
	write(t, client, produceFrame(9, 9, -1, load{"a", 0, 9, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(9, 9, verdict{"a", 0, 0, 9}))
	readAnswer(t, client, 9, 9)
	same(t, "lost", len(r.s.lost), 0)
}

func TestABlackHoleHealedAfterTheBrokerDiedDropsAndCloses(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	heal := r.f.HoldAnswers(0, 5, isP0)
	for i := range int32(3) {
		write(t, client, produceFrame(i, 9, -1, load{"a", 0, int64(i), 1, 100}))
		readFrame(t, broker)
		write(t, broker, answerFrame(i, 9, verdict{"a", 0, 0, int64(i)}))
	}
	eventually(t, "three answers", func() bool { return len(r.j.of(history.WireAnswer)) == 3 })
	broker.Close()
	silent(t, client)
	// What the client still says goes nowhere, and is written down as such.
	write(t, client, produceFrame(3, 9, -1, load{"a", 0, 3, 1, 100}))
	eventually(t, "four requests", func() bool { return len(r.j.of(history.WireRequest)) == 4 })
	same(t, "request", r.j.of(history.WireRequest)[3].Action, dropped)
	silent(t, client)
	heal()
	ends(t, client)
	same(t, "releases", actions(r.j.of(history.WireRelease)), []history.Action{dropped, dropped, dropped})
	lost, by := r.s.losses()
	if len(lost) != 3 || lost[2].Batches[0].BaseOffset != 2 || by[0] != 5 {
		t.Errorf("lost %+v by %v", lost, by)
	}
}

func TestABlackHoleSparesOtherClientsAndTakesNewConnections(t *testing.T) {
	r := newRig(t, nil)
	heal := r.f.HoldAnswers(0, 5, func(name string) bool { return name == "other" })
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	readAnswer(t, client, 1, 9)
	heal2 := r.f.HoldAnswers(0, 6, isP0)
	client2, broker2 := r.connect()
	write(t, client2, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker2)
	write(t, broker2, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	silent(t, client2)
	heal()
	silent(t, client2)
	heal2()
	readAnswer(t, client2, 1, 9)
	heal2()
}

func TestABlackHoleAlsoHidesADeadBrokerFromNewConnections(t *testing.T) {
	r := newRig(t, nil)
	var down atomic.Bool
	r.f.Serve(0, 9, func(ctx context.Context) (net.Conn, error) {
		if down.Load() {
			return nil, errors.New("down")
		}
		return dialer(r.behind.Addr().String())(ctx)
	})
	heal := r.f.HoldAnswers(0, 5, isP0)
	down.Store(true)
	client, err := net.Dial("tcp", r.f.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	silent(t, client)
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	silent(t, client)
	heal()
	ends(t, client)
	same(t, "requests", actions(r.j.of(history.WireRequest)), []history.Action{dropped})
}

func TestAClientOfADeadBrokerIsReset(t *testing.T) {
	r := newRig(t, nil)
	r.f.Serve(0, 9, func(context.Context) (net.Conn, error) { return nil, errors.New("down") })
	// The reset may come while the client still thinks that it is dialling.
	client, err := net.Dial("tcp", r.f.Addresses()[0])
	if err == nil {
		defer client.Close()
		client.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, err = client.Read(make([]byte, 1))
	}
	if !isReset(err) {
		t.Errorf("got %v, want a reset", err)
	}
	eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
}

func TestTheBrokersEndReachesTheClientAfterItsAnswers(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	broker.Close()
	readAnswer(t, client, 1, 9)
	ends(t, client)
	eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
	same(t, "note", r.j.of(history.WireDisconnect)[0].Note, "closed by the broker")
}

func TestAResetClosesTheConnectionsThatMatch(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	same(t, "others", r.f.Reset(0, 4, func(n string) bool { return n != "p0" }), 0)
	same(t, "ours", r.f.Reset(0, 4, isP0), 1)
	ends(t, client)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	ends(t, broker)
	eventually(t, "disconnect", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
	same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{dropped})
}

func TestDetachEndsConnectionsAndForgetsTheRun(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	r.f.HoldAnswers(0, 1, nil)
	if err := r.f.Detach(timeout(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	ends(t, client)
	rows := len(r.j.events)
	client, broker = r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	readAnswer(t, client, 1, 9)
	same(t, "rows", len(r.j.events), rows)
	same(t, "asked", r.s.requests, 1)
}

func TestADelayedAnswerArrivesEvenIfItsBrokerDiesMeanwhile(t *testing.T) {
	r := newRig(t, &script{answer: on(1, Decision{Verb: Hold, Fault: 8, For: 200 * time.Millisecond})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	broker.Close()
	silent(t, client)
	readAnswer(t, client, 1, 9)
	ends(t, client)
	same(t, "releases", actions(r.j.of(history.WireRelease)), []history.Action{passed})
}

func TestARefusedRequestIsHeldLikeAnAnswer(t *testing.T) {
	r := newRig(t, &script{request: on(1, Decision{Verb: Refuse, Fault: 3, Codes: map[int]int16{0: 19}})})
	heal := r.f.HoldAnswers(0, 5, isP0)
	client, _ := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	silent(t, client)
	heal()
	same(t, "told", readAnswer(t, client, 1, 9), []verdict{{"a", 0, 19, -1}})
	same(t, "answers", actions(r.j.of(history.WireAnswer)), []history.Action{held})
	e := r.j.of(history.WireRelease)[0]
	if e.Action != forged || e.Fault != 3 || e.Error != 19 || e.BrokerCode != history.NeverAsked {
		t.Errorf("%+v", e)
	}
}
