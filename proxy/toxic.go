package proxy

import (
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// Names under which the toxic pair is known to toxiproxy's registry.
const (
	requestToxicType = "idemcheck_requests"
	answerToxicType  = "idemcheck_answers"
)

// requestToxic is the Kafka toxic on the way to the broker. One instance
// serves all connections of a lane; what it knows of one connection is in the
// stub's state.
type requestToxic struct{ lane *lane }

// NewState runs inside StartLink; the lane says whose link is being started.
func (t *requestToxic) NewState() any { return &requests{conn: t.lane.starting} }

// Pipe passes requests on until the link ends or toxiproxy interrupts it to
// change its neighbours; it is then run again.
func (t *requestToxic) Pipe(stub *toxics.ToxicStub) {
	stub.State.(*requests).run(stub)
}

// answerToxic is the Kafka toxic on the way to the client.
type answerToxic struct{ lane *lane }

// NewState is as for requestToxic.
func (t *answerToxic) NewState() any { return &answers{conn: t.lane.starting} }

// Pipe is as for requestToxic.
func (t *answerToxic) Pipe(stub *toxics.ToxicStub) {
	stub.State.(*answers).run(stub)
}

var (
	_ toxics.StatefulToxic = (*requestToxic)(nil)
	_ toxics.StatefulToxic = (*answerToxic)(nil)
)

// registerToxics makes our toxics known to toxiproxy, which instantiates toxics
// by name. Doing it again is harmless.
func registerToxics() {
	toxics.Register(requestToxicType, new(requestToxic))
	toxics.Register(answerToxicType, new(answerToxic))
	toxics.Register(slicerToxicType, new(slicerToxic))
	toxics.Register(jitterToxicType, new(jitterToxic))
}
