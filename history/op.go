package history

import (
	"fmt"
	"math"

	"github.com/idemcheck/idemcheck/history/outcome"
)

// Outcome is what the application was told about one record.
type Outcome = outcome.Outcome

// The outcomes, as package outcome has them.
const (
	Pending = outcome.Pending // the zero value: no answer yet
	Acked   = outcome.Acked
	Failed  = outcome.Failed // certainly never appended, on any attempt
	Unknown = outcome.Unknown
)

// Forever is the Return of an op that was never answered.
const Forever int64 = math.MaxInt64

// NoOffset is the Offset of an op that was not acked.
const NoOffset = outcome.NoOffset

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
	Call      int64   `json:"call"`   // ns since the manifest's clock base, taken before the client saw the record; records of one call of the client have one call time
	Return    int64   `json:"return"` // ns since the clock base, taken after the callback; Forever when unanswered
	Outcome   Outcome `json:"outcome"`
	Offset    int64   `json:"offset"`          // acked offset, or NoOffset
	Error     string  `json:"error,omitempty"` // the client's error in one line; empty when acked
}
