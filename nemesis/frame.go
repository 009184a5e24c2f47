package nemesis

import (
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// Faults that take hold of a produce request or its answer.
const (
	BlackholeAcks    = "blackhole-acks"
	CutAfterAppend   = "cut-after-append"
	CutMidRequest    = "cut-mid-request"
	CutBeforeRequest = "cut-before-request"
	DelayAcks        = "delay-acks"
)

// everywhere is what a fault on a link can be aimed at.
var everywhere = [...]string{"partition", "broker", "producer"}

func frameFaults() []Kind {
	return []Kind{
		{Name: AnswerError, Family: OnLink, forges: true, role: "link", targets: everywhere[:], knobs: []string{"error", "append", "delay", "batches"},
			Explain: "the client is answered an error code; the request is withheld from the broker, or with append: true (3, 6, 7, 20, 56) appended all the same; with batches: 4 so are the next three of that producer and partition, with delay: 50ms the answer comes that much later",
			check:   checkError, onRequest: (*Nemesis).refuse, onAnswer: (*Nemesis).rewrite},
		{Name: BlackholeAcks, Family: OnLink, lasting: true, role: "link", targets: everywhere[:],
			Explain:  "from an answer on nothing passes from that broker to the client, requests still reach the broker; until healed",
			onAnswer: (*Nemesis).blackholeAcks},
		{Name: CutAfterAppend, Family: OnLink, role: "link", targets: everywhere[:],
			Explain:  "the broker appended and answered; the connection closes before the answer passes (the classic lost acknowledgement)",
			onAnswer: (*Nemesis).cutAfterAppend},
		{Name: CutBeforeRequest, Family: OnLink, role: "link", targets: everywhere[:],
			Explain:   "the connection closes before a produce request reaches the broker: certainly not appended",
			onRequest: (*Nemesis).cutBeforeRequest},
		{Name: CutMidRequest, Family: OnLink, role: "link", targets: everywhere[:], knobs: []string{"size"},
			Explain: "size bytes of a produce request reach the broker (half of it if not said, never all), then the connection closes: certainly not appended",
			check:   checkPart, onRequest: (*Nemesis).cutMidRequest},
		{Name: DelayAcks, Family: OnLink, role: "link", targets: everywhere[:], knobs: []string{"delay"},
			Explain: "from an answer on everything to the client is held for delay",
			check:   checkDelay, onAnswer: (*Nemesis).delayAcks},
	}
}

func (n *Nemesis) cutBeforeRequest(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	n.finish(f, nil)
	return proxy.Decision{Verb: proxy.Cut, Fault: f.plan.ID}
}

func checkPart(spec history.FaultSpec, complain complain) {
	if spec.Size < 0 {
		complain("size", "size %d: want the number of bytes that reach the broker, 1 or more", spec.Size)
	}
}

func (n *Nemesis) cutMidRequest(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	n.finish(f, nil)
	part := f.plan.Size
	if part == 0 {
		part = proxy.Half
	}
	return proxy.Decision{Verb: proxy.Cut, Fault: f.plan.ID, Part: part}
}

func (n *Nemesis) cutAfterAppend(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	f.lost(e)
	n.finish(f, nil)
	return proxy.Decision{Verb: proxy.Cut, Fault: f.plan.ID}
}

func (n *Nemesis) delayAcks(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	n.busy++
	n.work.Add(1)
	release := make(chan struct{})
	go n.delay(f, release)
	return proxy.Decision{Verb: proxy.Hold, Fault: f.plan.ID, Release: release}
}

func (n *Nemesis) blackholeAcks(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	f.holds, f.from = n.indexOf(e.Broker), producer
	n.unacked(producer, e)
	// In force before this answer goes on, so that it is the first one held,
	// and dies with the broker's connection like those behind it.
	heal := n.env.Links.HoldAnswers(int(f.holds), f.plan.ID, func(clientID string) bool {
		return n.env.Producer(clientID) == producer
	})
	n.busy++
	n.work.Add(1)
	go n.blackhole(f, heal)
	return proxy.Decision{}
}

// unacked counts the appended batches of an answer that a black hole keeps
// back. A retry, which the broker answers with the offset of the first attempt,
// is no further batch. Called with mu held.
func (n *Nemesis) unacked(producer int32, e *proxy.Exchange) {
	for _, i := range counting(e) {
		b := &e.Batches[i]
		if b.Error != 0 {
			continue
		}
		if b.BaseOffset >= 0 {
			at := appended{b.Topic, b.Partition, b.BaseOffset}
			if _, known := n.kept[at]; known {
				continue
			}
			n.kept[at] = struct{}{}
		}
		n.counted(history.TriggerUnacked, producer, b.Partition, nil)
	}
}

// appended names a batch in a log.
type appended struct {
	topic     string
	partition int32
	offset    int64
}

// delay releases an answer after the planned time.
func (n *Nemesis) delay(f *fault, release chan struct{}) {
	defer n.work.Done()
	timer := time.NewTimer(f.plan.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-n.healAll:
	}
	close(release)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy--
	n.finish(f, nil)
}

// blackhole keeps the producer from hearing anything of a broker, on this and
// on any later connection, until healed.
func (n *Nemesis) blackhole(f *fault, heal func()) {
	defer n.work.Done()
	n.lasts(f)
	heal()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.busy--
	f.holds = -1
	n.finish(f, nil)
}
