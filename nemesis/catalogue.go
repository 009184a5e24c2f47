// Package nemesis is what goes wrong and when. Draw turns what a scenario asks
// for into a concrete plan, from the seed, before anything starts; a Nemesis
// carries the plan out, with one file per family of faults, and records what
// each fault hit.
//
// It sees produce traffic through proxy.Control and brokers through
// cluster.Cluster. It knows nothing of workloads, clients or verdicts.
package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// stage is where a fault takes hold.
type stage uint8

const (
	atRequest stage = iota + 1 // on a produce request, before it goes on
	atAnswer                   // on a produce answer, before it reaches the client
	aside                      // on its own, beside the traffic
)

// Kind is one row of the fault catalogue.
type Kind struct {
	Name    string
	Explain string               // in a line, what physically happens
	Needs   []cluster.Capability // all of them
	stage   stage
	lasting bool // goes on until healed; else it is over at once, or by itself
	fields  []string
}

// Catalogue lists every fault by name.
func Catalogue() []Kind {
	power := []cluster.Capability{cluster.CanPower}
	return []Kind{
		{Name: AnswerError, stage: atRequest, fields: []string{"error", "append"},
			Explain: "the client is answered an error code; the request is withheld from the broker, or with append: true (7, 20) appended all the same"},
		{Name: Bandwidth, stage: aside, lasting: true, fields: []string{"rate"},
			Explain: "the links carry no more than rate KiB/s"},
		{Name: BlackholeAcks, stage: atAnswer, lasting: true,
			Explain: "from an answer on nothing passes from that broker to the client, requests still reach the broker; until healed"},
		{Name: CutAfterAppend, stage: atAnswer,
			Explain: "the broker appended and answered; the connection closes before the answer passes (the classic lost acknowledgement)"},
		{Name: CutBeforeRequest, stage: atRequest,
			Explain: "the connection closes before a produce request reaches the broker: certainly not appended"},
		{Name: DelayAcks, stage: atAnswer, fields: []string{"delay"},
			Explain: "from an answer on everything to the client is held for delay"},
		{Name: KillLeader, stage: aside, lasting: true, Needs: power,
			Explain: "SIGKILL of the broker that leads a partition; started again when healed"},
		{Name: Latency, stage: aside, lasting: true, fields: []string{"delay"},
			Explain: "everything to the client is delay late"},
		{Name: MoveLeader, stage: aside, Needs: []cluster.Capability{cluster.CanMoveLeader},
			Explain: "leadership of a partition moves to another broker, without a failure"},
		{Name: PauseLeader, stage: aside, lasting: true, Needs: power,
			Explain: "SIGSTOP of the broker that leads a partition, SIGCONT when healed: the zombie leader"},
		{Name: RestartLeader, stage: aside, Needs: power, fields: []string{"how"},
			Explain: "the broker that leads a partition is stopped (how: graceful, or kill) and started again at once"},
		{Name: RollingRestart, stage: aside, Needs: power,
			Explain: "every broker in turn is stopped gracefully and started; the next one when the cluster is whole again"},
	}
}

// Names of the faults, as scenarios and reports spell them.
const (
	AnswerError      = "answer-error"
	Bandwidth        = "bandwidth"
	BlackholeAcks    = "blackhole-acks"
	CutAfterAppend   = "cut-after-append"
	CutBeforeRequest = "cut-before-request"
	DelayAcks        = "delay-acks"
	KillLeader       = "kill-leader"
	Latency          = "latency"
	MoveLeader       = "move-leader"
	PauseLeader      = "pause-leader"
	RestartLeader    = "restart-leader"
	RollingRestart   = "rolling-restart"
)

// ByName finds a kind of fault.
func ByName(name string) (Kind, error) {
	all := Catalogue()
	if i := slices.IndexFunc(all, func(k Kind) bool { return k.Name == name }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, k := range all {
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
