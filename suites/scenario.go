// Package suites is what is run: scenario files in YAML, grouped in folders,
// embedded in the binary, and their loader, which is strict: an unknown key,
// name or value is an error that says where and what is allowed.
//
// It holds data only. Names are resolved by the runner.
package suites

import (
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Scenario is one scenario file, every default filled in.
type Scenario struct {
	Name     string                `yaml:"name" json:"name"`
	Why      string                `yaml:"why" json:"why"`
	Claims   []string              `yaml:"claims,omitempty" json:"claims,omitempty"`
	Cluster  Cluster               `yaml:"cluster,omitempty" json:"cluster"`
	Topics   Topics                `yaml:"topics,omitempty" json:"topics"`
	Clients  []Client              `yaml:"clients" json:"clients"`
	Workload history.WorkloadSpec  `yaml:"workload" json:"workload"`
	Consumer *history.ConsumerSpec `yaml:"consumer,omitempty" json:"consumer,omitempty"`
	Nemesis  []history.FaultSpec   `yaml:"nemesis,omitempty" json:"nemesis,omitempty"`
	Mix      *history.MixSpec      `yaml:"mix,omitempty" json:"mix,omitempty"`
	Vary     Vary                  `yaml:"vary,omitempty" json:"vary,omitempty"`
	Check    []string              `yaml:"check,omitempty" json:"check"` // empty: the usual ones
	Cover    map[string]int64      `yaml:"cover,omitempty" json:"cover,omitempty"`
	Expect   Expect                `yaml:"expect,omitempty" json:"expect"`
	Budget   time.Duration         `yaml:"budget,omitempty" json:"budget"`

	Folder string `yaml:"-" json:"folder,omitempty"` // suite folder it came from; empty for a user's own file
	File   string `yaml:"-" json:"file,omitempty"`
}

// Faults lists what can go wrong in a run: the nemesis, and what a mix may draw.
func (s *Scenario) Faults() []history.FaultSpec {
	if s.Mix == nil {
		return s.Nemesis
	}
	return slices.Concat(s.Nemesis, s.Mix.Specs())
}

// Cluster says what a scenario needs to run on.
type Cluster struct {
	Kind    string            `yaml:"kind,omitempty" json:"kind"` // any, embedded, docker (real brokers: external runs it too)
	Brokers int               `yaml:"brokers,omitempty" json:"brokers"`
	Kafka   string            `yaml:"kafka,omitempty" json:"kafka,omitempty"`   // docker: always this version; empty: what the user chose
	Config  map[string]string `yaml:"config,omitempty" json:"config,omitempty"` // broker properties
	Hide    []string          `yaml:"hide,omitempty" json:"hide,omitempty"`     // APIs that the brokers seem not to have, like InitProducerId
}

// Topics says what topics are made for it. Their names are the run's own.
type Topics struct {
	Count       int               `yaml:"count,omitempty" json:"count"`
	Partitions  int               `yaml:"partitions,omitempty" json:"partitions"`
	Replication int               `yaml:"replication,omitempty" json:"replication"`
	Config      map[string]string `yaml:"config,omitempty" json:"config,omitempty"` // topic properties
}

// Client says with what the producers send. With several, producers take them
// in turn.
type Client struct {
	Library     string   `yaml:"library,omitempty" json:"library,omitempty"` // NAME or NAME@VERSION
	Driver      []string `yaml:"driver,omitempty" json:"driver,omitempty"`   // a driver program and its arguments, in place of a library
	Process     bool     `yaml:"process,omitempty" json:"process,omitempty"` // each producer in a process of its own
	Idempotence bool     `yaml:"idempotence" json:"idempotence"`
	// OrWithout: a library that has no idempotence runs it too, without.
	OrWithout bool `yaml:"or_without,omitempty" json:"or_without,omitempty"`
	// Defaults: nothing is said of idempotence, nor of acks unless they are given:
	// what the library does by itself is what is looked at.
	Defaults bool `yaml:"defaults,omitempty" json:"defaults,omitempty"`
	// Literal: the library gets exactly what stands here, also where its driver
	// would otherwise put it right, and where it refuses that, the refusal is
	// evidence and no broken run.
	Literal bool    `yaml:"literal,omitempty" json:"literal,omitempty"`
	Acks    string  `yaml:"acks,omitempty" json:"acks"` // all, 1, 0; empty: not said
	Options Options `yaml:"options,omitempty" json:"options"`
}

// Options is the common vocabulary of client options. Zero leaves the library's
// own default.
type Options struct {
	Linger          time.Duration `yaml:"linger,omitempty" json:"linger,omitempty"`
	BatchSize       int           `yaml:"batch_size,omitempty" json:"batch_size,omitempty"`
	Compression     string        `yaml:"compression,omitempty" json:"compression,omitempty"`
	Retries         int           `yaml:"retries,omitempty" json:"retries,omitempty"`
	NoRetries       bool          `yaml:"no_retries,omitempty" json:"no_retries,omitempty"` // one attempt: a 0 in retries is the default
	RetryBackoff    time.Duration `yaml:"retry_backoff,omitempty" json:"retry_backoff,omitempty"`
	RequestTimeout  time.Duration `yaml:"request_timeout,omitempty" json:"request_timeout,omitempty"`
	DeliveryTimeout time.Duration `yaml:"delivery_timeout,omitempty" json:"delivery_timeout,omitempty"`
	MetadataMaxAge  time.Duration `yaml:"metadata_max_age,omitempty" json:"metadata_max_age,omitempty"`
	// TransactionalID is the beginning of every producer's transactional id; the
	// run and the producer's index are added.
	TransactionalID    string        `yaml:"transactional_id,omitempty" json:"transactional_id,omitempty"`
	TransactionTimeout time.Duration `yaml:"transaction_timeout,omitempty" json:"transaction_timeout,omitempty"`
}

// Expect is what a scenario must end in: pass, or a violation of one kind.
type Expect struct {
	Violation string   `yaml:"violation,omitempty" json:"violation,omitempty"` // anomaly kind; empty: pass
	Also      []string `yaml:"also,omitempty" json:"also,omitempty"`           // kinds that may come along with it
	Count     string   `yaml:"count,omitempty" json:"count,omitempty"`         // coverage counter that must equal the number of those anomalies
}

// Defaults of a scenario file.
const (
	defaultBrokers    = 3
	defaultPartitions = 1
	defaultSize       = 100
	defaultBudget     = 60 * time.Second
)

// fill puts the defaults in place of what a file leaves out.
func (s *Scenario) fill(v Vocabulary) {
	s.Cluster.Kind = orElse(s.Cluster.Kind, "any")
	s.Cluster.Brokers = orElse(s.Cluster.Brokers, defaultBrokers)
	s.Topics.Count = orElse(s.Topics.Count, 1)
	s.Topics.Partitions = orElse(s.Topics.Partitions, defaultPartitions)
	s.Topics.Replication = orElse(s.Topics.Replication, s.Cluster.Brokers)
	for i := range s.Clients {
		s.Clients[i].fill()
		if !s.Clients[i].Defaults {
			s.Clients[i].Acks = orElse(s.Clients[i].Acks, "all")
		}
	}
	s.Workload.Producers = orElse(s.Workload.Producers, 1)
	s.Workload.Size = orElse(s.Workload.Size, defaultSize)
	if s.Mix != nil {
		s.Mix.Family = s.Mix.Families()
		s.Mix.Gap.Spread = orElse(s.Mix.Gap.Spread, history.SpreadExponential)
		for i := range s.Mix.Faults {
			s.Mix.Faults[i].Weight = orElse(s.Mix.Faults[i].Weight, 1)
		}
	}
	s.Budget = orElse(s.Budget, defaultBudget)
	if len(s.Check) == 0 {
		s.Check = v.Usual
	}
}

// InProcess is the one library that runs inside the harness, unless a version of
// it is named or it is to have a process of its own.
const InProcess = "franz-go"

// fill puts the defaults in place.
func (c *Client) fill() {
	if len(c.Driver) == 0 {
		c.Library = orElse(c.Library, InProcess)
	}
	c.Process = c.Process || c.Library != InProcess
}

// With is the scenario with other producers: of one library, or one driver.
func (s Scenario) With(library string, driver []string) Scenario {
	s.Clients = slices.Clone(s.Clients)
	for i := range s.Clients {
		s.Clients[i].Library, s.Clients[i].Driver = library, driver
		s.Clients[i].fill()
	}
	return s
}

func orElse[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
