package conformance

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

const (
	// longestFrame is more than any answer to a case is long, bytes.
	longestFrame = 32 << 20
	clientID     = "idemcheck-conform"
)

// wire is one connection to one broker, used by one conversation.
type wire struct {
	conn   net.Conn
	broker int32
	next   int32 // correlation id
	format *kmsg.RequestFormatter
	leave  func() bool // ends the watch over the context
}

// dialWire connects. The connection is closed when ctx is done, so that nobody
// waits for an answer any more.
func dialWire(ctx context.Context, dial func(context.Context) (net.Conn, error), broker int32) (*wire, error) {
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return &wire{
		conn: conn, broker: broker, format: kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)),
		leave: context.AfterFunc(ctx, func() { _ = conn.Close() }),
	}, nil
}

// errSilent: no answer came in time.
var errSilent = errors.New("no answer came")

// errClosed: the broker closed the connection in place of an answer.
var errClosed = errors.New("the connection was closed")

// send writes a request, and returns its frame and correlation id.
func (w *wire) send(req kmsg.Request, at time.Duration, limit time.Duration) (matrix.Frame, error) {
	w.next++
	framed := w.format.AppendRequest(nil, req, w.next)
	frame := matrix.Frame{
		At: at, Broker: w.broker, API: kmsg.NameForKey(req.Key()), Version: req.GetVersion(),
		Correlation: w.next, Decoded: describe(req), Bytes: framed[4:],
	}
	w.conn.SetWriteDeadline(time.Now().Add(limit))
	_, err := w.conn.Write(framed)
	return frame, ended(err)
}

// receive reads the next answer, which must be that to req: a broker answers the
// requests of a connection in order.
func (w *wire) receive(req kmsg.Request, correlation int32, began time.Time, limit time.Duration) (kmsg.Response, matrix.Frame, error) {
	frame := matrix.Frame{Broker: w.broker, Answer: true, API: kmsg.NameForKey(req.Key()), Version: req.GetVersion(), Correlation: correlation}
	w.conn.SetReadDeadline(time.Now().Add(limit))
	var head [4]byte
	if n, err := io.ReadFull(w.conn, head[:]); err != nil {
		frame.At, frame.Bytes, frame.Decoded = time.Since(began), bytes.Clone(head[:n]), ended(err).Error()
		return nil, frame, ended(err)
	}
	size := binary.BigEndian.Uint32(head[:])
	if size < 4 || size > longestFrame {
		frame.At, frame.Bytes, frame.Decoded = time.Since(began), bytes.Clone(head[:]), fmt.Sprintf("an answer of %d bytes", size)
		return nil, frame, fmt.Errorf("it is not Kafka that answers: an answer of %d bytes, beginning with %q", size, head)
	}
	body := make([]byte, size)
	n, err := io.ReadFull(w.conn, body)
	frame.At, frame.Bytes = time.Since(began), body[:n]
	if err != nil {
		frame.Decoded = ended(err).Error()
		return nil, frame, ended(err)
	}
	resp, err := parse(req, body, correlation)
	if err != nil {
		frame.Decoded = err.Error()
		return nil, frame, err
	}
	frame.Decoded = describe(resp)
	return resp, frame, nil
}

// parse reads an answer's frame: its correlation id, the tags of a flexible
// header (KIP-482; ApiVersions has none, since a broker may not know its
// version), and the body.
func parse(req kmsg.Request, frame []byte, correlation int32) (kmsg.Response, error) {
	if got := int32(binary.BigEndian.Uint32(frame)); got != correlation {
		return nil, fmt.Errorf("the answer has correlation id %d, and %d was asked", got, correlation)
	}
	body := frame[4:]
	resp := req.ResponseKind()
	resp.SetVersion(req.GetVersion())
	if resp.IsFlexible() && resp.Key() != int16(kmsg.ApiVersions) {
		tags, width := binary.Uvarint(body)
		if width <= 0 {
			return nil, errors.New("the answer ends within its header")
		}
		body = body[width:]
		for range tags {
			_, key := binary.Uvarint(body)
			if key <= 0 {
				return nil, errors.New("the answer ends within its header's tags")
			}
			size, width := binary.Uvarint(body[key:])
			if width <= 0 || uint64(len(body)-key-width) < size {
				return nil, errors.New("the answer ends within its header's tags")
			}
			body = body[key+width+int(size):]
		}
	}
	if err := resp.ReadFrom(body); err != nil {
		return nil, fmt.Errorf("the answer to %s version %d can't be read: %w", kmsg.NameForKey(req.Key()), req.GetVersion(), err)
	}
	return resp, nil
}

// ended names what ended an exchange.
func ended(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSilent
	default:
		return fmt.Errorf("%w (%w)", errClosed, err)
	}
}

func (w *wire) close() {
	w.leave()
	_ = w.conn.Close()
}
