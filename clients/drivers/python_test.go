package drivers

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

// fake is a driver whose library does as a record's value says.
const fake = `
import threading
import time

import idemcheck_driver as driver


class Fake(driver.Producer):
    library = "fake"
    stuck = False

    @staticmethod
    def version():
        return "1.0"

    async def open(self, bootstrap, options):
        print("a library that is fond of talking")
        if options.get("transactional_id"):
            raise driver.Unsupported("transactional_id", "the library has none")
        return driver.Ready(ordered=True, why="one list", deadline_ms=1500, unmapped=[("linger", "none")])

    async def send(self, records):
        threading.Thread(target=self.answer, args=[records]).start()

    def answer(self, records):
        for record in records:
            if record["value"] == "hang":
                self.stuck = True
            elif record["value"] == "refuse":
                self.answers.failed(record["id"], driver.failure("Full", "no\nroom", code=-184), never=True)
            elif record["value"] == "lose":
                self.answers.failed(record["id"], driver.failure("REQUEST_TIMED_OUT", "", code=7, retriable=True))
            else:
                self.answers.acked(record["id"], record["partition"], 40 + record["id"])
                self.answers.acked(record["id"], record["partition"], 0)

    async def flush(self):
        while self.stuck:
            time.sleep(1)

    async def close(self):
        pass


driver._CLOSE_LIMIT = 0.3
driver.serve(Fake)
`

// played is what a driver did with some commands.
type played struct {
	events []driver.Event
	status int
	stderr string
}

// play gives the fake driver commands and takes all that it says.
func play(t *testing.T, hold bool, commands ...driver.Command) played {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on the PATH: the part that drivers in Python share is not tested")
	}
	dir := t.TempDir()
	shared, err := fs.ReadFile(Source, "python/idemcheck_driver.py")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"idemcheck_driver.py": shared, "main.py": []byte(fake)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(dir, "main.py"))
	cmd.Stderr, cmd.WaitDelay = &stderr, time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		if err := json.NewEncoder(stdin).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	if !hold {
		stdin.Close()
	}
	var p played
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var ev driver.Event
		if err := json.Unmarshal(lines.Bytes(), &ev); err != nil {
			t.Fatalf("a line that is no event: %q", lines.Text())
		}
		p.events = append(p.events, ev)
	}
	_ = cmd.Wait() // its status says it
	p.status, p.stderr = cmd.ProcessState.ExitCode(), stderr.String()
	return p
}

func (p played) last() driver.Event {
	if len(p.events) == 0 {
		return driver.Event{}
	}
	return p.events[len(p.events)-1]
}

func (p played) acks() (all []driver.Acked) {
	for _, ev := range p.events {
		all = append(all, ev.Acks...)
	}
	return all
}

func (p played) failures() (all []driver.Failure) {
	for _, ev := range p.events {
		all = append(all, ev.Errors...)
	}
	slices.SortFunc(all, func(a, b driver.Failure) int { return int(a.ID - b.ID) })
	return all
}

func opening(o driver.Options) driver.Command {
	if o.Acks == "" {
		o.Acks = "all"
	}
	return driver.Command{Command: driver.Open, Protocol: driver.Version, Bootstrap: []string{"nowhere:1"}, Options: &o}
}

func sending(first int64, values ...string) driver.Command {
	c := driver.Command{Command: driver.Send}
	for i, value := range values {
		c.Records = append(c.Records, driver.Record{ID: first + int64(i), Topic: "t", Partition: 2, Value: value})
	}
	return c
}

func TestInPythonEveryRecordIsAnsweredOnce(t *testing.T) {
	many := make([]string, 1200)
	p := play(t, true, opening(driver.Options{ClientID: "c", Idempotence: true}),
		sending(1, "one", "refuse", "lose"), sending(4, many...),
		driver.Command{Command: driver.Flush, ID: 2000}, driver.Command{Command: driver.Begin, ID: 2001}, driver.Command{Command: driver.Close})
	if len(p.events) == 0 || p.status != 0 || p.last().Event != driver.Closed {
		t.Fatalf("status %d, events %+v\n%s", p.status, p.events, p.stderr)
	}
	if r := p.events[0]; r.Library != "fake" || r.Version != "1.0" || !r.Order.Promised || r.DeadlineMS != 1500 || len(r.Unmapped) != 1 {
		t.Errorf("%+v", r)
	}
	if acks := p.acks(); len(acks) != 1201 || acks[0] != (driver.Acked{ID: 1, Partition: 2, Offset: 41}) {
		t.Errorf("%d acks, want 1201", len(acks))
	}
	want := []driver.Failure{
		{ID: 2, Class: "Full", Appended: driver.AppendedNever, Message: "no room"},
		{ID: 3, Class: "REQUEST_TIMED_OUT", Code: 7, Retriable: true, Message: "REQUEST_TIMED_OUT"},
		{ID: 2001, Class: "driver", Message: "the producer was opened without a transactional id"},
	}
	if got := p.failures(); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	if !slices.ContainsFunc(p.events, func(ev driver.Event) bool { return ev.Event == driver.Flushed && ev.ID == 2000 }) {
		t.Error("no answer to the flush")
	}
	for _, talk := range []string{"fond of talking", "record 1 again"} {
		if !strings.Contains(p.stderr, talk) {
			t.Errorf("standard error lacks %q", talk)
		}
	}
}

func TestInPythonACloseDoesNotWaitForALibraryThatIsStuck(t *testing.T) {
	p := play(t, true, opening(driver.Options{}), sending(1, "hang"), driver.Command{Command: driver.Flush, ID: 2},
		sending(3, "never taken"), driver.Command{Command: driver.Flush, ID: 4}, driver.Command{Command: driver.Close})
	if p.status != 0 || p.last().Event != driver.Closed {
		t.Fatalf("status %d, events %+v\n%s", p.status, p.events, p.stderr)
	}
	var got []string
	for _, f := range p.failures() {
		got = append(got, strings.TrimSpace(f.Class+" "+f.Appended))
	}
	if want := []string{"closed", "closed", "closed never", "closed"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestInPythonTheEndOfTheInputEndsTheDriver(t *testing.T) {
	for name, commands := range map[string][]driver.Command{
		"idle":  {opening(driver.Options{})},
		"stuck": {opening(driver.Options{}), sending(1, "hang"), {Command: driver.Flush, ID: 2}},
	} {
		if p := play(t, false, commands...); p.status != 3 {
			t.Errorf("%s: status %d, want 3\n%s", name, p.status, p.stderr)
		}
	}
}

func TestInPythonADriverThatCannotOpenSaysWhy(t *testing.T) {
	for _, c := range []struct {
		command driver.Command
		class   string
		message string
	}{
		{opening(driver.Options{Acks: "most"}), "driver", "acks"},
		{opening(driver.Options{Idempotence: true, TransactionalID: "x"}), driver.ClassUnsupported, "the library has none"},
		{driver.Command{Command: driver.Open, Protocol: 99, Options: &driver.Options{}}, driver.ClassUnsupported, "version 99"},
		{driver.Command{Command: driver.Flush, ID: 1}, "driver", "before open"},
	} {
		p := play(t, true, c.command)
		if got := p.last(); p.status != 3 || got.Event != driver.Fatal || got.Class != c.class || (got.Option != "") != (c.class == driver.ClassUnsupported) || !strings.Contains(got.Message, c.message) {
			t.Errorf("status %d, %+v, want class %s and %q\n%s", p.status, got, c.class, c.message, p.stderr)
		}
	}
}
