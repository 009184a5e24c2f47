package proxy

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// rig is a lane between two sockets that a test holds in its hands.
type rig struct {
	t      testing.TB
	f      *Fleet
	j      *recorder
	s      *script
	behind net.Listener
}

func newRig(t testing.TB, s *script) *rig {
	t.Helper()
	if s == nil {
		s = &script{}
	}
	behind, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, f: listen(t, 1), j: &recorder{}, s: s, behind: behind}
	t.Cleanup(func() { behind.Close() })
	r.f.Serve(0, 9, dialer(behind.Addr().String()))
	r.f.Attach("0123abcd", r.j, s)
	return r
}

// connect returns both ends of a new connection through the lane.
func (r *rig) connect() (client, broker net.Conn) {
	r.t.Helper()
	client, err := net.Dial("tcp", r.f.Addresses()[0])
	if err != nil {
		r.t.Fatal(err)
	}
	broker, err = r.behind.Accept()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { client.Close(); broker.Close() })
	return client, broker
}

func write(t testing.TB, c net.Conn, frames ...[]byte) {
	t.Helper()
	for _, f := range frames {
		c.SetWriteDeadline(time.Now().Add(20 * time.Second))
		if _, err := c.Write(f); err != nil {
			t.Fatal(err)
		}
	}
}

// readFrame returns one frame, its size field included.
func readFrame(t testing.TB, c net.Conn) []byte {
	t.Helper()
	frame, err := tryFrame(c, 10*time.Second)
	if err != nil {
		t.Fatalf("read a frame: %v", err)
	}
	return frame
}

func tryFrame(c net.Conn, limit time.Duration) ([]byte, error) {
	c.SetReadDeadline(time.Now().Add(limit))
	frame := make([]byte, 4)
	if _, err := io.ReadFull(c, frame); err != nil {
		return nil, err
	}
	frame = append(frame, make([]byte, binary.BigEndian.Uint32(frame))...)
	_, err := io.ReadFull(c, frame[4:])
	return frame, err
}

// silent fails unless nothing, not even an end, comes for a while.
func silent(t testing.TB, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	n, err := c.Read(make([]byte, 1))
	if timeout, ok := err.(net.Error); n != 0 || !ok || !timeout.Timeout() {
		t.Fatalf("not silent: %d bytes, %v", n, err)
	}
}

// ends fails unless the stream ends without another byte.
func ends(t testing.TB, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := c.Read(make([]byte, 1))
	if e, ok := err.(net.Error); n != 0 || err == nil || (ok && e.Timeout()) {
		t.Fatalf("no end: %d bytes, %v", n, err)
	}
}

// load is one partition of a produce request.
type load struct {
	topic     string
	partition int32
	first     int64 // record numbers first to first+count-1
	count     int
	size      int
}

func topicID(name string) (id [16]byte) {
	copy(id[:], name)
	id[15] = 1
	return id
}

// batchOf encodes a record batch of producer 1000, epoch 3, process 5.
func batchOf(l load) []byte {
	var records []byte
	for i := range l.count {
		value := history.AppendValue(nil, history.Identity{
			Run: "0123abcd", Process: 5, Topic: l.topic, Partition: l.partition, Number: l.first + int64(i),
		}, l.size)
		record := kmsg.Record{OffsetDelta: int32(i), Value: value}
		record.Length = int32(len(record.AppendTo(nil)) - 1)
		records = record.AppendTo(records)
	}
	b := kmsg.RecordBatch{
		Length: int32(49 + len(records)), Magic: 2, LastOffsetDelta: int32(l.count - 1),
		ProducerID: 1000, ProducerEpoch: 3, FirstSequence: int32(l.first),
		NumRecords: int32(l.count), Records: records,
	}
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[batchCRC:], crc32.Checksum(raw[batchAttributes:], crc32.MakeTable(crc32.Castagnoli)))
	return raw
}

// produceFrame is a produce request with one entry per load; neighbouring
// loads of one topic share it.
func produceFrame(correlation int32, version, acks int16, loads ...load) []byte {
	req := kmsg.NewPtrProduceRequest()
	req.Version, req.Acks = version, acks
	for _, l := range loads {
		if n := len(req.Topics); n == 0 || req.Topics[n-1].Topic != l.topic {
			topic := kmsg.NewProduceRequestTopic()
			topic.Topic, topic.TopicID = l.topic, topicID(l.topic)
			req.Topics = append(req.Topics, topic)
		}
		part := kmsg.NewProduceRequestTopicPartition()
		part.Partition = l.partition
		if version < 3 {
			part.Records = nil
		}
		part.Records = batchOf(l)
		last := &req.Topics[len(req.Topics)-1]
		last.Partitions = append(last.Partitions, part)
	}
	return requestFrame(correlation, req)
}

func requestFrame(correlation int32, req kmsg.Request) []byte {
	return kmsg.NewRequestFormatter(kmsg.FormatterClientID("p0")).AppendRequest(nil, req, correlation)
}

// verdict is one partition of a produce answer.
type verdict struct {
	topic     string
	partition int32
	code      int16
	offset    int64
}

func answerFrame(correlation int32, version int16, verdicts ...verdict) []byte {
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = version
	for _, v := range verdicts {
		if n := len(resp.Topics); n == 0 || resp.Topics[n-1].Topic != v.topic {
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic, topic.TopicID = v.topic, topicID(v.topic)
			resp.Topics = append(resp.Topics, topic)
		}
		part := kmsg.NewProduceResponseTopicPartition()
		part.Partition, part.ErrorCode, part.BaseOffset = v.partition, v.code, v.offset
		last := &resp.Topics[len(resp.Topics)-1]
		last.Partitions = append(last.Partitions, part)
	}
	return responseFrame(correlation, resp)
}

func responseFrame(correlation int32, resp kmsg.Response) []byte {
	frame := binary.BigEndian.AppendUint32(make([]byte, 4), uint32(correlation))
	if resp.IsFlexible() && resp.Key() != 18 { // ApiVersions keeps the old header
		frame = append(frame, 0)
	}
	frame = resp.AppendTo(frame)
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	return frame
}

// readAnswer decodes a produce answer.
func readAnswer(t testing.TB, c net.Conn, correlation int32, version int16) []verdict {
	t.Helper()
	frame := readFrame(t, c)
	if got := int32(binary.BigEndian.Uint32(frame[4:])); got != correlation {
		t.Fatalf("answer to %d, want %d", got, correlation)
	}
	body := frame[8:]
	if version >= 9 {
		body = body[1:]
	}
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = version
	if err := resp.ReadFrom(body); err != nil {
		t.Fatal(err)
	}
	var all []verdict
	for _, topic := range resp.Topics {
		name := topic.Topic
		if version >= 13 {
			for _, known := range []string{"a", "b", "c"} {
				if topicID(known) == topic.TopicID {
					name = known
				}
			}
		}
		for _, part := range topic.Partitions {
			all = append(all, verdict{name, part.Partition, part.ErrorCode, part.BaseOffset})
		}
	}
	return all
}

// keyOf names a request that a broker got.
func keyOf(frame []byte) string {
	switch frame[5] {
	case keyProduce:
		return "produce"
	case keyMetadata:
		return "metadata"
	}
	return "something else"
}

func metadataAnswer() *kmsg.MetadataResponse {
	resp := kmsg.NewPtrMetadataResponse()
	resp.Version = 9
	return resp
}
