package proxy

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// run waits for the end of the connection and closes its sockets in order.
func (c *conn) run() {
	up, down, forced := c.up.closed, c.down.closed, c.forced
	downDone := false
	select {
	case <-c.lostCh:
	case <-down: // everything that the broker gave was delivered
		down, downDone = nil, true
		why := "closed by the broker"
		c.mu.Lock()
		if c.brokerE != nil && !errors.Is(c.brokerE, io.EOF) {
			why = "broken by the broker: " + c.brokerE.Error()
		}
		c.mu.Unlock()
		c.lose(loss{fault: history.NoFault, why: why})
	}
	c.mu.Lock()
	abrupt, rst := c.lost.abrupt, c.lost.reset
	c.mu.Unlock()
	c.client.SetWriteDeadline(time.Now().Add(endLimit))
	hard := time.NewTimer(endLimit)
	defer hard.Stop()
	var drain *time.Timer
	var drained <-chan time.Time
	clientOpen, brokerOpen, upDone, hurry := true, c.broker != nil, false, false
	for clientOpen || brokerOpen {
		if clientOpen && (downDone || abrupt || hurry) {
			if rst || c.down.written.Load() == 0 {
				reset(c.client)
			} else {
				c.client.Close()
			}
			clientOpen = false
		}
		if brokerOpen && (hurry || c.brokerGone.Load() || (upDone && c.pending.owed() == 0)) {
			c.broker.Close()
			brokerOpen = false
		}
		if !clientOpen && !brokerOpen {
			break
		}
		select {
		case <-down:
			down, downDone = nil, true
		case <-up:
			up, upDone = nil, true
			drain = time.NewTimer(drainLimit)
			defer drain.Stop()
			drained = drain.C
		case <-c.tick:
		case <-drained:
			hurry = true
		case <-forced:
			forced, hurry = nil, true
		case <-hard.C:
			if c.keeps.Load() {
				hard.Reset(endLimit) // it waits for a heal, not for a peer
				break
			}
			hurry = true
		}
	}
	<-c.down.closed
	<-c.up.closed
	<-c.answersDone
}

// settleDeliveries tells of answers that were passed on and yet never reached
// the client's socket, such as those still in a latency toxic when it left.
func (c *conn) settleDeliveries() {
	written := c.down.written.Load()
	for _, d := range c.answers.deliveries {
		if d.end > written {
			c.journalAnswer(history.WireRelease, d.pending, Decision{}, history.ActionDropped, c.lostFault())
			c.lostAnswer(d.pending, c.lostFault())
		}
	}
}

// stuck says whether a socket has not taken bytes for a while.
func (c *conn) stuck() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up != nil && (c.up.blocked() || c.down.blocked())
}

// reset closes a connection with RST where the transport can.
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
