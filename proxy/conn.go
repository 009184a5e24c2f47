package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

const (
	// dialLimit bounds the connection to a broker.
	dialLimit = 5 * time.Second
	// drainLimit is how long a connection whose client is gone waits for the
	// answers that the broker still owes, so that they are journaled.
	drainLimit = 3 * time.Second
	// endLimit bounds everything else that ending a connection waits for.
	endLimit = 10 * time.Second
)

var errUnreachable = errors.New("the broker could not be reached")

// loss says why a client sees no more answers on a connection.
type loss struct {
	fault  int32
	why    string
	cut    bool // requests that have arrived meanwhile go no further
	abrupt bool // the client's socket is closed at once, not after what was passed
	reset  bool // with RST
}

// conn is one client's connection through a lane, with the broker's connection
// behind it. Two links of toxiproxy's carry its bytes; it closes the sockets
// itself, when both directions are settled.
type conn struct {
	id     int64
	lane   *lane
	att    *attachment // as it was when the connection came
	client net.Conn
	broker net.Conn // nil when it could not be reached

	pending    pendings
	clientID   atomic.Pointer[string]
	opaque     atomic.Bool          // not Kafka
	once       sync.Once            // for the journal's not-kafka row
	brokerGone atomic.Bool          // the broker's stream is over
	keeps      atomic.Bool          // requests are held back that are to reach the broker yet
	heldBy     atomic.Pointer[hold] // the black hole that answers are behind

	up, down    *sink
	wake        chan struct{} // one slot: answers must look again
	wakeUp      chan struct{} // one slot: requests must look again
	wakeRead    chan struct{} // one slot: the client's source must look again
	tick        chan struct{} // one slot: run must look again
	answersDone chan struct{}
	answers     *answers // set by the answer toxic; read after answersDone

	mu      sync.Mutex
	lost    *loss
	lostSet atomic.Bool
	lostCh  chan struct{}
	brokerE error

	forceOnce sync.Once
	forced    chan struct{} // close everything now, wait for nothing
}

func newConn(l *lane, client net.Conn, att *attachment) *conn {
	return &conn{
		id: l.fleet.lastConn.Add(1), lane: l, att: att, client: client,
		wake: make(chan struct{}, 1), wakeUp: make(chan struct{}, 1),
		wakeRead: make(chan struct{}, 1), tick: make(chan struct{}, 1),
		answersDone: make(chan struct{}), lostCh: make(chan struct{}), forced: make(chan struct{}),
	}
}

// name is how the client called itself in its last request; "" before the first.
func (c *conn) name() string {
	name, _ := c.clientName()
	return name
}

// clientName also says whether the name is known yet.
func (c *conn) clientName() (name string, known bool) {
	if p := c.clientID.Load(); p != nil {
		return *p, true
	}
	return "", c.opaque.Load()
}

func (c *conn) setClient(name string) {
	c.clientID.Store(&name)
	c.wakeAnswers() // a hold may turn on the name
}

func (c *conn) wakeAnswers() { poke(c.wake) }

// wakeBoth makes both directions look at holds and losses again.
func (c *conn) wakeBoth() {
	poke(c.wakeRead)
	poke(c.wake)
	poke(c.wakeUp)
}

func poke(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// lose ends the client's side. The first loss counts.
func (c *conn) lose(l loss) {
	c.mu.Lock()
	first := c.lost == nil
	if first {
		c.lost = &l
		c.lostSet.Store(true)
		close(c.lostCh)
	}
	c.mu.Unlock()
	if first {
		c.wakeBoth()
	}
}

// abandon gives up what is held back for the broker: nothing of this
// connection reaches it any more that has not left yet.
func (c *conn) abandon() {
	c.mu.Lock()
	if c.lost != nil {
		c.lost.cut = true
	}
	c.mu.Unlock()
	c.wakeBoth()
}

func (c *conn) isLost() bool { return c.lostSet.Load() }

func (c *conn) isCut() bool {
	if !c.lostSet.Load() {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost.cut
}

// lostFault is the fault that ended the client's side, if one did.
func (c *conn) lostFault() int32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil {
		return history.NoFault
	}
	return c.lost.fault
}

// force closes both sockets without waiting for anything.
func (c *conn) force(why string) {
	c.lose(loss{fault: history.NoFault, why: why, cut: true, abrupt: true})
	c.forceOnce.Do(func() { close(c.forced) })
	c.wakeBoth()
}

func (c *conn) isForced() bool {
	select {
	case <-c.forced:
		return true
	default:
		return false
	}
}

// serve runs one connection from accept to its end.
func (c *conn) serve(dial func(context.Context) (net.Conn, error)) {
	c.note(history.WireConnect, "from "+c.client.RemoteAddr().String())
	var err error
	if c.broker, err = c.dial(dial); err != nil {
		if !c.lane.anyHold() || c.isLost() {
			// Some clients give up on a connection that ends before its first
			// answer, and try again on one that is reset.
			reset(c.client)
			c.note(history.WireDisconnect, "reset: the broker could not be reached: "+err.Error())
			return
		}
		c.broker = nil
	}
	c.start()
	c.run()
	c.settleDeliveries()
	c.mu.Lock()
	why := c.lost.why
	c.mu.Unlock()
	if err != nil {
		why += "; the broker could not be reached: " + err.Error()
	}
	c.note(history.WireDisconnect, why)
}

func (c *conn) dial(dial func(context.Context) (net.Conn, error)) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	go func() {
		select {
		case <-c.forced:
			cancel()
		case <-ctx.Done():
		}
	}()
	broker, err := dial(ctx)
	if err == nil && broker == nil {
		err = errUnreachable
	}
	return broker, err
}

// start begins both links.
func (c *conn) start() {
	up := newSink(c.broker, func(error) {})
	down := newSink(c.client, func(err error) {
		c.lose(loss{fault: history.NoFault, why: "the client takes no more: " + err.Error(), abrupt: true})
	})
	c.mu.Lock()
	c.up, c.down = up, down
	c.mu.Unlock()
	from := &source{conn: c.client, stalls: c.stalls}
	from.ended = func(err error) { c.clientEnded(err, &from.framing) }
	c.lane.startLinks(c, from, &source{conn: c.broker, ended: c.brokerEnded})
}

func (c *conn) clientEnded(err error, at *framing) {
	why := "closed by the client"
	if !errors.Is(err, io.EOF) {
		why = "broken by the client: " + err.Error()
	}
	if came, size, ok := at.within(); ok && !c.opaque.Load() {
		why += fmt.Sprintf(", in the middle of a request (%d of %d bytes)", came, size)
	}
	c.lose(loss{fault: history.NoFault, why: why, abrupt: true})
}

func (c *conn) brokerEnded(err error) {
	c.mu.Lock()
	c.brokerE = err
	c.mu.Unlock()
	c.brokerGone.Store(true)
	poke(c.tick)
	poke(c.wakeUp)
}
