package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/clients/provision"
)

// needsClients skips, loudly, tests that build client libraries' drivers from
// their registries: in a hurry, where IDEMCHECK_CLIENTS is 0, and where the
// language's tools are missing, unless IDEMCHECK_REQUIRE_CLIENTS is 1.
func needsClients(t *testing.T, libraries ...string) {
	t.Helper()
	required := os.Getenv("IDEMCHECK_REQUIRE_CLIENTS") == "1"
	switch {
	case testing.Short() && !required:
		t.Skip("SKIPPED: builds client libraries, and -short was given")
	case os.Getenv("IDEMCHECK_CLIENTS") == "0":
		t.Skip("SKIPPED, no client library was tested: IDEMCHECK_CLIENTS is 0")
	}
	for _, name := range libraries {
		l, err := provision.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Ready(); err != nil && required {
			t.Fatalf("client libraries are required, and: %v", err)
		} else if err != nil {
			t.Skipf("SKIPPED, %s was not tested: %v", name, err)
		}
	}
}

// knownBuggy are the libraries that suites/regressions has bugs of.
var knownBuggy = []string{"kafkajs", "sarama", "kafka-go", "franz-go", "confluent-kafka-python", "platformatic-kafka", "kafka-python", "kafka-clients"}

func TestKnownBugsAreFoundAndTheirMendingsPass(t *testing.T) {
	needsClients(t, knownBuggy...)
	dir := t.TempDir()
	c := cli(t, dir, "run", "--seed", "7", "regressions")
	c.want(t, exitAsExpected, "23 as expected", "dropped-batch")
}

// What search found, and shrinking made small, comes back on real brokers; and
// the versions that mend it pass.
func TestRegressionsComeBackOnRealBrokers(t *testing.T) {
	needsDocker(t)
	needsClients(t, knownBuggy...)
	dir := t.TempDir()
	cli(t, dir, "run", "--cluster", "docker", "--runs", "2", "regressions").want(t, exitAsExpected, "as expected")
}

// One library of each ecosystem, and the cases that show that it is built well;
// `idemcheck driver test NAME` has them all.
func TestDriversOfEveryLanguageKeepToTheProtocol(t *testing.T) {
	for _, name := range []string{"sarama", "kafka-clients", "aiokafka", "kafkajs"} {
		t.Run(name, func(t *testing.T) {
			needsClients(t, name)
			args := []string{"driver", "test"}
			for _, one := range []string{"ready", "idempotence", "answers", "text", "close", "input-ends", "lost-answer"} {
				args = append(args, "--case", one)
			}
			cli(t, t.TempDir(), append(args, name)...).want(t, exitAsExpected, "7 of 7 cases passed")
		})
	}
}

func TestAClientInAnotherLanguageOutlivesLeadersOnRealBrokers(t *testing.T) {
	needsDocker(t)
	needsClients(t, "kafka-clients")
	dir := t.TempDir()
	c := cli(t, dir, "run", "--cluster", "docker", "--client", "kafka-clients", "clients/leader-kills")
	c.want(t, exitAsExpected, "every guarantee held")
	for _, run := range runDirs(t, dir) {
		if logs, err := filepath.Glob(filepath.Join(run, "client", "producer-*.log")); err != nil || len(logs) < 2 {
			t.Errorf("the logs of the drivers are missing: %v, %v", logs, err)
		}
		cli(t, dir, "show", run).want(t, exitAsExpected, "kafka-clients "+newestOf(t, "kafka-clients"))
	}
}

func newestOf(t *testing.T, name string) string {
	t.Helper()
	l, err := provision.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(l.Newest, "v")
}
