package forge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// longest is more than any frame of a test is long, bytes.
const longest = 64 << 20

// Versions of Produce that are taken apart: those that carry record batches.
const firstVersion, lastVersion = 3, 13

// errShort: a frame ends before what must stand in it.
var errShort = errors.New("the frame ends too soon")

// readFrame reads a request or an answer, without its length.
func readFrame(from io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 4 || size > longest {
		return nil, fmt.Errorf("a frame of %d bytes", size)
	}
	frame := make([]byte, size)
	_, err := io.ReadFull(from, frame)
	return frame, err
}

func writeFrame(to io.Writer, frame []byte) error {
	_, err := to.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...))
	return err
}

// header is a request's.
type header struct {
	key, version int16
	correlation  int32
	client       *string
}

// readHeader reads a request's header, with its tags where Produce has some
// (KIP-482), and returns what stands behind it. For another API the header is
// not read to its end.
func readHeader(frame []byte) (h header, body []byte, err error) {
	if len(frame) < 8 {
		return h, nil, errShort
	}
	h.key, h.version = int16(binary.BigEndian.Uint16(frame)), int16(binary.BigEndian.Uint16(frame[2:]))
	h.correlation = int32(binary.BigEndian.Uint32(frame[4:]))
	if !h.produce() {
		return h, nil, nil
	}
	body = frame[8:]
	if len(body) < 2 {
		return h, nil, errShort
	}
	size := int(int16(binary.BigEndian.Uint16(body)))
	body = body[2:]
	if size >= 0 {
		if len(body) < size {
			return h, nil, errShort
		}
		client := string(body[:size])
		h.client, body = &client, body[size:]
	}
	if h.flexible() {
		body, err = skipTags(body)
	}
	return h, body, err
}

func (h header) produce() bool {
	return h.key == int16(kmsg.Produce) && firstVersion <= h.version && h.version <= lastVersion
}

func (h header) flexible() bool {
	req := kmsg.ProduceRequest{Version: h.version}
	return req.IsFlexible()
}

// request frames a request under the same header.
func (h header) request(req *kmsg.ProduceRequest) []byte {
	var opts []kmsg.RequestFormatterOpt
	if h.client != nil {
		opts = append(opts, kmsg.FormatterClientID(*h.client))
	}
	return kmsg.NewRequestFormatter(opts...).AppendRequest(nil, req, h.correlation)[4:]
}

// answer reads an answer to the request.
func (h header) answer(frame []byte) (*kmsg.ProduceResponse, error) {
	if got := int32(binary.BigEndian.Uint32(frame)); got != h.correlation {
		return nil, fmt.Errorf("the broker answers request %d with correlation id %d", h.correlation, got)
	}
	body := frame[4:]
	if h.flexible() {
		var err error
		if body, err = skipTags(body); err != nil {
			return nil, err
		}
	}
	resp := kmsg.NewPtrProduceResponse()
	resp.SetVersion(h.version)
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("read an answer to Produce %d: %w", h.version, err)
	}
	return resp, nil
}

// frame frames an answer to the request.
func (h header) frame(resp *kmsg.ProduceResponse) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(h.correlation))
	if h.flexible() {
		out = append(out, 0) // no tags
	}
	return resp.AppendTo(out)
}

// skipTags skips a header's tags.
func skipTags(body []byte) ([]byte, error) {
	n, width := binary.Uvarint(body)
	if width <= 0 {
		return nil, errShort
	}
	body = body[width:]
	for range n {
		_, key := binary.Uvarint(body)
		if key <= 0 {
			return nil, errShort
		}
		size, width := binary.Uvarint(body[key:])
		if width <= 0 || uint64(len(body)-key-width) < size {
			return nil, errShort
		}
		body = body[key+width+int(size):]
	}
	return body, nil
}
