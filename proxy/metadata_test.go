package proxy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// proxies is what the tests advertise; brokers 4 and above have no proxy.
var proxies = map[int32]string{1: "127.0.0.1:1001", 2: "127.0.0.1:1002", 3: "127.0.0.1:1003"}

// ask sends a request through a rig, lets the broker answer with a frame, and
// returns what the client gets.
func (r *rig) ask(req kmsg.Request, answer []byte) []byte {
	r.t.Helper()
	client, broker := r.connect()
	write(r.t, client, requestFrame(7, req))
	readFrame(r.t, broker)
	write(r.t, broker, answer)
	got := readFrame(r.t, client)
	client.Close()
	broker.Close()
	return got
}

// someTags are tagged fields that nobody knows.
func someTags(from *rand.Rand, into *kmsg.Tags) {
	for range from.IntN(3) {
		value := make([]byte, from.IntN(20))
		for i := range value {
			value[i] = byte(from.Uint32())
		}
		into.Set(100+from.Uint32N(1<<20), value)
	}
}

// someMetadata draws an answer of three brokers with proxies and one without.
func someMetadata(from *rand.Rand, version int16) *kmsg.MetadataResponse {
	m := kmsg.NewPtrMetadataResponse()
	m.Version = version
	flexible := m.IsFlexible()
	tags := func(t *kmsg.Tags) {
		if flexible {
			someTags(from, t)
		}
	}
	for id := int32(1); id <= 4; id++ {
		b := kmsg.NewMetadataResponseBroker()
		b.NodeID, b.Host, b.Port = id, fmt.Sprintf("kafka-%d.example", id), 9092
		if from.IntN(2) == 0 && version >= 1 {
			b.Rack = kmsg.StringPtr("rack")
		}
		tags(&b.UnknownTags)
		m.Brokers = append(m.Brokers, b)
	}
	for range 1 + from.IntN(3) {
		t := kmsg.NewMetadataResponseTopic()
		t.Topic = kmsg.StringPtr(fmt.Sprintf("t%d", from.IntN(10)))
		if version >= 10 {
			t.TopicID = topicID(*t.Topic)
		}
		t.Partitions = []kmsg.MetadataResponseTopicPartition{}
		for p := range int32(from.IntN(4)) {
			part := kmsg.NewMetadataResponseTopicPartition()
			part.Partition, part.Leader = p, 1+from.Int32N(4)
			part.Replicas, part.ISR, part.OfflineReplicas = []int32{1, 2}, []int32{2}, []int32{}
			if version >= 7 {
				part.LeaderEpoch = from.Int32N(9)
			}
			tags(&part.UnknownTags)
			t.Partitions = append(t.Partitions, part)
		}
		tags(&t.UnknownTags)
		m.Topics = append(m.Topics, t)
	}
	tags(&m.UnknownTags)
	return m
}

// withHeaderTag puts a tagged field into the header of a flexible answer.
func withHeaderTag(frame []byte) []byte {
	tagged := append(bytes.Clone(frame[:8]), 1, 50, 2, 'h', 'i')
	tagged = append(tagged, frame[9:]...)
	binary.BigEndian.PutUint32(tagged, uint32(len(tagged)-4))
	return tagged
}

func TestMetadataOfEveryVersionNamesTheProxiesAndAltersNothingElse(t *testing.T) {
	r := newRig(t, nil)
	if err := r.f.Advertise(proxies); err != nil {
		t.Fatal(err)
	}
	from := rand.New(rand.NewPCG(1, 2))
	for version := int16(0); version <= kmsg.NewPtrMetadataResponse().MaxVersion(); version++ {
		for range 5 {
			answer := someMetadata(from, version)
			sent := responseFrame(7, answer)
			for i := range answer.Brokers {
				answer.Brokers[i].Host, answer.Brokers[i].Port = "127.0.0.1", 1001+int32(i)
			}
			answer.Brokers = answer.Brokers[:3] // the fourth has no proxy
			want := responseFrame(7, answer)
			if answer.IsFlexible() {
				sent, want = withHeaderTag(sent), withHeaderTag(want)
			}
			req := kmsg.NewPtrMetadataRequest()
			req.Version = version
			if got := r.ask(req, sent); !bytes.Equal(got, want) {
				t.Fatalf("version %d:\n got %q\nwant %q", version, got, want)
			}
		}
	}
	hidden := r.j.of(history.WireMetadata)
	if len(hidden) == 0 || !strings.Contains(hidden[0].Note, "broker 4 has no proxy") {
		t.Errorf("hidden brokers in the journal: %+v", hidden)
	}
}

func TestWithoutAdvertiseNoByteOfAMetadataAnswerIsAltered(t *testing.T) {
	r := newRig(t, nil)
	from := rand.New(rand.NewPCG(3, 4))
	for version := int16(0); version <= kmsg.NewPtrMetadataResponse().MaxVersion(); version++ {
		req := kmsg.NewPtrMetadataRequest()
		req.Version = version
		sent := responseFrame(7, someMetadata(from, version))
		if got := r.ask(req, sent); !bytes.Equal(got, sent) {
			t.Errorf("version %d:\n got %q\nwant %q", version, got, sent)
		}
	}
	if rows := r.j.of(history.WireMetadata); len(rows) != 0 {
		t.Errorf("journaled: %+v", rows)
	}
}

func TestCoordinatorsOfEveryVersionAreProxies(t *testing.T) {
	r := newRig(t, nil)
	if err := r.f.Advertise(proxies); err != nil {
		t.Fatal(err)
	}
	for version := int16(0); version <= kmsg.NewPtrFindCoordinatorResponse().MaxVersion(); version++ {
		for _, c := range []struct {
			name       string
			id, wantID int32
			host       string
			port       int32
			code, told int16
			wantHost   string
			wantPort   int32
		}{
			{"one with a proxy", 2, 2, "kafka-2", 9092, 0, 0, "127.0.0.1", 1002},
			{"one without", 4, -1, "kafka-4", 9092, 0, codeCoordinatorMissing, "", -1},
			{"none", -1, -1, "", -1, 15, 15, "", -1},
		} {
			make := func(id int32, host string, port int32, code int16) []byte {
				m := kmsg.NewPtrFindCoordinatorResponse()
				m.Version = version
				if version < 4 {
					m.NodeID, m.Host, m.Port, m.ErrorCode = id, host, port, code
				} else {
					one := kmsg.NewFindCoordinatorResponseCoordinator()
					one.Key, one.NodeID, one.Host, one.Port, one.ErrorCode = "k", id, host, port, code
					one.UnknownTags.Set(99, []byte("kept"))
					m.Coordinators = append(m.Coordinators, one)
				}
				return responseFrame(7, m)
			}
			req := kmsg.NewPtrFindCoordinatorRequest()
			req.Version = version
			got, want := r.ask(req, make(c.id, c.host, c.port, c.code)), make(c.wantID, c.wantHost, c.wantPort, c.told)
			if !bytes.Equal(got, want) {
				t.Errorf("version %d, %s:\n got %q\nwant %q", version, c.name, got, want)
			}
		}
	}
}

func TestDescribeClusterNamesTheProxies(t *testing.T) {
	r := newRig(t, nil)
	if err := r.f.Advertise(proxies); err != nil {
		t.Fatal(err)
	}
	for version := int16(0); version <= kmsg.NewPtrDescribeClusterResponse().MaxVersion(); version++ {
		m := kmsg.NewPtrDescribeClusterResponse()
		m.Version, m.ClusterID = version, "cluster"
		for id := int32(3); id <= 4; id++ {
			b := kmsg.NewDescribeClusterResponseBroker()
			b.NodeID, b.Host, b.Port = id, "kafka", 9092
			m.Brokers = append(m.Brokers, b)
		}
		sent := responseFrame(7, m)
		m.Brokers = m.Brokers[:1]
		m.Brokers[0].Host, m.Brokers[0].Port = "127.0.0.1", 1003
		req := kmsg.NewPtrDescribeClusterRequest()
		req.Version = version
		if got := r.ask(req, sent); !bytes.Equal(got, responseFrame(7, m)) {
			t.Errorf("version %d: got %q", version, got)
		}
	}
}

func TestANewLeaderInAProduceAnswerIsItsProxy(t *testing.T) {
	r := newRig(t, nil)
	if err := r.f.Advertise(proxies); err != nil {
		t.Fatal(err)
	}
	client, broker := r.connect()
	write(t, client, produceFrame(1, 10, -1, load{"a", 0, 0, 1, 100}))
	readFrame(t, broker)
	m := kmsg.NewPtrProduceResponse()
	m.Version = 10
	topic, part := kmsg.NewProduceResponseTopic(), kmsg.NewProduceResponseTopicPartition()
	topic.Topic, part.ErrorCode, part.BaseOffset = "a", 6, -1
	part.CurrentLeader.LeaderID, part.CurrentLeader.LeaderEpoch = 2, 8
	topic.Partitions = append(topic.Partitions, part)
	m.Topics = append(m.Topics, topic)
	b := kmsg.NewProduceResponseBroker()
	b.NodeID, b.Host, b.Port = 2, "kafka-2.example", 9092
	m.Brokers = append(m.Brokers, b)
	write(t, broker, responseFrame(1, m))
	m.Brokers[0].Host, m.Brokers[0].Port = "127.0.0.1", 1002
	if got, want := readFrame(t, client), responseFrame(1, m); !bytes.Equal(got, want) {
		t.Errorf(" got %q\nwant %q", got, want)
	}
	if rows := r.j.of(history.WireAnswer); len(rows) != 1 || rows[0].Action != history.ActionPassed || rows[0].Error != 6 {
		t.Errorf("journal: %+v", rows)
	}
}

func TestAnAnswerThatCannotBeReadPassesUnseenAndIsJournaled(t *testing.T) {
	for name, make := range map[string]func() (version int16, answer []byte){
		"a newer version than is known": func() (int16, []byte) {
			newest := kmsg.NewPtrMetadataResponse().MaxVersion()
			frame := responseFrame(7, someMetadata(rand.New(rand.NewPCG(5, 6)), newest))
			return newest + 1, append(frame[:len(frame)-1], 0)
		},
		"garbage": func() (int16, []byte) { return 5, []byte{0, 0, 0, 8, 0, 0, 0, 7, 255, 255, 255, 255} },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, nil)
			if err := r.f.Advertise(proxies); err != nil {
				t.Fatal(err)
			}
			version, answer := make()
			request := requestFrame(7, &kmsg.MetadataRequest{Version: 9})
			binary.BigEndian.PutUint16(request[6:], uint16(version))
			client, broker := r.connect()
			write(t, client, request)
			readFrame(t, broker)
			write(t, broker, answer)
			if got := readFrame(t, client); !bytes.Equal(got, answer) {
				t.Errorf(" got %q\nwant %q", got, answer)
			}
			if rows := r.j.of(history.WireNotKafka); len(rows) != 1 || !strings.Contains(rows[0].Note, "Metadata answer") {
				t.Errorf("journal: %+v", rows)
			}
		})
	}
}

// teller is a Control that changes Metadata answers.
type teller struct {
	script
	tell func(*Metadata) int32
}

func (s *teller) OnMetadata(m *Metadata) int32 { return s.tell(m) }

func TestAControlMayTellOfATopicThatIsNotThereAsABrokerWould(t *testing.T) {
	name := "t"
	id := topicID(name)
	byName, byID := kmsg.NewMetadataRequestTopic(), kmsg.NewMetadataRequestTopic()
	byName.Topic, byID.TopicID = &name, id
	for how, c := range map[string]struct {
		version int16
		asked   []kmsg.MetadataRequestTopic
		want    func(*kmsg.MetadataResponse)
	}{
		"asked for by name": {12, []kmsg.MetadataRequestTopic{byName}, func(m *kmsg.MetadataResponse) {
			m.Topics[0].ErrorCode, m.Topics[0].TopicID = 3, [16]byte{}
		}},
		"asked for by name, long ago": {1, []kmsg.MetadataRequestTopic{byName}, func(m *kmsg.MetadataResponse) {
			m.Topics[0].ErrorCode = 3
		}},
		"asked for by id": {12, []kmsg.MetadataRequestTopic{byID}, func(m *kmsg.MetadataResponse) {
			m.Topics[0].ErrorCode, m.Topics[0].Topic = 100, nil
		}},
		"all were asked for": {12, nil, func(m *kmsg.MetadataResponse) { m.Topics = nil }},
	} {
		t.Run(how, func(t *testing.T) {
			s := &teller{tell: func(m *Metadata) int32 {
				m.Topics[0].Unknown = true
				return 4
			}}
			r := newRig(t, nil)
			r.f.Attach("0123abcd", r.j, s)
			answer := kmsg.NewPtrMetadataResponse()
			answer.Version = c.version
			topic, part := kmsg.NewMetadataResponseTopic(), kmsg.NewMetadataResponseTopicPartition()
			topic.Topic, part.Leader = &name, 2
			if c.version >= 10 {
				topic.TopicID = id
			}
			topic.Partitions = append(topic.Partitions, part)
			answer.Topics = append(answer.Topics, topic)
			req := kmsg.NewPtrMetadataRequest()
			req.Version, req.Topics = c.version, c.asked
			got := r.ask(req, responseFrame(7, answer))
			answer.Topics[0].Partitions = nil
			c.want(answer)
			if want := responseFrame(7, answer); !bytes.Equal(got, want) {
				t.Errorf(" got %q\nwant %q", got, want)
			}
			rows := r.j.of(history.WireMetadata)
			if len(rows) != 1 || rows[0].Fault != 4 || rows[0].Action != history.ActionForged || rows[0].Topic != name || rows[0].BrokerCode != 0 {
				t.Errorf("journal: %+v", rows)
			}
		})
	}
}

func TestAControlMayNameAnotherLeader(t *testing.T) {
	s := &teller{tell: func(m *Metadata) int32 {
		if m.ClientID != "p0" || m.Broker != 9 || m.Topics[0].Partitions[1].Leader != 2 {
			t.Errorf("told %+v", m)
		}
		m.Topics[0].Partitions[1].Leader, m.Topics[0].Partitions[1].LeaderEpoch = 3, 4
		return 6
	}}
	r := newRig(t, nil)
	r.f.Attach("0123abcd", r.j, s)
	answer := kmsg.NewPtrMetadataResponse()
	answer.Version = 9
	topic := kmsg.NewMetadataResponseTopic()
	topic.Topic = kmsg.StringPtr("t")
	for p := range int32(2) {
		part := kmsg.NewMetadataResponseTopicPartition()
		part.Partition, part.Leader, part.LeaderEpoch = p, 2, 5
		topic.Partitions = append(topic.Partitions, part)
	}
	topic.UnknownTags.Set(77, []byte("kept"))
	answer.Topics = append(answer.Topics, topic)
	got := r.ask(&kmsg.MetadataRequest{Version: 9}, responseFrame(7, answer))
	answer.Topics[0].Partitions[1].Leader, answer.Topics[0].Partitions[1].LeaderEpoch = 3, 4
	if want := responseFrame(7, answer); !bytes.Equal(got, want) {
		t.Errorf(" got %q\nwant %q", got, want)
	}
	rows := r.j.of(history.WireMetadata)
	if len(rows) != 1 || rows[0].Partition != 1 || rows[0].Note != "leader 3 (leader epoch 4), where the broker said 2 (5)" {
		t.Errorf("journal: %+v", rows)
	}
}

// FuzzMetadataRewriting holds that whatever a broker sends, the client gets it
// unaltered or with nothing but addresses changed.
func FuzzMetadataRewriting(f *testing.F) {
	from := rand.New(rand.NewPCG(7, 8))
	for version := int16(0); version <= 13; version++ {
		f.Add(version, responseFrame(7, someMetadata(from, version)))
	}
	f.Fuzz(func(t *testing.T, version int16, frame []byte) {
		if len(frame) < 8 || version < 0 {
			t.Skip()
		}
		message := kmsg.NewPtrMetadataResponse()
		r, err := decode(message, version, frame, true)
		if err != nil {
			return // it passes unseen
		}
		binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
		if again := r.encode(); !bytes.Equal(again, frame) {
			t.Fatalf("unchanged, it is encoded as %q, and was %q", again, frame)
		}
	})
}
