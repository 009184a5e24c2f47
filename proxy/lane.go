package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
)

// lane is the way to one broker: a listener, and a toxiproxy proxy that is
// never started and lends its links.
type lane struct {
	fleet     *Fleet
	index     int
	broker    atomic.Int32
	address   *net.TCPAddr
	release   func() error // of the address
	server    *toxiproxy.ApiServer
	proxy     *toxiproxy.Proxy
	accepting sync.WaitGroup

	startMu  sync.Mutex
	starting *conn // whose links are being started, under startMu

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	refusals int          // faults that refuse
	dial     func(context.Context) (net.Conn, error)
	conns    map[*conn]struct{}
	refusing bool

	holdMu sync.Mutex
	holds  atomic.Pointer[[]*hold]

	toxicMu sync.Mutex
	toxics  map[string]bool // added and not removed, by name
	serial  int
}

// openLane takes a port on the loopback interface, and listens there.
func openLane(f *Fleet, index int, server *toxiproxy.ApiServer) (*lane, error) {
	address, release, err := reserve()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", address.String())
	if err != nil {
		return nil, errors.Join(err, release())
	}
	l, err := newLane(f, index, listener, server)
	if err != nil {
		return nil, errors.Join(err, listener.Close(), release())
	}
	l.release = release
	return l, nil
}

func newLane(f *Fleet, index int, listener net.Listener, server *toxiproxy.ApiServer) (*lane, error) {
	l := &lane{
		fleet: f, index: index, listener: listener, address: listener.Addr().(*net.TCPAddr), server: server,
		conns: make(map[*conn]struct{}), toxics: make(map[string]bool),
	}
	l.broker.Store(-1)
	l.proxy = toxiproxy.NewProxy(server, fmt.Sprintf("broker-%d", index), listener.Addr().String(), "")
	for kind, direction := range map[string]string{requestToxicType: "upstream", answerToxicType: "downstream"} {
		w, err := l.proxy.Toxics.AddToxicJson(strings.NewReader(fmt.Sprintf(
			`{"type": %q, "stream": %q, "toxicity": 1.0, "attributes": {}}`, kind, direction)))
		if err != nil {
			return nil, fmt.Errorf("install the Kafka toxic for broker %d: %w", index, err)
		}
		switch t := w.Toxic.(type) {
		case *requestToxic:
			t.lane = l
		case *answerToxic:
			t.lane = l
		}
	}
	return l, nil
}

func (l *lane) serve(broker int32, dial func(context.Context) (net.Conn, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.dial == nil
	l.broker.Store(broker)
	l.dial = dial
	if first {
		l.accepting.Add(1)
		go l.accept(l.listener)
	}
}

func (l *lane) accept(listener net.Listener) {
	defer l.accepting.Done()
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say: it may pass
			time.Sleep(10 * time.Millisecond)
			continue
		}
		c := newConn(l, client, l.fleet.att.Load())
		l.mu.Lock()
		dial, refusing := l.dial, l.refusing
		if !refusing {
			l.conns[c] = struct{}{}
		}
		l.mu.Unlock()
		if refusing {
			reset(client)
			continue
		}
		go func() {
			defer func() {
				l.mu.Lock()
				delete(l.conns, c)
				l.mu.Unlock()
			}()
			c.serve(dial)
		}()
	}
}

// startLinks starts both links of a connection; the toxics' states find their
// connection in l.starting.
func (l *lane) startLinks(c *conn, client, broker *source) {
	l.startMu.Lock()
	defer l.startMu.Unlock()
	l.starting = c
	name := fmt.Sprintf("conn-%d-", c.id)
	l.proxy.Toxics.StartLink(l.server, name+"requests", client, c.up, stream.Upstream)
	l.proxy.Toxics.StartLink(l.server, name+"answers", broker, c.down, stream.Downstream)
	l.starting = nil
}

func (l *lane) refuse(yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refusing = yes
}

func (l *lane) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// snapshot lists the open connections by rising id.
func (l *lane) snapshot() []*conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	conns := make([]*conn, 0, len(l.conns))
	for c := range l.conns {
		conns = append(conns, c)
	}
	slices.SortFunc(conns, func(a, b *conn) int { return int(a.id - b.id) })
	return conns
}

// closeConnections ends the client's side of the connections that match.
func (l *lane) closeConnections(how loss, match func(string) bool) int {
	closed := 0
	for _, c := range l.snapshot() {
		if match != nil {
			name, known := c.clientName()
			if !known || !match(name) {
				continue
			}
		}
		if c.isLost() {
			continue
		}
		c.lose(how)
		closed++
	}
	return closed
}

func (l *lane) forceAll(why string) {
	for _, c := range l.snapshot() {
		c.force(why)
	}
}
