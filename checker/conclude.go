package checker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// conclude turns what was found into statuses and sentences.
func (j *judgement) conclude() {
	v := j.verdict
	for i := range v.Guarantees {
		j.concludeOne(&v.Guarantees[i])
	}
	switch violated := j.violated(); {
	case j.harness != "":
		v.HarnessError = j.harness
		v.Overall, v.Why = Inconclusive, "nothing can be judged: "+j.harness
	case len(violated) > 0:
		v.Overall = Violation
		v.AsExpected, v.Why = j.hold(violated)
		if j.onlyExpected(violated) && len(j.reasons) > 0 {
			v.Overall, v.AsExpected = Inconclusive, false
			v.Why += "; but the run proves too little: " + strings.Join(j.reasons, "; ")
		}
	case j.refused != "":
		// Evidence of its own, and nothing for the guarantees: none was tested.
		v.Overall, v.Why = Inconclusive, j.refused
	case len(j.reasons) > 0:
		v.Overall, v.Why = Inconclusive, "the run proves too little: "+strings.Join(j.reasons, "; ")
	case slices.ContainsFunc(v.Guarantees, func(g Guarantee) bool { return g.Status == Inconclusive }):
		at := slices.IndexFunc(v.Guarantees, func(g Guarantee) bool { return g.Status == Inconclusive })
		v.Overall, v.Why = Inconclusive, v.Guarantees[at].Name+": "+v.Guarantees[at].Why
	default:
		v.Overall = Pass
		if v.AsExpected = j.expect == ""; v.AsExpected {
			v.Why = fmt.Sprintf("every guarantee held for %s", records(v.Totals.Sent))
		} else {
			v.Why = fmt.Sprintf("expected the violation %s, and every guarantee held", j.expect)
		}
	}
}

// asked says whether the scenario wants a guarantee judged.
func (j *judgement) asked(name string) bool {
	return name == Assumptions || slices.Contains(j.manifest.Judge.Checks, name) || j.expect != "" && ownerOf(j.expect) == name
}

func (j *judgement) concludeOne(g *Guarantee) {
	switch {
	case g.Name == Assumptions:
		j.concludeAssumptions(g)
		return
	case j.harness != "":
		g.Why = "not judged: an assumption is broken"
		return
	case !j.asked(g.Name):
		g.Why = "not asked for by the scenario"
		if g.Name == RetryBackoff && j.journal != nil && j.countOf(EarlyRetry) > 0 {
			g.Why += "; seen: " + times(EarlyRetry, j.countOf(EarlyRetry))
		}
		return
	case j.manifest.Ended != history.EndedComplete:
		g.Status, g.Why = Inconclusive, "the run did not end"
		return
	case g.Name == BrokerProtocol && j.story.embedded:
		g.Why = "not judged: the embedded cluster is kfake, which is not Kafka, and says nothing about a broker"
		return
	case g.Name == Order && !j.orderJudged():
		g.Why = "not judged: " + j.orderWhy()
		return
	}
	for _, a := range j.anomaliesOf(g) {
		g.Anomalies = append(g.Anomalies, *a)
	}
	if g.Count > 0 {
		g.Status, g.Why = Violation, j.countsOf(g)
		return
	}
	if why := j.unproven(g.Name); why != "" {
		g.Status, g.Why = Inconclusive, why
		return
	}
	g.Status, g.Why = Pass, j.heldFor(g.Name)
}

func (j *judgement) concludeAssumptions(g *Guarantee) {
	switch {
	case j.harness != "":
		g.Status, g.Why = Inconclusive, j.harness
	case len(j.reasons) > 0:
		g.Status, g.Why = Inconclusive, strings.Join(j.reasons, "; ")
	default:
		g.Status, g.Why = Pass, "the run is sound"
	}
}

// anomaliesOf sums up a guarantee's kinds and returns what is kept of them.
func (j *judgement) anomaliesOf(g *Guarantee) []*Anomaly {
	var all []*Anomaly
	for _, kind := range kindsOf(g.Name) {
		g.Count += j.countOf(kind)
		if t := j.tallies[kind]; t != nil {
			g.Causes += t.causes
		}
		for _, wire := range []*protocol{j.journal.client, j.journal.broker} {
			if t := wire.kinds[kind]; t != nil {
				g.Causes += t.causes
				all = append(all, t.kept...)
			}
		}
		for _, k := range j.kept {
			if k.kind == kind {
				all = append(all, &k.anomaly)
			}
		}
	}
	return all
}

// countOf returns how often a kind was found.
func (j *judgement) countOf(kind Kind) (n int64) {
	if t := j.tallies[kind]; t != nil {
		n += t.count
	}
	for _, wire := range []*protocol{j.journal.client, j.journal.broker} {
		if t := wire.kinds[kind]; t != nil {
			n += t.count
		}
	}
	return n
}

// countsOf says how much was found: "3 duplicate from 2 causes".
func (j *judgement) countsOf(g *Guarantee) string {
	var parts []string
	for _, kind := range kindsOf(g.Name) {
		if n := j.countOf(kind); n > 0 {
			parts = append(parts, times(kind, n))
		}
	}
	causes := "one cause"
	if g.Causes != 1 {
		causes = fmt.Sprintf("%d causes", g.Causes)
	}
	return fmt.Sprintf("%s, from %s", strings.Join(parts, ", "), causes)
}

// times says how often a kind was found: "duplicate once", "reorder 3 times".
func times(kind Kind, n int64) string {
	if n == 1 {
		return fmt.Sprintf("%s once", kind)
	}
	return fmt.Sprintf("%s %d times", kind, n)
}

// unproven says why a guarantee for which nothing was found was not really
// tested; empty when it was.
func (j *judgement) unproven(name string) string {
	switch name {
	case LostRecords:
		for _, s := range j.sweeps {
			if !s.complete {
				return fmt.Sprintf("the log of %s was not read to its end", s.tp)
			}
		}
	case Liveness:
		if len(j.unwell) > 0 {
			return fmt.Sprintf("brokers still answered that they cannot take records more than %s after the faults had healed, so no client is to blame: %s", grace, strings.Join(j.unwell, ", "))
		}
		early := int64(0)
		for _, s := range j.sweeps {
			early += s.tallies.givenUpEarly
		}
		if early > 0 {
			return fmt.Sprintf("the harness gave up on %s before the client's own deadline", records(early))
		}
	case ClientProtocol, BrokerProtocol, RetryBackoff:
		if j.journal.coverage[covBatches] == 0 {
			return "the wire journal shows no produce requests"
		}
	}
	return ""
}

// heldFor says what a guarantee was held against.
func (j *judgement) heldFor(name string) string {
	t := j.verdict.Totals
	switch name {
	case Liveness:
		return fmt.Sprintf("%s answered in time", records(t.Sent))
	case ClientProtocol:
		return fmt.Sprintf("%d batches as they should be", j.verdict.Coverage[covBatches])
	case RetryBackoff:
		return fmt.Sprintf("%d retries in their time", j.verdict.Coverage[covRetries])
	case BrokerProtocol:
		return fmt.Sprintf("%d answers as they should be", j.verdict.Coverage[covAnswers])
	case FailedIsAbsent:
		return fmt.Sprintf("%s reported as failed, none in the log", records(t.Failed))
	case LostRecords:
		return fmt.Sprintf("%s acked, all in the log", records(t.Acked))
	}
	return fmt.Sprintf("%s in the log, %d acked", records(t.Log), t.Acked)
}

func kindsOf(name string) []Kind {
	for _, c := range Names() {
		if c.Name == name {
			return c.Kinds
		}
	}
	return nil
}
