package proxy

import (
	"encoding/binary"
	"fmt"
)

// Keys of the APIs that the proxy looks into (Kafka protocol, "API Keys").
const (
	keyProduce            = 0
	keyMetadata           = 3
	keyControlledShutdown = 7
	keyFindCoordinator    = 10
	keySASLHandshake      = 17
	keyAPIVersions        = 18
	keyInitProducerID     = 22
	keyDescribeCluster    = 60
)

const (
	// maxFrame is the largest size field taken for a Kafka frame, in bytes. A
	// broker's socket.request.max.bytes is 100 MiB unless configured otherwise.
	maxFrame = 256 << 20
	// maxKey and maxVersion bound what is taken for a request header. Kafka is
	// far below both; text and TLS handshakes are far above.
	maxKey     = 511
	maxVersion = 127
	// fixedHeader is the size field, API key, API version and correlation id.
	fixedHeader = 4 + 2 + 2 + 4
)

// header is the part that all request headers share. Header version 2 adds
// tags, version 0 (ControlledShutdown 0 only) lacks the client id.
type header struct {
	size        int // of the frame, without the size field
	key         int16
	version     int16
	correlation int32
	clientID    []byte // in place; nil when null
	length      int    // bytes up to and with the client id, size field included
}

// headerState says what parseHeader found.
type headerState uint8

const (
	headerShort   headerState = iota // more bytes are needed
	headerRead                       // the header is complete
	headerForeign                    // no Kafka request begins like this
)

// parseHeader reads a request header from the bytes that have arrived so far.
// With headerShort it returns in need how many bytes it must see to go on.
func parseHeader(r *rope) (h header, state headerState, need int) {
	if r.size < 4 {
		return h, headerShort, 4
	}
	size := int64(int32(binary.BigEndian.Uint32(r.peek(4))))
	if size < fixedHeader-4 || size > maxFrame {
		return h, headerForeign, 0
	}
	h.size = int(size)
	if r.size < fixedHeader {
		return h, headerShort, fixedHeader
	}
	b := r.peek(fixedHeader)
	h.key = int16(binary.BigEndian.Uint16(b[4:]))
	h.version = int16(binary.BigEndian.Uint16(b[6:]))
	h.correlation = int32(binary.BigEndian.Uint32(b[8:]))
	h.length = fixedHeader
	if h.key < 0 || h.key > maxKey || h.version < 0 || h.version > maxVersion {
		return h, headerForeign, 0
	}
	if h.key == keyControlledShutdown && h.version == 0 {
		return h, headerRead, 0
	}
	if h.size+4 < fixedHeader+2 {
		return h, headerForeign, 0
	}
	if r.size < fixedHeader+2 {
		return h, headerShort, fixedHeader + 2
	}
	length := int(int16(binary.BigEndian.Uint16(r.peek(fixedHeader + 2)[fixedHeader:])))
	h.length += 2
	if length < -1 || length > h.size+4-h.length {
		return h, headerForeign, 0
	}
	if length <= 0 {
		return h, headerRead, 0
	}
	h.length += length
	if r.size < h.length {
		return h, headerShort, h.length
	}
	h.clientID = r.peek(h.length)[fixedHeader+2:]
	return h, headerRead, 0
}

// describeForeign shows the first bytes of what is not Kafka, for the journal.
func describeForeign(r *rope) string {
	return fmt.Sprintf("a request cannot begin with %q", r.peek(min(r.size, 16)))
}

// skipTags returns what follows a section of tagged fields (KIP-482).
func skipTags(b []byte) ([]byte, bool) {
	count, n := binary.Uvarint(b)
	if n <= 0 {
		return nil, false
	}
	b = b[n:]
	for ; count > 0; count-- {
		_, n := binary.Uvarint(b)
		if n <= 0 {
			return nil, false
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return nil, false
		}
		b = b[n+int(size):]
	}
	return b, true
}
