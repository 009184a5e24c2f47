package history

import (
	"encoding/json"
	"slices"
	"time"
)

// Schema is the version of the run directory's form. A reader refuses a newer one.
const Schema = 1

// Ending says how a run ended.
type Ending string

const (
	// EndedComplete: every phase ran, the log was read to its end.
	EndedComplete Ending = "complete"
	// EndedInterrupted: a person or a signal stopped it.
	EndedInterrupted Ending = "interrupted"
	// EndedBroken: the harness, a cluster or a client could not do its job.
	EndedBroken Ending = "broken"
)

// Manifest describes one run: what was asked, with what it was done, and how
// it ended. Times are ns since ClockBase unless said otherwise.
type Manifest struct {
	Schema    int             `json:"schema"`
	Run       string          `json:"run"` // 8 hex digits, part of every record's identity
	Scenario  string          `json:"scenario"`
	Folder    string          `json:"folder,omitempty"`
	Why       string          `json:"why,omitempty"`
	Claims    []string        `json:"claims,omitempty"`
	Resolved  json.RawMessage `json:"resolved"` // the scenario in full, every default filled in
	Seed      uint64          `json:"seed"`
	Versions  Versions        `json:"versions"`
	Cluster   ClusterFacts    `json:"cluster"`
	ClockBase time.Time       `json:"clock_base"`
	Phases    []Phase         `json:"phases"`
	Ended     Ending          `json:"ended"`
	EndedIn   string          `json:"ended_in,omitempty"` // the phase that was cut short
	Error     string          `json:"error,omitempty"`
	Topics    []Topic         `json:"topics"`
	Processes []Process       `json:"processes"`
	Consumers []Consumer      `json:"consumers,omitempty"`
	Judge     Judge           `json:"judge"`
	Forged    bool            `json:"forged"`           // some answer was forged by the proxy
	Behind    int64           `json:"behind,omitempty"` // times the harness stood still for seconds while clients were open
	Healed    int64           `json:"healed"`           // when the last fault had healed
	Drained   int64           `json:"drained"`          // when the last op was answered or given up
	Files     []File          `json:"files"`
}

// Versions says what took part.
type Versions struct {
	Idemcheck string `json:"idemcheck"`
	Go        string `json:"go"`
	Kernel    string `json:"kernel"`
	CPUs      int    `json:"cpus"`
}

// ClusterFacts says what the records were sent to.
type ClusterFacts struct {
	Kind    string            `json:"kind"`             // embedded, docker, external
	Kafka   string            `json:"kafka,omitempty"`  // version
	Image   string            `json:"image,omitempty"`  // reference
	Digest  string            `json:"digest,omitempty"` // image id or digest
	Brokers []int32           `json:"brokers"`          // node ids
	Config  map[string]string `json:"config,omitempty"`

	// What brokers were replaced by while the run went on; empty when none was.
	Upgraded       string `json:"upgraded,omitempty"` // version; with how many, unless all were
	UpgradedImage  string `json:"upgraded_image,omitempty"`
	UpgradedDigest string `json:"upgraded_digest,omitempty"`
}

// Phase is one stretch of the run: prepare, cluster, topics, open, warm-up,
// send, heal, drain, frontier, read, consume.
type Phase struct {
	Name  string `json:"name"`
	Start int64  `json:"start"`
	End   int64  `json:"end"` // 0 while it runs
}

// Topic is one topic under test. Starts and Ends are by partition: the log's
// first offset before anything was sent, and its end offset (the frontier)
// that the final read went up to; -1 when it could not be found.
type Topic struct {
	Name        string  `json:"name"`
	ID          string  `json:"id,omitempty"`
	Partitions  int     `json:"partitions"`
	Replication int     `json:"replication"`
	Starts      []int64 `json:"starts"`
	Ends        []int64 `json:"ends"`
	Read        []bool  `json:"read"` // the final read reached Ends
	// Deleted: a fault deleted the topic, and it did not exist at the end. Ends
	// are then Starts: there was nothing to read.
	Deleted bool `json:"deleted,omitempty"`
}

// Process is one producer instance from creation to close.
type Process struct {
	ID            int32             `json:"id"`
	Producer      int               `json:"producer"` // which producer of the workload it is
	Library       string            `json:"library"`
	Version       string            `json:"version"`
	ClientID      string            `json:"client_id"`
	Idempotence   bool              `json:"idempotence"`        // asked for
	Defaults      bool              `json:"defaults,omitempty"` // nothing was said of idempotence: whether it was on, the wire tells
	Literal       bool              `json:"literal,omitempty"`  // the library was asked exactly this, and might refuse it
	Acks          string            `json:"acks"`               // asked for: all, 1, 0; empty: nothing was said of them
	InFlight      int               `json:"in_flight"`          // asked for; 0 is the library's own default
	OrderPromised bool              `json:"order_promised"`
	OrderInCall   bool              `json:"order_in_call,omitempty"` // promised for the records of one call at least
	OrderWhy      string            `json:"order_why,omitempty"`     // why it is, or is not
	Deadline      time.Duration     `json:"deadline"`                // ns: how long the client may take over a record on a healthy cluster
	RetryBackoff  time.Duration     `json:"retry_backoff,omitempty"`
	Opened        int64             `json:"opened"`
	Closed        int64             `json:"closed"`
	Sent          int64             `json:"sent"`              // records handed to it
	Options       map[string]string `json:"options,omitempty"` // asked for
	Unmapped      []Unmapped        `json:"unmapped,omitempty"`
	// Without says that the scenario would have idempotence, and the library has
	// none: it ran without.
	Without bool `json:"without_idempotence,omitempty"`
	// Refused is what the library said when it refused to open the producer with
	// these options. It was then handed nothing.
	Refused string `json:"refused,omitempty"`
	// PID is the driver's process id; 0 when the client ran in the harness.
	PID int `json:"pid,omitempty"`
	// End says how the process ended when a fault ended it: "signal: killed".
	End string `json:"end,omitempty"`
	// TransactionalID is what it was opened with, if anything. Processes that
	// share one also share a producer id, under rising epochs (KIP-98).
	TransactionalID string `json:"transactional_id,omitempty"`
}

// Unmapped is an option that was asked for and is not in force as asked, since
// the library has no place for it.
type Unmapped struct {
	Option string `json:"option"`
	Why    string `json:"why"`
}

// Maps says whether the client took an option as it was asked.
func (p *Process) Maps(option string) bool {
	return !slices.ContainsFunc(p.Unmapped, func(u Unmapped) bool { return u.Option == option })
}

// Judge is what the scenario asks of the judges.
type Judge struct {
	Checks []string         `json:"checks"`
	Cover  map[string]int64 `json:"cover,omitempty"` // least counts, by counter name
	Expect string           `json:"expect"`          // "pass", or the anomaly kind that must appear: "duplicate", "reorder", ...
	// ExpectAlso are anomaly kinds that may come along with the expected one.
	ExpectAlso []string `json:"expect_also,omitempty"`
	// ExpectCount, when not empty, is the coverage counter that the number of
	// expected anomalies must equal.
	ExpectCount string `json:"expect_count,omitempty"`
}

// File is one part file of the run directory as it was finished.
type File struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}
