package suites

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/idemcheck/idemcheck/history"
)

// Vocabulary is every name a scenario may use. The rooms that own the names
// are not imported here; who loads hands them in.
type Vocabulary struct {
	Workloads []string
	Library   func(spec string) error // is it NAME or NAME@VERSION of a client library?
	Checks    []string
	Usual     []string               // checks that a scenario has which lists none
	Counter   func(name string) bool // is it a coverage counter?
	Anomalies []string               // kinds of anomaly
	// Workload and Fault find what is impossible in one part of a scenario.
	Workload func(s *Scenario) error
	API      func(name string) bool // is it an API of Kafka's protocol?
	Fault    func(all []history.FaultSpec, at int) []FieldProblem
	Mix      func(mix history.MixSpec) []FieldProblem
	// OfProducer says what a fault needs of the producer that it is done to: a
	// process of its own, a transactional id.
	OfProducer func(fault string) (process, transactional bool)
	// Transactional says whether a workload sends in transactions.
	Transactional func(workload string) bool
}

// FieldProblem is something wrong with one field of a fault or a mix.
type FieldProblem struct{ Field, Message string }

// problem is something wrong at a YAML path.
type problem struct {
	path    string
	message string
}

// at says where the problem stands: at its path, or at the nearest parent that
// the file has.
func (p problem) at(file string, root ast.Node) error {
	return located(file, find(root, strings.TrimPrefix(p.path, "$")), p.message)
}

// find follows a path like ".topics.config" or "[2].when" as far as it goes.
// The YAML library's own paths stumble over keys that hold dots or brackets.
func find(node ast.Node, path string) ast.Node {
	if list, ok := node.(*ast.SequenceNode); ok {
		var i int
		if _, err := fmt.Sscanf(path, "[%d]", &i); err == nil && i < len(list.Values) {
			return find(list.Values[i], path[strings.IndexByte(path, ']')+1:])
		}
		return node
	}
	values, _ := entries(node)
	for _, v := range values {
		rest, ok := strings.CutPrefix(path, "."+v.Key.GetToken().Value)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return find(v.Value, rest)
		}
	}
	return node
}

const unknownCounter = "unknown coverage counter %q (`idemcheck list counters` names them)"

var (
	scenarioName      = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	transactionalName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,100}$`)
)

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
	within := func(path, what string, value, least, most int) {
		if value < least || value > most {
			complain(path, "%s %d: want %d to %d", what, value, least, most)
		}
	}

	if !scenarioName.MatchString(s.Name) {
		complain("$.name", "name %q: want lower-case words joined by single dashes, like ack-loss", s.Name)
	}
	if s.Why == "" {
		complain("$.why", "why is missing: say in a sentence what the run is for")
	}
	oneOf("$.cluster.kind", "cluster kind", s.Cluster.Kind, []string{"any", "embedded", "docker"})
	if s.Cluster.Kafka != "" {
		if _, err := history.ParseKafkaVersion(s.Cluster.Kafka); err != nil {
			complain("$.cluster.kafka", "kafka: %v", err)
		}
		if s.Cluster.Kind != "docker" {
			complain("$.cluster.kafka", "kafka %s: only a cluster of kind docker runs on a version of the scenario's choice", s.Cluster.Kafka)
		}
	}
	for i, api := range s.Cluster.Hide {
		if !v.API(api) {
			complain(fmt.Sprintf("$.cluster.hide[%d]", i), "hide %q: want the name of an API of Kafka's protocol, like InitProducerId", api)
		}
	}
	within("$.cluster.brokers", "brokers", s.Cluster.Brokers, 1, 100)
	within("$.topics.count", "count", s.Topics.Count, 1, 1000)
	within("$.topics.partitions", "partitions", s.Topics.Partitions, 1, 10_000)
	within("$.topics.replication", "replication", s.Topics.Replication, 1, 100)
	if s.Topics.Replication > s.Cluster.Brokers {
		complain("$.topics.replication", "replication %d: the cluster has %d brokers", s.Topics.Replication, s.Cluster.Brokers)
	}
	validateClients(s, v, complain, oneOf)

	oneOf("$.workload.name", "workload", s.Workload.Name, v.Workloads)
	sound := len(problems)
	within("$.workload.producers", "producers", s.Workload.Producers, 1, 1000)
	within("$.workload.records", "records", s.Workload.Records, 1, 1_000_000_000)
	within("$.workload.size", "size", s.Workload.Size, 1, 100<<20)
	within("$.workload.warmup", "warmup", s.Workload.Warmup, 0, 1_000_000)
	within("$.workload.tail", "tail", s.Workload.Tail, 0, 1_000_000)
	within("$.workload.in_flight", "in_flight", s.Workload.InFlight, 0, 10_000)
	if slices.Contains(v.Workloads, s.Workload.Name) && len(problems) == sound && s.Topics.Partitions <= 10_000 {
		if err := v.Workload(s); err != nil {
			field, _, _ := strings.Cut(err.Error(), " ")
			complain("$.workload."+field, "%v", err)
		}
	}
	if s.Workload.Messages == history.MessageSpread && s.Topics.Count > 1 {
		complain("$.workload.messages", "messages %s: want one topic, not %d", s.Workload.Messages, s.Topics.Count)
	}
	validateConsumer(s, complain)
	for i := range s.Nemesis {
		for _, p := range s.CheckFault(i, v) {
			complain(strings.TrimSuffix(fmt.Sprintf("$.nemesis[%d].%s", i, p.Field), "."), "%s", p.Message)
		}
	}
	if s.Mix != nil {
		for _, p := range v.Mix(*s.Mix) {
			complain("$.mix."+p.Field, "%s", p.Message)
		}
		for i, spec := range s.Mix.Specs() {
			validateIndexes(s, fmt.Sprintf("$.mix.faults[%d]", i), spec, complain)
			validateProducers(s, fmt.Sprintf("$.mix.faults[%d]", i), spec, v, complain)
			validateLoss(s, fmt.Sprintf("$.mix.faults[%d].fault", i), spec, complain)
		}
	}
	if len(s.Vary) > 0 {
		validateVary(s, v, complain)
	}
	for i, check := range s.Check {
		oneOf(fmt.Sprintf("$.check[%d]", i), "checker", check, v.Checks)
	}
	for _, counter := range slices.Sorted(maps.Keys(s.Cover)) {
		if n := s.Cover[counter]; n < 1 {
			complain("$.cover."+counter, "%s %d: want 1 or more", counter, n)
		}
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

// CheckFault finds what is impossible in one entry of the nemesis, in itself and
// in this scenario. The fields of its problems are paths below the entry:
// "when.producer". Of the vocabulary it needs Fault and OfProducer.
func (s *Scenario) CheckFault(i int, v Vocabulary) []FieldProblem {
	problems := v.Fault(s.Nemesis, i)
	complain := func(path, format string, values ...any) {
		problems = append(problems, FieldProblem{strings.TrimPrefix(path, "."), fmt.Sprintf(format, values...)})
	}
	validateIndexes(s, "", s.Nemesis[i], complain)
	validateProducers(s, "", s.Nemesis[i], v, complain)
	validateLoss(s, ".fault", s.Nemesis[i], complain)
	return problems
}

// validateIndexes wants every index of a fault to be one that there is.
func validateIndexes(s *Scenario, at string, spec history.FaultSpec, complain func(string, string, ...any)) {
	for _, index := range []struct {
		path  string
		which history.Which
		of    int
	}{
		{"when.producer", spec.When.Producer, s.Workload.Producers},
		{"when.partition", spec.When.Partition, s.Topics.Partitions},
		{"target.producer", spec.Target.Producer, s.Workload.Producers},
		{"target.partition", spec.Target.Partition, s.Topics.Partitions},
		{"target.broker", spec.Target.Broker, s.Cluster.Brokers},
		{"target.topic", spec.Target.Topic, s.Topics.Count},
	} {
		if i := index.which.Index(); i != history.Any && int(i) >= index.of {
			_, what, _ := strings.Cut(index.path, ".")
			complain(at+"."+index.path, "%s %d: there are %d, counted from 0", what, i, index.of)
		}
	}
}

func validateClients(s *Scenario, v Vocabulary, complain func(string, string, ...any), oneOf func(string, string, string, []string)) {
	if len(s.Clients) == 0 {
		complain("$.clients", "clients is missing: name at least one, like [{library: franz-go, idempotence: true}]")
	}
	if len(s.Clients) > s.Workload.Producers {
		complain("$.clients", "%d clients for %d producers: every client needs a producer", len(s.Clients), s.Workload.Producers)
	}
	for i, c := range s.Clients {
		options := map[string]int64{
			"linger": int64(c.Options.Linger), "batch_size": int64(c.Options.BatchSize), "retry_backoff": int64(c.Options.RetryBackoff),
			"request_timeout": int64(c.Options.RequestTimeout), "delivery_timeout": int64(c.Options.DeliveryTimeout),
			"metadata_max_age": int64(c.Options.MetadataMaxAge), "transaction_timeout": int64(c.Options.TransactionTimeout), "retries": int64(min(c.Options.Retries+1, 0)),
		}
		for _, name := range slices.Sorted(maps.Keys(options)) {
			if options[name] < 0 {
				complain(fmt.Sprintf("$.clients[%d].options.%s", i, name), "%s is negative: want 0 or more (0 is the library's default; retries: -1 is without limit, no_retries: true is none)", name)
			}
		}
		at := fmt.Sprintf("$.clients[%d]", i)
		validateTransactions(s, at, c, v, complain)
		validateLibrary(at, c, v, complain)
		if c.Acks != "" || !c.Defaults {
			oneOf(at+".acks", "acks", c.Acks, []string{"all", "1", "0"})
		}
		if c.Defaults && (c.Idempotence || c.OrWithout) {
			complain(at+".defaults", "defaults: nothing is said of idempotence, so idempotence and or_without cannot be set")
		}
		if c.Options.NoRetries && c.Options.Retries != 0 {
			complain(at+".options.no_retries", "no_retries and retries %d: want one of them", c.Options.Retries)
		}
		if c.Options.Compression != "" {
			oneOf(at+".options.compression", "compression", c.Options.Compression, []string{"none", "gzip", "snappy", "lz4", "zstd"})
		}
	}
}

// validateLibrary wants a library that there is, or a driver program.
func validateLibrary(at string, c Client, v Vocabulary, complain func(string, string, ...any)) {
	switch {
	case len(c.Driver) > 0 && c.Library != "":
		complain(at+".driver", "driver and library: want one of them")
	case len(c.Driver) > 0 && c.Driver[0] == "":
		complain(at+".driver", "driver: want a program and its arguments, like [./my-driver]")
	case len(c.Driver) == 0:
		if err := v.Library(c.Library); err != nil {
			complain(at+".library", "%v", err)
		}
	}
	if c.OrWithout && !c.Idempotence {
		complain(at+".or_without", "or_without goes with idempotence: true")
	}
}

// losing is the one fault that no configuration of a producer survives.
const losing = "unclean-election"

// validateLoss wants a scenario that loses records to say so.
func validateLoss(s *Scenario, path string, spec history.FaultSpec, complain func(path, format string, values ...any)) {
	if spec.Fault == losing && s.Expect.Violation != "lost" {
		complain(path, "%s loses acknowledged records whatever producers do: the scenario must expect {violation: lost}", losing)
	}
}
