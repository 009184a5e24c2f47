package repro

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// fewerClients keeps one client of several.
func fewerClients(s *search) {
	for i := 0; i < len(s.best.Clients) && len(s.best.Clients) > 1; i++ {
		only := s.best.Clients[i]
		s.change(fmt.Sprintf("clients %d -> 1: %s", len(s.best.Clients), clientName(only)), func(sc *suites.Scenario) { sc.Clients = []suites.Client{only} })
	}
}

func clientName(c suites.Client) string {
	if c.Library != "" {
		return c.Library
	}
	return c.Driver[0]
}

// sizes lists smaller numbers to try in the place of one: 1, halves, one less.
func sizes(now int) []int {
	var all []int
	for _, n := range []int{1, now / 4, now / 2, now - 1} {
		if n >= 1 && n < now && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// first tries smaller numbers until one counts.
func first(all []int, attempt func(int) bool) {
	for _, n := range all {
		if attempt(n) {
			return
		}
	}
}

// remap moves an index into n: the anomaly's own becomes 0, so that it is there
// in the smallest scenario as well.
func remap(w history.Which, anomalys, n int) history.Which {
	i := int(w.Index())
	switch {
	case w.Index() == history.Any:
		return w
	case i == anomalys:
		return history.Only(0)
	case i == 0 && anomalys < n && anomalys > 0:
		return history.Only(int32(anomalys))
	}
	return history.Only(int32(i % n))
}

// onto is what producers send to when only n partitions are left.
func onto(lists [][]int32, anomalys, n int) [][]int32 {
	var all [][]int32
	for _, list := range lists {
		var few []int32
		for _, p := range list {
			if p = remap(history.Only(p), anomalys, n).Index(); !slices.Contains(few, p) {
				few = append(few, p)
			}
		}
		all = append(all, few)
	}
	return all
}

// ofFewer is what the first n producers send to, the anomaly's own being the
// first of them.
func ofFewer(lists [][]int32, anomalys, n int) [][]int32 {
	if len(lists) == 0 {
		return nil
	}
	all := slices.Clone(lists)
	if anomalys > 0 && anomalys < len(all) {
		all[0], all[anomalys] = all[anomalys], all[0]
	}
	return all[:min(n, len(all))]
}

// fewerProducers tries fewer, with triggers that count what all of them do
// scaled down, and as they are.
func fewerProducers(s *search) {
	was := s.best.Workload.Producers
	first(sizes(was), func(n int) bool {
		fewer := func(sc *suites.Scenario) {
			sc.Workload.Producers = n
			sc.Clients = sc.Clients[:min(len(sc.Clients), n)]
			sc.Workload.Partitions = ofFewer(sc.Workload.Partitions, s.Facts.Producer, n)
			for i := range sc.Nemesis {
				f := &sc.Nemesis[i]
				f.When.Producer = remap(f.When.Producer, s.Facts.Producer, n)
				f.Target.Producer = remap(f.Target.Producer, s.Facts.Producer, n)
			}
		}
		what := fmt.Sprintf("producers %d -> %d", was, n)
		ok := s.change(what+", triggers scaled", func(sc *suites.Scenario) {
			for i := range sc.Nemesis {
				if w := &sc.Nemesis[i].When; w.Producer == (history.Which{}) {
					scale(w, n, was, false)
				}
			}
			fewer(sc)
		}) || s.change(what, fewer)
		if ok && s.Facts.Producer >= 0 {
			s.Facts.Producer = 0
		}
		return ok
	})
}

// fewerTopics tries fewer.
func fewerTopics(s *search) {
	was := s.best.Topics.Count
	first(sizes(was), func(n int) bool {
		ok := s.change(fmt.Sprintf("topics %d -> %d", was, n), func(sc *suites.Scenario) {
			sc.Topics.Count = n
			for i := range sc.Nemesis {
				f := &sc.Nemesis[i]
				f.Target.Topic = remap(f.Target.Topic, s.Facts.Topic, n)
			}
		})
		if ok && s.Facts.Topic >= 0 {
			s.Facts.Topic = 0
		}
		return ok
	})
}

// fewerPartitions tries fewer: all records on those that are left, or only as
// many records as those had.
func fewerPartitions(s *search) {
	was := s.best.Topics.Partitions
	first(sizes(was), func(n int) bool {
		fewer := func(sc *suites.Scenario) {
			sc.Topics.Partitions = n
			sc.Workload.Lanes = min(sc.Workload.Lanes, n)
			sc.Workload.Partitions = onto(sc.Workload.Partitions, int(s.Facts.Partition), n)
			for i := range sc.Nemesis {
				f := &sc.Nemesis[i]
				f.When.Partition = remap(f.When.Partition, int(s.Facts.Partition), n)
				f.Target.Partition = remap(f.Target.Partition, int(s.Facts.Partition), n)
			}
		}
		what := fmt.Sprintf("partitions %d -> %d", was, n)
		ok := s.change(what, fewer) || s.change(what+", records scaled", func(sc *suites.Scenario) {
			sc.Workload.Records = scaled(sc.Workload.Records, n, was)
			for i := range sc.Nemesis {
				if w := &sc.Nemesis[i].When; w.Partition == (history.Which{}) {
					scale(w, n, was, false)
				}
			}
			fewer(sc)
		})
		if ok && s.Facts.Partition >= 0 {
			s.Facts.Partition = 0
		}
		return ok
	})
}

// needSeveral are the faults that mean nothing on a cluster of one broker.
func needSeveral() []string {
	return []string{"move-leader", "isolate-leader", "isolate-broker", "split", "shrink-isr", "unclean-election", "kill-controller"}
}

// follows lists the properties that cannot be more than there are brokers.
func follows() []string {
	return []string{"min.insync.replicas", "default.replication.factor", "offsets.topic.replication.factor",
		"transaction.state.log.replication.factor", "transaction.state.log.min.isr"}
}

// fewerBrokers tries fewer brokers, and then fewer replicas on as many.
func fewerBrokers(s *search) {
	several := slices.ContainsFunc(s.best.Nemesis, func(f history.FaultSpec) bool { return slices.Contains(needSeveral(), f.Fault) })
	was := s.best.Cluster.Brokers
	replicas := func(sc *suites.Scenario, n int) {
		sc.Topics.Replication = min(sc.Topics.Replication, n)
		for _, config := range []map[string]string{sc.Topics.Config, sc.Cluster.Config} {
			for _, key := range follows() {
				if has, err := strconv.Atoi(config[key]); err == nil && has > n {
					config[key] = strconv.Itoa(n)
				}
			}
		}
	}
	first(sizes(was), func(n int) bool {
		if n == 1 && several {
			return false
		}
		return s.change(fmt.Sprintf("brokers %d -> %d", was, n), func(sc *suites.Scenario) {
			sc.Cluster.Brokers = n
			replicas(sc, n)
			for i := range sc.Nemesis {
				sc.Nemesis[i].Target.Broker = remap(sc.Nemesis[i].Target.Broker, -1, n)
			}
		})
	})
	was = s.best.Topics.Replication
	first(sizes(was), func(n int) bool {
		if n == 1 && several {
			return false
		}
		return s.change(fmt.Sprintf("replication %d -> %d", was, n), func(sc *suites.Scenario) { replicas(sc, n) })
	})
}

// scaled is n * to / from, 1 at least.
func scaled(n, to, from int) int { return max((n*to+from-1)/from, 1) }

// scale scales what a trigger counts over a run. Batches kept back at a time
// are not a count over a run. sequences are counted by partition and producer,
// so that only the number of records changes them.
func scale(w *history.TriggerSpec, to, from int, sequences bool) {
	for _, r := range []**history.Range{&w.Acks, &w.Requests, &w.Records} {
		if *r != nil {
			n := int64(scaled(int((*r).Least), to, from))
			*r = &history.Range{Least: n, Most: n}
		}
	}
	if sequences && w.Sequence != nil {
		n := w.Sequence.Least * int64(to) / int64(from)
		w.Sequence = &history.Range{Least: n, Most: n}
	}
}

// fewerRecords tries fewer, with the counts of triggers scaled down, and as
// they are.
func fewerRecords(s *search) {
	was := s.best.Workload.Records
	s.lower("records", int64(was), 1, func(sc *suites.Scenario, to int64) {
		from := sc.Workload.Records
		sc.Workload.Records = int(to)
		for i := range sc.Nemesis {
			scale(&sc.Nemesis[i].When, int(to), from, true)
		}
	})
	was = s.best.Workload.Records
	s.lower("records, triggers as they are,", int64(was), 1, func(sc *suites.Scenario, to int64) { sc.Workload.Records = int(to) })
}

// lessAround tries less of what surrounds the records: warm-up, tail, pace, size.
func lessAround(s *search) {
	for _, n := range []struct {
		what  string
		least int
		of    func(*suites.Scenario) *int
	}{
		{"warmup", 0, func(sc *suites.Scenario) *int { return &sc.Workload.Warmup }},
		{"tail", 0, func(sc *suites.Scenario) *int { return &sc.Workload.Tail }},
		{"size", plainSize, func(sc *suites.Scenario) *int { return &sc.Workload.Size }},
		{"lanes", 0, func(sc *suites.Scenario) *int { return &sc.Workload.Lanes }},
	} {
		s.lower(n.what, int64(*n.of(&s.best)), int64(n.least), func(sc *suites.Scenario, to int64) { *n.of(sc) = int(to) })
	}
	if s.best.Workload.Rate != "" {
		s.change("no rate", func(sc *suites.Scenario) { sc.Workload.Rate, sc.Workload.Tail = "", 0 })
	}
}

// plainSize is the size of a value where a scenario says nothing, in bytes.
const plainSize = 100

// plainConfig leaves out properties of brokers and topics.
func plainConfig(s *search) {
	for _, of := range []struct {
		what   string
		config func(*suites.Scenario) map[string]string
	}{
		{"topic", func(sc *suites.Scenario) map[string]string { return sc.Topics.Config }},
		{"broker", func(sc *suites.Scenario) map[string]string { return sc.Cluster.Config }},
	} {
		for _, key := range sortedKeys(of.config(&s.best)) {
			s.change(fmt.Sprintf("no %s property %s", of.what, key), func(sc *suites.Scenario) { delete(of.config(sc), key) })
		}
	}
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
