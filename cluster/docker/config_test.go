package docker

import (
	"strings"
	"testing"
)

func TestTheEnvironmentFollowsTheContractOfTheOfficialImage(t *testing.T) {
	config := Config{Brokers: 3, Config: map[string]string{"min.insync.replicas": "2", "broker.session.timeout.ms": "9000"}}
	env := node{
		id: 2, advertised: "127.0.0.1:19093", clusterID: "abc",
		addresses: []string{"10.9.8.11", "10.9.8.12", "10.9.8.13"}, properties: config.properties(),
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

func TestASingleBrokerReplicatesInternalTopicsOnce(t *testing.T) {
	properties := (&Config{Brokers: 1}).properties()
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
