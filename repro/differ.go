package repro

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Bounds of what is told: so many differences in all, and so many of one sort.
const (
	mostDifferences = 6
	mostOfASort     = 2
)

// What counts as a difference. Below it runs differ all the time.
const (
	muchLonger    = 2.0                           // a fault lasted so many times as long ...
	leastLonger   = int64(200 * time.Millisecond) // ... and so much longer
	muchMore      = 1.25                          // counts: so many times as many ...
	leastMore     = int64(3)                      // ... and so many more
	shiftedByAcks = int64(2)                      // a fault took effect after so many more or fewer answers
)

// Differences tells people in what two runs of one plan differed, the most
// telling first, a handful at most: how they ended, which faults fired, in
// which order, at what, after how much traffic, for how long, and what they
// cost. None is what two equal runs give, but for their times.
func Differences(original, replay *history.Run) []string {
	a, b := overview(original), overview(replay)
	var all []string
	for _, sort := range [][]string{
		endings(a, b), oneOnly(a, b), orders(a, b), targets(a, b), traffic(a, b), durations(a, b), totals(a, b),
	} {
		if more := len(sort) - mostOfASort; more > 0 {
			sort = append(sort[:mostOfASort:mostOfASort], fmt.Sprintf("... and %d more of that sort", more))
		}
		all = append(all, sort...)
	}
	return all[:min(len(all), mostDifferences)]
}

// seen is what Differences looks at of a run.
type seen struct {
	run     *history.Run
	fates   map[int32]fate
	order   []int32         // faults as they took effect
	acks    map[int32]int64 // successful batch answers before each took effect
	answers int64           // successful batch answers
	retries int64           // batches whose first record was sent before
	lost    int64           // records whose acknowledgement was lost
	failed  error           // the wire journal could not be read
}

func overview(run *history.Run) seen {
	s := seen{run: run, fates: fates(run), acks: make(map[int32]int64)}
	s.order = inOrder(s.fates)
	for _, f := range s.fates {
		s.lost += f.last.Hits.Acks
	}
	type record struct {
		tp      history.TopicPartition
		process int32
		number  int64
	}
	sent := make(map[record]bool)
	next := 0 // of order: the first that has not taken effect
	for e, err := range run.Wire() {
		if err != nil {
			s.failed = err
			break
		}
		for ; next < len(s.order) && s.fates[s.order[next]].at <= e.At; next++ {
			s.acks[s.order[next]] = s.answers
		}
		switch {
		case e.Kind == history.WireAnswer && e.BrokerCode == 0:
			s.answers++
		case e.Kind == history.WireRequest && e.First >= 0:
			r := record{history.TopicPartition{Topic: e.Topic, Partition: e.Partition}, e.Process, e.First}
			if sent[r] {
				s.retries++
			}
			sent[r] = true
		}
	}
	for ; next < len(s.order); next++ {
		s.acks[s.order[next]] = s.answers
	}
	return s
}

// ids lists the faults of both runs.
func ids(a, b seen) []int32 {
	var all []int32
	for id := range a.fates {
		all = append(all, id)
	}
	for id := range b.fates {
		if _, both := a.fates[id]; !both {
			all = append(all, id)
		}
	}
	slices.Sort(all)
	return all
}

func endings(a, b seen) []string {
	var all []string
	one, two := a.run.Manifest, b.run.Manifest
	if one.Ended != two.Ended {
		all = append(all, fmt.Sprintf("the replay was %s, the original %s", ending(two), ending(one)))
	}
	for _, s := range []struct {
		whose string
		seen
	}{{"original", a}, {"replay", b}} {
		if s.failed != nil {
			all = append(all, fmt.Sprintf("the wire journal of the %s cannot be read to its end, so its traffic is told in part only: %v", s.whose, s.failed))
		}
	}
	return all
}

func ending(m *history.Manifest) string {
	text := string(m.Ended)
	if m.EndedIn != "" {
		text += " in phase " + m.EndedIn
	}
	if m.Error != "" {
		text += " (" + m.Error + ")"
	}
	return text
}

// oneOnly lists the faults that fired in one run and not in the other.
func oneOnly(a, b seen) []string {
	var all []string
	for _, id := range ids(a, b) {
		x, y := a.fates[id], b.fates[id]
		switch {
		case x.fired && !y.fired:
			all = append(all, fmt.Sprintf("%s did not fire in the replay%s", name(id, x), why(y)))
		case y.fired && !x.fired:
			all = append(all, fmt.Sprintf("%s fired in the replay, and not in the original%s", name(id, y), why(x)))
		case x.fired && y.status == history.FaultBroken && x.status != history.FaultBroken:
			all = append(all, fmt.Sprintf("%s could not be carried out in the replay%s", name(id, x), why(y)))
		}
	}
	return all
}

func name(id int32, f fate) string { return fmt.Sprintf("fault %d, %s,", id, f.fault) }

// why is the reason that the run itself gives.
func why(f fate) string {
	switch {
	case f.last.Error != "":
		return ": " + f.last.Error
	case f.last.Detail != "":
		return ": " + f.last.Detail
	case f.last.Trigger != "":
		return ": its moment (" + f.last.Trigger + ") never came"
	}
	return ""
}

// orders tells of pairs of faults, neighbours in the original, that took effect
// the other way round.
func orders(a, b seen) []string {
	var both []int32
	for _, id := range a.order {
		if b.fates[id].fired {
			both = append(both, id)
		}
	}
	place := make(map[int32]int)
	for i, id := range b.order {
		place[id] = i
	}
	var all []string
	for i := 1; i < len(both); i++ {
		x, y := both[i-1], both[i]
		if place[y] < place[x] {
			all = append(all, fmt.Sprintf("%s took effect after %s and in the original before it", name(x, a.fates[x]), name(y, a.fates[y])))
		}
	}
	return all
}

// connection is what is never the same in two runs.
var connection = regexp.MustCompile(`connection \d+( of)? ?`)

// target is what a fault hit, in words that two runs share.
func (s seen) target(f fate) string {
	text := f.first.Target
	if f.last.Target != "" {
		text = f.last.Target
	}
	for i, t := range s.run.Manifest.Topics {
		text = strings.ReplaceAll(text, t.Name, fmt.Sprintf("topic %d", i))
	}
	return connection.ReplaceAllString(text, "")
}

func targets(a, b seen) []string {
	var all []string
	for _, id := range a.order {
		x, y := a.fates[id], b.fates[id]
		if one, two := a.target(x), b.target(y); y.fired && one != two {
			all = append(all, fmt.Sprintf("%s struck %s, in the original %s", name(id, x), two, one))
		}
	}
	return all
}

// traffic tells of faults that took effect earlier or later in the traffic, the
// most shifted first.
func traffic(a, b seen) []string {
	type shift struct {
		id int32
		by int64
	}
	var shifts []shift
	for _, id := range a.order {
		if by := b.acks[id] - a.acks[id]; b.fates[id].fired && max(by, -by) >= shiftedByAcks {
			shifts = append(shifts, shift{id, max(by, -by)})
		}
	}
	slices.SortStableFunc(shifts, func(x, y shift) int { return cmp.Compare(y.by, x.by) })
	var all []string
	for _, s := range shifts {
		all = append(all, fmt.Sprintf("%s took effect after %d acknowledged batches, in the original after %d", name(s.id, a.fates[s.id]), b.acks[s.id], a.acks[s.id]))
	}
	return all
}

func durations(a, b seen) []string {
	var all []string
	for _, id := range a.order {
		x, y := a.fates[id].lasted, b.fates[id].lasted
		long, short := max(x, y), min(x, y)
		if short <= 0 || long-short < leastLonger || float64(long) < muchLonger*float64(short) {
			continue
		}
		times, more := float64(long)/float64(short), "longer"
		if y < x {
			more = "shorter"
		}
		all = append(all, fmt.Sprintf("%s lasted %.1f times %s: %s, in the original %s", name(id, a.fates[id]), times, more, span(y), span(x)))
	}
	return all
}

// span rounds a time for people.
func span(ns int64) time.Duration {
	d := time.Duration(ns)
	if d >= time.Second {
		return d.Round(100 * time.Millisecond)
	}
	return d.Round(time.Millisecond)
}

func totals(a, b seen) []string {
	var all []string
	for _, c := range []struct {
		what     string
		one, two int64
	}{
		{"records lost their acknowledgement", a.lost, b.lost},
		{"batches were sent again", a.retries, b.retries},
		{"batches were acknowledged", a.answers, b.answers},
	} {
		most, least := max(c.one, c.two), min(c.one, c.two)
		if most-least >= leastMore && float64(most) >= muchMore*float64(least) {
			all = append(all, fmt.Sprintf("%d %s, in the original %d", c.two, c.what, c.one))
		}
	}
	return all
}
