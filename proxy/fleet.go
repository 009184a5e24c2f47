package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Fleet is the proxies of one cluster, one lane for each broker. Its methods
// may be called from any goroutine.
type Fleet struct {
	lanes    []*lane
	topics   topicNames
	lastConn atomic.Int64
	att      atomic.Pointer[attachment]
	closed   atomic.Bool
	// addresses of the proxies by broker id, where answers are to name them
	addresses atomic.Pointer[map[int32]address]
	// APIs that brokers seem not to have
	hiddenAPIs atomic.Pointer[[]int16]
}

// Listen opens one loopback listener per broker, on free ports that stay the
// same until Close. Clients that connect before Serve wait.
func Listen(n int) (*Fleet, error) {
	// toxiproxy logs on standard error through zerolog's global logger.
	zerolog.SetGlobalLevel(zerolog.Disabled)
	registerToxics()
	f := &Fleet{}
	f.att.Store(newAttachment("", nil, nil))
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	for i := range n {
		l, err := openLane(f, i, server)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("open the proxy's port for broker %d of %d: %w; is the loopback interface up, and are ports free?", i, n, err)
		}
		f.lanes = append(f.lanes, l)
	}
	return f, nil
}

// Addresses lists "127.0.0.1:port" by broker index.
func (f *Fleet) Addresses() []string {
	addresses := make([]string, len(f.lanes))
	for i, l := range f.lanes {
		addresses[i] = l.address.String()
	}
	return addresses
}

// Serve begins accepting and forwarding for the broker at index, whose id is
// broker. dial is called for each client's connection, and given at most five
// seconds; while it fails, clients' connections are reset. Calling Serve again
// changes broker and dial for the connections to come.
func (f *Fleet) Serve(index int, broker int32, dial func(ctx context.Context) (net.Conn, error)) {
	f.lanes[index].serve(broker, dial)
}

// Attach journals and controls the connections that come from now on. run
// names the run. A nil Control passes everything, a nil Journal keeps nothing.
// Connections that are open already stay as they were.
func (f *Fleet) Attach(run string, j Journal, c Control) {
	f.att.Store(newAttachment(run, j, c))
}

// Detach ends a run: it closes all connections, resets those that come
// meanwhile, removes toxics and holds, waits until everything that ran for a
// connection has ended, and forgets journal and control. Answers that brokers
// still owe are waited for up to a second, so that they are journaled. When
// ctx ends first, connections are closed without waiting, and an error says so.
func (f *Fleet) Detach(ctx context.Context) error {
	for _, l := range f.lanes {
		l.refuse(true)
		l.closeConnections(loss{fault: noFault, why: "closed by the harness at the end of the run", cut: true, abrupt: true}, nil)
		l.dropHolds()
		for _, c := range l.snapshot() {
			c.abandon()
		}
	}
	defer func() {
		f.att.Store(newAttachment("", nil, nil))
		f.Hide(nil)
		for _, l := range f.lanes {
			l.refuse(false)
		}
	}()
	err := f.waitIdle(ctx)
	if err != nil {
		for _, l := range f.lanes {
			l.forceAll("closed by the harness")
		}
		last, cancel := context.WithTimeout(context.Background(), endLimit)
		defer cancel()
		if again := f.waitIdle(last); again != nil {
			return fmt.Errorf("detach the proxies: %w, even after closing them by force", again)
		}
		err = fmt.Errorf("detach the proxies: %w; they were closed by force, and late answers are not in the journal", err)
	}
	for _, l := range f.lanes {
		err = errors.Join(err, l.removeToxics(), l.allowAll())
	}
	return err
}

func (f *Fleet) waitIdle(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		open := 0
		for _, l := range f.lanes {
			open += l.open()
		}
		if open == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d connections have not ended: %w", open, ctx.Err())
		}
	}
}

// SetTopic tells the name of a topic id. Ids are also learnt from Metadata
// answers passing by.
func (f *Fleet) SetTopic(id [16]byte, name string) { f.topics.set(id, name) }

// Reset closes the connections to the broker at index of the clients whose
// client id match accepts (nil: all), and returns how many. The client gets
// RST, whatever it was sent before; nothing more of its requests goes to the
// broker, whose end is closed once it has given the answers that it owes. An answer
// just written may die in the sockets' buffers, though the journal says passed.
// fault goes into the journal.
func (f *Fleet) Reset(index int, fault int32, match func(clientID string) bool) int {
	return f.lanes[index].closeConnections(loss{fault: fault, why: "reset by a fault", cut: true, abrupt: true, reset: true}, match)
}

// Close ends everything, at once.
func (f *Fleet) Close() error {
	if f.closed.Swap(true) {
		return nil
	}
	var err error
	for _, l := range f.lanes {
		l.refuse(true)
		err = errors.Join(err, l.closePort())
		l.forceAll("closed by the harness")
	}
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	if e := f.waitIdle(ctx); e != nil {
		err = errors.Join(err, fmt.Errorf("close the proxies: %w", e))
	}
	for _, l := range f.lanes {
		l.accepting.Wait()
		err = errors.Join(err, l.release())
	}
	return err
}

// topicNames maps topic ids to names. Its zero value is empty and ready.
type topicNames struct {
	mu    sync.RWMutex
	names map[[16]byte]string
}

func (t *topicNames) set(id [16]byte, name string) {
	if id == ([16]byte{}) || name == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names == nil {
		t.names = make(map[[16]byte]string)
	}
	t.names[id] = name
}

// name returns the topic's name, or the id in hexadecimal if it is not known.
func (t *topicNames) name(id [16]byte) string {
	t.mu.RLock()
	name, ok := t.names[id]
	t.mu.RUnlock()
	if !ok {
		return fmt.Sprintf("id:%x", id)
	}
	return name
}

// nameOr returns name where the answer has one, else what is known of the id.
func (t *topicNames) nameOr(id [16]byte, name *string) string {
	if name != nil {
		return *name
	}
	return t.name(id)
}
