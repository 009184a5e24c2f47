// Package docker runs Kafka clusters in containers: KRaft nodes that are
// broker and controller at once, or, before Kafka 3.3, brokers and a ZooKeeper,
// on two networks of their own (clients, replication) with static addresses,
// through testcontainers-go. Each broker keeps its log directory on a volume,
// so that its container can be replaced.
//
// Brokers advertise the loopback addresses of the proxies in front of them;
// proxies and the harness reach them by container address, so that a network
// cut is silence and not a refusal, as between real machines. That needs a
// Linux host that runs the engine itself. No port is published.
//
// It configures brokers through the environment contract of the official
// image (KAFKA_*, CLUSTER_ID) and knows nothing else about an image.
package docker

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Config says what cluster to start. Kafka or Image, Brokers and Advertised
// are required.
type Config struct {
	Kafka      string            // version, as "4.3.1"; names the image when Image is empty
	Image      string            // image reference, instead of the ones of this Kafka version
	Brokers    int               // 1 to 100; the broker ids are 1 to Brokers
	Advertised []string          // by broker: "127.0.0.1:port" of its proxy, which clients are told
	Upgrades   []string          // versions that brokers will be upgraded to: a missing image is an error at the start
	Config     map[string]string // broker properties, over the harness's defaults
	Run        string            // label of the run, for people who look at docker ps
	Progress   func(string)      // told what is being waited for, in a few words; may be nil
	Ready      time.Duration     // how long brokers may take to get ready; 0 is 60 s
	Disks      bool              // every broker has a disk of its own, which can be made slow or full; see DiskLack
	Memory     int64             // limit of a broker's container, bytes; 0 is none
}

const (
	maxBrokers   = 100
	defaultReady = 60 * time.Second
)

// Ports inside the containers.
const (
	clientPort      = 9092
	replicationPort = 9093
	controllerPort  = 9094
)

func (c *Config) check() error {
	switch {
	case c.Kafka == "" && c.Image == "":
		return errors.New("docker cluster: name a Kafka version or an image")
	case c.Brokers < 1 || c.Brokers > maxBrokers:
		return fmt.Errorf("docker cluster: %d brokers: 1 to %d can be started", c.Brokers, maxBrokers)
	case len(c.Advertised) != c.Brokers:
		return fmt.Errorf("docker cluster: %d advertised addresses for %d brokers: one is needed for each", len(c.Advertised), c.Brokers)
	}
	seen := map[string]bool{}
	for _, address := range c.Advertised {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return fmt.Errorf("docker cluster: advertised address %q: %w", address, err)
		}
		if seen[address] {
			return fmt.Errorf("docker cluster: address %s is advertised by two brokers", address)
		}
		seen[address] = true
	}
	for key := range c.Config {
		if reserved(key) {
			return fmt.Errorf("docker cluster: property %s is set by the harness and can't be changed", key)
		}
	}
	return nil
}

// reserved says whether a property is what holds the cluster together.
func reserved(property string) bool {
	switch property {
	case "node.id", "broker.id", "process.roles", "listeners", "advertised.listeners", "controller.listener.names",
		"listener.security.protocol.map", "inter.broker.listener.name", "controller.quorum.voters",
		"controller.quorum.bootstrap.servers", "log.dirs", "log.dir", "zookeeper.connect":
		return true
	}
	return false
}

func (c *Config) progress(format string, args ...any) {
	if c.Progress != nil {
		c.Progress(fmt.Sprintf(format, args...))
	}
}

// properties returns the properties that every broker has, beyond those that
// hold the cluster together: the defaults, and over them what was asked for.
func properties(c *Config, kafka history.KafkaVersion) map[string]string {
	all := defaultProperties(c.Brokers)
	if kafka.KRaft() {
		maps.Copy(all, quorumProperties())
	} else {
		maps.Copy(all, zookeeperProperties(kafka))
	}
	maps.Copy(all, c.Config)
	return all
}

// quorumProperties are the timeouts of KRaft. They are as short as was seen to
// be free of spurious elections on two busy cores; a quorum fetch timeout below
// 1 s is not.
func quorumProperties() map[string]string {
	return map[string]string{
		"broker.session.timeout.ms":                 "1500",
		"broker.heartbeat.interval.ms":              "250",
		"controller.quorum.election.timeout.ms":     "500",
		"controller.quorum.election.backoff.max.ms": "250",
		"controller.quorum.fetch.timeout.ms":        "1000",
	}
}

// zookeeperProperties are the timeouts that stand in their place before KRaft.
func zookeeperProperties(kafka history.KafkaVersion) map[string]string {
	all := map[string]string{
		"zookeeper.session.timeout.ms": fmt.Sprint(zookeeperSession.Milliseconds()),
		// It is the session timeout if not set, and ZooKeeper starts along with
		// the brokers.
		"zookeeper.connection.timeout.ms": "30000",
	}
	if !kafka.From(1, 1) {
		// A broker that is told of a new leader first waits for its fetch from
		// the dead one, for 30 s by default, and the cluster for it (KAFKA-6051).
		all["replica.socket.timeout.ms"] = "2000"
	}
	return all
}

// defaultProperties are broker properties that make a small cluster start and
// fail over fast, and keep it from changing leaders or forgetting records on
// its own. Brokers ignore a property that they do not know.
func defaultProperties(brokers int) map[string]string {
	copies := min(brokers, 3)
	return map[string]string{
		"replica.lag.time.max.ms":                          "2000",
		"replica.fetch.wait.max.ms":                        "200",
		"offsets.topic.replication.factor":                 fmt.Sprint(copies),
		"offsets.topic.num.partitions":                     "3",
		"transaction.state.log.replication.factor":         fmt.Sprint(copies),
		"transaction.state.log.min.isr":                    fmt.Sprint(max(1, copies-1)),
		"transaction.state.log.num.partitions":             "3",
		"share.coordinator.state.topic.replication.factor": fmt.Sprint(copies),
		"share.coordinator.state.topic.min.isr":            fmt.Sprint(max(1, copies-1)),
		"group.initial.rebalance.delay.ms":                 "0",
		"auto.create.topics.enable":                        "false",
		"auto.leader.rebalance.enable":                     "false",
		"log.retention.ms":                                 "-1",
		"log.retention.bytes":                              "-1",
		// Buffers that are sized for big brokers and filled at start.
		"log.cleaner.dedupe.buffer.size": "8388608",
		// An index is a sparse file of this size, and its first entry a page fault
		// in which a file system may set aside as much: with the default of 10 MiB
		// up to 20 ms of CPU on ext4, for two indexes of each replica. This is good
		// for segments of 350 MB.
		"log.index.size.max.bytes": "1048576",
		"num.network.threads":      "2",
		"num.io.threads":           "4",
		"background.threads":       "4",
	}
}

// node is what one broker must know about the cluster.
type node struct {
	id         int
	advertised string
	clusterID  string
	zookeeper  string   // its address on the replication network; empty with KRaft
	addresses  []string // of all brokers on the replication network, by broker
	properties map[string]string
}

// environment returns the environment of a broker's container, by the
// contract of the official image: KAFKA_ and the property's name in capitals.
func (n node) environment() map[string]string {
	own := n.addresses[n.id-1]
	env := map[string]string{
		"KAFKA_HEAP_OPTS": "-Xms256m -Xmx256m",
		// The client compiler alone and the serial collector start a broker in
		// half the time; so small a heap gains nothing from the others.
		"KAFKA_JVM_PERFORMANCE_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData",
	}
	set := func(property, value string) { env[variable(property)] = value }
	for property, value := range n.properties {
		set(property, value)
	}
	listeners := fmt.Sprintf("CLIENT://0.0.0.0:%d,REPLICATION://%s:%d", clientPort, own, replicationPort)
	protocols := "CLIENT:PLAINTEXT,REPLICATION:PLAINTEXT"
	if n.zookeeper != "" {
		set("broker.id", fmt.Sprint(n.id))
		set("zookeeper.connect", fmt.Sprintf("%s:%d", n.zookeeper, zookeeperPort))
	} else {
		voters := make([]string, len(n.addresses))
		for i, address := range n.addresses {
			voters[i] = fmt.Sprintf("%d@%s:%d", i+1, address, controllerPort)
		}
		env["CLUSTER_ID"] = n.clusterID
		listeners += fmt.Sprintf(",CONTROLLER://%s:%d", own, controllerPort)
		protocols += ",CONTROLLER:PLAINTEXT"
		set("node.id", fmt.Sprint(n.id))
		set("process.roles", "broker,controller")
		set("controller.listener.names", "CONTROLLER")
		set("controller.quorum.voters", strings.Join(voters, ","))
	}
	set("listeners", listeners)
	set("advertised.listeners", fmt.Sprintf("CLIENT://%s,REPLICATION://%s:%d", n.advertised, own, replicationPort))
	set("listener.security.protocol.map", protocols)
	set("inter.broker.listener.name", "REPLICATION")
	set("log.dirs", logDir)
	return env
}

// variable returns the name of the environment variable that sets a property.
func variable(property string) string {
	return "KAFKA_" + strings.ToUpper(strings.NewReplacer(".", "_", "_", "__", "-", "___").Replace(property))
}
