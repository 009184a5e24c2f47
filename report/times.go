package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
)

// Times says where the time of a run went.
type Times struct {
	Cluster time.Duration `json:"cluster_ns"` // until the cluster was there and whole; next to nothing where it was already
	Send    time.Duration `json:"send_ns"`    // from the first record sent under faults to the end of the last fault that ends by itself
	Heal    time.Duration `json:"heal_ns"`    // from "end every fault" to a whole cluster
	Read    time.Duration `json:"read_ns"`    // the last answers, the end offsets at rest, and the final read
}

// FaultTime says how one planned fault went.
type FaultTime struct {
	Fault   string        `json:"fault"`
	Fired   bool          `json:"fired"`
	Latency time.Duration `json:"latency_ns"`        // from its turn (its trigger came, and it need not wait for another) to its effect
	Heal    time.Duration `json:"heal_ns,omitempty"` // from the moment it was to end until what it did was undone, and the cluster whole
}

// Measure reads off a run directory where its time went and how its faults did.
func Measure(run *history.Run) (Times, []FaultTime) {
	var t Times
	for _, p := range run.Manifest.Phases {
		took := time.Duration(max(p.End-p.Start, 0))
		switch p.Name {
		case "cluster":
			t.Cluster += took
		case "send", "settle":
			t.Send += took
		case "heal":
			t.Heal += took
		case "drain", "frontier", "read":
			t.Read += took
		}
	}
	faults := make(map[int32]*FaultTime)
	for _, e := range run.Faults {
		f := faults[e.ID]
		if f == nil {
			f = &FaultTime{Fault: e.Fault}
			faults[e.ID] = f
		}
		switch {
		case e.Status == history.FaultStarted:
			f.Fired = true
			if e.Asked > 0 {
				f.Latency = time.Duration(max(e.At-e.Asked-e.Waited, 0))
			}
		case e.Status == history.FaultEnded && e.HealAsked > 0:
			f.Heal = time.Duration(max(e.At-e.HealAsked, 0))
		}
	}
	var all []FaultTime
	for _, p := range run.Plan.Faults {
		if f := faults[p.ID]; f != nil {
			all = append(all, *f)
		} else {
			all = append(all, FaultTime{Fault: p.Fault})
		}
	}
	return t, all
}

// scene sums up the results of one scenario with one client on one Kafka.
type scene struct {
	folder, scenario string
	setup
	outcomes         map[Outcome]int
	kinds            []string // of anomalies that were not expected
	dir              string   // of the last run that was not as expected, or else of the last
	runs             int      // that were not skipped
	cluster, heal    time.Duration
	whole            []time.Duration
	latency, healing []time.Duration
	slowest          FaultTime // of latencies
}

func (s *scene) add(r Result) {
	s.outcomes[r.Outcome]++
	if r.Outcome == Skipped {
		return
	}
	s.runs++
	if r.Outcome != AsExpected || s.outcomes[AsExpected] == s.runs {
		s.dir = r.Dir
	}
	if r.Outcome == NotAsExpected {
		s.kinds = union(s.kinds, kindsOf(r.Verdict))
	}
	s.cluster = max(s.cluster, r.Times.Cluster)
	s.heal = max(s.heal, r.Times.Heal)
	s.whole = append(s.whole, r.Took)
	for _, f := range r.Faults {
		if !f.Fired {
			continue
		}
		s.latency = append(s.latency, f.Latency)
		if f.Latency > s.slowest.Latency {
			s.slowest = f
		}
		if f.Heal > 0 {
			s.healing = append(s.healing, f.Heal)
		}
	}
}

// kindsOf lists the kinds of anomalies of a verdict, in the judges' order.
func kindsOf(v *checker.Verdict) (kinds []string) {
	for _, g := range v.Guarantees {
		for _, a := range g.Anomalies {
			kinds = union(kinds, []string{string(a.Kind)})
		}
	}
	return kinds
}

// union adds what is not there yet.
func union(all, more []string) []string {
	for _, one := range more {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	return all
}

// scenes groups results by scenario, client and Kafka, in the order in which they came.
func scenes(results []Result) []*scene {
	var all []*scene
	for _, r := range results {
		at := slices.IndexFunc(all, func(s *scene) bool {
			return s.folder == r.Folder && s.scenario == r.Scenario && s.setup == r.setup()
		})
		if at < 0 {
			at = len(all)
			all = append(all, &scene{folder: r.Folder, scenario: r.Scenario, setup: r.setup(), outcomes: make(map[Outcome]int)})
		}
		all[at].add(r)
	}
	return all
}

// median of some values, 0 of none.
func median[T cmp.Ordered](values []T) (middle T) {
	if len(values) == 0 {
		return middle
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
