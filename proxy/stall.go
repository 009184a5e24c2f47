package proxy

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"
)

const (
	// stalledBuffer is the receive buffer of a socket that is not read from, so
	// that little of what a client sends fits between it and us. In bytes.
	stalledBuffer = 4 << 10
	// farEnough is where in a large request reading stops. In bytes.
	farEnough = 4 << 10
	// healthyBuffer is what it gets back; the kernel tunes it no more.
	healthyBuffer = 1 << 20
)

// StallReads stops reading from the clients of the broker at index whose client
// id match accepts (nil: all), on connections open now and later, each in the
// middle of its next produce request: other requests before it are still read.
// TCP then pushes back: the client's writes block as soon as the buffers
// between are full. Answers still pass. Nothing of the request that stalls
// reaches the broker before heal, which reads on where reading stopped, also
// what a client sent that has left meanwhile, and says how many connections
// stood still. The journal has a request when it is whole, so none of it shows
// there before.
func (f *Fleet) StallReads(index int, match func(clientID string) bool) (heal func() int) {
	l := f.lanes[index]
	if match == nil {
		match = func(string) bool { return true }
	}
	h := &hold{fault: noFault, match: match, stall: true}
	l.changeHolds(func(now []*hold) []*hold { return append(now, h) })
	for _, c := range l.snapshot() {
		c.client.SetReadDeadline(time.Unix(1, 0)) // out of a read that would take all that comes
	}
	return func() int {
		l.endHold(h)
		return int(h.stalled.Load())
	}
}

// stalling returns what keeps requests from being read, or nil.
func (l *lane) stalling(c *conn) *hold {
	return l.inForce(c, func(h *hold) bool { return h.stall })
}

// receive sets the size of the client's receive buffer.
func (c *conn) receive(size int) {
	if tcp, ok := c.client.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(size) // fails on a closed connection only
	}
}

// stalls is the hook of a client's source: it says how many bytes may be read
// next, having waited while that is none.
func (c *conn) stalls(f *framing) (most int) {
	for stood := false; ; stood = true {
		h := c.lane.stalling(c)
		if h == nil || c.isLost() {
			if stood {
				c.receive(healthyBuffer)
			}
			return chunkSize
		}
		if most := f.untilMiddle(); most > 0 {
			return most
		}
		if !stood {
			h.stalled.Add(1)
			c.receive(stalledBuffer)
		}
		select {
		case <-c.wakeRead:
		case <-c.lostCh:
		}
	}
}

// expired says whether a read was only broken off to look at stalls again.
func expired(conn net.Conn, err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	conn.SetReadDeadline(time.Time{})
	return true
}

// framing follows the frames of a stream by their size fields.
type framing struct {
	head [6]byte // size field and API key of the frame at hand
	have int     // of them
	left int     // of the frame, behind the head
	size int     // of the frame with its size field
	lost bool    // no Kafka frames
}

// advance takes the next bytes of the stream.
func (f *framing) advance(b []byte) {
	for len(b) > 0 && !f.lost {
		if f.left > 0 {
			n := min(f.left, len(b))
			f.left -= n
			b = b[n:]
			if f.left == 0 {
				f.have = 0
			}
			continue
		}
		n := copy(f.head[f.have:], b)
		f.have += n
		b = b[n:]
		if f.have < len(f.head) {
			return
		}
		f.size = int(int32(binary.BigEndian.Uint32(f.head[:]))) + 4
		f.left = f.size - len(f.head)
		if f.left < 0 || f.size > maxFrame {
			f.lost = true
		} else if f.left == 0 {
			f.have = 0
		}
	}
}

// within says whether a frame has begun and not ended, and how much of it came.
func (f *framing) within() (came, size int, ok bool) {
	if f.lost || f.left == 0 {
		return 0, 0, false
	}
	return f.size - f.left, f.size, true
}

// untilMiddle is how many bytes are left to the middle of the next produce
// request, or to where that can be said; 0 in the middle of one, or where there
// are no frames.
func (f *framing) untilMiddle() int {
	switch {
	case f.lost:
		return 0
	case f.left == 0:
		return len(f.head) - f.have
	case binary.BigEndian.Uint16(f.head[4:]) != keyProduce:
		return min(f.left, chunkSize)
	}
	return max(0, f.left-f.size+min(f.size/2, farEnough))
}
