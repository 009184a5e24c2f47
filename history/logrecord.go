package history

import "fmt"

// Standing says what a record found in the log turned out to be.
type Standing uint8

const (
	// Intact: one of this run's records, unharmed, in the partition it names.
	Intact Standing = iota
	// Control: a control record (transaction marker), not data.
	Control
	// Corrupt: has our form, but its checksum does not match.
	Corrupt
	// Foreign: not in our form at all, or of another run.
	Foreign
	// Misplaced: unharmed, but names another topic or partition.
	Misplaced
)

// String returns the word used in files and reports.
func (s Standing) String() string {
	switch s {
	case Intact:
		return "intact"
	case Control:
		return "control"
	case Corrupt:
		return "corrupt"
	case Foreign:
		return "foreign"
	case Misplaced:
		return "misplaced"
	}
	panic(fmt.Sprintf("history: impossible standing %d", uint8(s)))
}

// Markers of transactions, as LogRecord has them.
const (
	MarkerCommit = "commit"
	MarkerAbort  = "abort"
)

// LogRecord is one record of the final read.
type LogRecord struct {
	Topic        string   `json:"topic"` // where it stands
	Partition    int32    `json:"partition"`
	Offset       int64    `json:"offset"`
	Standing     Standing `json:"standing"`
	Process      int32    `json:"process"`          // identity parsed from the value; -1 when there is none
	Number       int64    `json:"number"`           // -1 when there is none
	Claims       string   `json:"claims,omitempty"` // "topic/partition" the value names, only when Misplaced; else empty
	ProducerID   int64    `json:"producer_id"`      // -1 when the batch has none
	Epoch        int16    `json:"epoch"`
	Sequence     int32    `json:"sequence"` // of this record: base sequence plus its place in the batch; -1 when none
	LeaderEpoch  int32    `json:"leader_epoch"`
	Timestamp    int64    `json:"timestamp"`         // ms since the Unix epoch, as stored
	Compression  string   `json:"compression"`       // none, gzip, snappy, lz4, zstd
	BatchBase    int64    `json:"batch_base_offset"` // base offset of its batch
	BatchRecords int32    `json:"batch_records"`     // records in its batch
	Bytes        int32    `json:"bytes"`             // length of the value
	// Message is the number, from 1, of the application's message that the record
	// carries as its key (see WorkloadPlan.Messages); 0 when it carries none.
	Message int64 `json:"message,omitempty"`
	// Marker says how a control record ends the transaction of its producer id:
	// commit or abort. Empty on any other, and in runs before there was this field.
	Marker string `json:"marker,omitempty"`
}
