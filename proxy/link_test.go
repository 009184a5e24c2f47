package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

func TestACutInTheMiddleOfARequestLetsPartOfItThrough(t *testing.T) {
	frame := produceFrame(2, 9, -1, load{"a", 0, 1, 1, 1000})
	for _, c := range []struct {
		name string
		part int64
		want int
	}{{"half", Half, len(frame) / 2}, {"some bytes", 40, 40}, {"never all", 1 << 20, len(frame) - 1}} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, &script{request: on(2, Decision{Verb: Cut, Fault: 3, Part: c.part})})
			client, broker := r.connect()
			write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}), frame)
			readFrame(t, broker)
			ends(t, client)
			broker.SetReadDeadline(time.Now().Add(10 * time.Second))
			go func() { broker.Write(answerFrame(1, 9, verdict{"a", 0, 0, 0})) }()
			got, err := io.ReadAll(broker)
			if err != nil || !bytes.Equal(got, frame[:c.want]) {
				t.Errorf("the broker got %d bytes, %v; want the first %d", len(got), err, c.want)
			}
			row := r.j.of(history.WireRequest)[1]
			if row.Action != cut || row.Fault != 3 || row.Note == "" {
				t.Errorf("%+v", row)
			}
		})
	}
}

func TestALateRequestReachesTheBrokerAfterItsClientHasLeft(t *testing.T) {
	release := make(chan struct{})
	r := newRig(t, &script{request: on(1, Decision{Verb: Hold, Fault: 3, Release: release})})
	client, broker := r.connect()
	late := [][]byte{produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}), metadataFrame(2), produceFrame(3, 9, -1, load{"a", 0, 1, 1, 100})}
	write(t, client, late...)
	silent(t, broker)
	eventually(t, "requests", func() bool { return len(r.j.of(history.WireRequest)) == 2 })
	client.Close()
	again, behind := r.connect()
	write(t, again, produceFrame(11, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, behind)
	write(t, behind, answerFrame(11, 9, verdict{"a", 0, 0, 0}))
	readAnswer(t, again, 11, 9)
	silent(t, broker)
	close(release)
	for i, want := range late {
		if got := readFrame(t, broker); !bytes.Equal(got, want) {
			t.Errorf("frame %d was altered", i)
		}
	}
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 45, -1}), responseFrame(2, metadataAnswer()), answerFrame(3, 9, verdict{"a", 0, 45, -1}))
	ends(t, broker)
	eventually(t, "its end", func() bool { return len(r.j.of(history.WireDisconnect)) == 1 })
	same(t, "requests", actions(r.j.of(history.WireRequest)), []history.Action{held, held, passed})
	same(t, "deliveries", actions(r.j.of(history.WireDelivery)), []history.Action{passed, passed})
	answers := r.j.of(history.WireAnswer)
	same(t, "answers", actions(answers), []history.Action{passed, dropped, dropped})
	if answers[1].Error != 45 || answers[1].Fault != 3 || answers[2].Fault != 3 {
		t.Errorf("%+v", answers)
	}
	lost, by := r.s.losses()
	if len(lost) != 2 || by[0] != 3 {
		t.Errorf("lost %+v by %v", lost, by)
	}
	same(t, "asked", r.s.requests, 2) // not of what came late
}

func TestALateRequestGoesOnWhereItsClientHasStayed(t *testing.T) {
	r := newRig(t, &script{request: on(1, Decision{Verb: Hold, Fault: 3, For: 150 * time.Millisecond})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}), produceFrame(2, 9, -1, load{"a", 0, 1, 1, 100}))
	silent(t, broker)
	for i := range int32(2) {
		readFrame(t, broker)
		write(t, broker, answerFrame(i+1, 9, verdict{"a", 0, 0, int64(i)}))
		readAnswer(t, client, i+1, 9)
	}
	same(t, "asked", r.s.requests, 2)
}

func TestWhatAControlDoesBecauseOfAFrameStandsBehindIt(t *testing.T) {
	var r *rig
	asked := make(map[string]int64) // when the control was
	r = newRig(t, &script{
		request: func(*Exchange) Decision { asked["request"] = r.j.Now(); return Decision{} },
		answer:  func(*Exchange) Decision { asked["answer"] = r.j.Now(); return Decision{} },
	})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 0}))
	readAnswer(t, client, 1, 9)
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for what, kind := range map[string]history.WireKind{"request": history.WireRequest, "answer": history.WireAnswer} {
		if rows := r.j.of(kind); len(rows) != 1 || rows[0].At >= asked[what] {
			t.Errorf("%s: the control was asked at %d, and its row has %+v", what, asked[what], rows)
		}
	}
}

func TestDetachGivesUpALateRequest(t *testing.T) {
	r := newRig(t, &script{request: on(1, Decision{Verb: Hold, Fault: 3, Release: make(chan struct{})})})
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	eventually(t, "request", func() bool { return len(r.j.of(history.WireRequest)) == 1 })
	client.Close()
	silent(t, broker)
	if err := r.f.Detach(timeout(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	ends(t, broker)
	same(t, "deliveries", actions(r.j.of(history.WireDelivery)), []history.Action{dropped})
}

func TestAStalledClientBlocksInTheMiddleOfItsRequest(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100})) // its source is in a read now
	readFrame(t, broker)
	client.(*net.TCPConn).SetWriteBuffer(8 << 10)
	heal := r.f.StallReads(0, isP0)
	write(t, client, metadataFrame(2)) // passes: it is not a produce request
	readFrame(t, broker)
	big := produceFrame(3, 9, -1, load{"a", 0, 1, 1, 4 << 20})
	client.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
	sent, err := client.Write(big)
	if !errors.Is(err, os.ErrDeadlineExceeded) || sent == 0 || sent >= len(big) {
		t.Fatalf("the client wrote %d of %d bytes, %v; want it to block in between", sent, len(big), err)
	}
	silent(t, broker)
	same(t, "stalled", heal(), 1)
	go func() {
		client.SetWriteDeadline(time.Now().Add(20 * time.Second))
		client.Write(big[sent:])
	}()
	if got := readFrame(t, broker); !bytes.Equal(got, big) {
		t.Error("the request was altered")
	}
}

func TestASmallRequestStallsInItsMiddleToo(t *testing.T) {
	r := newRig(t, nil)
	heal := r.f.StallReads(0, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}), metadataFrame(2))
	silent(t, broker)
	client.Close() // all of it is in the kernel's hands, and gets there late
	silent(t, broker)
	same(t, "stalled", heal(), 1)
	for _, want := range []string{"produce", "metadata"} {
		if got := keyOf(readFrame(t, broker)); got != want {
			t.Errorf("the broker got %s, want %s", got, want)
		}
	}
}

func TestARefusedPortRefusesAndComesBack(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	address := r.f.Addresses()[0]
	first, err := r.f.Refuse(0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.f.Refuse(0)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dial: %v, want it refused", err)
		}
	}
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100})) // open ones go on
	readFrame(t, broker)
	if l, err := net.Listen("tcp", address); err == nil {
		l.Close()
		t.Log("another listener of this user can have the port, as Linux allows")
	}
	for _, allow := range []func() error{first, first, second} {
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dial: %v, want it refused until all have healed", err)
		}
		if err := allow(); err != nil {
			t.Fatal(err)
		}
	}
	again, behind := r.connect()
	write(t, again, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, behind)
	if r.f.Addresses()[0] != address {
		t.Error("the port is another")
	}
	if _, err := r.f.Refuse(0); err != nil { // Detach undoes it
		t.Fatal(err)
	}
	if err := r.f.Detach(timeout(t, 5*time.Second)); err != nil {
		t.Fatal(err)
	}
	r.connect()
}

func TestAResetIsOneToTheClientWhateverItGotBefore(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, client, produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	write(t, broker, answerFrame(1, 9, verdict{"a", 0, 0, 1}))
	readAnswer(t, client, 1, 9)
	same(t, "reset", r.f.Reset(0, 4, nil), 1)
	client.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := client.Read(make([]byte, 1)); !isReset(err) {
		t.Errorf("read: %v, want a reset", err)
	}
	ends(t, broker)
}

func TestARequestArrivesInSlices(t *testing.T) {
	r := newRig(t, nil)
	remove, err := r.f.AddToxic(0, "slicer", "upstream", map[string]any{"size": 20, "delay": 3000, "seed": 1})
	if err != nil {
		t.Fatal(err)
	}
	client, broker := r.connect()
	frame := produceFrame(1, 9, -1, load{"a", 0, 0, 1, 100})
	write(t, client, frame)
	var got []byte
	reads := 0
	for buffer := make([]byte, 1000); len(got) < len(frame); reads++ {
		broker.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := broker.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buffer[:n]...)
	}
	if !bytes.Equal(got, frame) {
		t.Error("slices do not add up to the request")
	}
	if reads < 4 {
		t.Errorf("it came in %d reads", reads)
	}
	if err := remove(); err != nil {
		t.Error(err)
	}
}

func TestDelaysComeFromTheirSeed(t *testing.T) {
	r := newRig(t, nil)
	if _, err := r.f.AddToxic(0, "jitter", "downstream", map[string]any{"most": 100_000, "seed": 7}); err != nil {
		t.Fatal(err)
	}
	client, broker := r.connect()
	from := history.Stream(7, "delays")
	for i := range int32(3) {
		write(t, client, produceFrame(i, 9, -1, load{"a", 0, int64(i), 1, 100}))
		readFrame(t, broker)
		began := time.Now()
		write(t, broker, answerFrame(i, 9, verdict{"a", 0, 0, int64(i)}))
		readAnswer(t, client, i, 9)
		if late, drawn := time.Since(began), time.Duration(from.Int64N(100_001))*time.Microsecond; late < drawn {
			t.Errorf("answer %d came after %v, drawn was %v", i, late, drawn)
		}
	}
}

func TestAProducerRidesOutEveryToxic(t *testing.T) {
	f := cluster(t, 1, "t")
	for _, way := range []string{"upstream", "downstream"} {
		for kind, with := range map[string]map[string]any{
			"slicer": {"size": 16, "delay": 50, "seed": 1}, "jitter": {"most": 5000, "seed": 1},
		} {
			if _, err := f.AddToxic(0, kind, way, with); err != nil {
				t.Fatal(err)
			}
		}
	}
	p := producer(t, f)
	for i := range int64(50) {
		p.Produce(context.Background(), record("t", 0, 0, i, 100), nil)
	}
	if err := p.Flush(timeout(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
}
