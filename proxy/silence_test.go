package proxy

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

func metadataFrame(correlation int32) []byte {
	req := kmsg.NewPtrMetadataRequest()
	req.Version = 9
	return requestFrame(correlation, req)
}

func TestInSilenceTowardsTheBrokerRequestsWaitAndAnswersPass(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	heal := r.f.Silence(0, 5, false, true, isP0)
	write(t, client, produceFrame(2, 9, -1, load{"a", 0, 1, 1, 100}), metadataFrame(3), produceFrame(4, 9, -1, load{"a", 0, 2, 1, 100}))
	silent(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 0}))
	readAnswer(t, client, 1, 9)
	same(t, "requests", actions(r.j.of(history.WireRequest)), []history.Action{passed, held, held})
	same(t, "fault", r.j.of(history.WireRequest)[1].Fault, int32(5))
	heal()
	for _, want := range []string{"produce", "metadata", "produce"} {
		if got := keyOf(readFrame(t, broker)); got != want {
			t.Errorf("the broker got %s, want %s", got, want)
		}
	}
	same(t, "deliveries", actions(r.j.of(history.WireDelivery)), []history.Action{passed, passed})
	write(t, broker, answerFrame(2, 9, verdict{"a", 0, 0, 1}))
	readAnswer(t, client, 2, 9)
	write(t, client, produceFrame(5, 9, -1, load{"a", 0, 3, 1, 100}))
	readFrame(t, broker)
}

func TestInSilenceBothWaysNothingPassesAndNothingCloses(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	heal := r.f.Silence(0, 5, true, true, nil)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 0}))
	write(t, client, produceFrame(2, 9, -1, load{"a", 0, 1, 1, 100}))
	later, behind := r.connect() // accepted, and then silence
	write(t, later, metadataFrame(1))
	for _, c := range []net.Conn{client, broker, later, behind} {
		silent(t, c)
	}
	heal()
	readAnswer(t, client, 1, 9)
	readFrame(t, broker)
	readFrame(t, behind)
	same(t, "disconnects", len(r.j.of(history.WireDisconnect)), 0)
}

func TestSilenceSparesTheClientsThatDoNotMatch(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	heal := r.f.Silence(0, 5, true, true, func(name string) bool { return name == "other" })
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 0}))
	readAnswer(t, client, 1, 9)
	heal()
	heal() // again, at no cost
}

func TestWhatSilenceHeldIsDroppedWhenItsClientLeft(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	heal := r.f.Silence(0, 5, false, true, nil)
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	eventually(t, "request", func() bool { return len(r.j.of(history.WireRequest)) == 1 })
	client.Close()
	silent(t, broker) // the end of the connection is silenced, too
	eventually(t, "delivery", func() bool { return len(r.j.of(history.WireDelivery)) == 1 })
	silent(t, broker)
	heal()
	ends(t, broker)
	same(t, "deliveries", actions(r.j.of(history.WireDelivery)), []history.Action{dropped})
}

func TestWhatSilenceHeldIsDroppedWhenItsBrokerLeft(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	heal := r.f.Silence(0, 5, true, true, nil)
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	eventually(t, "request", func() bool { return len(r.j.of(history.WireRequest)) == 1 })
	broker.Close()
	silent(t, client)
	same(t, "deliveries", actions(r.j.of(history.WireDelivery)), []history.Action{dropped})
	heal()
	ends(t, client)
}

func TestSilenceThatBeginsWithinARequestHoldsItsRest(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	frame := metadataFrame(1)
	write(t, client, frame[:len(frame)-2])
	broker.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := broker.Read(make([]byte, len(frame))); n != len(frame)-2 {
		t.Fatal(n, err)
	}
	heal := r.f.Silence(0, 5, true, true, nil)
	write(t, client, frame[len(frame)-2:], produceFrame(2, 9, -1, load{"a", 0, 0, 1, 100}))
	silent(t, broker)
	heal()
	broker.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := broker.Read(make([]byte, 2)); n != 2 {
		t.Fatal(n, err)
	}
	if got := keyOf(readFrame(t, broker)); got != "produce" {
		t.Errorf("then came %s", got)
	}
}

// A run may be broken off in silence: nothing may be left behind.
func TestDetachEndsSilence(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	gone, _ := r.connect()
	r.f.Silence(0, 5, true, true, nil)
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	write(t, gone, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	eventually(t, "requests", func() bool { return len(r.j.of(history.WireRequest)) == 2 })
	gone.Close()
	if err := r.f.Detach(timeout(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	ends(t, client)
	ends(t, broker)
	same(t, "deliveries", actions(r.j.of(history.WireDelivery)), []history.Action{dropped, dropped})
}

func TestAProducerRidesOutSilence(t *testing.T) {
	for name, way := range map[string]struct{ toClient, toBroker bool }{
		"to the client": {true, false}, "to the broker": {false, true}, "both ways": {true, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := cluster(t, 1, "t")
			p := producer(t, f)
			send := func(from, to int64) {
				for i := from; i < to; i++ {
					p.Produce(context.Background(), record("t", 0, 0, i, 100), nil)
				}
			}
			send(0, 10)
			p.Flush(timeout(t, 10*time.Second))
			heal := f.Silence(0, 5, way.toClient, way.toBroker, nil)
			send(10, 20)
			quiet := timeout(t, 300*time.Millisecond)
			if p.Flush(quiet) == nil {
				t.Error("records were acknowledged in silence")
			}
			heal()
			if err := p.Flush(timeout(t, 20*time.Second)); err != nil {
				t.Fatal(err)
			}
		})
	}
}
