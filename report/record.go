package report

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Setting is what a set of results has in common.
type Setting struct {
	Version string        `json:"idemcheck"`
	Cluster string        `json:"cluster"`           // embedded, docker
	Clients []string      `json:"clients,omitempty"` // libraries with their versions
	Seed    uint64        `json:"seed"`              // of the first run of each scenario
	Runs    int           `json:"runs"`              // of each scenario, asked for
	Shard   string        `json:"shard,omitempty"`   // "2/3"
	Began   time.Time     `json:"began"`
	Took    time.Duration `json:"took_ns"`
	Left    int           `json:"left,omitempty"` // runs that were not got round to
	// Again is the command that runs one scenario with one seed on one Kafka.
	Again func(r Result) string `json:"-"`
}

// Record sums up a set of results in numbers.
type Record struct {
	Setting
	Exit     int             `json:"exit"`
	Outcomes map[Outcome]int `json:"outcomes"`
	Versions []string        `json:"kafka,omitempty"`
	Records  int64           `json:"records"` // handed to clients
	Acked    int64           `json:"acked"`
	Log      int64           `json:"log"`  // records read back
	Wire     int64           `json:"wire"` // events in the wire journals
	// Coverage sums the coverage counters up, but for the greatest of anything.
	Coverage map[string]int64      `json:"coverage"`
	Faults   map[string]FaultCount `json:"faults"`
	Seeds    map[string][]uint64   `json:"seeds"` // by scenario
	Findings []Finding             `json:"findings"`
	Whole    []string              `json:"skipped_as_a_whole,omitempty"`
}

// FaultCount is how often a fault was planned, and how often it fired.
type FaultCount struct {
	Planned int `json:"planned"`
	Fired   int `json:"fired"`
}

// Finding is a run that did not come out as expected.
type Finding struct {
	Scenario string   `json:"scenario"`
	Client   string   `json:"client,omitempty"`
	Kafka    string   `json:"kafka,omitempty"`
	Seed     uint64   `json:"seed"`
	Outcome  Outcome  `json:"outcome"`
	Why      string   `json:"why"`
	Causes   []string `json:"causes,omitempty"` // the first few, with who is to blame
	Dir      string   `json:"dir,omitempty"`
	Again    string   `json:"again"` // the command that runs it again
}

// Sum makes the record of a set of results.
func Sum(setting Setting, results []Result) Record {
	rec := Record{
		Setting: setting, Exit: ExitStatus(results), Outcomes: make(map[Outcome]int), Coverage: make(map[string]int64),
		Faults: make(map[string]FaultCount), Seeds: make(map[string][]uint64), Findings: []Finding{}, Whole: AllSkipped(results),
	}
	for _, on := range setups(results) {
		if on.kafka != "" {
			rec.Versions = union(rec.Versions, []string{on.kafka})
		}
	}
	for _, r := range results {
		rec.Outcomes[r.Outcome]++
		if r.Outcome != Skipped && r.setup() == results[0].setup() { // the others have the same
			name := (&scene{folder: r.Folder, scenario: r.Scenario}).name()
			rec.Seeds[name] = append(rec.Seeds[name], r.Seed)
		}
		for _, f := range r.Faults {
			count := rec.Faults[f.Fault]
			count.Planned++
			if f.Fired {
				count.Fired++
			}
			rec.Faults[f.Fault] = count
		}
		if v := r.Verdict; v != nil {
			rec.Records += v.Totals.Sent
			rec.Acked += v.Totals.Acked
			rec.Log += v.Totals.Log
			rec.Wire += v.Totals.Wire
			for name, n := range v.Coverage {
				if name != "max_in_flight" {
					rec.Coverage[name] += n
				}
			}
		}
		if r.Outcome != AsExpected && r.Outcome != Skipped {
			rec.Findings = append(rec.Findings, finding(r, setting.Again))
		}
	}
	return rec
}

func finding(r Result, again func(Result) string) Finding {
	f := Finding{
		Scenario: (&scene{folder: r.Folder, scenario: r.Scenario}).name(), Client: r.Client, Kafka: r.Kafka, Seed: r.Seed,
		Outcome: r.Outcome, Why: r.Broken, Dir: r.Dir, Again: again(r),
	}
	if v := r.Verdict; v != nil {
		switch {
		case v.HarnessError != "":
			f.Why = v.HarnessError
		case r.Broken == "" || r.Outcome == NotAsExpected:
			f.Why = v.Why
		}
		for _, g := range v.Guarantees {
			for i, a := range g.Anomalies {
				if i < perGuarantee {
					f.Causes = append(f.Causes, fmt.Sprintf("%s: %s [%s]", g.Name, a.Diagnosis, a.Blame))
				}
			}
		}
	}
	return f
}

// JSON writes a record as one indented JSON object.
func (rec Record) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rec)
}
