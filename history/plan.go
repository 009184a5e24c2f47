package history

import (
	"encoding/json"
	"time"
)

// PlanSchema is the version of plan.json's form. Since 2 it has the scenario
// along, so that the file alone can be run again.
const PlanSchema = 2

// Plan is what the seed was turned into: everything that was drawn, concrete,
// written before the first broker starts.
type Plan struct {
	Schema int    `json:"schema"`
	Seed   uint64 `json:"seed"`
	// Scenario is what it was drawn from, in full, every default filled in. Empty
	// in schema 1: the run's manifest has it.
	Scenario json.RawMessage `json:"scenario,omitempty"`
	Workload WorkloadPlan    `json:"workload"`
	Faults   []PlannedFault  `json:"faults"`
}

// WorkloadPlan says what is sent. Numbers are totals over the run unless said.
type WorkloadPlan struct {
	Name        string        `json:"name"`
	Producers   int           `json:"producers"`
	Records     int           `json:"records"` // per producer
	Rate        float64       `json:"rate"`    // records per second and producer; 0 is as fast as it goes
	Size        int           `json:"size"`    // bytes of a record's value
	Partitions  []LanePlan    `json:"partitions,omitempty"`
	Warmup      int           `json:"warmup"`                // records per producer sent, and answered, before any fault is armed
	Tail        int           `json:"tail,omitempty"`        // records per producer sent at least while no fault is under way, if need be beyond Records
	Batch       int           `json:"batch,omitempty"`       // records per call of the client; 0: one
	Outstanding int           `json:"outstanding,omitempty"` // unanswered records per producer at which it waits; 0: it never does
	Burst       int           `json:"burst,omitempty"`       // records handed over before all of them are awaited; 0: none of that
	Step        bool          `json:"step,omitempty"`        // the next call, or burst, comes when the wire is at rest; producers take strict turns
	Transaction int           `json:"transaction,omitempty"` // records per transaction; 0: none are used
	Messages    string        `json:"messages,omitempty"`    // records carry their message's number as key: records, spread; empty: none
	Resend      bool          `json:"resend,omitempty"`      // a producer that follows another sends its unacknowledged messages again
	Budget      time.Duration `json:"budget"`                // ns; the whole run
}

// LanePlan gives a producer the partitions it sends to, in turn.
type LanePlan struct {
	Producer   int     `json:"producer"`
	Partitions []int32 `json:"partitions"`
}

// TriggerKind names what a trigger counts.
type TriggerKind string

const (
	// TriggerAcks: the Count-th successful batch answer seen on the wire.
	TriggerAcks TriggerKind = "acks"
	// TriggerRequests: the Count-th produce batch seen on the wire.
	TriggerRequests TriggerKind = "requests"
	// TriggerRecords: the Count-th record handed to a client.
	TriggerRecords TriggerKind = "records"
	// TriggerSequence: the batch whose base sequence is Count, first time seen.
	TriggerSequence TriggerKind = "sequence"
	// TriggerUnacked: Count batches of one producer appended whose answers were kept from it.
	TriggerUnacked TriggerKind = "unacked"
	// TriggerFaultStart and TriggerFaultEnd: another planned fault (Count is its id) began or healed.
	TriggerFaultStart TriggerKind = "fault-start"
	TriggerFaultEnd   TriggerKind = "fault-end"
)

// Any matches every producer, partition or broker in a trigger or target.
const Any int32 = -1

// Trigger is a logical moment: a count of something, of one producer or
// partition or of any. Counts start when the warm-up is over.
type Trigger struct {
	Kind      TriggerKind `json:"kind"`
	Count     int64       `json:"count"`
	Producer  int32       `json:"producer"`  // index of the producer, or Any
	Partition int32       `json:"partition"` // or Any
}

// PlannedFault is one fault, ready to be carried out.
type PlannedFault struct {
	ID      int32         `json:"id"` // its place in the plan, from 0
	Fault   string        `json:"fault"`
	Trigger Trigger       `json:"trigger"`
	Target  Target        `json:"target"`
	HealAt  *Trigger      `json:"heal_at,omitempty"` // heal at this logical moment ...
	HealIn  time.Duration `json:"heal_in,omitempty"` // ... or this long (ns) after it took effect
	// Families, when not 0, is how many families of faults may be in force once
	// this one is: above that it waits until enough others have ended.
	Families int `json:"families,omitempty"`
	// Optional: the run proves something also when this one never fires.
	Optional bool    `json:"optional,omitempty"`
	Seed     uint64  `json:"seed,omitempty"`  // of the choices a fault makes while it is in force: slicer, jitter
	Share    float64 `json:"share,omitempty"` // delete-records: of the log, 0 to 1
	Knobs
}

// Target names by role what a fault hits.
type Target struct {
	Role      string `json:"role"`             // leader, broker, producer, link
	Topic     int    `json:"topic"`            // index of the topic whose leader is meant
	Partition int32  `json:"partition"`        // leader of this partition
	Broker    int32  `json:"broker,omitempty"` // index of the broker, from 0, when Role is broker
	Producer  int32  `json:"producer"`         // link faults: whose connections, or Any
}
