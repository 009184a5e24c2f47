package forge

import (
	"fmt"
	"net"
)

// ahead is how many requests of a connection may wait; a client that has more of
// them in flight waits itself.
const ahead = 256

// conn is one connection of a client to a broker. Its requests are carried out
// one by one, as a broker carries out those of a connection.
type conn struct {
	forger   *forger
	broker   int32
	client   net.Conn
	upstream net.Conn
}

// run carries requests and answers until either side is gone.
func (c *conn) run() {
	requests, done := make(chan []byte, ahead), make(chan struct{})
	c.forger.running.Go(func() {
		defer close(requests)
		defer c.upstream.Close() // nobody waits for its answers any more
		for {
			frame, err := readFrame(c.client)
			if err != nil {
				return
			}
			select {
			case requests <- frame:
			case <-done:
				return
			}
		}
	})
	defer c.close()
	defer close(done)
	for frame := range requests {
		if err := c.carry(frame); err != nil {
			return // the client sees that the connection is closed
		}
	}
}

// close ends both sides; run then returns.
func (c *conn) close() {
	_ = c.client.Close()
	_ = c.upstream.Close()
}

// carry carries out one request.
func (c *conn) carry(frame []byte) error {
	head, body, err := readHeader(frame)
	if err != nil {
		return fmt.Errorf("request header: %w", err)
	}
	if head.produce() {
		return c.produce(head, body, frame)
	}
	answer, err := c.ask(frame)
	if err != nil {
		return err
	}
	return writeFrame(c.client, answer)
}

// ask sends a request to the broker and reads its answer.
func (c *conn) ask(frame []byte) ([]byte, error) {
	if err := writeFrame(c.upstream, frame); err != nil {
		return nil, err
	}
	return readFrame(c.upstream)
}
