package history

import (
	"fmt"
	"math"
)

// Outcome is what the application was told about one record.
type Outcome uint8

const (
	// Pending is the zero value: no answer yet. A finished run holds none.
	Pending Outcome = iota
	// Acked means the client reported success, with an offset.
	Acked
	// Failed means the record was certainly never appended, on any attempt.
	Failed
	// Unknown means the record may or may not be in the log, now or later.
	Unknown
)

// String returns the word used in files and reports.
func (o Outcome) String() string {
	switch o {
	case Pending:
		return "pending"
	case Acked:
		return "acked"
	case Failed:
		return "failed"
	case Unknown:
		return "unknown"
	}
	panic(fmt.Sprintf("history: impossible outcome %d", uint8(o)))
}

// Forever is the Return of an op that was never answered.
const Forever int64 = math.MaxInt64

// NoOffset is the Offset of an op that was not acked.
const NoOffset int64 = -1

// TopicPartition names one partition.
type TopicPartition struct {
	Topic     string
	Partition int32
}

// String returns "topic/partition".
func (tp TopicPartition) String() string { return fmt.Sprintf("%s/%d", tp.Topic, tp.Partition) }

// Op is one record sent by one process: (Process, Topic, Partition, Number)
// identifies it. Numbers are dense from 0 per (process, topic, partition), in
// the order of the send calls.
type Op struct {
	Process   int32   `json:"process"`
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Number    int64   `json:"number"`
	Call      int64   `json:"call"`   // ns since the manifest's clock base, taken before the client saw the record
	Return    int64   `json:"return"` // ns since the clock base, taken after the callback; Forever when unanswered
	Outcome   Outcome `json:"outcome"`
	Offset    int64   `json:"offset"`          // acked offset, or NoOffset
	Error     string  `json:"error,omitempty"` // the client's error in one line; empty when acked
}
