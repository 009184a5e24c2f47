package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// Case is one promise of a broker, and the conversation that puts it to the test.
type Case struct {
	matrix.Case
	needs need
	// every: the conversation is held once in each version of Produce that the
	// broker offers, from the oldest that knows producer ids (3) to the newest.
	every bool
	// alone: it disturbs brokers, so that no other may be held meanwhile.
	alone    bool
	converse func(*talk)
}

// need is what a case asks of the cluster.
type need struct {
	brokers int // at least; 0 is 1
	can     []cluster.Capability
}

// needs is a need of capabilities.
func needs(brokers int, can ...cluster.Capability) need { return need{brokers, can} }

// Groups are the groups of cases, in order, with a line of explanation.
func Groups() [][2]string {
	return [][2]string{
		{"sequences", "what is in order, a repetition, a gap, an overlap"},
		{"unknown", "producer ids that the partition knows nothing of"},
		{"wrap", "sequences that go on from 2147483647 to 0"},
		{"epochs", "raised epochs, and old ones"},
		{"requests", "several partitions, broken batches, acks"},
		{"replicas", "what a new leader knows, and what an ISR that is too small answers"},
		{"restart", "what a restarted broker knows"},
		{"expiry", "producer ids that are forgotten"},
		{"deletion", "records, topics and replicas that are gone"},
		{"limits", "a retry that the topic would not take any more"},
		{"ids", "how producer ids and epochs are given out"},
		{"transactions", "batches in and outside of transactions"},
	}
}

// Cases lists every case by number.
func Cases() []Case {
	all := slices.Concat(sequenceCases(), unknownCases(), wrapCases(), epochCases(), requestCases(), replicaCases(),
		restartCases(), expiryCases(), deletionCases(), limitCases(), idCases(), transactionCases())
	slices.SortFunc(all, func(a, b Case) int { return a.Number - b.Number })
	return all
}

// Select returns the cases of the numbers or names, and of the groups; all where
// both are empty. A name that there is not is an error that says which there are.
func Select(cases, groups []string) ([]Case, error) {
	all := Cases()
	if len(cases)+len(groups) == 0 {
		return all, nil
	}
	var chosen []Case
	for _, name := range cases {
		i := slices.IndexFunc(all, func(c Case) bool { return name == c.Name || name == fmt.Sprint(c.Number) })
		if i < 0 {
			return nil, fmt.Errorf("there is no case %q: there are 1 to %d, by number or name (idemcheck conform --list)", name, all[len(all)-1].Number)
		}
		chosen = append(chosen, all[i])
	}
	for _, group := range groups {
		if !slices.ContainsFunc(Groups(), func(g [2]string) bool { return g[0] == group }) {
			var names []string
			for _, g := range Groups() {
				names = append(names, g[0])
			}
			return nil, fmt.Errorf("there is no group %q: there are %s", group, strings.Join(names, ", "))
		}
		for _, c := range all {
			if c.Group == group {
				chosen = append(chosen, c)
			}
		}
	}
	slices.SortFunc(chosen, func(a, b Case) int { return a.Number - b.Number })
	return slices.CompactFunc(chosen, func(a, b Case) bool { return a.Number == b.Number }), nil
}
