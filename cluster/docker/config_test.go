package docker

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

func TestTheEnvironmentFollowsTheContractOfTheOfficialImage(t *testing.T) {
	config := Config{Brokers: 3, Config: map[string]string{"min.insync.replicas": "2", "broker.session.timeout.ms": "9000"}}
	env := node{
		id: 2, advertised: "127.0.0.1:19093", clusterID: "abc",
		addresses: []string{"10.9.8.11", "10.9.8.12", "10.9.8.13"}, properties: properties(&config, version(t, "4.3.1")),
	}.environment()
	for name, want := range map[string]string{
		"CLUSTER_ID":                             "abc",
		"KAFKA_NODE_ID":                          "2",
		"KAFKA_PROCESS_ROLES":                    "broker,controller",
		"KAFKA_ADVERTISED_LISTENERS":             "CLIENT://127.0.0.1:19093,REPLICATION://10.9.8.12:9093",
		"KAFKA_LISTENERS":                        "CLIENT://0.0.0.0:9092,REPLICATION://10.9.8.12:9093,CONTROLLER://10.9.8.12:9094",
		"KAFKA_CONTROLLER_QUORUM_VOTERS":         "1@10.9.8.11:9094,2@10.9.8.12:9094,3@10.9.8.13:9094",
		"KAFKA_INTER_BROKER_LISTENER_NAME":       "REPLICATION",
		"KAFKA_MIN_INSYNC_REPLICAS":              "2",
		"KAFKA_BROKER_SESSION_TIMEOUT_MS":        "9000", // the user's, over the default
		"KAFKA_BROKER_HEARTBEAT_INTERVAL_MS":     "250",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "3",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
}

func version(t *testing.T, text string) history.KafkaVersion {
	t.Helper()
	v, err := history.ParseKafkaVersion(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestABrokerBeforeKRaftIsToldItsZooKeeper(t *testing.T) {
	config := Config{Brokers: 2, Config: map[string]string{"min.insync.replicas": "2"}}
	env := node{
		id: 2, advertised: "127.0.0.1:19093", clusterID: "abc", zookeeper: "10.9.8.10",
		addresses: []string{"10.9.8.11", "10.9.8.12"}, properties: properties(&config, version(t, "2.8.2")),
	}.environment()
	for name, want := range map[string]string{
		"KAFKA_BROKER_ID":                      "2",
		"KAFKA_ZOOKEEPER_CONNECT":              "10.9.8.10:2181",
		"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS":   "4000",
		"KAFKA_LISTENERS":                      "CLIENT://0.0.0.0:9092,REPLICATION://10.9.8.12:9093",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,REPLICATION:PLAINTEXT",
		"KAFKA_MIN_INSYNC_REPLICAS":            "2",
	} {
		if env[name] != want {
			t.Errorf("%s is %q, want %q", name, env[name], want)
		}
	}
	for _, name := range []string{"KAFKA_PROCESS_ROLES", "KAFKA_NODE_ID", "CLUSTER_ID", "KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_BROKER_SESSION_TIMEOUT_MS"} {
		if value, ok := env[name]; ok {
			t.Errorf("%s is set, to %q", name, value)
		}
	}
}

func TestTheVersionOfAnImageIsWhatTheImageSaysOrElseTheUserOrElseItsTag(t *testing.T) {
	for _, c := range []struct{ image, says, asked, want string }{
		{"mine:latest", "3.9.2", "", "3.9.2"},
		{"mine:latest", "3.9.2", "3.9.2", "3.9.2"},
		{"mine:latest", "3.9.2", "4.3.1", "not 4.3.1"},
		{"mine:latest", "", "4.3.1", "4.3.1"},
		{"mine:2.8.2-patched", "", "4.3.1", "4.3.1"},
		{"registry:5000/mine:2.8.2-patched", "", "", "2.8.2"},
		{"mine:0.11.0.3", "", "", "0.11.0.3"},
		{"mine:4.1.0@sha256:00", "", "", "4.1.0"},
		{"mine:latest", "", "", "--kafka"},
		{"mine:10.0.0.1/x", "", "", "--kafka"},
	} {
		v, err := versionOf(image{reference: c.image, kafka: c.says}, c.asked)
		if got := v.String() + fmt.Sprint(err); !strings.Contains(got, c.want) {
			t.Errorf("image %s which says %q, asked for %q: %s", c.image, c.says, c.asked, got)
		}
	}
	if m := archiveVersion.FindStringSubmatch("https://archive.apache.org/dist/kafka/3.9.0/kafka_2.13-3.9.0.tgz"); m == nil || m[1] != "3.9.0" {
		t.Errorf("%q", m)
	}
}

func TestWhatAVersionLacksIsKnown(t *testing.T) {
	for text, want := range map[string]bool{"0.11.0.3": false, "1.1.1": false, "2.4.1": true, "2.8.2": true, "4.3.1": true} {
		if got := slices.Contains(Capabilities(version(t, text)), cluster.CanMoveLeader); got != want {
			t.Errorf("Kafka %s moves leaders: %t", text, got)
		}
	}
	if !slices.Contains(Capabilities(history.KafkaVersion{}), cluster.CanMoveLeader) {
		t.Error("something is denied to a version that is not known")
	}
}

func TestASingleBrokerReplicatesInternalTopicsOnce(t *testing.T) {
	properties := properties(&Config{Brokers: 1}, version(t, "4.3.1"))
	for _, name := range []string{"offsets.topic.replication.factor", "transaction.state.log.replication.factor", "transaction.state.log.min.isr"} {
		if properties[name] != "1" {
			t.Errorf("%s is %s", name, properties[name])
		}
	}
}

func TestPropertyNamesBecomeVariables(t *testing.T) {
	for property, want := range map[string]string{
		"log.dirs": "KAFKA_LOG_DIRS", "a_b.c": "KAFKA_A__B_C", "a-b": "KAFKA_A___B",
	} {
		if got := variable(property); got != want {
			t.Errorf("%s becomes %s, want %s", property, got, want)
		}
	}
}

func TestAnImpossibleConfigurationIsRefused(t *testing.T) {
	good := Config{Kafka: "4.3.1", Brokers: 2, Advertised: []string{"127.0.0.1:1", "127.0.0.1:2"}}
	if err := good.check(); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*Config){
		"name a Kafka version": func(c *Config) { c.Kafka = "" },
		"1 to 100":             func(c *Config) { c.Brokers = 0 },
		"one is needed for":    func(c *Config) { c.Brokers = 3 },
		"missing port":         func(c *Config) { c.Advertised = []string{"127.0.0.1:1", "127.0.0.1"} },
		"by two brokers":       func(c *Config) { c.Advertised = []string{"127.0.0.1:1", "127.0.0.1:1"} },
		"set by the harness":   func(c *Config) { c.Config = map[string]string{"advertised.listeners": "x"} },
	} {
		bad := good
		spoil(&bad)
		if err := bad.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
