package conformance

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestABatchIsWhatItSays(t *testing.T) {
	b := batch{id: 7, epoch: 3, first: maxSequence - 1, n: 4, text: "x", attrs: transactional}
	raw := b.raw()
	if size := int(binary.BigEndian.Uint32(raw[8:])); size != len(raw)-batchPrefix {
		t.Errorf("its length is %d, and it has %d bytes", size, len(raw)-batchPrefix)
	}
	var got kmsg.RecordBatch
	if err := got.ReadFrom(raw); err != nil {
		t.Fatal(err)
	}
	if got.ProducerID != 7 || got.ProducerEpoch != 3 || got.FirstSequence != maxSequence-1 || got.NumRecords != 4 || got.LastOffsetDelta != 3 || got.Attributes != transactional {
		t.Errorf("%+v", got)
	}
	if sum := crc32.Checksum(raw[crcFrom:], castagnoli); sum != uint32(got.CRC) {
		t.Errorf("CRC %08x, and its bytes give %08x", uint32(got.CRC), sum)
	}
	if b.last() != 1 || b.next(1).first != 2 || b.span() != "[2147483646..1]" {
		t.Errorf("last %d, next %d, %s", b.last(), b.next(1).first, b.span())
	}
	spoiled := b.with(func(b *batch) { b.badCRC = true }).raw()
	if crc32.Checksum(spoiled[crcFrom:], castagnoli) == binary.BigEndian.Uint32(spoiled[crcAt:]) {
		t.Error("the CRC that was to be wrong is right")
	}
	if twice := parseBatches(b.at(0, 2).with(func(b *batch) { b.twice = true }).raw()); len(twice) != 2 || twice[1].first != 2 {
		t.Errorf("two batches are %+v", twice)
	}
}

func TestAnAnswerThatIsNoneIsAnError(t *testing.T) {
	req := kmsg.NewPtrProduceRequest()
	req.Version = 9 // flexible
	resp := kmsg.NewPtrProduceResponse()
	resp.Version = 9
	whole := append([]byte{0, 0, 0, 1, 0}, resp.AppendTo(nil)...)
	if _, err := parse(req, whole, 1); err != nil {
		t.Errorf("a whole one: %v", err)
	}
	for name, frame := range map[string][]byte{
		"another correlation id": append([]byte{0, 0, 0, 2}, whole[4:]...),
		"no header's tags":       whole[:4],
		"tags that do not end":   {0, 0, 0, 1, 1, 5, 200},
		"half a body":            whole[:len(whole)-2],
	} {
		if _, err := parse(req, frame, 1); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0}, int16(9))
	f.Fuzz(func(t *testing.T, frame []byte, version int16) {
		req := kmsg.NewPtrProduceRequest()
		if version < 0 || version > req.MaxVersion() || len(frame) < 4 {
			return
		}
		req.Version = version
		if resp, err := parse(req, frame, 1); err == nil {
			describe(resp)
			answersTo(resp.(*kmsg.ProduceResponse), []part{{to: newTopic("t", 1, 1).partitions[0]}})
		}
		parseBatches(frame)
		spellBatches(frame)
	})
}
