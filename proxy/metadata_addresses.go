package proxy

import (
	"bytes"
	"fmt"
	"net"
	"strconv"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// address is where a client is told that a broker is.
type address struct {
	host string
	port int32
}

// Advertise lets every answer that names brokers (Metadata, FindCoordinator,
// DescribeCluster, and the new leaders in answers to Produce, KIP-951) name
// their proxies instead, so that clients stay on them: proxies has "host:port"
// by broker id. It is for brokers that advertise addresses of their own; without
// it no byte of those answers is altered.
//
// A broker that is not in proxies, such as one added later, is hidden: left out
// of lists, and as a coordinator answered COORDINATOR_NOT_AVAILABLE (15). The
// journal says so. An answer that cannot be read passes as it is, which the
// journal says too.
func (f *Fleet) Advertise(proxies map[int32]string) error {
	addresses := make(map[int32]address, len(proxies))
	for id, proxy := range proxies {
		host, text, err := net.SplitHostPort(proxy)
		if err != nil {
			return fmt.Errorf("address of the proxy of broker %d: %w", id, err)
		}
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return fmt.Errorf("address of the proxy of broker %d: port %q: %w", id, text, err)
		}
		addresses[id] = address{host, int32(port)}
	}
	f.addresses.Store(&addresses)
	return nil
}

// advertised is nil when answers are to stay as they are.
func (f *Fleet) advertised() map[int32]address {
	if p := f.addresses.Load(); p != nil {
		return *p
	}
	return nil
}

// namesBrokers says whether answers of an API carry addresses of brokers.
func namesBrokers(key int16) bool {
	return key == keyMetadata || key == keyFindCoordinator || key == keyDescribeCluster
}

// advertise puts the proxies' addresses into a list of brokers, and leaves out
// those that have none.
func advertise[B any](c *conn, p *pending, addresses map[int32]address, brokers []B, fields func(*B) (id int32, host *string, port *int32)) []B {
	kept := brokers[:0]
	for i := range brokers {
		id, host, port := fields(&brokers[i])
		at, ok := addresses[id]
		if !ok {
			c.hidden(p, id)
			continue
		}
		*host, *port = at.host, at.port
		kept = append(kept, brokers[i])
	}
	return kept
}

// coordinator deals with a whole FindCoordinator answer.
func (a *answers) coordinator(p *pending, size int, addresses map[int32]address) {
	message := kmsg.NewPtrFindCoordinatorResponse()
	r, err := decode(message, p.version, a.rope.peek(size), true)
	if err != nil {
		a.conn.unread(p, "FindCoordinator", err)
		a.emit(size)
		return
	}
	one := func(id *int32, host *string, port *int32, code *int16) {
		if *id < 0 {
			return // there is none, and the code says why
		}
		if at, ok := addresses[*id]; ok {
			*host, *port = at.host, at.port
			return
		}
		a.conn.hidden(p, *id)
		*id, *host, *port, *code = -1, "", -1, codeCoordinatorMissing
	}
	if p.version < 4 {
		one(&message.NodeID, &message.Host, &message.Port, &message.ErrorCode)
	}
	for i := range message.Coordinators {
		m := &message.Coordinators[i]
		one(&m.NodeID, &m.Host, &m.Port, &m.ErrorCode)
	}
	a.replace(size, r.encode())
}

// describeCluster deals with a whole DescribeCluster answer.
func (a *answers) describeCluster(p *pending, size int, addresses map[int32]address) {
	message := kmsg.NewPtrDescribeClusterResponse()
	r, err := decode(message, p.version, a.rope.peek(size), true)
	if err != nil {
		a.conn.unread(p, "DescribeCluster", err)
		a.emit(size)
		return
	}
	message.Brokers = advertise(a.conn, p, addresses, message.Brokers, func(b *kmsg.DescribeClusterResponseBroker) (int32, *string, *int32) {
		return b.NodeID, &b.Host, &b.Port
	})
	a.replace(size, r.encode())
}

// newLeaders puts the proxies' addresses into what a produce answer says about
// the brokers that lead now, and says whether there was something to change. body is
// what the message was read from.
func (a *answers) newLeaders(p *pending, message *kmsg.ProduceResponse, body []byte) bool {
	addresses := a.conn.lane.fleet.advertised()
	if addresses == nil || len(message.Brokers) == 0 {
		return false
	}
	if !bytes.Equal(message.AppendTo(nil), body) {
		a.conn.unread(p, "Produce", errNotExact)
		return false
	}
	message.Brokers = advertise(a.conn, p, addresses, message.Brokers, func(b *kmsg.ProduceResponseBroker) (int32, *string, *int32) {
		return b.NodeID, &b.Host, &b.Port
	})
	return true
}

// hidden journals that a client is not told of a broker.
func (c *conn) hidden(p *pending, broker int32) {
	e := c.event(history.WireMetadata, history.ActionForged)
	e.Correlation, e.Version = p.correlation, p.version
	e.Note = fmt.Sprintf("broker %d has no proxy and was left out", broker)
	c.att.journal.Wire(e)
}
