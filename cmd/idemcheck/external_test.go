package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

func TestAnyClusterByItsAddress(t *testing.T) {
	f := startForeign(t)
	t.Run("with SCRAM over TLS, the clients stay on the proxies and the password stays out of sight", f.scram)
	t.Run("with PLAIN over TLS, from a JAAS line", f.plain)
	t.Run("with a client's certificate", f.withCertificate)
	t.Run("hook commands make faults on brokers", f.hooks)
	t.Run("hook commands isolate brokers", f.isolation)
	t.Run("it is held to what brokers promise on the wire", f.conforms)
	t.Run("what is wrong is said, in time", f.wrong)
	if topics, err := f.admin(t).ListTopics(t.Context()); err != nil || len(topics.Names()) != 0 {
		t.Errorf("left on the cluster: %v, %v", topics.Names(), err)
	}
}

func properties(t *testing.T, dir string, lines ...string) string {
	t.Helper()
	file := filepath.Join(dir, "client.properties")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (f *foreignCluster) scram(t *testing.T) {
	t.Setenv("IDEMCHECK_SASL_PASSWORD", foreignPassword)
	for mechanism, scenario := range map[string]string{"SCRAM-SHA-256": "faults/cut-after-append", "SCRAM-SHA-512": "faults/hide-leader"} {
		dir := t.TempDir()
		config := properties(t, t.TempDir(), "security.protocol=SASL_SSL", "sasl.mechanism="+mechanism,
			"sasl.username="+foreignUser, "ssl.truststore.type=PEM", "ssl.truststore.location="+f.ca)
		c := cli(t, dir, "run", "--cluster", "external", "--bootstrap", strings.Join(f.secure, ","), "--client-config", config,
			"--json", "--junit", "junit.xml", scenario)
		c.want(t, exitAsExpected, "1 as expected", "SASL_SSL, "+mechanism)
		if mechanism == "SCRAM-SHA-512" {
			c.want(t, exitAsExpected, "5m0s") // how long a session may last
		}
		stayed(t, dir)
		hides(t, dir, c.stdout+c.stderr, foreignPassword)
	}
}

func (f *foreignCluster) plain(t *testing.T) {
	dir := t.TempDir()
	config := properties(t, t.TempDir(), "bootstrap.servers="+f.secure[0], "security.protocol=SASL_SSL", "sasl.mechanism=PLAIN",
		`sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \`,
		fmt.Sprintf(`  username="%s" password="%s";`, foreignUser, foreignPassword), "ssl.ca.location="+f.ca)
	c := cli(t, dir, "run", "--cluster", "external", "--client-config", config, "basic/ack-loss")
	c.want(t, exitAsExpected, "1 as expected")
	stayed(t, dir)
	hides(t, dir, c.stdout+c.stderr, foreignPassword)
}

func (f *foreignCluster) withCertificate(t *testing.T) {
	dir := t.TempDir()
	config := properties(t, t.TempDir(), "security.protocol=SSL", "ssl.truststore.type=PEM", "ssl.truststore.location="+f.ca,
		"ssl.keystore.type=PEM", "ssl.keystore.location="+f.client)
	c := cli(t, dir, "run", "--cluster", "external", "--bootstrap", f.mutual[0], "--client-config", config, "faults/cut-after-append")
	c.want(t, exitAsExpected, "1 as expected", f.mutual[0]+", SSL")
	stayed(t, dir)
	store, err := os.ReadFile(f.client)
	must(t, err)
	hides(t, dir, c.stdout+c.stderr, strings.Split(string(store), "\n")[1]) // the first line of the key
}

// stayed holds the log against the wire journal: every record that was read
// back was appended by a batch that a proxy saw answered.
func stayed(t *testing.T, dir string) {
	t.Helper()
	for _, name := range runDirs(t, dir) {
		run, err := history.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := run.Manifest.Cluster; got.Kind != "external" || !slices.Equal(got.Brokers, []int32{11, 12, 23}) {
			t.Errorf("cluster %+v", got)
		}
		type at struct {
			partition int32
			offset    int64
		}
		seen, brokers := map[at]bool{}, map[int32]bool{}
		for e, err := range run.Wire() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Kind == history.WireAnswer && e.BrokerCode == 0 {
				brokers[e.Broker] = true
				for i := range int64(e.Records) {
					seen[at{e.Partition, e.BaseOffset + i}] = true
				}
			}
			if e.Kind == history.WireNotKafka {
				t.Errorf("%s: passed unseen: %s", name, e.Note)
			}
		}
		records := 0
		for r, err := range run.AllLog() {
			if err != nil {
				t.Fatal(err)
			}
			records++
			if !seen[at{r.Partition, r.Offset}] {
				t.Fatalf("%s: offset %d of partition %d was appended past the proxies", name, r.Offset, r.Partition)
			}
		}
		if records == 0 || len(brokers) != 3 {
			t.Errorf("%s: %d records, answered by brokers %v", name, records, brokers)
		}
	}
}

// hides fails where a secret stands in anything that was written or printed.
func hides(t *testing.T, dir, output, secret string) {
	t.Helper()
	if strings.Contains(output, secret) {
		t.Error("the secret was printed")
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("the secret stands in %s", path)
		}
		return err
	})
	if err != nil || files < 5 {
		t.Errorf("%d files looked at, %v", files, err)
	}
}

func (f *foreignCluster) hooks(t *testing.T) {
	dir := t.TempDir()
	hooks, commands := f.readmeHooks(t)
	c := cli(t, dir, "run", "--cluster", "external", "--bootstrap", f.open[0], "faults/kill-leader")
	c.want(t, exitInconclusive, "--hooks has no kill, stop, start, pause, resume")
	c = cli(t, dir, "run", "--cluster", "external", "--bootstrap", f.open[0], "--hooks", hooks, "faults/kill-leader")
	c.want(t, exitAsExpected, "1 as expected")
	if t.Failed() {
		t.Log(c.stdout, c.stderr)
	}
	stayed(t, dir)
	for _, id := range foreignIDs {
		state, err := dockerCLI(t, "inspect", "-f", "{{.State.Running}} {{.State.Paused}}", f.container+fmt.Sprint(id))
		if err != nil || state != "true false" {
			t.Errorf("broker %d was left behind: %s, %v", id, state, err)
		}
	}
	commands["kill"] = "echo I cannot >&2; false"
	broken := writeHooks(t, commands)
	c = cli(t, dir, "run", "--cluster", "external", "--bootstrap", f.open[0], "--hooks", broken, "faults/kill-leader")
	c.want(t, exitBroken, "hook kill: exit status 1; it said: I cannot")
}

func (f *foreignCluster) conforms(t *testing.T) {
	hooks, _ := f.readmeHooks(t)
	cli(t, t.TempDir(), "conform", "--bootstrap", f.open[0], "--hooks", hooks, "--case", "33,34").want(t, exitAsExpected, "2 pass")

	dir := t.TempDir()
	t.Setenv("IDEMCHECK_SASL_PASSWORD", foreignPassword)
	config := properties(t, t.TempDir(), "security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-256",
		"sasl.username="+foreignUser, "ssl.truststore.type=PEM", "ssl.truststore.location="+f.ca)
	c := cli(t, dir, "conform", "--bootstrap", strings.Join(f.secure, ","), "--client-config", config,
		"--case", "2,26,39,44,48", "--summary", "m.json", "--html", "m.html")
	c.want(t, exitAsExpected, "5 pass")
	for _, file := range []string{"m.json", "m.html"} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		must(t, err)
		if strings.Contains(string(text)+c.stdout+c.stderr, foreignPassword) {
			t.Errorf("the password is in %s, or was printed", file)
		}
	}
}

func (f *foreignCluster) wrong(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	elsewhere := strings.TrimPrefix(web.URL, "http://")
	tls := []string{"security.protocol=SASL_SSL", "sasl.mechanism=SCRAM-SHA-256", "sasl.username=" + foreignUser}
	mutual := []string{"security.protocol=SSL", "ssl.truststore.location=" + f.ca}
	for name, c := range map[string]struct {
		bootstrap string
		lines     []string
		status    int
		says      string
	}{
		"a wrong password":              {f.secure[0], append(tls, "sasl.password=wrong-one", "ssl.ca.location="+f.ca), exitBroken, "SASL_AUTHENTICATION_FAILED"},
		"an authority nobody trusts":    {f.secure[0], append(tls, "sasl.password=wrong-one"), exitBroken, "ssl.truststore.location"},
		"a mechanism that is not there": {f.open[0], []string{"security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN", "sasl.username=u", "sasl.password=wrong-one"}, exitBroken, "SASL"},
		"no certificate":                {f.mutual[0], mutual, exitBroken, "ssl.keystore.location"},
		"a certificate nobody trusts":   {f.mutual[0], append(mutual, "ssl.keystore.location="+f.stranger), exitBroken, "ssl.keystore.location"},
		"TLS is wanted":                 {f.secure[0], nil, exitBroken, "TLS or SASL"},
		"there is no TLS":               {f.open[0], append(tls, "sasl.password=wrong-one"), exitBroken, "TLS"},
		"not Kafka":                     {elsewhere, nil, exitBroken, "is it a Kafka listener"},
		"nobody there":                  {"127.0.0.1:1", nil, exitBroken, "connection refused"},
		"no port":                       {"kafka", nil, exitBroken, "want HOST:PORT"},
		"an unknown key":                {f.open[0], []string{"sasl.pasword=wrong-one"}, exitUsage, "unknown key sasl.pasword"},
		"a store of Java's":             {f.open[0], []string{"security.protocol=SSL", "ssl.truststore.type=JKS"}, exitUsage, "only PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := []string{"run", "--cluster", "external", "--bootstrap", c.bootstrap, "basic/ack-loss"}
			if c.lines != nil {
				args = append(args, "--client-config", properties(t, t.TempDir(), c.lines...))
			}
			began := time.Now()
			got := cli(t, dir, args...)
			got.want(t, c.status, c.says)
			if strings.Contains(got.stdout+got.stderr, "wrong-one") {
				t.Error("the password was printed")
			}
			if took := time.Since(began); took > 45*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}
