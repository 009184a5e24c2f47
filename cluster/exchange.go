package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrNotKafka is what answers that are no Kafka's come to.
var ErrNotKafka = errors.New("what answers is not Kafka")

// longestAnswer is more than any answer asked for by Exchange is long, bytes.
const longestAnswer = 16 << 20

// Exchange sends one request of a version without tagged fields and reads its
// answer, on a connection that nothing else uses meanwhile. The connection's
// deadline bounds it. An answer that is none is ErrNotKafka.
func Exchange(conn net.Conn, req kmsg.Request) (kmsg.Response, error) {
	const correlation = 1
	frame := kmsg.NewRequestFormatter(kmsg.FormatterClientID("idemcheck")).AppendRequest(nil, req, correlation)
	if _, err := conn.Write(frame); err != nil {
		return nil, err
	}
	var head [8]byte // length, correlation id
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	size, got := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	if size < 4 || size > longestAnswer || got != correlation {
		return nil, fmt.Errorf("%w: it began with %q", ErrNotKafka, head)
	}
	body := make([]byte, size-4)
	if _, err := io.ReadFull(conn, body); err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotKafka, err)
	}
	return resp, nil
}
