package checker

import "slices"

// Names of the guarantees, as scenarios write them.
const (
	Assumptions    = "assumptions"
	Duplicates     = "duplicates"
	LostRecords    = "lost"
	Payload        = "payload"
	FailedIsAbsent = "failed-visible"
	Order          = "order"
	RealTimeOrder  = "real-time-order"
	Liveness       = "liveness"
	ClientProtocol = "client-protocol"
	BrokerProtocol = "broker-protocol"
	RetryBackoff   = "retry-backoff"
)

// Checker describes one judge.
type Checker struct {
	Name    string
	Promise string // what is promised, and where
	Kinds   []Kind // what it finds
	// ByName: a scenario that lists no judges does not have this one. It is about
	// manners: what breaks it loses and doubles nothing by that.
	ByName bool
}

// Names lists the judges in the order in which a verdict has them.
func Names() []Checker {
	return []Checker{
		{Name: Assumptions, Promise: promiseAssumptions},
		{Name: Duplicates, Promise: promiseDuplicates, Kinds: []Kind{Duplicate}},
		{Name: LostRecords, Promise: promiseLost, Kinds: []Kind{Lost}},
		{Name: Payload, Promise: promisePayload, Kinds: []Kind{Corrupt, Foreign, Misplaced, Unsent, WrongOffset}},
		{Name: FailedIsAbsent, Promise: promiseFailedVisible, Kinds: []Kind{FailedVisible}},
		{Name: Order, Promise: promiseOrder, Kinds: []Kind{Reorder}},
		{Name: RealTimeOrder, Promise: promiseRealTime, Kinds: []Kind{StaleOrder}},
		{Name: Liveness, Promise: promiseLiveness, Kinds: []Kind{Stuck}},
		{Name: ClientProtocol, Promise: promiseClientProtocol, Kinds: []Kind{
			SequenceReuse, ChangedBatch, SequenceGap, SequenceBack, NoProducerID, WrongAcks, TooManyInFlight, DroppedBatch}},
		{Name: BrokerProtocol, Promise: promiseBrokerProtocol, Kinds: []Kind{
			DoubleAppend, WrongDuplicateOffset, AckContradictsLog, ImpossibleAnswer, SharedProducerID}},
		{Name: RetryBackoff, Promise: promiseRetryBackoff, Kinds: []Kind{EarlyRetry}, ByName: true},
	}
}

// Kinds lists every anomaly kind, in the order of Names.
func Kinds() []Kind {
	var kinds []Kind
	for _, c := range Names() {
		kinds = append(kinds, c.Kinds...)
	}
	return kinds
}

// ownerOf returns the guarantee that finds a kind; empty when there is none.
func ownerOf(kind Kind) string {
	for _, c := range Names() {
		if slices.Contains(c.Kinds, kind) {
			return c.Name
		}
	}
	return ""
}
