package suites

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// everyScenario loads those of all folders.
func everyScenario(t *testing.T) []Scenario {
	t.Helper()
	var all []Scenario
	for _, folder := range Folders() {
		scenarios, err := Folder(folder, vocabulary())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, scenarios...)
	}
	return all
}

func TestEveryScenarioIsWrittenAndReadBack(t *testing.T) {
	v := vocabulary()
	for _, s := range everyScenario(t) {
		text, err := Write(s, v)
		if err != nil {
			t.Errorf("%s: %v", s.File, err)
			continue
		}
		again, err := Parse("x.yaml", text, v)
		if err != nil {
			t.Errorf("%s: %v\n%s", s.File, err, text)
		}
		if again.File, again.Folder = s.File, s.Folder; !reflect.DeepEqual(s, again) {
			t.Errorf("%s is read back as\n%+v\nfrom\n%s", s.File, again, text)
		}
	}
}

func TestEveryScenarioIsReadBackFromAManifest(t *testing.T) {
	v := vocabulary()
	for _, s := range everyScenario(t) {
		raw, err := Resolve(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := FromResolved(raw, v)
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%s: %v\n%+v\nis read back as\n%+v", s.File, err, s, again)
		}
	}
}

// allKeys says everything that can be said.
const allKeys = `name: all-keys
why: "a: sentence, with # and 'quotes'"
claims: [one, two]
cluster: {kind: docker, brokers: 5, kafka: 4.1.0, config: {a.b: "true", min.insync.replicas: 2, x: "007", z: "0x10"}}
topics: {count: 2, partitions: 4, replication: 3, config: {retention.ms: "-1"}}
clients:
  - {library: franz-go@1.20.0, idempotence: false, acks: 1, options: {linger: 5ms, retries: -1, delivery_timeout: 60s, metadata_max_age: 1500us}}
  - {driver: [./mine, -x], idempotence: true, or_without: true}
  - {library: franz-go, process: true, idempotence: true}
workload: {name: unique-append, producers: 3, records: 7, rate: 0.5/s, in_flight: 5, size: 64, warmup: 1, partitions: [[3, 0], [1], [2]]}
nemesis:
  - fault: slicer
    delay: 500us
    size: 64
    when: {acks: 20..40, producer: 1}
    times: 2
    target: {broker: 2}
    heal: {after: 2s}
    optional: true
    families: 2
    seed: 18446744073709551615
  - fault: delete-records
    when: {started: "slicer#2"}
    target: {partition: 3, topic: 1}
    share: 0.30000000000000004
  - fault: change-config
    config: {a: "", b: 5}
    when: {sequence: 0, partition: 2}
    heal: {ended: delete-records}
mix:
  gap: {acks: 40, spread: uniform}
  budget: 12
  families: 2
  faults:
    - {fault: cut-after-append, weight: 3, target: {producer: 1}}
    - {fault: latency, delay: 20ms, heal: {after: 2s}}
check: [duplicates, order]
cover: {answers_45: 1, dropped_acks: 5}
expect: {violation: duplicate, also: [reorder], count: dropped_ack_records}
budget: 90s
`

func TestAFileWithEveryKeyIsWrittenAsItWas(t *testing.T) {
	v := vocabulary()
	s, err := Parse("x.yaml", []byte(allKeys), v)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := Write(s, v); err != nil || string(text) != allKeys {
		t.Errorf("%v\n%s", err, text)
	}
	raw, err := Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := FromResolved(raw, v); err != nil || !reflect.DeepEqual(s, again) {
		t.Errorf("%v\n%+v\n%+v", err, s, again)
	}
}

func TestAScenarioInTheStyleOfItsFile(t *testing.T) {
	v := vocabulary()
	all, err := Folder("basic", v)
	if err != nil {
		t.Fatal(err)
	}
	text, err := Write(all[0], v)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(all[0].File)
	if err != nil {
		t.Fatal(err)
	}
	// The file says some defaults aloud.
	want := strings.NewReplacer("{dropped_acks: 15, retries: 15, deduplicated: 10}", "{deduplicated: 10, dropped_acks: 15, retries: 15}",
		"kind: docker, brokers: 3", "kind: docker", "expect: pass\n", "", "records: 1200, size: 300, rate: 500/s", "records: 1200, rate: 500/s, size: 300").Replace(string(file))
	if string(text) != want {
		t.Errorf("written:\n%s\nwant:\n%s", text, want)
	}
}

func TestWhatCannotBeReadBackIsNotWritten(t *testing.T) {
	v := vocabulary()
	s, err := Parse("x.yaml", []byte(head), v)
	if err != nil {
		t.Fatal(err)
	}
	s.Why = "two lines,\n\tone of them indented: # and no end \\ of it\u0007"
	text, err := Write(s, v)
	if again, err2 := Parse("x.yaml", text, v); err != nil || err2 != nil || again.Why != s.Why {
		t.Errorf("%v, %v, %q", err, err2, again.Why)
	}
	for name, c := range map[string]struct {
		spoil func(s *Scenario)
		says  string
	}{
		"an impossible one":        {func(s *Scenario) { s.Topics.Partitions = -4 }, "partitions -4: want"},
		"a default not filled in":  {func(s *Scenario) { s.Cluster.Brokers = 0 }, "is a default not filled in?"},
		"a topic that there isn't": {func(s *Scenario) { s.Workload.Partitions = [][]int32{{9}} }, "partitions of producer 0: 9: the topic has 1"},
	} {
		s, err := Parse("x.yaml", []byte(head), v)
		if err != nil {
			t.Fatal(err)
		}
		c.spoil(&s)
		if text, err := Write(s, v); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c.says, text)
		}
	}
}

func TestAWrittenDownScenarioIsReadStrictly(t *testing.T) {
	v := vocabulary()
	s, err := Parse("x.yaml", []byte(head+"nemesis: [{fault: reset, when: {acks: 5}}]\n"), v)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Resolve(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, says string }{
		"itself":                 {"", "", ""},
		"an unknown key":         {`"acks":"5"`, `"acks":"5","ack":"6"`, `unknown field "ack"`},
		"an unknown fault":       {`"reset"`, `"reset-all"`, `nemesis[0].fault: unknown fault "reset-all"`},
		"another expectation":    {`"expect":"pass"`, `"expect":"fail"`, `expect "fail": want pass`},
		"an unknown expectation": {`"expect":"pass"`, `"expect":{"violatio":"x"}`, `unknown field "violatio"`},
		"a trigger in words":     {`"acks":"5"`, `"acks":"five"`, `"five" is neither a whole number nor a range`},
		"another name":           {`"name":"x"`, `"name":"X Y"`, "name: name"},
		"two of them":            {`"name":"x"`, `"name":"x"}{"name":"y"`, "something behind"},
	} {
		text := strings.Replace(string(raw), c.old, c.new, 1)
		if c.old != "" && text == string(raw) {
			t.Fatalf("%s: nothing to replace in %s", name, raw)
		}
		_, err := FromResolved(json.RawMessage(text), v)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
