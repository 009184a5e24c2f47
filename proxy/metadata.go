package proxy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// Metadata is one Metadata answer on its way to a client, as a MetadataControl
// sees it. It must not be kept after the hook returns, save by value.
type Metadata struct {
	Broker      int32
	Conn        int64
	Correlation int32
	ClientID    string
	Version     int16
	Topics      []MetadataTopic
}

// MetadataTopic is one topic of a Metadata answer.
type MetadataTopic struct {
	Name       string // also where the answer carries an id only
	Error      int16
	Unknown    bool // set it to let the answer say that there is no such topic
	Partitions []MetadataPartition
}

// MetadataPartition is one partition of it.
type MetadataPartition struct {
	Partition   int32
	Error       int16
	Leader      int32 // -1: none
	LeaderEpoch int32 // -1 before version 7 of the API
}

// MetadataControl is what a Control can be as well: it decides what clients are
// told about topics and leaders. Like Control's, its method must not block.
type MetadataControl interface {
	// OnMetadata may change what the answer says of topics and partitions, in
	// place, and then returns the planned fault behind it; else
	// history.NoFault, and nothing is altered.
	OnMetadata(*Metadata) (fault int32)
}

// metadataRequest is what of a Metadata request shapes the answer about a topic
// that a broker does not know.
type metadataRequest struct {
	all  bool // every topic was asked for: one that is unknown is left out
	byID bool // asked for by id: an unknown one has error 100 and no name
}

// Codes of Kafka's that Metadata answers carry ("Error Codes").
const (
	codeUnknownTopic       = 3
	codeCoordinatorMissing = 15
	codeUnknownTopicID     = 100
)

// readMetadataRequest reads a whole request; nil when it cannot be read.
func readMetadataRequest(h header, frame []byte) *metadataRequest {
	message := kmsg.NewPtrMetadataRequest()
	message.Version = h.version
	body, ok := frame[h.length:], true
	if message.IsFlexible() {
		body, ok = skipTags(body)
	}
	if !ok || h.version > message.MaxVersion() || message.ReadFrom(body) != nil {
		return nil
	}
	asked := &metadataRequest{all: message.Topics == nil || h.version == 0 && len(message.Topics) == 0}
	for _, t := range message.Topics {
		asked.byID = asked.byID || t.Topic == nil
	}
	return asked
}

// rewritable is a broker's answer that was decoded, and is known to be encoded
// byte for byte as it was if nothing in it is changed.
type rewritable struct {
	message kmsg.Response
	head    []byte // size, correlation id and the header's tags, as they came
}

var errNotExact = errors.New("it would not be the same when encoded again")

// decode reads a whole answer frame. With exact it must encode to the very
// bytes that it came in, so that changing one field alters nothing else: kmsg
// keeps tagged fields that it does not know.
func decode(message kmsg.Response, version int16, frame []byte, exact bool) (rewritable, error) {
	message.SetVersion(version)
	if version > message.MaxVersion() {
		return rewritable{}, fmt.Errorf("version %d is newer than %d, the newest that is known", version, message.MaxVersion())
	}
	body := frame[8:]
	if message.IsFlexible() {
		var ok bool
		if body, ok = skipTags(body); !ok {
			return rewritable{}, errors.New("its header has no end")
		}
	}
	if err := message.ReadFrom(body); err != nil {
		return rewritable{}, err
	}
	if exact && !bytes.Equal(message.AppendTo(nil), body) {
		return rewritable{}, errNotExact
	}
	return rewritable{message, frame[:len(frame)-len(body)]}, nil
}

// encode frames the message under the header that it came with.
func (r rewritable) encode() []byte {
	out := r.message.AppendTo(bytes.Clone(r.head))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// metadata deals with a whole Metadata answer: topic ids are learnt, addresses
// become those of the proxies, and a control may change what it says.
func (a *answers) metadata(p *pending, size int) {
	c := a.conn
	addresses, control := c.lane.fleet.advertised(), c.att.metadata
	message := kmsg.NewPtrMetadataResponse()
	r, err := decode(message, p.version, a.rope.peek(size), addresses != nil || control != nil)
	if err != nil {
		if addresses != nil || control != nil {
			c.unread(p, "Metadata", err)
		}
		a.emit(size)
		return
	}
	for i := range message.Topics {
		if t := &message.Topics[i]; t.Topic != nil {
			c.lane.fleet.topics.set(t.TopicID, *t.Topic)
		}
	}
	changed := false
	if addresses != nil {
		message.Brokers = advertise(c, p, addresses, message.Brokers, func(b *kmsg.MetadataResponseBroker) (int32, *string, *int32) {
			return b.NodeID, &b.Host, &b.Port
		})
		changed = true
	}
	if control != nil && p.metadata != nil && !c.isLost() {
		changed = a.forgeMetadata(p, message, control) || changed
	}
	if changed {
		a.replace(size, r.encode())
	} else {
		a.emit(size)
	}
}

// forgeMetadata lets a control change what an answer says, and journals each
// change. It says whether there was one.
func (a *answers) forgeMetadata(p *pending, message *kmsg.MetadataResponse, control MetadataControl) bool {
	c := a.conn
	view := &Metadata{
		Broker: c.lane.broker.Load(), Conn: c.id, Correlation: p.correlation, ClientID: c.name(), Version: p.version,
		Topics: make([]MetadataTopic, len(message.Topics)),
	}
	for i := range message.Topics {
		t := &message.Topics[i]
		view.Topics[i] = MetadataTopic{Name: c.lane.fleet.topics.nameOr(t.TopicID, t.Topic), Error: t.ErrorCode}
		for _, part := range t.Partitions {
			view.Topics[i].Partitions = append(view.Topics[i].Partitions, MetadataPartition{part.Partition, part.ErrorCode, part.Leader, part.LeaderEpoch})
		}
	}
	fault := control.OnMetadata(view)
	if fault == history.NoFault {
		return false
	}
	kept := message.Topics[:0]
	for i := range view.Topics {
		t, told := &message.Topics[i], &view.Topics[i]
		if told.Unknown {
			code := p.metadata.hide(t)
			c.journalMetadata(p, fault, told.Name, -1, code, told.Error, "the topic is not there")
			if p.metadata.all {
				continue
			}
		} else {
			for k := range told.Partitions {
				c.forgePartition(p, fault, told.Name, &t.Partitions[k], told.Partitions[k])
			}
		}
		kept = append(kept, *t)
	}
	message.Topics = kept
	return true
}

// hide makes a topic of an answer one that the broker does not know, as it
// would say that itself, and returns the code.
func (m *metadataRequest) hide(t *kmsg.MetadataResponseTopic) int16 {
	hidden := kmsg.NewMetadataResponseTopic()
	hidden.Partitions = []kmsg.MetadataResponseTopicPartition{}
	if m.byID {
		hidden.ErrorCode, hidden.TopicID = codeUnknownTopicID, t.TopicID
	} else {
		hidden.ErrorCode, hidden.Topic = codeUnknownTopic, t.Topic
	}
	*t = hidden
	return t.ErrorCode
}

// forgePartition takes over what a control changed in one partition.
func (c *conn) forgePartition(p *pending, fault int32, topic string, is *kmsg.MetadataResponseTopicPartition, told MetadataPartition) {
	if is.ErrorCode == told.Error && is.Leader == told.Leader && is.LeaderEpoch == told.LeaderEpoch {
		return
	}
	c.journalMetadata(p, fault, topic, told.Partition, told.Error, is.ErrorCode, fmt.Sprintf(
		"leader %d (leader epoch %d), where the broker said %d (%d)", told.Leader, told.LeaderEpoch, is.Leader, is.LeaderEpoch))
	is.ErrorCode, is.Leader, is.LeaderEpoch = told.Error, told.Leader, told.LeaderEpoch
}

// journalMetadata writes a row about something that a client is told, and the
// broker did not say.
func (c *conn) journalMetadata(p *pending, fault int32, topic string, partition int32, told, was int16, note string) {
	e := c.event(history.WireMetadata, history.ActionForged)
	e.Fault, e.Correlation, e.Version = fault, p.correlation, p.version
	e.Topic, e.Partition, e.Error, e.BrokerCode, e.Note = topic, partition, told, was, note
	c.att.journal.Wire(e)
}

// unread journals that an answer passes as it is, since it could not be read.
func (c *conn) unread(p *pending, api string, err error) {
	c.note(history.WireNotKafka, fmt.Sprintf("a %s answer (version %d) could not be read and passed unseen: %v", api, p.version, err))
}
