// Package nemesis is what goes wrong and when. Draw turns what a scenario asks
// for into a concrete plan, from the seed, before anything starts; a Nemesis
// carries the plan out, with one file per family of faults, and records what
// each fault hit.
//
// It sees produce traffic through proxy.Control and brokers through
// cluster.Cluster. It knows nothing of workloads, clients or verdicts.
//
// A new fault is one Kind, listed by its family's file; everything else
// (checking scenarios, drawing, triggers, healing, reporting) reads the Kind.
package nemesis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// Family groups faults by what they are done to.
type Family string

// The families, as the fault catalogue has them.
const (
	OnLink     Family = "link"
	OnBroker   Family = "broker"
	OnProducer Family = "producer"
	OnState    Family = "state"
)

// families lists them.
func families() []Family { return []Family{OnLink, OnBroker, OnProducer, OnState} }

// Kind is one row of the fault catalogue. Exactly one of the ways to take hold
// is set: onRequest or onAnswer (or both, and the plan decides), onMetadata, or beside.
type Kind struct {
	Name    string
	Explain string // in a line, what physically happens
	Family  Family
	Needs   []cluster.Capability // all of them
	// Process and Transactional are what it needs of the producer that it is
	// done to: a process of its own, a transactional id.
	Process, Transactional bool

	forges  bool     // a client is told what no broker said
	lasting bool     // goes on until healed; else it is over at once, or by itself
	draws   bool     // makes choices while it is in force, from the plan's Seed
	alone   bool     // waits for its turn: of these one is in force at a time
	knobs   []string // which of history.Knobs, and share, it takes, by their names in a scenario
	targets []string // what of a target it takes: partition, broker, producer
	role    string   // what it is done to: link, leader, broker, controller, producer, topic
	check   func(spec history.FaultSpec, complain complain)
	draw    func(f *history.PlannedFault, from *rand.Rand) // what only this fault draws; nil for nothing

	// onRequest and onAnswer strike a produce request before it goes on, or an
	// answer that tells of an append before it reaches the client; batch is the
	// share of it that is meant. They call start, and finish when the fault is
	// over with that. Both are called with mu held and must not block.
	onRequest, onAnswer func(n *Nemesis, f *fault, e *proxy.Exchange, producer int32, batch int) proxy.Decision
	// onMetadata strikes a Metadata answer: it changes what it says, of one
	// partition only when that is not history.Any, and returns in words what it
	// now says, or "" when there was nothing to change. Called with mu held.
	onMetadata func(n *Nemesis, f *fault, m *proxy.Metadata, partition int32) (what string)
	// beside carries out a fault that stands beside the traffic, from its
	// trigger to its end. It calls began when the effect is there, lasts to wait
	// for its heal, and returns when it is healed.
	beside func(n *Nemesis, f *fault) error
}

// Forges says whether clients are told what no broker said.
func (k Kind) Forges() bool { return k.forges }

type complain func(field, format string, values ...any)

// Catalogue lists every fault by name.
func Catalogue() []Kind {
	all := everything()
	slices.SortFunc(all, func(a, b Kind) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// everything lists every fault, family by family.
func everything() []Kind {
	return slices.Concat(frameFaults(), toxicFaults(), powerFaults(), followerFaults(), leaderFaults(), producerFaults(),
		metadataFaults(), stateFaults(), upgradeFaults(), lateFaults(), silenceFaults(), connectionFaults(), isolateFaults(), replicaFaults(), diskFaults())
}

// ByName finds a kind of fault.
func ByName(name string) (Kind, error) {
	all := everything()
	if i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, k := range Catalogue() {
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("unknown fault %q (there are %s)", name, strings.Join(names, ", "))
}

// Needs lists what a plan asks of a cluster, each once.
func Needs(faults []history.FaultSpec) ([]cluster.Capability, error) {
	var needs []cluster.Capability
	for _, spec := range faults {
		kind, err := ByName(spec.Fault)
		if err != nil {
			return nil, err
		}
		for _, need := range kind.Needs {
			if !slices.Contains(needs, need) {
				needs = append(needs, need)
			}
		}
	}
	return needs, nil
}
