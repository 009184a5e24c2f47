package history

import "fmt"

// WireKind says what a wire event is about.
type WireKind uint8

const (
	// WireRequest: one batch of a produce request arrived from a client.
	WireRequest WireKind = iota + 1
	// WireAnswer: one partition's answer to a produce request arrived from a
	// broker (or was forged in its place; see Action).
	WireAnswer
	// WireRelease: an answer that was held earlier was delivered (ActionPassed)
	// or could no longer be delivered (ActionDropped).
	WireRelease
	// WireConnect and WireDisconnect: a client's connection through the proxy
	// began or ended. Note says which side ended it and why.
	WireConnect
	WireDisconnect
	// WireInitProducerID: a broker answered InitProducerId; ProducerID, Epoch
	// and Error are set.
	WireInitProducerID
	// WireNotKafka: bytes that are no Kafka frames began on this connection and
	// are passed on unread. Note says what was seen.
	WireNotKafka
	// WireDelivery: one batch of a produce request that was held back earlier
	// (its WireRequest has ActionHeld) went on to the broker (ActionPassed, or
	// whatever else was then done to it), or never will (ActionDropped).
	WireDelivery
	// WireMetadata: the proxy altered what a broker's answer says of topics,
	// leaders or brokers. Topic, Partition (-1: the topic as a whole), Error and
	// BrokerCode are set; Note says what the client was told.
	WireMetadata
	// WireHidden: the proxy kept an API from a client, as brokers do that do not
	// offer it: it is left out of the list that the client asked for
	// (ActionForged), or was asked for all the same, and the connection ended
	// (ActionCut). Note says which.
	WireHidden
)

// String returns the word used in files and reports.
func (k WireKind) String() string {
	switch k {
	case WireRequest:
		return "request"
	case WireAnswer:
		return "answer"
	case WireRelease:
		return "release"
	case WireConnect:
		return "connect"
	case WireDisconnect:
		return "disconnect"
	case WireInitProducerID:
		return "init-producer-id"
	case WireNotKafka:
		return "not-kafka"
	case WireDelivery:
		return "delivery"
	case WireMetadata:
		return "metadata"
	case WireHidden:
		return "hidden"
	}
	panic(fmt.Sprintf("history: impossible wire kind %d", uint8(k)))
}

// Action is what the proxy did with a frame.
type Action uint8

const (
	// ActionPassed: the bytes went on unaltered.
	ActionPassed Action = iota + 1
	// ActionHeld: kept back; a WireRelease follows for an answer, a WireDelivery
	// for a request.
	ActionHeld
	// ActionWithheld: a request (or one batch of it) never went to the broker.
	ActionWithheld
	// ActionCut: the connection was closed instead of passing this frame.
	ActionCut
	// ActionDropped: the frame could no longer be delivered (it was behind a
	// cut, or its receiver had gone).
	ActionDropped
	// ActionForged: the proxy answered, or altered the answer, in the broker's place.
	ActionForged
)

// String returns the word used in files and reports.
func (a Action) String() string {
	switch a {
	case ActionPassed:
		return "passed"
	case ActionHeld:
		return "held"
	case ActionWithheld:
		return "withheld"
	case ActionCut:
		return "cut"
	case ActionDropped:
		return "dropped"
	case ActionForged:
		return "forged"
	}
	panic(fmt.Sprintf("history: impossible action %d", uint8(a)))
}

// NoFault is the Fault of a wire event that no fault touched.
const NoFault int32 = -1

// WireEvent is one row of the wire journal: one batch of a produce request,
// one partition of its answer, or something that happened to a connection.
// An answer repeats the batch it answers, so that each row can be read alone.
type WireEvent struct {
	At          int64    `json:"at"` // ns since the manifest's clock base, when the proxy had the whole frame
	Kind        WireKind `json:"kind"`
	Action      Action   `json:"action"`
	Fault       int32    `json:"fault"` // id of the planned fault that caused Action, or NoFault
	Broker      int32    `json:"broker"`
	Conn        int64    `json:"conn"` // unique within a run, rising
	Correlation int32    `json:"correlation"`
	ClientID    string   `json:"client_id"`
	Version     int16    `json:"version"` // of the Produce API
	Acks        int16    `json:"acks"`
	Topic       string   `json:"topic"`
	Partition   int32    `json:"partition"`

	ProducerID   int64  `json:"producer_id"` // -1 when the batch has none
	Epoch        int16  `json:"epoch"`
	BaseSequence int32  `json:"base_sequence"`
	Records      int32  `json:"records"`
	CRC          uint32 `json:"crc"`     // CRC-32C field of the batch
	Bytes        int32  `json:"bytes"`   // size of the batch
	Process      int32  `json:"process"` // identity of the batch's records, parsed; -1 when unreadable
	First        int64  `json:"first"`   // lowest and highest record number in the batch; -1 when unreadable
	Last         int64  `json:"last"`

	Error      int16  `json:"error"`       // the broker's code (0 is NONE); on a forged answer what the client was told
	BrokerCode int16  `json:"broker_code"` // the code the broker really gave when Action is forged and the request was appended; else equal to Error; -2 when the broker was never asked
	BaseOffset int64  `json:"base_offset"` // -1 when none
	Note       string `json:"note,omitempty"`
}

// NeverAsked is the BrokerCode of a forged answer to a withheld request.
const NeverAsked int16 = -2
