package proxy

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// dribble writes data in pieces of random size.
func dribble(c net.Conn, data []byte, rng *rand.Rand) error {
	c.SetWriteDeadline(time.Now().Add(20 * time.Second))
	for len(data) > 0 {
		n := 1 + rng.Intn(7)
		switch rng.Intn(4) {
		case 0:
			n = 1 + rng.Intn(200)
		case 1:
			n = 1 + rng.Intn(100_000)
		}
		n = min(n, len(data))
		if _, err := c.Write(data[:n]); err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// conversation draws requests and the answers to them.
func conversation(rng *rand.Rand) (requests, answers []byte, produce int) {
	for i := range int32(1 + rng.Intn(30)) {
		switch rng.Intn(6) {
		case 0: // a frame of any other API, with any body
			body := make([]byte, rng.Intn(3000))
			rng.Read(body)
			req := kmsg.NewPtrFetchRequest()
			head := requestFrame(i, req)[:fixedHeader+4]
			head = append(head, body...)
			binary.BigEndian.PutUint32(head, uint32(len(head)-4))
			requests = append(requests, head...)
			answer := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(i))
			answer = append(answer, body...)
			binary.BigEndian.PutUint32(answer, uint32(len(answer)-4))
			answers = append(answers, answer...)
		case 1:
			req := kmsg.NewPtrMetadataRequest()
			req.Version = int16(rng.Intn(13))
			requests = append(requests, requestFrame(i, req)...)
			resp := kmsg.NewPtrMetadataResponse()
			resp.Version = req.Version
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.TopicID = kmsg.StringPtr("a"), topicID("a")
			resp.Topics = append(resp.Topics, topic)
			answers = append(answers, responseFrame(i, resp)...)
		case 2:
			req := kmsg.NewPtrInitProducerIDRequest()
			req.Version = int16(rng.Intn(5))
			requests = append(requests, requestFrame(i, req)...)
			resp := kmsg.NewPtrInitProducerIDResponse()
			resp.Version = req.Version
			answers = append(answers, responseFrame(i, resp)...)
		default:
			v := versions[rng.Intn(len(versions))]
			if rng.Intn(10) == 0 {
				v = int16(rng.Intn(3)) // message sets
			}
			var loads []load
			var verdicts []verdict
			for p := range int32(1 + rng.Intn(4)) {
				loads = append(loads, load{"a", p, int64(i), 1 + rng.Intn(20), 50 + rng.Intn(5000)})
				verdicts = append(verdicts, verdict{"a", p, 0, int64(i)})
			}
			acks := int16(-1)
			if rng.Intn(5) == 0 {
				acks = 0
			}
			requests = append(requests, produceFrame(i, v, acks, loads...)...)
			produce += len(loads)
			if acks != 0 {
				answers = append(answers, answerFrame(i, v, verdicts...)...)
			}
		}
	}
	return requests, answers, produce
}

func TestAnyFramesPassUnchangedAtAnyChunking(t *testing.T) {
	r := newRig(t, nil)
	for seed := range int64(40) {
		rng := rand.New(rand.NewSource(seed))
		requests, answers, produce := conversation(rng)
		j := &recorder{}
		r.f.Attach("", j, nil)
		client, broker := r.connect()
		var wg sync.WaitGroup
		wg.Add(1)
		up, down := rand.New(rand.NewSource(seed+1000)), rand.New(rand.NewSource(seed+2000))
		go func() {
			defer wg.Done()
			if err := dribble(client, requests, up); err != nil {
				t.Error(err)
			}
		}()
		got := make([]byte, len(requests))
		broker.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadFull(broker, got); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		wg.Wait()
		if !bytes.Equal(got, requests) {
			t.Fatalf("seed %d: requests were altered", seed)
		}
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := dribble(broker, answers, down); err != nil {
				t.Error(err)
			}
		}()
		got = make([]byte, len(answers))
		client.SetReadDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.ReadFull(client, got); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		wg.Wait()
		if !bytes.Equal(got, answers) {
			t.Fatalf("seed %d: answers were altered", seed)
		}
		if n := len(j.of(history.WireRequest)); n != produce {
			t.Fatalf("seed %d: %d batches journaled, want %d", seed, n, produce)
		}
		if x := j.of(history.WireNotKafka); len(x) != 0 {
			t.Fatalf("seed %d: %+v", seed, x)
		}
		client.Close()
		broker.Close()
	}
}

func TestARequestOf16MiBPasses(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	request := produceFrame(1, 9, -1, load{"a", 0, 0, 16, 1 << 20})
	next := produceFrame(2, 9, -1, load{"a", 0, 16, 1, 100})
	go func() {
		client.Write(request)
		client.Write(next)
	}()
	if !bytes.Equal(readFrame(t, broker), request) || !bytes.Equal(readFrame(t, broker), next) {
		t.Fatal("altered")
	}
	e := r.j.of(history.WireRequest)[0]
	if e.Records != 16 || e.Last != 15 || e.Bytes < 16<<20 {
		t.Errorf("%+v", e)
	}
}

func TestBytesThatAreNotKafkaPassAndAreJournaledOnce(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	hello := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 3 {
		write(t, client, hello)
		got := make([]byte, len(hello))
		io.ReadFull(broker, got)
		same(t, "request", string(got), string(hello))
		write(t, broker, []byte("HTTP/1.1 400\r\n"))
		got = make([]byte, 14)
		io.ReadFull(client, got)
		same(t, "answer", string(got), "HTTP/1.1 400\r\n")
	}
	same(t, "rows", len(r.j.of(history.WireNotKafka)), 1)
}

func TestABrokerThatSpeaksFirstIsNotKafka(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	write(t, broker, []byte("220 hello\r\n"))
	got := make([]byte, 11)
	io.ReadFull(client, got)
	same(t, "banner", string(got), "220 hello\r\n")
	write(t, client, []byte("HELO me\r\n"))
	io.ReadFull(broker, got[:9])
	same(t, "rows", len(r.j.of(history.WireNotKafka)), 1)
}

func TestRawSASLTokensPassAndKafkaGoesOn(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	shake := kmsg.NewPtrSASLHandshakeRequest()
	shake.Mechanism = "SCRAM-SHA-256"
	shaken := kmsg.NewPtrSASLHandshakeResponse()
	swap := func(from, to net.Conn, frame []byte) {
		write(t, from, frame)
		if !bytes.Equal(readFrame(t, to), frame) {
			t.Fatal("altered")
		}
	}
	token := func(s string) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...)
	}
	swap(client, broker, requestFrame(1, shake))
	swap(broker, client, responseFrame(1, shaken))
	swap(client, broker, token("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"))
	swap(broker, client, token("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR,i=4096"))
	swap(client, broker, token("\x00user\x00secret"))
	swap(broker, client, token(""))
	swap(client, broker, produceFrame(2, 9, -1, load{"a", 0, 0, 1, 100}))
	swap(broker, client, answerFrame(2, 9, verdict{"a", 0, 0, 7}))
	same(t, "not Kafka", len(r.j.of(history.WireNotKafka)), 0)
	same(t, "offset", r.j.of(history.WireAnswer)[0].BaseOffset, int64(7))
}

func TestAnUnknownProduceVersionPassesUnseen(t *testing.T) {
	r := newRig(t, nil)
	client, broker := r.connect()
	request := produceFrame(1, 12, -1, load{"a", 0, 0, 1, 100})
	binary.BigEndian.PutUint16(request[6:], 60)
	write(t, client, request)
	if !bytes.Equal(readFrame(t, broker), request) {
		t.Fatal("altered")
	}
	answer := answerFrame(1, 12, verdict{"a", 0, 0, 7})
	write(t, broker, answer)
	if !bytes.Equal(readFrame(t, client), answer) {
		t.Fatal("altered")
	}
	same(t, "rows", len(r.j.of(history.WireNotKafka)), 1)
	write(t, client, produceFrame(2, 12, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	same(t, "requests", len(r.j.of(history.WireRequest)), 1)
}

func TestTheScannerReadsWhatHistoryReads(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for range 50_000 {
		value := history.AppendValue(nil, history.Identity{
			Run: "0123abcd", Process: rng.Int31(), Topic: "some-topic", Partition: rng.Int31n(100), Number: rng.Int63n(1e15),
		}, 80)
		for range rng.Intn(3) {
			value[rng.Intn(len(value))] = " 0123456789x-"[rng.Intn(13)]
		}
		value = value[:rng.Intn(len(value)+1)]
		id, ok := history.ParseIdentity(value)
		process, number, _, scanned := scanIdentity(value)
		if ok != scanned || (ok && (id.Process != process || id.Number != number)) {
			t.Fatalf("%q: history %+v %v, scanner %d %d %v", value, id, ok, process, number, scanned)
		}
	}
}
