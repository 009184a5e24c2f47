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

// item is a stretch of the stream that is held back.
type item struct {
	pending  *pending // nil: bytes that are no produce answer
	out      outbox
	decision Decision
	fault    int32 // that holds it back
	black    bool  // held by a black hole, lost if the broker's connection is

	// A hold of its own, once it is first in line.
	release <-chan struct{}
	until   time.Time // zero: no limit
	waiting bool
}

type delivery struct {
	end     int64
	pending *pending
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
		if !a.out.empty() {
			output, next = stub.Output, a.out.chunks[0]
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
			a.passed += int64(len(next.Data))
			a.out.pop()
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

// hole is the black hole in force, kept for as long as something it held is
// neither delivered nor dropped.
func (a *answers) hole() *hold {
	if h := a.conn.lane.holding(a.conn); h != nil {
		return h
	}
	if len(a.held) > 0 || (!a.out.empty() && a.conn.heldBy.Load() != nil) {
		return a.conn.heldBy.Load()
	}
	return nil
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
	case p.exchange != nil, p.key == keyInitProducerID, p.key == keyMetadata && p.version >= 10:
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
		a.learn(p, body)
		a.emit(size)
	case keyInitProducerID:
		a.initProducerID(p, body)
		a.emit(size)
	case keyProduce:
		a.produce(p, body, size)
	}
}

// gate returns what keeps the next bytes from the client; ok is false when
// nothing does.
func (a *answers) gate() (fault int32, black, ok bool) {
	if n := len(a.held); n > 0 {
		h := a.conn.lane.holding(a.conn)
		if h != nil {
			return h.fault, true, true
		}
		return a.held[n-1].fault, a.held[n-1].black, true
	}
	if h := a.conn.lane.holding(a.conn); h != nil {
		return h.fault, true, true
	}
	return history.NoFault, false, false
}

// emit passes n bytes that are no produce answer on, or holds them.
func (a *answers) emit(n int) {
	if n == 0 {
		return
	}
	if a.closing || a.conn.isLost() {
		a.rope.discard(n)
		return
	}
	fault, black, held := a.gate()
	if !held {
		a.rope.take(n, &a.out)
		return
	}
	last := len(a.held) - 1
	if last < 0 || a.held[last].pending != nil || a.held[last].black != black {
		a.hold(&item{fault: fault, black: black})
		last = len(a.held) - 1
	}
	a.rope.take(n, &a.held[last].out)
	a.heldBytes += n
}

func (a *answers) hold(i *item) {
	a.held = append(a.held, i)
	a.heldBytes += i.out.size
}

// learn takes topic ids from a Metadata answer.
func (a *answers) learn(p *pending, body []byte) {
	message := kmsg.NewPtrMetadataResponse()
	message.Version = p.version
	body, ok := skipTags(body)
	if !ok || p.version > message.MaxVersion() || message.ReadFrom(body) != nil {
		return
	}
	for i := range message.Topics {
		if t := &message.Topics[i]; t.Topic != nil {
			a.conn.lane.fleet.topics.set(t.TopicID, *t.Topic)
		}
	}
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
	if c.isLost() {
		fault := c.lostFault()
		c.journalAnswer(history.WireAnswer, p, Decision{}, history.ActionDropped, fault)
		c.lostAnswer(p, fault)
		a.rope.discard(size)
		return
	}
	i := &item{pending: p, decision: c.att.control.OnAnswer(p.exchange)}
	rewritten := rewrite(p, message, i.decision)
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

// arrive applies an item's decision, or holds it if something is in its way.
func (a *answers) arrive(i *item) {
	if fault, black, held := a.gate(); held {
		i.fault, i.black = fault, black
		a.conn.journalAnswer(history.WireAnswer, i.pending, i.decision, history.ActionHeld, fault)
		a.hold(i)
		return
	}
	a.apply(i, history.WireAnswer)
}

// apply carries out the decision on a produce answer that is first in line.
// kind is WireRelease if it was journaled as held before.
func (a *answers) apply(i *item, kind history.WireKind) {
	c, p, d := a.conn, i.pending, i.decision
	switch d.Verb {
	case Pass, Rewrite, Refuse: // the last is for requests only
		fault := history.NoFault
		if kind == history.WireRelease {
			fault = i.fault
		}
		c.journalAnswer(kind, p, d, history.ActionPassed, fault)
		a.deliver(i)
	case Cut:
		action := history.ActionCut
		if kind == history.WireRelease {
			action = history.ActionDropped
		}
		c.journalAnswer(kind, p, d, action, d.Fault)
		c.lose(loss{fault: d.Fault, why: "cut at an answer", cut: true})
	case Hold:
		if kind == history.WireAnswer {
			c.journalAnswer(kind, p, d, history.ActionHeld, d.Fault)
			i.fault = d.Fault
		}
		i.waiting, i.release = true, d.Release
		if d.For > 0 {
			i.until = time.Now().Add(d.For)
		}
		i.decision = Decision{}
		a.held = append([]*item{i}, a.held...)
		a.heldBytes += i.out.size
	default:
		panic("proxy: impossible verb")
	}
}

// deliver hands an item's bytes to the client, and keeps count of them until
// they are written.
func (a *answers) deliver(i *item) {
	a.out.addAll(&i.out)
	if i.pending == nil {
		return
	}
	written := a.conn.down.written.Load()
	done := 0
	for done < len(a.deliveries) && a.deliveries[done].end <= written {
		done++
	}
	if done > 0 {
		rest := copy(a.deliveries, a.deliveries[done:])
		clear(a.deliveries[rest:])
		a.deliveries = a.deliveries[:rest]
	}
	a.deliveries = append(a.deliveries, delivery{a.passed + int64(a.out.size), i.pending})
}

// forge answers requests that were withheld whole and are next in line.
func (a *answers) forge() {
	for {
		p := a.conn.pending.first()
		if p == nil || !p.forged {
			return
		}
		a.conn.pending.pop()
		for k := range p.exchange.Batches {
			p.exchange.Batches[k].Error = history.NeverAsked
		}
		if a.conn.isLost() {
			a.conn.journalAnswer(history.WireAnswer, p, Decision{}, history.ActionDropped, a.conn.lostFault())
			continue
		}
		i := &item{pending: p}
		i.out.addBytes(forgeAnswer(p), nil)
		a.arrive(i)
	}
}

// settle does everything that can be done without new bytes. The timer says
// when to look again, if at some time.
func (a *answers) settle() *time.Timer {
	c := a.conn
	if a.streaming == 0 && a.rope.size == 0 && !a.opaque {
		a.forge()
	}
	if c.isLost() {
		a.dropHeld()
		return nil
	}
	for len(a.held) > 0 {
		i := a.held[0]
		if i.waiting {
			if i.until.IsZero() {
				return nil
			}
			left := time.Until(i.until)
			if left > 0 {
				return time.NewTimer(left)
			}
			i.waiting = false
		}
		if c.lane.holding(c) != nil {
			return nil
		}
		if a.ended && i.black {
			// The broker's end of this connection died in the black hole, and
			// what it had sent died with it.
			c.lose(loss{fault: i.fault, why: "the broker's connection ended behind a black hole"})
			a.dropHeld()
			return nil
		}
		a.held[0] = nil
		a.held = a.held[1:]
		a.heldBytes -= i.out.size
		if i.pending == nil {
			a.deliver(i)
		} else {
			a.apply(i, history.WireRelease)
			if c.isLost() {
				a.dropHeld()
				return nil
			}
		}
	}
	if a.ended && c.lane.holding(c) == nil {
		a.closing = true
	}
	return nil
}

// dropHeld gives up what is held: the client is lost.
func (a *answers) dropHeld() {
	for _, i := range a.held {
		if i.pending == nil {
			continue
		}
		a.conn.journalAnswer(history.WireRelease, i.pending, Decision{}, history.ActionDropped, i.fault)
		a.conn.lostAnswer(i.pending, i.fault)
	}
	a.held, a.heldBytes = nil, 0
	a.closing = true
}

// answered copies the broker's verdicts into the exchange.
func answered(p *pending, message *kmsg.ProduceResponse) {
	const missing = -1 << 15 // no code of Kafka's
	batches := p.exchange.Batches
	for i := range batches {
		batches[i].Error, batches[i].BaseOffset = missing, -1
	}
	at := 0
	for k := range message.Topics {
		t := &message.Topics[k]
		for j := range t.Partitions {
			part := &t.Partitions[j]
			// Brokers mostly answer in the order of the request.
			for range batches {
				if at == len(batches) {
					at = 0
				}
				if batches[at].Partition == part.Partition && sameTopic(t, p, at) {
					batches[at].Error, batches[at].BaseOffset = part.ErrorCode, part.BaseOffset
					at++
					break
				}
				at++
			}
		}
	}
	for i := range batches {
		if batches[i].Error != missing {
			continue
		}
		batches[i].Error = history.NeverAsked
		if _, ok := p.withheld[i]; !ok {
			batches[i].Error = -1 // UNKNOWN_SERVER_ERROR
			p.shares[i].note = "the broker's answer leaves this partition out"
		}
	}
}

// rewrite replaces codes as a Rewrite decision asks, and says whether it did.
func rewrite(p *pending, message *kmsg.ProduceResponse, d Decision) bool {
	if d.Verb != Rewrite {
		return false
	}
	changed := false
	for i, code := range d.Codes {
		if i < 0 || i >= len(p.exchange.Batches) {
			continue
		}
		if _, ok := p.withheld[i]; ok {
			p.withheld[i] = code
			continue
		}
		topic := findTopic(message, p, i)
		if topic == nil {
			continue
		}
		for k := range topic.Partitions {
			part := &topic.Partitions[k]
			if part.Partition == p.exchange.Batches[i].Partition {
				part.ErrorCode = code
				if code != 0 {
					part.BaseOffset = -1
				}
				changed = true
			}
		}
	}
	return changed
}
