package proxy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/history"
)

// APIKey finds an API by the name that the protocol has for it, like
// InitProducerId (Kafka protocol, "API Keys").
func APIKey(name string) (key int16, ok bool) {
	for key := range int16(kmsg.MaxKey) + 1 {
		if strings.EqualFold(kmsg.NameForKey(key), name) { // kmsg writes ID where Kafka writes Id
			return key, true
		}
	}
	return 0, false
}

// Hide makes brokers look like older ones that do not offer some APIs: the lists
// that they give (ApiVersions) lack them, and a request for one ends its
// connection, as it does at a broker that has never heard of it. It is in force
// for connections that come from now on, until the run is detached.
func (f *Fleet) Hide(keys []int16) { f.hiddenAPIs.Store(&keys) }

func (f *Fleet) hides(key int16) bool {
	keys := f.hiddenAPIs.Load()
	return keys != nil && slices.Contains(*keys, key)
}

func (f *Fleet) hidesSome() bool {
	keys := f.hiddenAPIs.Load()
	return keys != nil && len(*keys) > 0
}

// refuseHidden ends the connection of a client that asks for a hidden API.
func (r *requests) refuseHidden(h header) {
	c := r.conn
	e := c.event(history.WireHidden, history.ActionCut)
	e.Correlation, e.Version = h.correlation, h.version
	e.Note = fmt.Sprintf("%s was asked for, which is hidden", kmsg.NameForKey(h.key))
	c.att.journal.Wire(e)
	c.lose(loss{fault: history.NoFault, why: "a broker that does not know an API closes the connection", cut: true})
}

// apiVersions deals with a whole ApiVersions answer: hidden APIs are left out.
func (a *answers) apiVersions(p *pending, size int) {
	c := a.conn
	frame := a.rope.peek(size)
	message := kmsg.NewPtrApiVersionsResponse()
	message.Version = p.version
	// Its header never has tags, since the client may not know yet what the broker
	// speaks (KIP-511). One that does not know the version answers in version 0.
	if err := message.ReadFrom(frame[8:]); err != nil || p.version > message.MaxVersion() {
		*message = kmsg.ApiVersionsResponse{}
		if err := message.ReadFrom(frame[8:]); err != nil {
			c.unread(p, "ApiVersions", err)
			a.emit(size)
			return
		}
	}
	all := len(message.ApiKeys)
	message.ApiKeys = slices.DeleteFunc(message.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return c.lane.fleet.hides(k.ApiKey) })
	if len(message.ApiKeys) == all {
		a.emit(size)
		return
	}
	e := c.event(history.WireHidden, history.ActionForged)
	e.Correlation, e.Version = p.correlation, p.version
	e.Note = fmt.Sprintf("%d APIs of %d were left out of the list", all-len(message.ApiKeys), all)
	c.att.journal.Wire(e)
	a.replace(size, rewritable{message, frame[:8:8]}.encode())
}
