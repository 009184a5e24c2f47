package suites

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestEveryEmbeddedScenarioLoads(t *testing.T) {
	v := vocabulary()
	if len(Folders()) == 0 {
		t.Fatal("no suite folders")
	}
	for _, folder := range Folders() {
		all, err := Folder(folder, v)
		if err != nil {
			t.Error(err)
		}
		seen := map[string]bool{}
		for _, s := range all {
			if s.Folder != folder || seen[s.Name] || !strings.HasSuffix(s.File, "-"+s.Name+".yaml") {
				t.Errorf("%s: folder %q, name %q: names are unique in a folder, and stand in the file's name", s.File, s.Folder, s.Name)
			}
			seen[s.Name] = true
			if len(s.Check) == 0 || s.Budget == 0 || s.Workload.Size == 0 {
				t.Errorf("%s: a default is not filled in: %+v", s.File, s)
			}
		}
	}
}

const head = "name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: unique-append, records: 10}\n" // four lines

func TestAScenarioThatSaysLittleGetsItsDefaults(t *testing.T) {
	s, err := Parse("x.yaml", []byte(head), vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	if s.Cluster.Kind != "any" || s.Cluster.Brokers != 3 || s.Topics.Replication != 3 || s.Topics.Count != 1 || s.Topics.Partitions != 1 ||
		s.Clients[0].Library != "franz-go" || s.Clients[0].Acks != "all" || s.Workload.Producers != 1 || s.Budget != time.Minute || s.File != "x.yaml" {
		t.Errorf("%+v", s)
	}
	if text, err := json.Marshal(s); err != nil || !strings.Contains(string(text), `"expect":"pass"`) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestEveryKeyIsReadToItsPlace(t *testing.T) {
	s, err := Parse("x.yaml", []byte(`
name: all-keys
why: every key once
claims: [one, two]
cluster: {kind: docker, brokers: 5, config: {min.insync.replicas: 2}}
topics: {count: 2, partitions: 4, replication: 3, config: {retention.ms: "-1"}}
clients:
  - library: franz-go
    idempotence: false
    acks: 1
    options: {linger: 5ms, batch_size: 512, compression: zstd, retries: -1, retry_backoff: 50ms, request_timeout: 2s, delivery_timeout: 1m, metadata_max_age: 3s}
workload: {name: unique-append, producers: 2, records: 7, rate: 500/s, in_flight: 5, size: 64, warmup: 1, lanes: 2}
nemesis:
  - fault: cut-after-append
    when: {acks: 20..40, producer: 1, partition: any}
    times: 10
    target: {partition: 3}
  - fault: kill-leader
    when: {ended: delay-acks}
    heal: {after: 3s}
  - {fault: delay-acks, delay: 600ms, when: {sequence: 0}}
mix:
  gap: {acks: 40, spread: uniform}
  budget: 12
  families: 2
  faults:
    - {fault: cut-after-append, weight: 3, target: {producer: 1}}
    - {fault: latency, delay: 20ms, heal: {after: 2s}}
check: [duplicates, order]
cover: {dropped_acks: 5, answers_45: 1}
expect: {violation: duplicate, also: [reorder], count: dropped_ack_records}
budget: 90s
`), vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	o := s.Clients[0].Options
	if s.Cluster.Config["min.insync.replicas"] != "2" || s.Clients[0].Acks != "1" || o.Retries != -1 || o.DeliveryTimeout != time.Minute ||
		s.Nemesis[0].When.Acks.Most != 40 || s.Nemesis[0].When.Producer.Index() != 1 || s.Nemesis[0].When.Partition.Index() != -1 ||
		s.Nemesis[1].Heal.After != 3*time.Second || s.Cover["dropped_acks"] != 5 || s.Expect.Also[0] != "reorder" || len(s.Check) != 2 ||
		s.Mix.Gap.Acks != 40 || s.Mix.Faults[0].Weight != 3 || s.Mix.Faults[1].Weight != 1 || s.Mix.Faults[1].Delay != 20*time.Millisecond || len(s.Faults()) != 5 {
		t.Errorf("%+v", s)
	}
}

func TestAnErrorSaysWhereAndWhatIsAllowed(t *testing.T) {
	const fault = head + "nemesis:\n  - fault: kill-leader\n" // six lines
	client := func(text string) string {
		return "name: x\nwhy: y\nworkload: {name: unique-append, records: 10}\nclients:\n  - {idempotence: true, " + text + "}\n"
	}
	for name, c := range map[string]struct{ text, at, says string }{
		"an unknown key":                 {head + "nemesi: []\n", "5:1", `unknown key "nemesi" (allowed: name, why, claims, cluster, topics, clients, workload, consumer, nemesis, mix, vary, check, cover, expect, budget)`},
		"an unknown key of the cluster":  {head + "cluster: {kinds: any}\n", "5:11", `unknown key "kinds" in cluster (allowed: kind, brokers, kafka, config, hide)`},
		"a hidden API that is none":      {head + "cluster: {hide: [InitProducer]}\n", "5:18", `hide "InitProducer": want the name of an API of Kafka's protocol, like InitProducerId`},
		"an unknown key of topics":       {head + "topics: {partition: 1}\n", "5:10", "in topics (allowed: count, partitions, replication, config)"},
		"an unknown key of a client":     {client("ack: all"), "5:25", "in clients (allowed: library, driver, process, idempotence, or_without, defaults, literal, acks, options)"},
		"a driver and a library":         {client("library: franz-go, driver: [./mine]"), "5:52", "want one of them"},
		"a driver that is nothing":       {client("driver: ['']"), "5:33", "want a program and its arguments"},
		"a driver that is no list":       {client("driver: ./mine"), "5:33", "want a list"},
		"without what is not asked for":  {"name: x\nwhy: y\nclients: [{or_without: true}]\nworkload: {name: unique-append, records: 10}\n", "3:24", "or_without goes with idempotence: true"},
		"defaults and what is said":      {client("defaults: true"), "5:35", "nothing is said of idempotence"},
		"no retries and some":            {client("options: {no_retries: true, retries: 3}"), "5:47", "want one of them"},
		"an unknown client option":       {client("options: {lingr: 5ms}"), "5:35", "in options (allowed: linger, batch_size,"},
		"an unknown key of the workload": {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload:\n  name: fan-out\n  record: 10\n", "6:3", "in workload (allowed: name, producers, records,"},
		"an unknown key of a fault":      {fault + "    when: {acks: 1}\n    time: 3\n", "8:5", "in nemesis (allowed: fault, when, times, target, heal,"},
		"an unknown trigger":             {fault + "    when: {ack: 5}\n", "7:12", "in when (allowed: acks, requests, records, sequence, unacked, started, ended, producer, partition)"},
		"an unknown heal":                {fault + "    when: {acks: 5}\n    heal: {afte: 3s}\n", "8:12", "in heal (allowed: after, ended)"},
		"an unknown target":              {fault + "    when: {acks: 5}\n    target: {leader: 1}\n", "8:14", "in target (allowed: partition, broker, producer, topic)"},
		"an unknown key of expect":       {head + "expect: {violatio: x}\n", "5:10", "in expect (allowed: violation, also, count)"},
		"an unknown fault":               {head + "nemesis:\n  - fault: kill-all\n    when: {acks: 1}\n", "6:12", `unknown fault "kill-all" (there are answer-error, bandwidth,`},
		"a loss that is not expected":    {head + "nemesis:\n  - fault: unclean-election\n    when: {records: 1}\n", "6:12", "the scenario must expect {violation: lost}"},
		"an unknown workload":            {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: append, records: 1}\n", "4:18", `unknown workload "append" (allowed: fan-out, transactions, unique-append)`},
		"an unknown checker":             {head + "check: [duplicates, losses]\n", "5:21", `unknown checker "losses" (allowed: `},
		"an unknown counter":             {head + "cover: {dropped: 1}\n", "5:18", `unknown coverage counter "dropped"`},
		"an unknown counter to equal":    {head + "expect: {violation: duplicate, count: many}\n", "5:39", `unknown coverage counter "many"`},
		"an unknown anomaly":             {head + "expect: {violation: duplicates}\n", "5:21", `unknown anomaly "duplicates" (allowed: `},
		"an unknown anomaly beside":      {head + "expect: {violation: duplicate, also: [x]}\n", "5:39", `unknown anomaly "x"`},
		"an unknown library":             {client("library: kafkasj"), "5:34", `unknown client library "kafkasj" (there are confluent-kafka-python, franz-go, `},
		"unknown acks":                   {client("acks: most"), "5:31", `unknown acks "most" (allowed: all, 1, 0)`},
		"an unknown compression":         {client("options: {compression: rar}"), "5:48", `(allowed: none, gzip, snappy, lz4, zstd)`},
		"an unknown cluster":             {head + "cluster: {kind: cloud}\n", "5:17", `unknown cluster kind "cloud" (allowed: any, embedded, docker)`},
		"another expectation":            {head + "expect: fail\n", "5:9", `expect "fail": want pass, or {violation: KIND}`},
		"a list as expectation":          {head + "expect: [pass]\n", "5:9", "want a mapping with the keys violation, also, count"},
		"also without a violation":       {head + "expect: {also: [duplicate]}\n", "5:16", "also goes with violation"},
		"count without a violation":      {head + "expect: {count: sent}\n", "5:17", "count goes with violation"},
		"negative partitions":            {head + "topics: {partitions: -1}\n", "5:22", "partitions -1: want 1 to 10000"},
		"partitions beyond all":          {head + "topics: {partitions: 1000000000000}\n", "5:22", "want 1 to 10000"},
		"a number beyond 64 bits":        {head + "topics: {partitions: 99999999999999999999999}\n", "5:22", "partitions"},
		"half a partition":               {head + "topics: {partitions: 1.5}\n", "5:22", `partitions "1.5": want a whole number`},
		"many partitions":                {head + "topics: {partitions: many}\n", "5:22", `partitions "many": want a whole number`},
		"more replicas than brokers":     {head + "topics: {replication: 4}\n", "5:23", "replication 4: the cluster has 3 brokers"},
		"negative records":               {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: -5}\n", "4:36", "records -5: want 1 to"},
		"negative lanes":                 {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: unique-append, records: 5, lanes: -1}\n", "4:52", "lanes -1: want 1 or more"},
		"too many lanes":                 {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: unique-append, records: 5, lanes: 2}\n", "4:52", "lanes 2: the topic has 1 partitions"},
		"a wrong rate":                   {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: 5, rate: 500}\n", "4:45", `rate "500": want records per second`},
		"a topic that there is not":      {fault + "    when: {acks: 5}\n    target: {topic: 1}\n", "8:21", "topic 1: there are 1, counted from 0"},
		"a topic of a link":              {head + "nemesis:\n  - fault: reset\n    when: {acks: 5}\n    target: {topic: 0}\n", "8:13", "reset takes no target topic"},
		"a reference beyond all":         {fault + "    when: {ended: move-leader#2}\n  - {fault: move-leader, when: {acks: 1}}\n", "7:11", "there is no move-leader#2: move-leader strikes 1 times in this nemesis"},
		"a reference that heals itself":  {fault + "    when: {acks: 5}\n    heal: {ended: kill-leader#1}\n", "8:11", "kill-leader#1 is a fault of this entry"},
		"families beyond all":            {fault + "    when: {acks: 5}\n    families: 9\n", "8:15", "families 9: want 1 to 4"},
		"a seed of no choice":            {fault + "    when: {acks: 5}\n    seed: 9\n", "8:11", "takes no seed"},
		"a seed below nought":            {fault + "    when: {acks: 5}\n    seed: -9\n", "8:11", `seed "-9": want 0 or more`},
		"a seed beyond 64 bits":          {fault + "    when: {acks: 5}\n    seed: 18446744073709551616\n", "8:11", "seed"},
		"a share of everything":          {head + "nemesis:\n  - fault: delete-records\n    when: {acks: 5}\n    share: 1\n", "8:12", "share 1: want a part of the log above 0 and below 1"},
		"half as a share":                {head + "nemesis:\n  - fault: delete-records\n    when: {acks: 5}\n    share: half\n", "8:12", `share "half": want a number, like 0.5`},
		"a list of partitions":           {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: 5, partitions: [0]}\n", "4:52", `partitions "0": want a list`},
		"partitions in words":            {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: 5, partitions: [[first]]}\n", "4:53", `partitions "first": want a whole number`},
		"a lane beyond all":              {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: 5, partitions: [[1]]}\n", "4:51", "partitions of producer 0: 1: the topic has 1"},
		"partitions of one too many":     {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: unique-append, records: 5, partitions: [[0], [0]]}\n", "4:57", "partitions has 2 lists: want one for each of 1"},
		"steps at a rate":                {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: 5, step: true, rate: 5/s}\n", "4:57", `rate "5/s": with step the wire sets the pace`},
		"half a step":                    {"name: x\nwhy: y\nclients: [{idempotence: true}]\nworkload: {name: fan-out, records: 5, step: 2}\n", "4:45", `step "2": want true or false`},
		"a range backwards":              {fault + "    when: {acks: 9..5}\n", "7:18", `acks: range "9..5" runs backwards`},
		"an unknown key of a mix":        {head + "mix: {weights: []}\n", "5:7", "in mix (allowed: faults, gap, budget, families)"},
		"an unknown key of its fault":    {head + "mix:\n  faults:\n    - {fault: latency, when: {acks: 1}}\n", "7:24", "(allowed: fault, weight, target, heal, error,"},
		"a mix without a gap":            {head + "mix: {budget: 3, faults: [{fault: cut-after-append}]}\n", "5:6", "exactly one of records and acks"},
		"a mix without an end":           {head + "mix:\n  budget: 3\n  gap: {records: 5}\n  faults:\n    - fault: latency\n      delay: 5ms\n", "9:7", "say when"},
		"a mix beyond the brokers":       {head + "mix:\n  budget: 3\n  gap: {records: 5}\n  faults:\n    - {fault: cut-after-append, target: {broker: 3}}\n", "9:50", "broker 3: there are 3"},
		"no range":                       {fault + "    when: {acks: few}\n", "7:18", "neither a whole number nor a range"},
		"a list as a range":              {fault + "    when: {acks: [1, 2]}\n", "7:18", "acks: want a single value"},
		"a negative producer":            {fault + "    when: {acks: 5, producer: -3}\n", "7:31", `"-3" is neither "any" nor an index from 0`},
		"a producer that is not there":   {fault + "    when: {acks: 5, producer: 1}\n", "7:31", "producer 1: there are 1, counted from 0"},
		"a target that is not there":     {fault + "    when: {acks: 5}\n    target: {partition: 1}\n", "8:25", "partition 1: there are 1, counted from 0"},
		"a trigger of nothing":           {fault + "    times: 2\n", "6:5", "want exactly one of acks"},
		"two triggers":                   {fault + "    when: {acks: 5, records: 5}\n", "7:11", "want exactly one of acks"},
		"an error code too large":        {head + "nemesis:\n  - fault: answer-error\n    when: {acks: 5}\n    error: 99999\n", "8:12", "too large"},
		"a wrong duration":               {head + "budget: 5 fortnights\n", "5:9", `budget "5 fortnights": want a time with its unit`},
		"a duration without unit":        {head + "budget: 5\n", "5:9", "with its unit"},
		"a negative budget":              {head + "budget: -5s\n", "5:9", "want a time above 0"},
		"a negative option":              {client("options: {linger: -5ms}"), "5:43", "linger is negative"},
		"a least count of nothing":       {head + "cover: {sent: 0}\n", "5:15", "sent 0: want 1 or more"},
		"a yes that is none":             {"name: x\nwhy: y\nclients: [{idempotence: maybe}]\nworkload: {name: fan-out, records: 1}\n", "3:25", `idempotence "maybe": want true or false`},
		"a word where a list is wanted":  {head + "claims: 5\n", "5:9", "want a list"},
		"a list where keys are wanted":   {head + "cover: [a]\n", "5:8", "want a mapping"},
		"a bad name":                     {strings.Replace(head, "name: x", "name: Ack Loss", 1), "1:7", "want lower-case words joined by single dashes"},
		"no reason":                      {strings.Replace(head, "why: y", "why: ''", 1), "2:6", "why is missing"},
		"no workload":                    {"name: x\nwhy: y\nclients: [{idempotence: true}]\n", "1:1", `unknown workload ""`},
		"no clients":                     {"name: x\nwhy: y\nworkload: {name: fan-out, records: 1}\n", "1:1", "clients is missing"},
		"more clients than producers":    {"name: x\nwhy: y\nclients: [{idempotence: true}, {idempotence: false}]\nworkload: {name: fan-out, records: 1}\n", "3:10", "2 clients for 1 producers"},
		"two documents":                  {head + "---\n" + head, "6:1", "exactly one scenario in the file, there are 2"},
		"an empty file":                  {"", "1:1", "there are 0"},
		"a comment alone":                {"# nothing\n", "1:1", "there are 0"},
		"a sentence":                     {"hello there\n", "1:1", "want a scenario"},
		"a list":                         {"- a\n- b\n", "1:1", "want a scenario"},
		"no YAML":                        {"{[}", "1:2", ""},
		"a tab":                          {"name:\tx\n\twhy: y\n", "2:1", "cannot start any token"},
		"binary garbage":                 {"\x00\x01\xff\xfe\x80", "1:1", "want a scenario"},
		"a key twice":                    {head + "name: z\n", "5:1", `key "name" already defined`},
		"a key twice inside":             {head + "topics: {count: 1, count: 2}\n", "5:20", `key "count" already defined`},
		"an alias":                       {head + "claims: &a [x]\n", "5:9", "aliases"},
		"a merge":                        {"<<: {name: b}\n" + head, "1:1", `unknown key "<<"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(c.text), vocabulary())
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, line := range strings.Split(err.Error(), "\n") {
				if strings.HasPrefix(line, "f.yaml:"+c.at+": ") && strings.Contains(line, c.says) {
					return
				}
			}
			t.Errorf("%v\nwant at %s: %s", err, c.at, c.says)
		})
	}
}

func TestEveryProblemIsNamedAtOnce(t *testing.T) {
	_, err := Parse("f.yaml", []byte(head+"budget: 5\ncheck: x\ntopics: {parts: 1}\n"), vocabulary())
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("want three problems: %v", err)
	}
}

func TestFindTakesAFolderANameAndAFile(t *testing.T) {
	v := vocabulary()
	for name, want := range map[string]int{"smoke": 5, "basic/kill-leader": 1, "leader-kill-forgets": 1, "smoke/ack-loss": 1} {
		if found, err := Find(name, v); err != nil || len(found) < want || (want == 1 && len(found) != 1) {
			t.Errorf("%s: %d found, %v", name, len(found), err)
		}
	}
	if found, err := Find("smoke/ack-loss", v); err != nil || found[0].Folder != "smoke" || found[0].Name != "ack-loss" {
		t.Errorf("%+v, %v", found, err)
	}
	for name, says := range map[string]string{
		"ack-loss":      "say which (basic/ack-loss, smoke/ack-loss)",
		"no-such":       "smoke/leader-move",
		"basic/no-such": "suite folders: basic, ",
		"smoke/":        "suite folders:",
		"":              "suite folders:",
		"no-such.yaml":  "no such file",
	} {
		if _, err := Find(name, v); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", name, err, says)
		}
	}
	own := filepath.Join(t.TempDir(), "own.yml")
	if err := os.WriteFile(own, []byte(head), 0o644); err != nil {
		t.Fatal(err)
	}
	if found, err := Find(own, v); err != nil || len(found) != 1 || found[0].Folder != "" || found[0].File != own {
		t.Errorf("%+v, %v", found, err)
	}
	if _, err := Folder("nowhere", v); err == nil || !strings.Contains(err.Error(), "there are basic") {
		t.Errorf("%v", err)
	}
}

var position = regexp.MustCompile(`^f\.yaml:\d+:\d+: `)

func FuzzParseNeverPanicsAndAlwaysSaysWhere(f *testing.F) {
	for _, folder := range Folders() {
		entries, _ := embedded.ReadDir(folder)
		for _, e := range entries {
			text, _ := embedded.ReadFile(folder + "/" + e.Name())
			f.Add(string(text))
		}
	}
	for _, text := range []string{"", "{[}", "\x00\xff", "a: &a [*a]", "<<: {a: b}", "- - -", "? a\n: b", "!!binary x", "name: |\n x\n", "cover: {\"a.b[0]\": 1}\n", "cover: {? [a] : 1}", head + "cover: {\"0[A-\": 1}\n", head + "cover: {1: 2, '$': 1, 'a''b': 0}\n"} {
		f.Add(text)
	}
	v := vocabulary()
	f.Fuzz(func(t *testing.T, text string) {
		_, err := Parse("f.yaml", []byte(text), v)
		if err == nil {
			return
		}
		if first, _, _ := strings.Cut(err.Error(), "\n"); !position.MatchString(first) {
			t.Errorf("no position in %q", first)
		}
	})
}
