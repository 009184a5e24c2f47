package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// Problem is one thing wrong with a fault spec: Field is its key ("when",
// "error", ...), empty for the entry as a whole.
type Problem struct {
	Field   string
	Message string
}

// Forgeable lists the codes answer-error may give, and whether a real broker
// gives them after it has appended.
//
// Source: the error table of Kafka's protocol guide; 7 and 20 are the two that
// leave the append undecided.
func forgeable(code int16) (ok, afterAppend bool) {
	switch code {
	case 7, 20:
		return true, true
	case -1, 3, 5, 6, 10, 19, 45, 47, 56, 59:
		return true, false
	}
	return false, false
}

// Check finds what is impossible in one entry of a scenario's nemesis, given
// the names of all entries.
func Check(spec history.FaultSpec, all []history.FaultSpec) []Problem {
	kind, err := ByName(spec.Fault)
	if err != nil {
		return []Problem{{"fault", err.Error()}}
	}
	var problems []Problem
	complain := func(field, format string, values ...any) {
		problems = append(problems, Problem{field, fmt.Sprintf(format, values...)})
	}
	for field, set := range map[string]bool{
		"error": spec.Error != 0, "append": spec.Append, "delay": spec.Delay != 0,
		"rate": spec.Rate != 0, "how": spec.How != "",
	} {
		if set && !slices.Contains(kind.fields, field) {
			complain(field, "%s takes no %s", spec.Fault, field)
		}
	}
	if spec.Times < 0 {
		complain("times", "times %d: want 1 or more", spec.Times)
	}
	checkTrigger(spec, all, complain)
	checkHeal(spec, kind, all, complain)
	switch spec.Fault {
	case AnswerError:
		ok, afterAppend := forgeable(spec.Error)
		switch {
		case !ok:
			complain("error", "error %d: want a code that a broker can give here: -1, 3, 5, 6, 7, 10, 19, 20, 45, 47, 56, 59", spec.Error)
		case spec.Append && !afterAppend:
			complain("append", "error %d is never given after an append (7 and 20 are)", spec.Error)
		case !spec.Append && spec.Error == 20:
			complain("append", "error 20 means appended: it needs append: true")
		}
	case DelayAcks, Latency:
		if spec.Delay <= 0 {
			complain("delay", "%s needs a delay, like 500ms", spec.Fault)
		}
	case Bandwidth:
		if spec.Rate <= 0 {
			complain("rate", "bandwidth needs a rate in KiB/s, like 64")
		}
	case RestartLeader:
		if !slices.Contains([]string{"", "graceful", "kill"}, spec.How) {
			complain("how", "how %q: want graceful or kill", spec.How)
		}
	}
	slices.SortFunc(problems, func(a, b Problem) int { return strings.Compare(a.Field+a.Message, b.Field+b.Message) })
	return problems
}

func checkTrigger(spec history.FaultSpec, all []history.FaultSpec, complain func(string, string, ...any)) {
	w, set := spec.When, 0
	for name, r := range map[string]*history.Range{
		"acks": w.Acks, "requests": w.Requests, "records": w.Records, "sequence": w.Sequence, "unacked": w.Unacked,
	} {
		if r == nil {
			continue
		}
		set++
		least := int64(1)
		if name == "sequence" {
			least = 0
		}
		if r.Least < least {
			complain("when", "%s %d: want %d or more", name, r.Least, least)
		}
	}
	for name, other := range map[string]string{"started": w.Started, "ended": w.Ended} {
		if other != "" {
			set++
			checkReference("when", name, other, spec, all, complain)
		}
	}
	if set != 1 {
		complain("when", "want exactly one of acks, requests, records, sequence, unacked, started, ended; there are %d", set)
	}
}

func checkHeal(spec history.FaultSpec, kind Kind, all []history.FaultSpec, complain func(string, string, ...any)) {
	if spec.Heal == (history.HealSpec{}) {
		return
	}
	if !kind.lasting {
		complain("heal", "%s is over by itself and takes no heal", spec.Fault)
	}
	if spec.Heal.After < 0 {
		complain("heal", "after %s: want a time above 0, like 3s", spec.Heal.After)
	}
	if spec.Heal.After != 0 && spec.Heal.Ended != "" {
		complain("heal", "want one of after and ended, not both")
	}
	if spec.Heal.Ended != "" {
		checkReference("heal", "ended", spec.Heal.Ended, spec, all, complain)
	}
}

// checkReference wants exactly one other entry of that name.
func checkReference(field, name, other string, spec history.FaultSpec, all []history.FaultSpec, complain func(string, string, ...any)) {
	count := 0
	for _, s := range all {
		if s.Fault == other {
			count++
		}
	}
	switch {
	case other == spec.Fault:
		complain(field, "%s: %s cannot wait for itself", name, other)
	case count == 0:
		complain(field, "%s: no fault %q in this nemesis", name, other)
	case count > 1:
		complain(field, "%s: %q stands %d times in this nemesis; which one is meant?", name, other, count)
	}
}
