package history

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The types in this file are what a scenario asks for; plan.go has what the
// seed made of it. The yaml tags are their names in a scenario file.

// Range is a whole number, or a span to draw one from, both ends included:
// 7 or 20..40.
type Range struct{ Least, Most int64 }

// UnmarshalText reads "7" or "20..40".
func (r *Range) UnmarshalText(text []byte) error {
	least, most, span := strings.Cut(string(text), "..")
	var err error
	if r.Least, err = strconv.ParseInt(strings.TrimSpace(least), 10, 64); err != nil {
		return fmt.Errorf("%q is neither a whole number nor a range like 20..40", text)
	}
	r.Most = r.Least
	if span {
		if r.Most, err = strconv.ParseInt(strings.TrimSpace(most), 10, 64); err != nil {
			return fmt.Errorf("%q is neither a whole number nor a range like 20..40", text)
		}
	}
	if r.Least > r.Most {
		return fmt.Errorf("range %q runs backwards", text)
	}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (r Range) MarshalText() ([]byte, error) {
	if r.Least == r.Most {
		return strconv.AppendInt(nil, r.Least, 10), nil
	}
	return fmt.Appendf(nil, "%d..%d", r.Least, r.Most), nil
}

// Draw picks a number of the range.
func (r Range) Draw(from *rand.Rand) int64 {
	return r.Least + from.Int64N(r.Most-r.Least+1)
}

// Which is an index (a producer, a partition, a broker; from 0), or any. Its
// zero value is any.
type Which struct {
	index int32
	set   bool
}

// Only returns the Which that means this index.
func Only(index int32) Which { return Which{index: index, set: true} }

// Index returns the index, or Any.
func (w Which) Index() int32 {
	if !w.set {
		return Any
	}
	return w.index
}

// UnmarshalText reads "any" or an index.
func (w *Which) UnmarshalText(text []byte) error {
	if string(text) == "any" {
		*w = Which{}
		return nil
	}
	n, err := strconv.ParseInt(string(text), 10, 32)
	if err != nil || n < 0 {
		return fmt.Errorf("%q is neither \"any\" nor an index from 0", text)
	}
	*w = Only(int32(n))
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (w Which) MarshalText() ([]byte, error) {
	if !w.set {
		return []byte("any"), nil
	}
	return strconv.AppendInt(nil, int64(w.index), 10), nil
}

// TriggerSpec says when a fault strikes. Exactly one of the first seven is set.
type TriggerSpec struct {
	Acks     *Range `yaml:"acks,omitempty" json:"acks,omitempty"`         // the n-th successful batch answer
	Requests *Range `yaml:"requests,omitempty" json:"requests,omitempty"` // the n-th produce batch
	Records  *Range `yaml:"records,omitempty" json:"records,omitempty"`   // the n-th record handed to a client
	Sequence *Range `yaml:"sequence,omitempty" json:"sequence,omitempty"` // the batch with this base sequence
	Unacked  *Range `yaml:"unacked,omitempty" json:"unacked,omitempty"`   // n batches of one producer appended, their answers kept back
	// Another fault of the list took effect, or has healed: NAME, when one entry
	// has it, or NAME#K, the K-th fault of that name (from 1) in the order of the
	// list, every time counted.
	Started string `yaml:"started,omitempty" json:"started,omitempty"`
	Ended   string `yaml:"ended,omitempty" json:"ended,omitempty"`

	Producer  Which `yaml:"producer" json:"producer"`
	Partition Which `yaml:"partition" json:"partition"`
}

// HealSpec says when a fault ends. At most one is set; with none a lasting
// fault is healed when the run is over.
type HealSpec struct {
	After time.Duration `yaml:"after,omitempty" json:"after,omitempty"` // since it took effect
	Ended string        `yaml:"ended,omitempty" json:"ended,omitempty"` // another fault of the list has healed: NAME or NAME#K
}

// TargetSpec narrows down what a fault hits. Left out, the seed chooses.
type TargetSpec struct {
	Partition Which `yaml:"partition" json:"partition"` // the leader of this partition
	Broker    Which `yaml:"broker" json:"broker"`       // this broker, by index
	Producer  Which `yaml:"producer" json:"producer"`   // this producer's connections
	Topic     Which `yaml:"topic" json:"topic"`         // of this topic, by index: faults on a partition or a topic
}

// Knobs are what a fault can be told beyond when, whom and until when. Which
// of them a fault takes stands in the catalogue.
type Knobs struct {
	Error   int16             `yaml:"error,omitempty" json:"error,omitempty"`     // answer-error: the code
	Append  bool              `yaml:"append,omitempty" json:"append,omitempty"`   // answer-error: appended all the same
	Delay   time.Duration     `yaml:"delay,omitempty" json:"delay,omitempty"`     // how long (ns): delay-acks, latency, answer-error, ...
	Rate    int64             `yaml:"rate,omitempty" json:"rate,omitempty"`       // KiB per second: bandwidth, slow-disk
	Size    int64             `yaml:"size,omitempty" json:"size,omitempty"`       // bytes: slicer, cut-mid-request
	Batches int64             `yaml:"batches,omitempty" json:"batches,omitempty"` // late-request: further batches stored before it is let go; answer-error: so many in a row, 0 is 1
	How     string            `yaml:"how,omitempty" json:"how,omitempty"`         // restart-leader: graceful or kill; hide-leader: none or old
	From    string            `yaml:"from,omitempty" json:"from,omitempty"`       // isolate-*: brokers, clients or both
	Way     string            `yaml:"way,omitempty" json:"way,omitempty"`         // isolate-*: in, out or both, as the broker sees it
	Kafka   string            `yaml:"kafka,omitempty" json:"kafka,omitempty"`     // upgrade: the version to go to
	Config  map[string]string `yaml:"config,omitempty" json:"config,omitempty"`   // change-config: topic properties
}

// FaultSpec is one entry of a scenario's nemesis.
type FaultSpec struct {
	Fault  string      `yaml:"fault" json:"fault"`
	When   TriggerSpec `yaml:"when" json:"when"`
	Times  int         `yaml:"times,omitempty" json:"times,omitempty"` // 0 is once; each next time counts on from the last
	Target TargetSpec  `yaml:"target,omitempty" json:"target,omitempty"`
	Heal   HealSpec    `yaml:"heal,omitempty" json:"heal,omitempty"`
	// Optional: the run proves something also when its moment never comes.
	Optional bool `yaml:"optional,omitempty" json:"optional,omitempty"`
	// Families, Seed and Share are what PlannedFault has under these names. 0
	// leaves it to the seed of the run, or with Families to nobody.
	Families int     `yaml:"families,omitempty" json:"families,omitempty"`
	Seed     uint64  `yaml:"seed,omitempty" json:"seed,omitempty"`
	Share    float64 `yaml:"share,omitempty" json:"share,omitempty"`
	Knobs    `yaml:",inline"`
}

// What a message is, to a workload that numbers them.
const (
	MessageRecords = "records" // every record is one
	MessageSpread  = "spread"  // one record to each of the producer's partitions
)

// WorkloadSpec is a scenario's workload.
type WorkloadSpec struct {
	Name      string `yaml:"name" json:"name"`
	Producers int    `yaml:"producers" json:"producers"`
	Records   int    `yaml:"records" json:"records"`               // per producer
	Rate      string `yaml:"rate,omitempty" json:"rate,omitempty"` // "500/s" per producer; empty is as fast as it goes
	InFlight  int    `yaml:"in_flight,omitempty" json:"in_flight,omitempty"`
	Size      int    `yaml:"size,omitempty" json:"size,omitempty"`     // bytes of a value
	Warmup    int    `yaml:"warmup,omitempty" json:"warmup,omitempty"` // records per producer, answered before any fault is armed
	Lanes     int    `yaml:"lanes,omitempty" json:"lanes,omitempty"`   // unique-append, transactions: partitions per producer; 0 is all
	// Partitions, when not empty, is by producer what it sends to, in turn, in
	// place of partitions that the seed chooses.
	Partitions [][]int32 `yaml:"partitions,omitempty" json:"partitions,omitempty"`
	// Batch is how many records are handed over in one call of the client, to one
	// partition; 0 is 1. Outstanding is how many records a producer may have
	// unanswered before it waits, as an application does that awaits its sends;
	// 0 is without limit. Burst is how many records it hands over back to back
	// before it waits until all of them are answered; 0 is none of that.
	Batch       int `yaml:"batch,omitempty" json:"batch,omitempty"`
	Outstanding int `yaml:"outstanding,omitempty" json:"outstanding,omitempty"`
	Burst       int `yaml:"burst,omitempty" json:"burst,omitempty"`
	// Transaction is how many records a transaction has; 0 is 10.
	Transaction int `yaml:"transaction,omitempty" json:"transaction,omitempty"`
	// Messages numbers the application's messages, from 1, and has every record
	// carry its message's number as its key: MessageRecords or MessageSpread. The
	// warm-up carries none. Several producers number alike: they send the same
	// messages. Empty is none of that.
	Messages string `yaml:"messages,omitempty" json:"messages,omitempty"`
	// Resend has a producer that follows one that was killed or closed first send
	// again, as records of its own, the messages that none before it had an
	// acknowledgement of: what an application does that keeps its messages until then.
	Resend bool `yaml:"resend,omitempty" json:"resend,omitempty"`
	// Step hands records over in lockstep with the wire: the next call, or burst,
	// comes when the wire is at rest, and producers take strict turns.
	Step bool `yaml:"step,omitempty" json:"step,omitempty"`
	Tail int  `yaml:"tail,omitempty" json:"tail,omitempty"` // go on past Records until no fault is under way, and for this many more
}
