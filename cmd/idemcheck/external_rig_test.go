package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// foreignCluster is a Kafka of three brokers that idemcheck did not start and
// does not control: containers with ids of their own, advertising addresses of
// their own, each with an open listener (9092), one for SASL over TLS (9093) and
// one that wants a certificate of its clients (9095).
type foreignCluster struct {
	open, secure, mutual []string // bootstrap addresses
	certificates
	container string // name of a broker's container, but for its id
}

const (
	foreignUser     = "tester"
	foreignPassword = "s3cret-of-the-tests"
)

var foreignIDs = []int{11, 12, 23}

func dockerCLI(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// startForeign starts it; it ends with the test.
func startForeign(t *testing.T) *foreignCluster {
	t.Helper()
	needsDocker(t)
	name := fmt.Sprintf("foreign-kafka-%d", os.Getpid())
	f := &foreignCluster{container: name + "-"}
	subnet := ""
	var err error
	for try := range 20 {
		subnet = fmt.Sprintf("198.19.%d.", (os.Getpid()+try)%250)
		if _, err = dockerCLI(t, "network", "create", "--subnet", subnet+"0/24", name); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := dockerCLI(t, "network", "rm", name); err != nil {
			t.Error(err)
		}
	})
	address := func(id int) string { return fmt.Sprintf("%s%d", subnet, id) }
	secrets := t.TempDir()
	var voters []string
	for _, id := range foreignIDs {
		voters = append(voters, fmt.Sprintf("%d@%s:9094", id, address(id)))
		f.open, f.secure, f.mutual = append(f.open, address(id)+":9092"), append(f.secure, address(id)+":9093"), append(f.mutual, address(id)+":9095")
	}
	f.certificates = newCertificates(t, secrets, subnet)
	for _, id := range foreignIDs {
		properties := map[string]string{
			"node.id": fmt.Sprint(id), "process.roles": "broker,controller", "controller.listener.names": "CONTROLLER",
			"controller.quorum.voters":       strings.Join(voters, ","),
			"listeners":                      fmt.Sprintf("OPEN://%[1]s:9092,SECURE://%[1]s:9093,MUTUAL://%[1]s:9095,CONTROLLER://%[1]s:9094", address(id)),
			"advertised.listeners":           fmt.Sprintf("OPEN://%[1]s:9092,SECURE://%[1]s:9093,MUTUAL://%[1]s:9095", address(id)),
			"listener.security.protocol.map": "OPEN:PLAINTEXT,SECURE:SASL_SSL,MUTUAL:SSL,CONTROLLER:PLAINTEXT",
			"inter.broker.listener.name":     "OPEN", "log.dirs": "/tmp/kafka-logs",
			"broker.session.timeout.ms": "3000", "broker.heartbeat.interval.ms": "500", "replica.lag.time.max.ms": "2000",
			"offsets.topic.replication.factor": "3", "auto.create.topics.enable": "false",
			"log.cleaner.dedupe.buffer.size": "8388608",

			"ssl.keystore.type": "PEM", "ssl.keystore.location": fmt.Sprintf("/secrets/%d.pem", id),
			"listener.name.mutual.ssl.client.auth": "required", "listener.name.mutual.ssl.truststore.type": "PEM",
			"listener.name.mutual.ssl.truststore.location":                 "/secrets/ca.pem",
			"listener.name.secure.sasl.enabled.mechanisms":                 "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
			"listener.name.secure.plain.sasl.jaas.config":                  fmt.Sprintf(`org.apache.kafka.common.security.plain.PlainLoginModule required user_%s="%s";`, foreignUser, foreignPassword),
			"listener.name.secure.scram-sha-256.sasl.jaas.config":          "org.apache.kafka.common.security.scram.ScramLoginModule required;",
			"listener.name.secure.scram-sha-512.sasl.jaas.config":          "org.apache.kafka.common.security.scram.ScramLoginModule required;",
			"listener.name.secure.scram-sha-512.connections.max.reauth.ms": "300000",
		}
		args := []string{"run", "-d", "--name", f.container + fmt.Sprint(id), "--network", name, "--ip", address(id), "-v", secrets + ":/secrets:ro",
			"-e", "CLUSTER_ID=Zm9yZWlnbi1rYWZrYS0wMQ", "-e", "KAFKA_HEAP_OPTS=-Xms256m -Xmx256m"}
		for key, value := range properties {
			variable := strings.ToUpper(strings.NewReplacer(".", "_", "_", "__", "-", "___").Replace(key))
			args = append(args, "-e", "KAFKA_"+variable+"="+value)
		}
		if _, err := dockerCLI(t, append(args, "idemcheck/kafka:"+defaultKafka)...); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if t.Failed() {
				if out, err := dockerCLI(t, "logs", "--tail", "15", f.container+fmt.Sprint(id)); err == nil {
					t.Logf("broker %d:\n%s", id, out)
				}
			}
			if _, err := dockerCLI(t, "rm", "-f", "-v", f.container+fmt.Sprint(id)); err != nil {
				t.Error(err)
			}
		})
	}
	f.addUser(t)
	return f
}

// admin speaks to the open listener.
func (f *foreignCluster) admin(t *testing.T) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(f.open...), kgo.RequestRetries(0), kgo.DialTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// addUser waits until the cluster takes a SCRAM user, and all brokers are there.
func (f *foreignCluster) addUser(t *testing.T) {
	t.Helper()
	admin := f.admin(t)
	var last error
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); time.Sleep(500 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		brokers, err := admin.ListBrokers(ctx)
		if err == nil && len(brokers) < len(foreignIDs) {
			err = fmt.Errorf("%d brokers so far", len(brokers))
		}
		for _, mechanism := range []kadm.ScramMechanism{kadm.ScramSha256, kadm.ScramSha512} {
			if err != nil {
				break
			}
			var done kadm.AlteredUserSCRAMs
			if done, err = admin.AlterUserSCRAMs(ctx, nil, []kadm.UpsertSCRAM{{User: foreignUser, Mechanism: mechanism, Iterations: 4096, Password: foreignPassword}}); err == nil {
				err = done.Error()
			}
		}
		cancel()
		if last = err; err == nil {
			return
		}
	}
	t.Fatalf("the foreign cluster does not come up: %v", last)
}
