package suites

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/idemcheck/idemcheck/history"
)

// Vocabulary is every name a scenario may use. The rooms that own the names
// are not imported here; who loads hands them in.
type Vocabulary struct {
	Workloads []string
	Libraries []string
	Checks    []string
	Counter   func(name string) bool // is it a coverage counter?
	Anomalies []string               // kinds of anomaly
	// Workload and Fault find what is impossible in one part of a scenario.
	Workload func(s *Scenario) error
	Fault    func(spec history.FaultSpec, all []history.FaultSpec) []FieldProblem
}

// FieldProblem is something wrong with one field of a fault.
type FieldProblem struct{ Field, Message string }

// problem is something wrong at a YAML path.
type problem struct {
	path    string
	message string
}

// at says where the problem stands: at its path, or at the nearest parent that
// the file has.
func (p problem) at(file string, tree *ast.File) error {
	for where := p.path; where != "$" && where != ""; where = parent(where) {
		path, err := yaml.PathString(where)
		if err != nil {
			continue
		}
		node, err := path.FilterFile(tree)
		if err != nil || node == nil {
			continue
		}
		position := node.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", file, position.Line, position.Column, p.message)
	}
	return fmt.Errorf("%s: %s", file, p.message)
}

func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

const unknownCounter = "unknown coverage counter %q (`idemcheck list counters` names them)"

var scenarioName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// validate finds every problem of a scenario whose defaults are filled in.
func validate(s *Scenario, v Vocabulary) []problem {
	var problems []problem
	complain := func(path, format string, values ...any) {
		problems = append(problems, problem{path, fmt.Sprintf(format, values...)})
	}
	oneOf := func(path, what, value string, allowed []string) {
		if !slices.Contains(allowed, value) {
			complain(path, "unknown %s %q (allowed: %s)", what, value, strings.Join(allowed, ", "))
		}
	}
	least := func(path, what string, value, least int) {
		if value < least {
			complain(path, "%s %d: want %d or more", what, value, least)
		}
	}

	if !scenarioName.MatchString(s.Name) {
		complain("$.name", "name %q: want lower-case words joined by single dashes, like ack-loss", s.Name)
	}
	if s.Why == "" {
		complain("$.why", "why is missing: say in a sentence what the run is for")
	}
	oneOf("$.cluster.kind", "cluster kind", s.Cluster.Kind, []string{"any", "embedded", "docker"})
	least("$.cluster.brokers", "brokers", s.Cluster.Brokers, 1)
	least("$.topics.count", "count", s.Topics.Count, 1)
	least("$.topics.partitions", "partitions", s.Topics.Partitions, 1)
	least("$.topics.replication", "replication", s.Topics.Replication, 1)
	if s.Topics.Replication > s.Cluster.Brokers {
		complain("$.topics.replication", "replication %d: the cluster has %d brokers", s.Topics.Replication, s.Cluster.Brokers)
	}
	validateClients(s, v, complain, oneOf)

	oneOf("$.workload.name", "workload", s.Workload.Name, v.Workloads)
	least("$.workload.producers", "producers", s.Workload.Producers, 1)
	least("$.workload.records", "records", s.Workload.Records, 1)
	least("$.workload.size", "size", s.Workload.Size, 1)
	least("$.workload.warmup", "warmup", s.Workload.Warmup, 0)
	least("$.workload.in_flight", "in_flight", s.Workload.InFlight, 0)
	if slices.Contains(v.Workloads, s.Workload.Name) {
		if err := v.Workload(s); err != nil {
			field, _, _ := strings.Cut(err.Error(), " ")
			complain("$.workload."+field, "%v", err)
		}
	}
	for i, spec := range s.Nemesis {
		for _, p := range v.Fault(spec, s.Nemesis) {
			complain(strings.TrimSuffix(fmt.Sprintf("$.nemesis[%d].%s", i, p.Field), "."), "%s", p.Message)
		}
	}
	for i, check := range s.Check {
		oneOf(fmt.Sprintf("$.check[%d]", i), "checker", check, v.Checks)
	}
	for _, counter := range slices.Sorted(maps.Keys(s.Cover)) {
		if !v.Counter(counter) {
			complain("$.cover."+counter, unknownCounter, counter)
		}
	}
	if s.Expect.Violation != "" {
		oneOf("$.expect.violation", "anomaly", s.Expect.Violation, v.Anomalies)
	}
	for i, kind := range s.Expect.Also {
		oneOf(fmt.Sprintf("$.expect.also[%d]", i), "anomaly", kind, v.Anomalies)
	}
	if len(s.Expect.Also) > 0 && s.Expect.Violation == "" {
		complain("$.expect.also", "also goes with violation")
	}
	if s.Expect.Count != "" {
		if !v.Counter(s.Expect.Count) {
			complain("$.expect.count", unknownCounter, s.Expect.Count)
		}
		if s.Expect.Violation == "" {
			complain("$.expect.count", "count goes with violation")
		}
	}
	if s.Budget < 0 {
		complain("$.budget", "budget %s: want a time above 0, like 60s", s.Budget)
	}
	return problems
}

func validateClients(s *Scenario, v Vocabulary, complain func(string, string, ...any), oneOf func(string, string, string, []string)) {
	if len(s.Clients) == 0 {
		complain("$.clients", "clients is missing: name at least one, like [{library: franz-go, idempotence: true}]")
	}
	if len(s.Clients) > s.Workload.Producers {
		complain("$.clients", "%d clients for %d producers: every client needs a producer", len(s.Clients), s.Workload.Producers)
	}
	for i, c := range s.Clients {
		at := fmt.Sprintf("$.clients[%d]", i)
		oneOf(at+".library", "library", c.Library, v.Libraries)
		oneOf(at+".acks", "acks", c.Acks, []string{"all", "1", "0"})
		if c.Options.Compression != "" {
			oneOf(at+".options.compression", "compression", c.Options.Compression, []string{"none", "gzip", "snappy", "lz4", "zstd"})
		}
	}
}
