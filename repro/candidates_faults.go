package repro

import (
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// Times of a heal: what a fault gets that was to heal with one that is gone,
// and below which none is tried, since clusters and clients notice nothing
// shorter.
const (
	healsByItself = 3 * time.Second
	leastHeal     = 200 * time.Millisecond
)

// drop tries the scenario without some entries, and keeps count of which are left.
func (s *search) drop(what string, entries []int) bool {
	gone := make(map[int]bool)
	for _, i := range entries {
		gone[i] = true
	}
	rest, left := without(s.best.Nemesis, gone)
	if also := len(s.best.Nemesis) - len(left) - len(gone); also > 0 {
		what += fmt.Sprintf(", and %d more that begin after them", also)
	}
	if !s.change(what, func(sc *suites.Scenario) { sc.Nemesis = rest }) {
		return false
	}
	var origin []int
	for _, i := range left {
		origin = append(origin, s.origin[i])
	}
	s.origin = origin
	return true
}

// places finds entries of the start in the best.
func (s *search) places(origins []int) []int {
	var at []int
	for i, o := range s.origin {
		if slices.Contains(origins, o) {
			at = append(at, i)
		}
	}
	return at
}

// dropFaults drops what never fired, what came too late, and then halves,
// quarters, down to single faults.
func dropFaults(s *search) {
	if at := s.places(s.Facts.Never); len(at) > 0 {
		s.drop(fmt.Sprintf("drop %s: never fired", s.faults(at)), at)
	}
	if at := s.places(s.Facts.Late); len(at) > 0 {
		s.drop(fmt.Sprintf("drop %s: after the anomaly", s.faults(at)), at)
	}
	for size := (len(s.best.Nemesis) + 1) / 2; size > 0; size /= 2 {
		for end := len(s.best.Nemesis); end > 0; { // the last first: what comes late matters least
			var some []int
			for i := max(end-size, 0); i < end; i++ {
				some = append(some, i)
			}
			s.drop("drop "+s.faults(some), some)
			end = min(end-size, len(s.best.Nemesis))
		}
	}
}

// plainFaults puts simpler faults in the place of others; see simpler.
func plainFaults(s *search) {
	for i := range s.best.Nemesis {
		for again := true; again; {
			again = false
			for _, to := range simpler() {
				f := s.best.Nemesis[i]
				if f.Fault != to.from || again {
					continue
				}
				again = s.change(fmt.Sprintf("%s -> %s", s.fault(i), to.fault), func(sc *suites.Scenario) {
					all := waiting(sc.Nemesis)
					to.apply(&sc.Nemesis[i], s.Facts)
					if to.over {
						all[i].heal = none
					}
					relink(sc.Nemesis, all)
				})
			}
		}
	}
}

// plainKnobs leaves out what a fault need not be told.
func plainKnobs(s *search) {
	for i := range s.best.Nemesis {
		leaveOut := func(what string, set bool, edit func(*history.FaultSpec)) {
			if set {
				s.change(fmt.Sprintf("%s: no %s", s.fault(i), what), func(sc *suites.Scenario) { edit(&sc.Nemesis[i]) })
			}
		}
		f := s.best.Nemesis[i]
		leaveOut("families", f.Families != 0, func(f *history.FaultSpec) { f.Families = 0 })
		leaveOut("seed", f.Seed != 0, func(f *history.FaultSpec) { f.Seed = 0 })
		leaveOut("share", f.Share != 0, func(f *history.FaultSpec) { f.Share = 0 })
		leaveOut("append", f.Append, func(f *history.FaultSpec) { f.Append = false })
		leaveOut("rate", f.Rate != 0, func(f *history.FaultSpec) { f.Rate = 0 })
		leaveOut("size", f.Size != 0, func(f *history.FaultSpec) { f.Size = 0 })
		leaveOut("batches", f.Batches != 0, func(f *history.FaultSpec) { f.Batches = 0 })
		leaveOut("how", f.How != "", func(f *history.FaultSpec) { f.How = "" })
		leaveOut("from", f.From != "", func(f *history.FaultSpec) { f.From = "" })
		leaveOut("way", f.Way != "", func(f *history.FaultSpec) { f.Way = "" })
		s.lower(s.fault(i)+": batches", f.Batches, 2, func(sc *suites.Scenario, to int64) {
			if sc.Nemesis[i].Batches != 0 {
				sc.Nemesis[i].Batches = to
			}
		})
		for _, key := range sortedKeys(f.Config) {
			leaveOut("config "+key, true, func(f *history.FaultSpec) { delete(f.Config, key) })
		}
		leaveOut("delay", f.Delay != 0, func(f *history.FaultSpec) { f.Delay = 0 })
		s.shorter(s.fault(i)+": delay", f.Delay, func(sc *suites.Scenario, to time.Duration) {
			if sc.Nemesis[i].Delay != 0 {
				sc.Nemesis[i].Delay = to
			}
		})
	}
}

// shorterHeals lets faults last less long.
func shorterHeals(s *search) {
	for i, f := range s.best.Nemesis {
		s.shorter(s.fault(i)+": heal after", f.Heal.After, func(sc *suites.Scenario, to time.Duration) { sc.Nemesis[i].Heal.After = to })
	}
}

// shorter tries the shortest time, then halves while that counts.
func (s *search) shorter(what string, now time.Duration, set func(*suites.Scenario, time.Duration)) {
	attempt := func(to time.Duration) bool {
		return s.change(fmt.Sprintf("%s %s -> %s", what, now, to), func(sc *suites.Scenario) { set(sc, to) })
	}
	if now <= leastHeal || attempt(leastHeal) {
		return
	}
	for {
		to := max(now/2, leastHeal).Round(10 * time.Millisecond)
		if to == leastHeal || !attempt(to) {
			return
		}
		now = to
	}
}

// weakerTriggers lets faults strike sooner, and for whatever producer and
// partition comes first.
func weakerTriggers(s *search) {
	for i := range s.best.Nemesis {
		f := s.best.Nemesis[i]
		if f.When.Partition != (history.Which{}) {
			s.change(s.fault(i)+": when any partition", func(sc *suites.Scenario) { sc.Nemesis[i].When.Partition = history.Which{} })
		}
		if f.When.Producer != (history.Which{}) {
			s.change(s.fault(i)+": when any producer", func(sc *suites.Scenario) { sc.Nemesis[i].When.Producer = history.Which{} })
		}
		for k, r := range counts(&f.When) {
			if *r == nil {
				continue
			}
			least := int64(1)
			if *r == f.When.Sequence {
				least = 0
			}
			s.lower(s.fault(i)+": when", (*r).Least, least, func(sc *suites.Scenario, to int64) {
				*counts(&sc.Nemesis[i].When)[k] = &history.Range{Least: to, Most: to}
			})
		}
	}
}

// fewerTimes lets faults strike less often.
func fewerTimes(s *search) {
	for i, f := range s.best.Nemesis {
		s.lower(s.fault(i)+": times", int64(f.Times), 1, func(sc *suites.Scenario, to int64) {
			sc.Nemesis[i].Times = int(to)
			if to == 1 {
				sc.Nemesis[i].Times = 0
			}
		})
	}
}

// anyTarget leaves out which partition, broker, topic or producer is meant, or
// sent to, where there is one only. Where there are several, the seed would choose
// another in the next run.
func anyTarget(s *search) {
	only := func(sc *suites.Scenario) (changed bool) {
		for i := range sc.Nemesis {
			f := &sc.Nemesis[i]
			for _, w := range []struct {
				which *history.Which
				of    int
			}{
				{&f.Target.Partition, sc.Topics.Partitions}, {&f.When.Partition, sc.Topics.Partitions},
				{&f.Target.Producer, sc.Workload.Producers}, {&f.When.Producer, sc.Workload.Producers},
				{&f.Target.Broker, sc.Cluster.Brokers}, {&f.Target.Topic, sc.Topics.Count},
			} {
				if w.of == 1 && *w.which != (history.Which{}) {
					*w.which, changed = history.Which{}, true
				}
			}
		}
		if w := &sc.Workload; sc.Topics.Partitions == 1 && len(w.Partitions) > 0 {
			w.Partitions, changed = nil, true
		}
		return changed
	}
	changed := false
	plain := s.edited(func(sc *suites.Scenario) { changed = only(sc) })
	if changed {
		s.try("name no target where there is only one", plain)
	}
}
