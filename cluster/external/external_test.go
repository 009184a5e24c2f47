package external

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

func config(t *testing.T, text string, env ...string) (*Security, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "client.properties")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadClientConfig(file, func(name string) string {
		for _, v := range env {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	})
}

func TestClientPropertiesAreReadAsPeopleWriteThem(t *testing.T) {
	s, err := config(t, `# a comment
! another
bootstrap.servers = a:9092, b:9093
security.protocol: SASL_PLAINTEXT
sasl.mechanism=SCRAM-SHA-256
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
    username="al\\"ice" \
    password='p=w;d #1';
`)
	if err != nil {
		t.Fatal(err)
	}
	if s.username != `al"ice` || s.password != "p=w;d #1" || s.mechanism != "SCRAM-SHA-256" || strings.Join(s.bootstrap, " ") != "a:9092 b:9093" {
		t.Errorf("%q %q %q %q", s.username, string(s.password), s.mechanism, s.bootstrap)
	}
}

func TestTheEnvironmentGoesBeforeTheFile(t *testing.T) {
	s, err := config(t, "security.protocol=SASL_PLAINTEXT\nsasl.mechanisms=PLAIN\nsasl.username=u\nsasl.password=file\n", EnvPassword+"=environment")
	if err != nil || s.password != "environment" {
		t.Errorf("%q, %v", string(s.password), err)
	}
}

func TestWhatCannotBeUsedIsAnErrorThatNeverQuotesASecret(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"an unknown key":         {"sasl.pass=hidden-1\n", "unknown key sasl.pass (allowed: bootstrap.servers, "},
		"no key":                 {"security.protocol=SSL\n=hidden-1\n", "line 2: want key=value"},
		"a key twice":            {"sasl.password=hidden-1\nsasl.password=hidden-1\n", "line 2: sasl.password stands there twice"},
		"another mechanism":      {"security.protocol=SASL_SSL\nsasl.mechanism=GSSAPI\nsasl.password=hidden-1", `sasl.mechanism "GSSAPI": want one of PLAIN`},
		"another protocol":       {"security.protocol=TLS\n", `"TLS": want one of PLAINTEXT`},
		"no protocol":            {"sasl.mechanism=PLAIN\nsasl.password=hidden-1\n", "security.protocol is missing"},
		"no password":            {"security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.username=u\n", EnvPassword},
		"another login module":   {"sasl.jaas.config=com.sun.security.auth.module.Krb5LoginModule required password=\"hidden-1\";\n", "PlainLoginModule"},
		"an option of a module":  {"sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required tokenauth=\"hidden-1\";\n", "option tokenauth"},
		"a Java store":           {"security.protocol=SSL\nssl.truststore.type=JKS\n", "only PEM"},
		"a store without PEM":    {"security.protocol=SSL\nssl.truststore.certificates=hidden-1\n", "no PEM certificate"},
		"a key with a password":  {"ssl.key.password=hidden-1\n", "without one"},
		"a key that is none":     {"security.protocol=SSL\nssl.keystore.key=hidden-1\nssl.keystore.certificate.chain=hidden-1\n", "client certificate"},
		"a certificate alone":    {"security.protocol=SSL\nssl.keystore.certificate.chain=x\n", "needs its key"},
		"a file that is not":     {"security.protocol=SSL\nssl.truststore.location=/nowhere/ca.pem\n", "/nowhere/ca.pem"},
		"skip neither on or off": {"idemcheck.tls.insecure.skip.verify=yes\n", "want true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v, want %q in it", err, c.says)
			}
			if strings.Contains(err.Error(), "hidden-1") {
				t.Errorf("it quotes the secret: %v", err)
			}
		})
	}
}

func TestNothingThatPrintsOrEncodesASecurityShowsASecret(t *testing.T) {
	s, err := config(t, "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=u\nsasl.password=hidden-1\n")
	if err != nil {
		t.Fatal(err)
	}
	encoded, _ := json.Marshal(struct {
		S *Security
		P secret
	}{s, s.password})
	c := Config{Security: s}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%v %+v %+v %q", c, c, *s, s.password), fmt.Sprintf("%#v", *s), string(encoded)} {
		if strings.Contains(text, "hidden-1") {
			t.Errorf("shown: %s", text)
		}
	}
	if got := s.redact("said hidden-1 aloud"); got != "said *** aloud" {
		t.Error(got)
	}
}

func hooks(t *testing.T, text string) (*Hooks, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "hooks.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadHooks(file)
}

func TestCapabilitiesFollowFromTheHooks(t *testing.T) {
	some, err := hooks(t, "kill: k\nstart: s\nisolate: i\nheal: h\ntimeout: 5s\n")
	if err != nil || some.Timeout != 5*time.Second {
		t.Fatal(some, err)
	}
	if can := some.capabilities(); len(can) != 1 || can[0] != cluster.CanIsolate {
		t.Errorf("%v", can)
	}
	if missing := some.Missing(cluster.CanPower); strings.Join(missing, " ") != "stop pause resume" {
		t.Errorf("missing %v", missing)
	}
	if missing := (*Hooks)(nil).Missing(cluster.CanIsolate); len(missing) != 2 {
		t.Errorf("missing %v", missing)
	}
	for text, says := range map[string]string{
		"kil: x\n":                  "allowed: kill, stop",
		"kill: x\n":                 "kill without start",
		"pause: x\n":                "pause without resume",
		"isolate: x\n":              "isolate without heal",
		"heal: x\ntimeout: -1s\n":   "timeout -1s",
		"heal: x\ntimeout: often\n": "hooks",
	} {
		if _, err := hooks(t, text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func TestAHookIsToldItsBrokerAndIsBoundInTime(t *testing.T) {
	t.Setenv(EnvPassword, "hidden-1")
	out := filepath.Join(t.TempDir(), "out")
	e := &Cluster{config: Config{Hooks: &Hooks{Timeout: 3 * time.Second}, Security: &Security{password: "hidden-1"}}}
	b := cluster.Broker{ID: 7, Advertised: "[::1]:9092"}
	if err := e.call(t.Context(), "kill", `echo "$BROKER_ID $HOST $PORT $WAY $`+EnvPassword+`" > `+out, b, "WAY=in"); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(out); string(text) != "7 ::1 9092 in \n" {
		t.Errorf("%q", text)
	}
	began := time.Now()
	err := e.call(t.Context(), "kill", "echo so far hidden-1; sleep 60 & wait", b)
	if err == nil || !strings.Contains(err.Error(), "it took longer than 3s; it said: so far ***") {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	began = time.Now()
	if err := e.call(t.Context(), "start", "sleep 5 & echo started", b); err != nil || time.Since(began) > 2*time.Second {
		t.Errorf("with a broker left in the background: %v after %s", err, time.Since(began))
	}
	if err := e.call(t.Context(), "stop", "", b); err == nil || !strings.Contains(err.Error(), `no hook "stop"`) {
		t.Errorf("%v", err)
	}
}
