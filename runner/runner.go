// Package runner conducts runs: it makes the run directory and the plan, brings
// up a cluster behind proxies, lets producers send while faults fire, heals,
// drains, reads every log to its end, and writes down what happened. It never
// judges, and never prints.
package runner

import (
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

// Config is what a person chose on the command line.
type Config struct {
	Cluster string  // embedded, docker or external
	Kafka   string  // version, for docker
	Image   string  // overrides the version's own image
	Version string  // of idemcheck
	Outside Outside // the cluster, for external
	// Libraries are the client libraries that scenarios can name; nil is all
	// that there are.
	Libraries map[string]clients.Library
	// Drivers are the programs, with their arguments, that run a library's
	// producers in processes of their own, by library; nil is this program's own.
	Drivers map[string][]string
	// Consumer is the program, with its arguments, that consumes in a process of
	// its own; nil is this program's own.
	Consumer []string
	// Cache has the drivers of all other libraries and versions.
	Cache provision.Cache
	// Watch, when not nil, is told how a run stands, several times a second.
	Watch func(Status)
	// Fault, when not nil, is told of every line of a run's faults.jsonl as it is
	// written, and of the cluster it speaks of. It must not block.
	Fault func(e history.FaultEvent, on cluster.Cluster, admin *cluster.Admin)
	// Progress, when not nil, is told in a line what slow steps of a cluster do.
	Progress func(string)
}

// Status is how a run stands.
type Status struct {
	Phase         string
	Elapsed       time.Duration
	Left          time.Duration // of the scenario's budget
	Sent, Acked   int64
	Planned       int64 // records
	Fired, Faults int
	Active        []string // faults in force
}

// Phases of a run, in order.
const (
	phasePrepare  = "prepare"
	phaseCluster  = "cluster"
	phaseTopics   = "topics"
	phaseOpen     = "open"
	phaseWarm     = "warm-up"
	phaseSend     = "send"
	phaseSettle   = "settle"
	phaseHeal     = "heal"
	phaseDrain    = "drain"
	phaseFrontier = "frontier"
	phaseRead     = "read"
	phaseConsume  = "consume" // where the scenario has a consumer
)

// libraries are the client libraries a scenario can name.
func libraries() map[string]clients.Library {
	return map[string]clients.Library{franz.Name: franz.Library{}}
}

// InProcess says which client library runs inside this process.
func InProcess() string { return franz.Name + " " + franz.Version() + ", in this process" }

// Broken is the error of a run that could not do its job: the harness, the
// cluster or a client failed in Phase. It is not a verdict about anyone.
type Broken struct {
	Phase string
	Err   error
}

func (b *Broken) Error() string { return fmt.Sprintf("in phase %s: %v", b.Phase, b.Err) }

func (b *Broken) Unwrap() error { return b.Err }

// Skipped is the error of a scenario that the chosen cluster, or client, cannot
// run.
type Skipped struct{ Why string }

func (s *Skipped) Error() string { return "skipped: " + s.Why }

// key says which scenarios can share a cluster: those whose requirements are
// equal.
func key(s suites.Scenario) string {
	return fmt.Sprintf("%d brokers, disks of their own: %v, %v, Kafka %s", s.Cluster.Brokers, needsDisks(s), s.Cluster.Config, s.Cluster.Kafka)
}

// needsDisks says whether a scenario's faults are about brokers' disks, which
// are made for that. Faults that nobody knows are complained of elsewhere.
func needsDisks(s suites.Scenario) bool {
	needs, _ := nemesis.Needs(s.Faults())
	return slices.Contains(needs, cluster.CanDisk)
}
