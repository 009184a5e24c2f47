package proxy

import (
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Exchange is one produce request on one connection, and later its answer.
// It is built by the proxy and must not be kept after the hook returns, save
// by value.
type Exchange struct {
	Broker      int32
	Conn        int64 // unique over all proxies of a Fleet
	Correlation int32
	ClientID    string
	Version     int16
	Acks        int16
	Batches     []Batch // one per topic and partition, in request order
}

// Batch is one partition's share of an Exchange.
type Batch struct {
	Topic        string // name, also where the request carries an id
	Partition    int32
	ProducerID   int64 // -1 when there is none
	Epoch        int16
	BaseSequence int32
	Records      int32
	Process      int32 // parsed from the records; -1 when unreadable
	First, Last  int64 // lowest and highest record number; -1 when unreadable

	// Set once answered:
	Error      int16 // as the broker gave it
	BaseOffset int64
}

// Verb is what a Control wants done.
type Verb uint8

const (
	// Pass lets the frame through. It is the zero value.
	Pass Verb = iota
	// Cut closes the connection on both sides instead of passing the frame: on
	// a request no more of it than Decision.Part reaches the broker; on an answer
	// the client never sees it, nor those pipelined behind it.
	Cut
	// Hold keeps back this frame, and everything behind it on this connection in
	// its direction, until Decision.Release is closed or Decision.For has
	// passed; the other direction still flows. A request goes on then even if its
	// client has closed the connection meanwhile, as bytes do that are under way
	// in a network.
	Hold
	// Refuse withholds the batches in Decision.Codes from the broker and
	// answers them with the given code, in the place where the broker's answer
	// would have come, or Decision.For later. Other batches of the request go on.
	// Only for requests.
	Refuse
	// Rewrite lets the request through, and replaces the codes of the batches
	// in Decision.Codes in the broker's answer. Only for answers.
	Rewrite
)

// Decision is a Control's answer.
type Decision struct {
	Verb    Verb
	Fault   int32           // planned fault behind it; used in the journal when Verb is not Pass
	For     time.Duration   // Hold: at most this long, 0 is without limit; Refuse, Rewrite: how late the answer is
	Release <-chan struct{} // Hold: until closed; may be nil when For is set
	Part    int64           // Cut of a request: how many of its bytes reach the broker first; never all of them
	Codes   map[int]int16   // Refuse, Rewrite: index into Exchange.Batches -> error code
}

// Half, as a Decision's Part, is half of the request's bytes.
const Half int64 = -1

// Control decides what happens to produce traffic. Its methods are called from
// many connections at once, on the path of every frame: they must be quick and
// must not block.
type Control interface {
	// OnRequest is called with a produce request before any of it goes on.
	OnRequest(*Exchange) Decision
	// OnAnswer is called with the broker's answer when it has arrived at the
	// proxy, also while a hold is in force on its connection (the decision then
	// applies when the hold ends).
	OnAnswer(*Exchange) Decision
	// OnLost is called for an answer that arrived but can no longer be
	// delivered (behind a cut, or the client has gone); fault is the id of the
	// fault that kept it back, or history.NoFault.
	OnLost(e *Exchange, fault int32)
}

// Journal takes wire events. Its methods are called from many connections at
// once. What came from a client or a broker has the time at which it was there
// as a whole, before the control was asked about it: what the control does
// because of it must not stand before it. Any other event comes with At 0, and
// the journal stamps it.
type Journal interface {
	Wire(history.WireEvent)
	// Now is the run's clock, in ns.
	Now() int64
}
