package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newTestBuilder(t *testing.T) *builder {
	t.Helper()
	b, err := newBuilder(filepath.Join(t.TempDir(), "x"), "1", map[string][]byte{"a/b.txt": []byte("text")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

func TestAStepThatFailsSaysWhatItSaidLast(t *testing.T) {
	b := newTestBuilder(t)
	err := b.run(t.Context(), step{dir: "a", command: []string{"sh", "-c", "cat b.txt; echo; echo no such version >&2; exit 4"}})
	if err == nil || !strings.Contains(err.Error(), "exit status 4; it said last: ") || !strings.Contains(err.Error(), "no such version") {
		t.Errorf("%v", err)
	}
	if log, err := os.ReadFile(b.logName); err != nil || !strings.Contains(string(log), "$ sh -c") || !strings.Contains(string(log), "text") {
		t.Errorf("%s, %v", log, err)
	}
}

func TestAStepThatSaysNothingForTooLongIsEndedWithWhatItStarted(t *testing.T) {
	b := newTestBuilder(t)
	b.quiet = 200 * time.Millisecond
	began := time.Now()
	err := b.run(t.Context(), step{command: []string{"sh", "-c", "echo resolving; sleep 1000 & wait"}})
	if err == nil || !strings.Contains(err.Error(), "it printed nothing for 200ms and was ended: does the registry answer?; it said last: resolving") || time.Since(began) > 10*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	// One that goes on talking is left alone.
	if err := b.run(t.Context(), step{command: []string{"sh", "-c", "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done"}}); err != nil {
		t.Error(err)
	}
}

func TestAnAttemptThatBrokeOffIsBegunAnew(t *testing.T) {
	dir := t.TempDir()
	c := Cache{Dir: dir, Offline: true}
	l, err := ByName("kafkajs")
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "drivers", "kafkajs@2.2.4-"+digest(l.source()))
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	// What another process left half-way is no driver.
	if _, err := c.Driver(t.Context(), "kafkajs", "2.2.4"); err == nil || !strings.Contains(err.Error(), "is not in the cache") {
		t.Errorf("%v", err)
	}
	if got := c.Kept(); len(got) != 0 {
		t.Errorf("kept: %v", got)
	}
}
