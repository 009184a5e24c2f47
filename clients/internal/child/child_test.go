package child

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func run(t *testing.T, script string) *Child {
	t.Helper()
	c, err := Start(Config{Command: []string{"/bin/sh", "-c", script}, Log: filepath.Join(t.TempDir(), "log"), Grace: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.End()
		c.Stdin.Close()
		c.Stdout.Close()
	})
	return c
}

// started reads the pid of what the script has started.
func started(t *testing.T, c *Child) int {
	t.Helper()
	line := make([]byte, 32)
	n, err := c.Stdout.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	pid := 0
	for _, digit := range strings.TrimSpace(string(line[:n])) {
		pid = pid*10 + int(digit-'0')
	}
	return pid
}

func TestOutputIsReadToItsEndHoweverLate(t *testing.T) {
	t.Parallel()
	c := run(t, "echo hello; echo what >&2")
	c.Wait()
	if c.Tail() != "what" || !c.State.Success() || len(c.Left) != 0 {
		t.Errorf("%q, %s, left %v", c.Tail(), c.State, c.Left)
	}
	time.Sleep(afterExit + 200*time.Millisecond)
	if text, err := io.ReadAll(c.Stdout); err != nil || string(text) != "hello\n" {
		t.Errorf("%q, %v", text, err)
	}
	if err := c.Signal(syscall.SIGKILL); err != os.ErrProcessDone {
		t.Errorf("%v", err)
	}
}

func TestWhoIsLeftInTheGroupIsSaidAndKilled(t *testing.T) {
	t.Parallel()
	c := run(t, "sleep 100 & echo $!")
	pid := started(t, c)
	c.Wait()
	if runtime.GOOS == "linux" && (len(c.Left) != 1 || c.Left[0] != pid) {
		t.Errorf("left %v, want %d", c.Left, pid)
	}
	for deadline := time.Now().Add(5 * time.Second); len(stragglers(c.PID, time.Nanosecond)) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("it lives on")
		}
	}
}

func TestOutputThatAStrayHoldsOpenEndsAllTheSame(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil || runtime.GOOS != "linux" {
		t.Skip("nothing here lets a process leave its group")
	}
	t.Parallel()
	c := run(t, "setsid sleep 100 & echo $!; read line")
	pid := started(t, c)
	defer syscall.Kill(pid, syscall.SIGKILL)
	var strays []int
	for deadline := time.Now().Add(5 * time.Second); len(strays) == 0 && time.Now().Before(deadline); {
		strays = c.Strays()
	}
	if len(strays) != 1 || strays[0] != pid {
		t.Errorf("strays %v, want %d", strays, pid)
	}
	if used, known := c.Memory(); !known || used < 100_000 || used > 100<<20 {
		t.Errorf("it has %d bytes resident", used)
	}
	c.Stdin.Close()
	began := time.Now()
	_, err := io.ReadAll(c.Stdout)
	c.Wait()
	if took := time.Since(began); err == nil || took > 5*time.Second {
		t.Errorf("%v after %s", err, took)
	}
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	_, err := Start(Config{Command: []string{"/nowhere/driver"}, Log: os.DevNull})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/driver") {
		t.Error(err)
	}
	if _, err := Start(Config{Log: os.DevNull}); err == nil {
		t.Error("no command was started")
	}
}
