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
)

// Checker describes one judge.
type Checker struct {
	Name    string
	Promise string // what is promised, and where
	Kinds   []Kind // what it finds
}

// Names lists the judges in the order in which a verdict has them.
func Names() []Checker {
	return []Checker{
		{Assumptions, promiseAssumptions, nil},
		{Duplicates, promiseDuplicates, []Kind{Duplicate}},
		{LostRecords, promiseLost, []Kind{Lost}},
		{Payload, promisePayload, []Kind{Corrupt, Foreign, Misplaced, Unsent, WrongOffset}},
		{FailedIsAbsent, promiseFailedVisible, []Kind{FailedVisible}},
		{Order, promiseOrder, []Kind{Reorder}},
		{RealTimeOrder, promiseRealTime, []Kind{StaleOrder}},
		{Liveness, promiseLiveness, []Kind{Stuck}},
		{ClientProtocol, promiseClientProtocol, []Kind{
			SequenceReuse, ChangedBatch, SequenceGap, SequenceBack, NoProducerID, WrongAcks, TooManyInFlight, EarlyRetry}},
		{BrokerProtocol, promiseBrokerProtocol, []Kind{
			DoubleAppend, WrongDuplicateOffset, AckContradictsLog, ImpossibleAnswer, SharedProducerID}},
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
