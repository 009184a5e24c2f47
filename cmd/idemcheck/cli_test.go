package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
)

// program is the built command: what a user runs.
var program string

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "driver" { // started by a proof, which runs in this process
		os.Exit(run(context.Background(), os.Args[1:]))
	}
	dir, err := os.MkdirTemp("", "idemcheck-cli-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "idemcheck")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Stderr = os.Stderr
	status := 1
	if err := build.Run(); err == nil {
		status = m.Run()
		if err := endProofs(); err != nil {
			fmt.Fprintln(os.Stderr, "end of the proofs' clusters:", err)
			status = 1
		}
	}
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// call is one finished call of the program.
type call struct {
	stdout, stderr string
	status         int
}

// cli runs the program in dir and waits for it.
func cli(t *testing.T, dir string, args ...string) call {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return call{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// want complains unless the call ended so and said all of it.
func (c call) want(t *testing.T, status int, says ...string) {
	t.Helper()
	if c.status != status {
		t.Errorf("exit status %d, want %d\n%s%s", c.status, status, c.stdout, c.stderr)
	}
	for _, text := range says {
		if !strings.Contains(c.stdout+c.stderr, text) {
			t.Errorf("does not say %q:\n%s%s", text, c.stdout, c.stderr)
		}
	}
}

// runDirs lists the run directories below dir, oldest first.
func runDirs(t *testing.T, dir string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(dir, "runs", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func TestTheSmokeSuiteShowsBothFacesAndIsJudgedTheSameAgain(t *testing.T) {
	dir := t.TempDir()
	c := cli(t, dir, "run", "--seed", "11", "--junit", "junit.xml", "--json")
	c.want(t, exitAsExpected, "seed 11", "7 as expected")
	lines := bufio.NewScanner(strings.NewReader(c.stdout))
	seen := map[string]report.Result{}
	for lines.Scan() {
		var r report.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("standard output is not one JSON object a line: %v: %s", err, lines.Text())
		}
		seen[r.Scenario] = r
	}
	protected, bare := seen["ack-loss"].Verdict, seen["ack-loss-unprotected"].Verdict
	if protected == nil || bare == nil {
		t.Fatalf("ack-loss and its control are missing: %v", seen)
	}
	if protected.Coverage["dropped_acks"] == 0 || protected.Coverage["deduplicated"] == 0 || protected.Coverage["duplicates_in_log"] != 0 {
		t.Errorf("idempotent: %v", protected.Coverage)
	}
	if n := bare.Coverage["duplicates_in_log"]; n == 0 || n != bare.Coverage["dropped_ack_records"] {
		t.Errorf("without idempotence %d records are stored again, and %d lost acks", n, bare.Coverage["dropped_ack_records"])
	}
	text, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
	if err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal(text, &suites); err != nil || suites.Tests != 7 || suites.Failures != 0 {
		t.Errorf("JUnit %+v: %v", suites, err)
	}

	for _, run := range runDirs(t, dir) {
		before, err := os.ReadFile(filepath.Join(run, "verdict.json"))
		if err != nil {
			t.Fatal(err)
		}
		cli(t, dir, "check", run).want(t, exitAsExpected, "ok ")
		after, err := os.ReadFile(filepath.Join(run, "verdict.json"))
		if err != nil || !bytes.Equal(before, after) {
			t.Errorf("%s: judged again, the verdict is another (%v)", run, err)
		}
		cli(t, dir, "show", run).want(t, exitAsExpected, "time line", "verdict: ", "exercised")
		for _, rows := range []string{"--ops", "--wire", "--log"} {
			got := cli(t, dir, "show", rows, run)
			first, _, _ := strings.Cut(got.stdout, "\n")
			if got.status != 0 || !json.Valid([]byte(first)) {
				t.Errorf("show %s: status %d, %s", rows, got.status, first)
			}
		}
		if strings.Contains(run, "unprotected") {
			cli(t, dir, "show", run).want(t, exitAsExpected, "anomaly 1: duplicate", "handed to the client",
				"-> produce records", "without producer id", "in the log", "to blame: configuration")
		}
	}
}

// mine is a scenario of a user's own, with places to change. A batch has room for
// one record, so that there is a third acknowledgement however busy the machine is.
const mine = `name: mine
why: a test of my own
clients: [{library: franz-go, idempotence: IDEMPOTENCE, options: {batch_size: 512, retry_backoff: 50ms, request_timeout: 1s}}]
workload: {name: unique-append, records: RECORDS, rate: RATE, size: 300, warmup: 2}
nemesis:
  - {fault: cut-after-append, when: {acks: 3}}
cover: {dropped_acks: COVER}
expect: EXPECT
budget: 20s
`

// text is mine with these replacements, and what is left filled in.
func text(replace ...string) string {
	return strings.NewReplacer(append(replace, "IDEMPOTENCE", "true", "RECORDS", "20", "RATE", "200/s", "COVER", "1", "EXPECT", "pass")...).Replace(mine)
}

func write(t *testing.T, dir, name string, replace ...string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text(replace...)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestTheExitStatusSaysWhatCameOfIt(t *testing.T) {
	for name, c := range map[string]struct {
		replace []string
		status  int
		says    string
	}{
		"a guarantee held":                  {nil, exitAsExpected, "every guarantee held"},
		"an expected violation was found":   {[]string{"IDEMPOTENCE", "false", "EXPECT", "{violation: duplicate}"}, exitAsExpected, "as expected"},
		"a guarantee was violated":          {[]string{"IDEMPOTENCE", "false"}, exitViolation, "duplicate"},
		"an expected violation was missing": {[]string{"EXPECT", "{violation: lost}"}, exitViolation, "expected the violation lost"},
		"the coverage was not reached":      {[]string{"COVER", "50"}, exitInconclusive, "dropped_acks"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := write(t, dir, "mine.yaml", c.replace...)
			cli(t, dir, "run", file).want(t, c.status, c.says)
			cli(t, dir, "check", runDirs(t, dir)[0]).want(t, c.status, c.says)
		})
	}
}

func TestWrongUsageIsSaidBeforeAnythingIsStarted(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		file string
		says []string
	}{
		"an unknown verb":      {[]string{"runn"}, "", []string{"unknown command"}},
		"an unknown flag":      {[]string{"run", "--nope"}, "", []string{"--nope"}},
		"an unknown scenario":  {[]string{"run", "nothing"}, "", []string{"nothing", "smoke", "basic"}},
		"an unknown cluster":   {[]string{"run", "--cluster", "moon"}, "", []string{"moon", "embedded", "docker"}},
		"a Kafka for kfake":    {[]string{"run", "--kafka", "4.0.2"}, "", []string{"--kafka needs --cluster docker"}},
		"a Kafka that is none": {[]string{"run", "--cluster", "docker", "--kafka", "4.3.1,latest"}, "", []string{`"latest" is not a Kafka version`}},
		"a Kafka twice":        {[]string{"run", "--cluster", "docker", "--kafka", "4.3.1,4.3.1"}, "", []string{"names 4.3.1 twice"}},
		"an image of several":  {[]string{"run", "--cluster", "docker", "--kafka", "4.3.1,3.9.2", "--image", "x"}, "", []string{"--image is of one version"}},
		"a shard beyond all":   {[]string{"run", "--shard", "3/2"}, "", []string{"--shard", "K/N"}},
		"half a shard":         {[]string{"run", "--shard", "3"}, "", []string{"--shard", "K/N"}},
		"a summary of a kind":  {[]string{"run", "--summary", "x.html"}, "", []string{"--summary x.html", ".md or .json"}},
		"keep nonsense":        {[]string{"run", "--keep", "some"}, "", []string{`--keep "some": want all or failed`}},
		"a seed that is none":  {[]string{"run", "--seed", "x"}, "", []string{"seed"}},
		"no runs at all":       {[]string{"run", "--runs", "0"}, "", []string{"--runs 0"}},
		"a file that is not":   {[]string{"run", "no.yaml"}, "", []string{"no.yaml"}},
		"an unknown key":       {[]string{"run", "f.yaml"}, "name: a\nwhy: b\nclints: []\n", []string{"f.yaml:3:1", "clints"}},
		"an unknown fault":     {[]string{"run", "f.yaml"}, text("cut-after-append", "cut-it"), []string{"f.yaml:6:13", "cut-it", "cut-after-append"}},
		"an unknown workload":  {[]string{"run", "f.yaml"}, text("unique-append", "some"), []string{"f.yaml:4:18", "some", "fan-out"}},
		"an impossible value":  {[]string{"run", "f.yaml"}, text("RECORDS", "-4"), []string{"f.yaml:4:", "-4"}},
		"nothing to check":     {[]string{"check"}, "", []string{"requires at least 1 arg"}},
		"two kinds of rows":    {[]string{"show", "--ops", "--log", "x"}, "", []string{"ops", "log"}},
		"a list of nonsense":   {[]string{"list", "nonsense"}, "", []string{"nonsense"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "f.yaml"), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cli(t, dir, c.args...).want(t, exitUsage, c.says...)
			if runs := runDirs(t, dir); len(runs) > 0 {
				t.Errorf("left %v", runs)
			}
		})
	}
}

func TestWhatCannotBeDoneIsSaidAndExitsWithThree(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "run", "--out", "file/runs").want(t, exitBroken, "--out", "file")
	cli(t, dir, "check", "nowhere").want(t, exitBroken, "nowhere")
	cli(t, dir, "check", ".").want(t, exitBroken, "not a run directory")
	cli(t, dir, "show", "file").want(t, exitBroken, "file")
}

func TestADamagedRunIsNeverJudgedAsIfWhole(t *testing.T) {
	dir := t.TempDir()
	cli(t, dir, "run", write(t, dir, "mine.yaml")).want(t, exitAsExpected)
	whole := runDirs(t, dir)[0]
	for name, damage := range map[string]func(file string) error{
		"missing":   os.Remove,
		"truncated": func(file string) error { return os.Truncate(file, 100) },
		"altered": func(file string) error {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			text[len(text)/2] ^= 1
			return os.WriteFile(file, text, 0o600)
		},
	} {
		for _, file := range []string{"ops-00001.parquet", "log-00001.parquet", "wire-00001.parquet", "faults.jsonl"} {
			t.Run(name+" "+file, func(t *testing.T) {
				run := filepath.Join(t.TempDir(), "run")
				if err := os.CopyFS(run, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
				if err := damage(filepath.Join(run, file)); err != nil {
					t.Fatal(err)
				}
				cli(t, dir, "check", run).want(t, exitBroken, file)
			})
		}
	}
}

func TestTheOtherVerbsAnswer(t *testing.T) {
	dir := t.TempDir()
	cli(t, dir, "list").want(t, exitAsExpected, "smoke/ack-loss", "basic/leader-restart-forgets", "cut-after-append",
		"unique-append", "real-time-order", "dropped_acks", "franz-go")
	cli(t, dir, "list", "faults").want(t, exitAsExpected, "blackhole-acks")
	cli(t, dir, "list", "causes").want(t, exitAsExpected, "broker-forgot-restart", "no longer knew a batch")
	cli(t, dir, "version").want(t, exitAsExpected, "idemcheck ", "franz-go v1.22.2")
	cli(t, dir, "completion", "bash").want(t, exitAsExpected, "complete")
	if c := cli(t, dir, "doctor"); c.status != exitAsExpected && c.status != exitBroken || !strings.Contains(c.stdout, "embedded cluster: ready") {
		t.Errorf("doctor: status %d\n%s%s", c.status, c.stdout, c.stderr)
	}
	cli(t, dir).want(t, exitAsExpected, "retries and idempotent producers", "Exit status")
}

// started runs the program in the background; said waits for a text of its.
type started struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string
	said  strings.Builder
}

func start(t *testing.T, dir string, args ...string) *started {
	t.Helper()
	return startCommand(t, dir, exec.Command(program, args...))
}

func startCommand(t *testing.T, dir string, cmd *exec.Cmd) *started {
	t.Helper()
	s := &started{t: t, cmd: cmd, lines: make(chan string, 1000)}
	s.cmd.Dir = dir
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = in, in
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	go func() {
		scan := bufio.NewScanner(out)
		for scan.Scan() {
			s.lines <- scan.Text()
		}
		close(s.lines)
	}()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	return s
}

func (s *started) waitFor(text string, limit time.Duration) {
	s.t.Helper()
	deadline := time.After(limit)
	for {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("ended without saying %q:\n%s", text, s.said.String())
			}
			fmt.Fprintln(&s.said, line)
			if strings.Contains(line, text) {
				return
			}
		case <-deadline:
			s.t.Fatalf("did not say %q within %s:\n%s", text, limit, s.said.String())
		}
	}
}

// endsBy sends a signal and wants the program to end by it, in time.
func (s *started) endsBy(sig syscall.Signal, limit time.Duration) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(limit):
		s.t.Fatalf("still there %s after %s:\n%s", limit, sig, s.said.String())
	}
	for line := range s.lines {
		fmt.Fprintln(&s.said, line)
	}
	if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != sig {
		s.t.Errorf("ended with %v, want by %s\n%s", s.cmd.ProcessState, sig, s.said.String())
	}
}

func TestASignalHealsWritesDownAndEndsTheProcess(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := t.TempDir()
		s := start(t, dir, "run", write(t, dir, "slow.yaml", "RATE", "10/s", "RECORDS", "150"))
		s.waitFor("mine: send", 20*time.Second)
		time.Sleep(300 * time.Millisecond)
		s.endsBy(sig, 20*time.Second)
		run, err := history.Open(runDirs(t, dir)[0])
		if err != nil {
			t.Fatal(err)
		}
		if m := run.Manifest; m.Ended != history.EndedInterrupted || m.EndedIn != "send" || !strings.Contains(m.Error, sig.String()) {
			t.Errorf("ended %q in %q: %s", m.Ended, m.EndedIn, m.Error)
		}
		if damage := run.Verify(); len(damage) > 0 {
			t.Errorf("not whole: %v", damage)
		}
		if c := cli(t, dir, "check", run.Dir); c.status == exitAsExpected || c.status == exitViolation {
			t.Errorf("an interrupted run was judged as if whole: status %d\n%s", c.status, c.stdout)
		}
	}
}

func TestAProgramStartedWithTheSignalIgnoredEndsAllTheSame(t *testing.T) {
	dir := t.TempDir()
	s := startCommand(t, dir, exec.Command("sh", "-c", `trap "" INT; exec "$0" run "$1"`, program, write(t, dir, "slow.yaml", "RATE", "10/s", "RECORDS", "150")))
	s.waitFor("mine: send", 20*time.Second)
	if err := s.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	s.waitFor("healing", 20*time.Second)
	var exit *exec.ExitError
	if err := s.cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("ended with %v, want status 130", err)
	}
}

func TestAKilledHarnessLeavesARunThatSaysSo(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir, "run", write(t, dir, "slow.yaml", "RATE", "10/s", "RECORDS", "150"))
	s.waitFor("mine: send", 20*time.Second)
	s.endsBy(syscall.SIGKILL, 20*time.Second)
	cli(t, dir, "check", runDirs(t, dir)[0]).want(t, exitBroken, "killed")
}

func TestAHarnessThatStoodStillAccusesNobody(t *testing.T) {
	takesSeconds(t)
	dir := t.TempDir()
	s := start(t, dir, "run", write(t, dir, "slow.yaml", "RATE", "20/s", "RECORDS", "60"))
	s.waitFor("mine: send", 20*time.Second)
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if err := s.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * time.Second)
	}
	_ = s.cmd.Wait()
	if status := s.cmd.ProcessState.ExitCode(); status != exitBroken {
		t.Errorf("exit status %d, want %d", status, exitBroken)
	}
	cli(t, dir, "check", runDirs(t, dir)[0]).want(t, exitBroken, "the harness stood still")
}

func TestTwoRunsAtOnceDoNotDisturbEachOther(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "mine.yaml")
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			cli(t, dir, "run", file, "--runs", "2", "--seed", "5").want(t, exitAsExpected, "2 as expected")
		})
	}
}

func TestNothingOfATerminalGetsIntoAPipe(t *testing.T) {
	dir := t.TempDir()
	c := cli(t, dir, "run", write(t, dir, "mine.yaml"))
	if regexp.MustCompile(`[\x1b\r]`).MatchString(c.stdout + c.stderr) {
		t.Errorf("control characters in plain output: %q", c.stdout)
	}
}
