package proxy

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// maxHeld is how much a connection holds back before it stops reading from the
// broker, in bytes.
const maxHeld = 64 << 20

// answers is the state of one connection's stream towards the client. Only the
// goroutine running its toxic touches it.
type answers struct {
	conn *conn
	rope rope
	out  outbox

	streaming int  // bytes left of a frame that passes unread
	opaque    bool // not Kafka: everything passes
	ended     bool // the broker's stream is over
	closing   bool // nothing will be passed any more but what is in out
	shut      bool // the link to the client is closed

	held      []*item
	heldBytes int
	passed    int64 // bytes that have left out
	// deliveries are the produce answers passed on and not yet seen written.
	deliveries []delivery

	message kmsg.ProduceResponse
}

func (a *answers) run(stub *toxics.ToxicStub) {
	a.conn.answers = a
	for {
		timer := a.settle()
		a.conn.heldBy.Store(a.hole())
		if a.closing && a.out.empty() && !a.shut {
			stub.Close()
			a.shut = true
		}
		if a.shut && a.ended {
			stop(timer)
			close(a.conn.answersDone)
			return
		}
		input, interrupt := stub.Input, stub.Interrupt
		var output chan<- *stream.StreamChunk
		var next *stream.StreamChunk
		var size int
		if !a.out.empty() {
			output = stub.Output
			next, size = a.out.first()
		}
		if a.ended || a.heldBytes > maxHeld || (next != nil && !a.closing) {
			input = nil
		}
		if a.shut {
			interrupt = nil // a closed stub is not interrupted
		}
		var alarm <-chan time.Time
		if timer != nil {
			alarm = timer.C
		}
		var release <-chan struct{}
		if len(a.held) > 0 && a.held[0].waiting {
			release = a.held[0].release
		}
		select {
		case output <- next:
			a.passed += int64(size)
			a.out.pop(size)
		case c := <-input:
			if c == nil {
				a.ended = true
				a.emit(a.rope.size) // an unfinished frame
				break
			}
			a.rope.push(c)
			for a.rope.size > 0 && a.step() {
			}
		case <-interrupt:
			stop(timer)
			return
		case <-a.conn.wake:
		case <-release:
			a.held[0].waiting, a.held[0].release = false, nil
		case <-alarm:
		}
		stop(timer)
	}
}

func stop(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}

// step looks at the next frame, and returns false when it needs more bytes.
func (a *answers) step() bool {
	if a.streaming > 0 {
		n := min(a.streaming, a.rope.size)
		a.emit(n)
		a.streaming -= n
		return true
	}
	a.forge()
	p := a.conn.pending.first()
	if a.opaque || p == nil {
		if !a.opaque && !a.conn.opaque.Load() {
			a.conn.foreign("the broker sent bytes that answer no request")
		}
		a.opaque = true
		a.emit(a.rope.size)
		return false
	}
	if a.rope.size < 4 {
		return false
	}
	size := int(int32(binary.BigEndian.Uint32(a.rope.peek(4))))
	if p.raw && size >= 0 {
		a.conn.pending.pop()
		a.streaming = size + 4
		return true
	}
	if size < 4 {
		return a.foreign(fmt.Sprintf("an answer of %d bytes", size))
	}
	if a.rope.size < 8 {
		return false
	}
	if got := int32(binary.BigEndian.Uint32(a.rope.peek(8)[4:])); got != p.correlation {
		return a.foreign(fmt.Sprintf("an answer to request %d came where that to %d was due", got, p.correlation))
	}
	size += 4
	switch {
	case p.exchange != nil, p.key == keyInitProducerID, p.key == keyMetadata && (p.version >= 10 || a.conn.att.metadata != nil),
		namesBrokers(p.key) && a.conn.lane.fleet.advertised() != nil, p.key == keyAPIVersions && a.conn.lane.fleet.hidesSome():
		if a.rope.size < size {
			return false
		}
		a.conn.pending.pop()
		a.whole(p, size)
		a.rope.trim()
		if a.conn.isLost() {
			poke(a.conn.tick)
		}
	default:
		a.conn.pending.pop()
		a.streaming = size
	}
	return true
}

func (a *answers) foreign(note string) bool {
	a.conn.foreign(note)
	a.opaque = true
	return true
}

// whole deals with a frame that had to be seen whole.
func (a *answers) whole(p *pending, size int) {
	body := a.rope.peek(size)[8:]
	switch p.key {
	case keyMetadata:
		a.metadata(p, size)
	case keyFindCoordinator:
		a.coordinator(p, size, a.conn.lane.fleet.advertised())
	case keyDescribeCluster:
		a.describeCluster(p, size, a.conn.lane.fleet.advertised())
	case keyAPIVersions:
		a.apiVersions(p, size)
	case keyInitProducerID:
		a.initProducerID(p, body)
		a.emit(size)
	case keyProduce:
		a.produce(p, body, size)
	}
}

// emit passes n bytes that are no produce answer on, or holds them.
func (a *answers) emit(n int) {
	if n == 0 {
		return
	}
	a.passOn(n, func(to *outbox) { a.rope.take(n, to) })
}

// replace passes other bytes on in the place of the n that came, as emit does.
func (a *answers) replace(n int, with []byte) {
	like := a.rope.chunks[0]
	a.passOn(n, func(to *outbox) {
		to.addBytes(with, like)
		a.rope.discard(n)
	})
}

// passOn lets take move what stands for the first n bytes to where it belongs:
// to the client, or to what is held back.
func (a *answers) passOn(n int, take func(to *outbox)) {
	if a.closing || a.conn.isLost() {
		a.rope.discard(n)
		return
	}
	fault, black, held := a.gate()
	if !held {
		take(&a.out)
		return
	}
	last := len(a.held) - 1
	if last < 0 || a.held[last].pending != nil || a.held[last].black != black {
		a.hold(&item{fault: fault, black: black})
		last = len(a.held) - 1
	}
	to := &a.held[last].out
	before := to.size
	take(to)
	a.heldBytes += to.size - before
}

// initProducerID journals what a broker gave as producer id.
func (a *answers) initProducerID(p *pending, body []byte) {
	message := kmsg.NewPtrInitProducerIDResponse()
	message.Version = p.version
	if message.IsFlexible() {
		var ok bool
		if body, ok = skipTags(body); !ok {
			return
		}
	}
	if p.version > message.MaxVersion() || message.ReadFrom(body) != nil {
		return
	}
	e := a.conn.event(history.WireInitProducerID, history.ActionPassed)
	if fault, _, held := a.gate(); held {
		e.Action, e.Fault = history.ActionHeld, fault
	}
	if a.conn.isLost() {
		e.Action, e.Fault = history.ActionDropped, a.conn.lostFault()
	}
	e.Correlation = p.correlation
	e.ProducerID, e.Epoch = message.ProducerID, message.ProducerEpoch
	e.Error, e.BrokerCode = message.ErrorCode, message.ErrorCode
	a.conn.att.journal.Wire(e)
}

// produce deals with a whole produce answer.
func (a *answers) produce(p *pending, body []byte, size int) {
	c := a.conn
	message := &a.message
	*message = kmsg.ProduceResponse{Version: p.version, Topics: message.Topics[:0]}
	ok := true
	if p.version >= 9 {
		body, ok = skipTags(body)
	}
	if !ok || message.UnsafeReadFrom(body) != nil {
		c.note(history.WireNotKafka, "a produce answer could not be read and passed unseen")
		a.emit(size)
		return
	}
	answered(p, message)
	p.answered = c.att.journal.Now()
	if c.isLost() {
		fault := c.lostFault()
		if fault == history.NoFault {
			fault = p.fault // of a request that was let go after its client had left
		}
		c.journalAnswer(history.WireAnswer, p, Decision{}, history.ActionDropped, fault)
		c.lostAnswer(p, fault)
		a.rope.discard(size)
		return
	}
	i := &item{pending: p, decision: p.later(c.att.control.OnAnswer(p.exchange))}
	rewritten := a.newLeaders(p, message, body)
	rewritten = rewrite(p, message, i.decision) || rewritten
	if p.withheld != nil {
		mergeForged(message, p)
		rewritten = true
	}
	if rewritten {
		i.out.addBytes(encodeAnswer(nil, p, message), a.rope.chunks[0])
		a.rope.discard(size)
	} else {
		a.rope.take(size, &i.out)
	}
	a.arrive(i)
}
