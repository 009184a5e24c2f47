package nemesis

import (
	"github.com/idemcheck/idemcheck/proxy"
)

// Faults that stop traffic and close nothing.
const (
	Blackhole = "blackhole"
	StallRead = "stall-read"
)

func silenceFaults() []Kind {
	return []Kind{
		{Name: Blackhole, Family: OnLink, lasting: true, role: "link", targets: everywhere[:],
			Explain:   "from a produce request on nothing passes between that broker and the client, either way, and no connection is closed; until healed",
			onRequest: (*Nemesis).silence},
		{Name: StallRead, Family: OnLink, lasting: true, role: "link", targets: everywhere[:],
			Explain:   "from a produce request on the client is not read from, on any connection to that broker, in the middle of its next one: TCP pushes back; until healed",
			onRequest: (*Nemesis).stallRead},
	}
}

// silence lets nothing pass, this request included.
func (n *Nemesis) silence(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	f.holds, f.from = n.indexOf(e.Broker), producer
	heal := n.env.Links.Silence(int(f.holds), f.plan.ID, true, true, n.only(producer))
	n.busy++
	n.work.Add(1)
	go n.blackhole(f, heal)
	return proxy.Decision{}
}

func (n *Nemesis) stallRead(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	heal := n.env.Links.StallReads(int(n.indexOf(e.Broker)), n.only(producer))
	n.busy++
	n.work.Add(1)
	go n.stall(f, heal)
	return proxy.Decision{}
}

// stall waits for the heal of a stall, and notes what it did.
func (n *Nemesis) stall(f *fault, heal func() int) {
	defer n.work.Done()
	n.lasts(f)
	stood := heal()
	n.detail(f, "%d connections stood still in the middle of a request", stood)
	n.mu.Lock()
	defer n.mu.Unlock()
	f.event.Hits.Requests += int64(stood)
	n.busy--
	n.finish(f, nil)
}

// only matches the clients of one producer.
func (n *Nemesis) only(producer int32) func(clientID string) bool {
	return func(clientID string) bool { return n.env.Producer(clientID) == producer }
}
