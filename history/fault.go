package history

// FaultStatus says how a planned fault went.
type FaultStatus string

const (
	// FaultStarted is written when the fault took effect.
	FaultStarted FaultStatus = "started"
	// FaultEnded is written when it had healed, with final counts.
	FaultEnded FaultStatus = "ended"
	// FaultNeverFired is written at the end of a run for a fault whose trigger never came.
	FaultNeverFired FaultStatus = "never-fired"
	// FaultBroken is written when the fault could not be carried out or healed; Error says why.
	FaultBroken FaultStatus = "broken"
)

// FaultHits counts what one fault hit.
type FaultHits struct {
	Requests int64 `json:"requests"` // produce requests
	Batches  int64 `json:"batches"`  // batches in them
	Records  int64 `json:"records"`  // records in those
	Acks     int64 `json:"acks"`     // records whose successful answer did not reach the client because of it
}

// FaultEvent is one line of faults.jsonl.
type FaultEvent struct {
	ID     int32       `json:"id"` // of the planned fault
	Fault  string      `json:"fault"`
	Status FaultStatus `json:"status"`
	At     int64       `json:"at"` // ns since the clock base
	// Asked is when its trigger came (ns since the clock base), and Waited for how
	// long (ns) after that it was not its turn: At less both is how long it took
	// to take effect. HealAsked is when a lasting fault was to end: from there to
	// the At of its end it took to heal. 0 where there is none.
	Asked     int64      `json:"asked,omitempty"`
	Waited    int64      `json:"waited,omitempty"`
	HealAsked int64      `json:"heal_asked,omitempty"`
	Trigger   string     `json:"trigger"` // the trigger in words, as it came: "27 acks of producer 1"
	Target    string     `json:"target"`  // "broker 2 (leader of t/0)", "connection 14 of producer 1"
	Hits      FaultHits  `json:"hits"`
	Forged    bool       `json:"forged,omitempty"` // an answer was forged
	Error     string     `json:"error,omitempty"`
	Detail    string     `json:"detail,omitempty"` // what was seen: "leader 1 -> 3 in 1.6s"
	Deleted   []Deletion `json:"deleted,omitempty"`
}

// Deletion is what a fault deleted from one partition on purpose: records before
// an offset, or all there was when the topic itself was deleted.
type Deletion struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"` // first offset deleted
	To        int64  `json:"to"`   // the first one that was not; -1: none, the topic went
	// Until is the moment (ns since the clock base; Forever when the topic stays
	// deleted) up to which what was acknowledged on the partition is what went.
	Until int64 `json:"until,omitempty"`
	// Kept: the records were read into the run's log before.
	Kept bool `json:"kept,omitempty"`
}
