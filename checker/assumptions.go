package checker

import (
	"slices"

	"github.com/idemcheck/idemcheck/history"
)

const promiseAssumptions = "the run itself is sound: it ran to its end, the topics were empty, every identity is unique, no file is missing or altered, the clock did not run backwards, every fault ended, and the log was read to its end"

// checkManifest judges everything that can be told before the rows are read.
func (j *judgement) checkManifest() {
	j.checkScenario()
	m := j.manifest
	if m.Ended != history.EndedComplete {
		phase := m.EndedIn
		if phase == "" {
			phase = "an unnamed phase"
		}
		why := ""
		if m.Error != "" {
			why = ": " + m.Error
		}
		j.doubt("the run did not end: it was %s in %s%s", m.Ended, phase, why)
		return
	}
	for _, damage := range j.damage() {
		j.blameHarness(broken("%s", damage))
	}
	if m.Behind > 0 {
		j.blameHarness(broken("the harness stood still for seconds, %d times: timeouts of the run may be its own (did the machine sleep, or run far too much at once?)", m.Behind))
	}
	for _, p := range m.Phases {
		if p.End != 0 && p.End < p.Start {
			j.blameHarness(broken("the clock ran backwards in phase %s", p.Name))
		}
	}
	j.checkProcesses()
	j.checkTopics()
	j.checkFaults()
}

// checkScenario finds what the scenario asks for and nobody can judge.
func (j *judgement) checkScenario() {
	if j.expect != "" && ownerOf(j.expect) == "" {
		j.blameHarness(broken("the scenario expects the violation %q, which no checker finds", j.expect))
	}
	for _, kind := range j.manifest.Judge.ExpectAlso {
		if ownerOf(Kind(kind)) == "" {
			j.blameHarness(broken("the scenario expects the violation %q to come along, which no checker finds", kind))
		}
	}
	for _, name := range j.manifest.Judge.Checks {
		if !slices.ContainsFunc(Names(), func(c Checker) bool { return c.Name == name }) {
			j.blameHarness(broken("the scenario asks for the checker %q, which does not exist", name))
		}
	}
	for _, name := range sortedKeys(j.manifest.Judge.Cover) {
		if !KnownCounter(name) {
			j.blameHarness(broken("the scenario asks to cover %q, which is no coverage counter", name))
		}
	}
	if name := j.manifest.Judge.ExpectCount; name != "" && !KnownCounter(name) {
		j.blameHarness(broken("the scenario expects as many anomalies as %q, which is no coverage counter", name))
	}
}

func (j *judgement) checkProcesses() {
	seen := make(map[int32]bool)
	for _, p := range j.manifest.Processes {
		if seen[p.ID] {
			j.blameHarness(broken("two processes have the id %d: an identity must be unique", p.ID))
		}
		seen[p.ID] = true
	}
}

// checkTopics makes the list of partitions.
func (j *judgement) checkTopics() {
	seen := make(map[string]bool)
	for _, t := range j.manifest.Topics {
		if seen[t.Name] {
			j.blameHarness(broken("the manifest lists topic %s twice", t.Name))
		}
		seen[t.Name] = true
		if len(t.Starts) != t.Partitions || len(t.Ends) != t.Partitions || len(t.Read) != t.Partitions {
			j.blameHarness(broken("the manifest does not say of all %d partitions of %s where they began and how far they were read", t.Partitions, t.Name))
			return
		}
		for p := range t.Partitions {
			tp := history.TopicPartition{Topic: t.Name, Partition: int32(p)}
			if t.Starts[p] != 0 {
				j.blameHarness(broken("%s was not empty at the start: its log began at offset %d", tp, t.Starts[p]))
			}
			whole := t.Read[p] && t.Ends[p] >= 0
			if !whole {
				j.doubt("the log of %s was not read to its end", tp)
			}
			j.parts = append(j.parts, partition{tp: tp, start: t.Starts[p], end: t.Ends[p], whole: whole})
		}
	}
}

// checkFaults holds the fault journal against the plan, and finds the moments
// that ops are held against.
func (j *judgement) checkFaults() {
	j.clock = runClock{firstFault: history.Forever, healed: j.manifest.Healed, drained: j.manifest.Drained}
	started, ended := make(map[int32]int), make(map[int32]int)
	for _, ev := range j.faults {
		switch ev.Status {
		case history.FaultStarted:
			started[ev.ID]++
			j.clock.firstFault = min(j.clock.firstFault, ev.At)
		case history.FaultEnded:
			ended[ev.ID]++
			j.clock.healed = max(j.clock.healed, ev.At)
		case history.FaultBroken:
			j.blameHarness(broken("fault %d (%s) could not be carried out or healed: %s", ev.ID, ev.Fault, ev.Error))
		case history.FaultNeverFired:
		default:
			j.blameHarness(broken("fault %d (%s) has the impossible status %q", ev.ID, ev.Fault, ev.Status))
		}
	}
	planned := make(map[int32]bool)
	for _, f := range j.plan.Faults {
		planned[f.ID] = true
		switch {
		case started[f.ID] == 0:
			if !f.Optional {
				j.doubt("fault %d (%s) never fired: its trigger never came", f.ID, f.Fault)
			}
		case started[f.ID] != ended[f.ID]:
			j.blameHarness(broken("fault %d (%s) started and never ended", f.ID, f.Fault))
		}
	}
	for _, id := range sortedKeys(started) {
		if !planned[id] {
			j.blameHarness(broken("fault %d fired and is not in the plan", id))
		}
	}
	if len(planned) > 0 && len(started) == 0 {
		j.doubt("none of the planned faults fired")
	}
	j.verdict.Coverage[covFaultsFired] = int64(len(started))
	j.verdict.Totals.Faults = int64(len(started))
}

// checkAfter judges what only the rows tell.
func (j *judgement) checkAfter() {
	if j.harness != "" {
		return
	}
	sent := make(map[int32]int64)
	for _, s := range j.sweeps {
		for id, l := range s.lanes {
			sent[id] += l.tallies.sent
		}
		switch {
		case s.whole && s.nextOffset > s.end:
			j.blameHarness(broken("the final read of %s goes to offset %d, beyond the frontier %d: records were still arriving", s.tp, s.nextOffset, s.end))
		case s.whole && !s.complete:
			j.doubt("the log of %s was read to offset %d of %d", s.tp, s.nextOffset, s.end)
		}
	}
	for _, p := range j.manifest.Processes {
		if sent[p.ID] != p.Sent {
			j.blameHarness(broken("process %d was handed %d records, and %d ops were recorded", p.ID, p.Sent, sent[p.ID]))
		}
	}
	if j.journal.forged && !j.manifest.Forged {
		j.blameHarness(broken("the wire journal has answers that were forged, and the manifest says that none were"))
	}
	j.sumUp()
	if err := j.readCommitted(); err != nil {
		j.blameHarness(err)
	}
	j.checkRefused()
	j.checkCover()
}

// checkRefused finds out whether a client refused what it was asked, or to send
// to brokers that seem not to have what it needs. One that opens may do so at
// every record: then each of them came back with an error, no request with
// records ever came, and no fault had anything to do with it.
func (j *judgement) checkRefused() {
	c := j.verdict.Coverage
	literal := len(j.manifest.Processes) > 0
	for _, p := range j.manifest.Processes {
		literal = literal && p.Literal
		if p.Refused != "" {
			j.refused = "the client would not open: " + p.Refused
			c[covRefused] = 1
			return
		}
	}
	switch {
	case c[covSent] == 0 || c[covBatches] > 0 || c[covFaultsFired] > 0:
	case literal && c[covFailed] == c[covSent]:
		j.refused = "the client took no record with what it was asked"
		c[covRefused] = 1
	case c[covHidden] > 0 && c[covFailed]+c[covUnknown] == c[covSent] && c[covUnanswered] == 0:
		j.refused = "the client sent no record to brokers that lack an API"
		c[covRefused] = 1
	}
}

// neverAcks says whether nothing could be acked because clients of which nobody
// asked it sent with acks=0, as the wire and the log show: that is what was to be
// found out.
func (j *judgement) neverAcks() bool {
	for _, p := range j.manifest.Processes {
		if !p.Defaults || p.Acks != "" {
			return false
		}
	}
	c := j.verdict.Coverage
	return c[covBatches] > 0 && c[covAcksNone] == c[covBatches] && c[covAppendedRecords] > 0
}

// sumUp fills in totals and coverage.
func (j *judgement) sumUp() {
	v := j.verdict
	var t opTallies
	fired := v.Coverage[covFaultsFired]
	v.Coverage = j.journal.coverage
	v.Coverage[covFaultsFired] = fired
	v.Coverage[covDeletedRecords], v.Coverage[covTrimmedRecords] = j.story.count(), j.story.trimmed
	for _, s := range j.sweeps {
		t.add(s.tallies)
		v.Totals.Log += s.records
		v.Totals.CrossChecked += s.crossChecked
		v.Coverage[covAppendedRecords] += s.intact
		v.Coverage[covDuplicatesInLog] += s.copies
		v.Coverage[covUnackedAppended] += s.unacked
	}
	v.Coverage[covSent], v.Coverage[covAcked] = t.sent, t.acked
	v.Coverage[covFailed], v.Coverage[covUnknown] = t.failed, t.unknown
	v.Coverage[covUnanswered], v.Coverage[covAckedAfterFault] = t.unanswered, t.ackedAfterFault
	v.Totals.Processes, v.Totals.Partitions = len(j.manifest.Processes), len(j.parts)
	v.Totals.Sent, v.Totals.Acked, v.Totals.Failed, v.Totals.Unknown = t.sent, t.acked, t.failed, t.unknown
	v.Totals.Wire = j.journal.events
}

// checkCover finds what the run exercised too little of to prove anything. That
// something was acked, and after the first fault, is asked of what nothing was
// found in: a violation that was to be found and was, of a client that fell
// silent, say, needs no ack to be one.
func (j *judgement) checkCover() {
	coverage := j.verdict.Coverage
	switch {
	case j.expect != "" && j.countOf(j.expect) > 0:
	case coverage[covAcked] == 0 && j.neverAcks():
	case coverage[covAcked] == 0:
		j.doubt("no record was acked")
	case coverage[covFaultsFired] > 0 && coverage[covAckedAfterFault] == 0:
		j.doubt("no record was acked after the first fault")
	}
	for _, name := range sortedKeys(j.manifest.Judge.Cover) {
		if has, wants := coverage[name], j.manifest.Judge.Cover[name]; has < wants {
			j.doubt("%s is %d, and the scenario needs at least %d", name, has, wants)
		}
	}
}
