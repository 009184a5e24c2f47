package proxy

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// chunkSize is the most that one read takes from a socket, in bytes, and the
// size of the sinks' buffers. toxiproxy's own reader of a link loses bytes when
// a chunk is more than twice the reader's buffer; here it is never larger.
const chunkSize = 64 << 10

// source is the end of a link that reads from a socket. It reports the end of
// the stream by its hook, and to toxiproxy as io.EOF whatever the cause, so
// that no cause is logged or treated apart.
type source struct {
	conn  net.Conn // nil: the stream has ended already
	ended func(error)
	// stalls, when not nil, is asked how many bytes may be read next.
	stalls  func(*framing) (most int)
	framing framing
}

// WriteTo lets io.Copy read chunks of our size.
func (s *source) WriteTo(link io.Writer) (int64, error) {
	if s.conn == nil {
		s.ended(errUnreachable)
		return 0, nil
	}
	buffer := make([]byte, chunkSize)
	var total int64
	for {
		most := len(buffer)
		if s.stalls != nil {
			most = s.stalls(&s.framing)
		}
		n, err := s.conn.Read(buffer[:most])
		if n > 0 {
			if s.stalls != nil {
				s.framing.advance(buffer[:n])
			}
			// The link copies; its Write never fails.
			if _, err := link.Write(buffer[:n]); err != nil {
				return total, err
			}
			total += int64(n)
		}
		if err != nil && s.stalls != nil && expired(s.conn, err) {
			continue
		}
		if err != nil {
			s.ended(err)
			return total, nil
		}
	}
}

// Read satisfies io.Reader; io.Copy uses WriteTo.
func (s *source) Read([]byte) (int, error) {
	return 0, errors.New("proxy: a source is read with WriteTo")
}

// sink is the end of a link that writes to a socket. It never fails a write:
// once the socket is dead it takes everything and drops it. A link whose sink
// stops reading would block its toxics for ever, and with them every change of
// toxics (toxiproxy issue 412).
type sink struct {
	conn    net.Conn // nil: dead from the start
	failed  func(error)
	written atomic.Int64
	since   atomic.Int64 // when the write in progress began, Unix ns; 0: none
	closing sync.Once
	closed  chan struct{} // everything that will be written was written
}

func newSink(conn net.Conn, failed func(error)) *sink {
	return &sink{conn: conn, failed: failed, closed: make(chan struct{})}
}

// ReadFrom lets io.Copy use a buffer of our size.
func (s *sink) ReadFrom(link io.Reader) (int64, error) {
	buffer := make([]byte, chunkSize)
	var total int64
	dead := s.conn == nil
	for {
		n, err := link.Read(buffer)
		total += int64(n)
		if n > 0 && !dead {
			s.since.Store(time.Now().UnixNano())
			done, werr := s.conn.Write(buffer[:n])
			s.since.Store(0)
			s.written.Add(int64(done))
			if werr != nil {
				dead = true
				s.failed(werr)
			}
		}
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return total, err
		}
	}
}

// blocked says whether a write has been in progress for half of changeLimit.
func (s *sink) blocked() bool {
	since := s.since.Load()
	return since != 0 && time.Since(time.Unix(0, since)) > changeLimit/2
}

// Write satisfies io.Writer; io.Copy uses ReadFrom.
func (s *sink) Write([]byte) (int, error) {
	return 0, errors.New("proxy: a sink is written with ReadFrom")
}

// Close is called by the link after its last byte. The socket stays open: the
// connection closes it when both directions are settled.
func (s *sink) Close() error {
	s.closing.Do(func() { close(s.closed) })
	return nil
}
