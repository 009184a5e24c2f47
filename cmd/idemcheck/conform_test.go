package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/idemcheck/idemcheck/conformance/matrix"
)

func TestWordsOfConformThatMakeNoSense(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		file string // known.yaml
		says []string
	}{
		"no such case":          {[]string{"--case", "99"}, "", []string{`no case "99"`, "--list"}},
		"no such group":         {[]string{"--group", "epoch"}, "", []string{`no group "epoch"`, "epochs"}},
		"a Kafka for kfake":     {[]string{"--cluster", "embedded", "--kafka", "4.3.1"}, "", []string{"need --cluster docker"}},
		"no version":            {[]string{"--kafka", "banana"}, "", []string{"banana"}},
		"a version twice":       {[]string{"--kafka", "4.3.1,4.3.1"}, "", []string{"twice"}},
		"rules of no version":   {[]string{"--as", "new"}, "", []string{"--as", "new"}},
		"a summary of no kind":  {[]string{"--summary", "x.txt"}, "", []string{".md or .json"}},
		"hooks for no cluster":  {[]string{"--hooks", "x.yaml"}, "", []string{"--hooks needs --cluster external"}},
		"no file of deviations": {[]string{"--case", "1", "--expected", "none.yaml"}, "", []string{"none.yaml"}},
		"a deviation of no case": {[]string{"--case", "1", "--expected", "known.yaml"}, "- case: sixth\n  reason: so it is\n",
			[]string{"known.yaml:1:", "sixth"}},
		"a deviation without a reason": {[]string{"--case", "1", "--expected", "known.yaml"}, "- case: 13\n", []string{"known.yaml:1:", "reason"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "known.yaml"), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cli(t, dir, append([]string{"conform"}, c.args...)...).want(t, exitUsage, c.says...)
		})
	}
}

func TestConformSaysWhatKfakeDoesAndHeedsWhatIsKnown(t *testing.T) {
	dir := t.TempDir()
	cli(t, dir, "conform", "--list").want(t, exitAsExpected, "52 five-in-flight", "KIP-98")
	cli(t, dir, "conform", "--case", "2", "--case", "13", "--html", "m.html", "--junit", "m.xml", "--summary", "m.md", "--summary", "m.json").
		want(t, exitViolation, "repeated-batch", "wrap-between-batches", "1 pass, 1 fail")
	for file, says := range map[string]string{"m.html": "wrap-between-batches", "m.xml": "<failure", "m.md": "idemcheck conform --case 2 --case 13"} {
		if text, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !strings.Contains(string(text), says) {
			t.Errorf("%s does not say %q: %v", file, says, err)
		}
	}
	var m matrix.Matrix
	if text, err := os.ReadFile(filepath.Join(dir, "m.json")); err != nil || json.Unmarshal(text, &m) != nil || m.Columns[0].Cell(13).Verdict != matrix.Fail {
		t.Errorf("the record does not say that 13 failed: %v", err)
	}
	if steps := m.Columns[0].Cell(13).Steps; len(steps) == 0 || len(steps[len(steps)-1].Frames) == 0 && len(steps[2].Frames) == 0 {
		t.Error("the record has no frames of what failed")
	}

	known := "- {case: wrap-between-batches, reason: kfake wraps one early}\n"
	if err := os.WriteFile(filepath.Join(dir, "known.yaml"), []byte(known+"- {case: 2, reason: mended long ago}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "conform", "--case", "2,13", "--expected", "known.yaml").want(t, exitViolation, "take the entry out")
	if err := os.WriteFile(filepath.Join(dir, "known.yaml"), []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "conform", "--case", "2,13", "--expected", "known.yaml").want(t, exitAsExpected, "kfake wraps one early")
}

func TestConformOnABrokerOfOnesOwn(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	at := c.ListenAddrs()[0]
	cli(t, t.TempDir(), "conform", "--bootstrap", at, "--case", "1,2,30,33").
		want(t, exitAsExpected, at, "2 pass, 2 not-applicable", "it needs 2 brokers", "--hooks")
	cli(t, t.TempDir(), "conform", "--bootstrap", at, "--case", "33").want(t, exitInconclusive)
}

func TestConformOnWhatIsNoBroker(t *testing.T) {
	answers := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go serve(conn)
			}
		}()
		return l.Addr().String()
	}
	web := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(web.Close)
	// The one that closes reads first: with bytes unread it would be a reset.
	for name, c := range map[string]struct{ at, says string }{
		"a web server":                    {strings.TrimPrefix(web.URL, "http://"), "is it a Kafka listener"},
		"a port that closes":              {answers(func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _ = c.Close() }), "EOF"},
		"a port that answers nothing":     {answers(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), "no answer"},
		"a port where nobody listens":     {"127.0.0.1:1", "refused"},
		"a port that speaks other things": {answers(func(c net.Conn) { _, _ = c.Write([]byte("220 mail ready\r\n\r\n\r\n")); time.Sleep(time.Second) }), "not Kafka"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			cli(t, t.TempDir(), "conform", "--bootstrap", c.at).want(t, exitBroken, c.at, c.says)
			if took := time.Since(began); took > time.Minute {
				t.Errorf("it took %s", took)
			}
		})
	}
}
