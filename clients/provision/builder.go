package provision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// builder builds one driver in a folder of its own.
type builder struct {
	dir     string // absolute; it holds the driver's source to begin with
	version string
	quiet   time.Duration // how long a step may print nothing
	log     *os.File
	logName string
}

// newBuilder empties the folder and writes the source into it.
func newBuilder(dir, version string, source map[string][]byte) (*builder, error) {
	if err := os.RemoveAll(dir); err != nil { // what a broken attempt left
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	b := &builder{dir: dir, version: version, quiet: quietLimit, logName: dir + ".log"}
	for path, text := range source {
		if err := b.write(path, string(text)); err != nil {
			return nil, err
		}
	}
	var err error
	b.log, err = os.Create(b.logName)
	return b, err
}

func (b *builder) close() { b.log.Close() }

// path is inside the folder.
func (b *builder) path(elements ...string) string {
	return filepath.Join(append([]string{b.dir}, elements...)...)
}

// write writes a file of the folder, and what folders it lies in.
func (b *builder) write(path, text string) error {
	to := b.path(filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, []byte(text), 0o644)
}

// step is one program to run.
type step struct {
	dir     string   // inside the folder; empty for the folder itself
	env     []string // KEY=value, besides what this process has
	command []string
	in      string // standard input
}

// run runs a program to its end. Its output goes to the log; the error has the
// last of it. When ctx ends, it and what it started are killed.
func (b *builder) run(ctx context.Context, s step) error { return b.capture(ctx, s, io.Discard) }

// capture is run, with the standard output also written to out.
func (b *builder) capture(ctx context.Context, s step, out io.Writer) error {
	fmt.Fprintf(b.log, "$ %s\n", strings.Join(s.command, " "))
	last := tail{at: time.Now()}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go last.watch(ctx, b.quiet, cancel)
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Dir = b.path(s.dir)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdin = strings.NewReader(s.in)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(b.log, &last, out), io.MultiWriter(b.log, &last)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w%s", strings.Join(s.command[:min(3, len(s.command))], " "), err, last.words())
}

// quietLimit is how long a build may print nothing: longer than any compiler is
// silent, shorter than anybody waits for a registry that does not answer.
const quietLimit = 6 * time.Minute

// tail keeps the end of an output, and when it came.
type tail struct {
	mu     sync.Mutex // standard output and error come from two goroutines
	buffer []byte
	at     time.Time
}

// watch cancels when nothing has come for too long.
func (t *tail) watch(ctx context.Context, limit time.Duration, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(limit / 20)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.mu.Lock()
			silent := time.Since(t.at)
			t.mu.Unlock()
			if silent > limit {
				cancel(fmt.Errorf("it printed nothing for %s and was ended: does the registry answer?", limit))
				return
			}
		}
	}
}

const tailSize = 2000

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = time.Now()
	t.buffer = append(t.buffer, p...)
	if over := len(t.buffer) - tailSize; over > 0 {
		t.buffer = append(t.buffer[:0], t.buffer[over:]...)
	}
	return len(p), nil
}

// words is the end of the output in a line, or nothing.
func (t *tail) words() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	for line := range bytes.Lines(t.buffer) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			lines = append(lines, string(line))
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return "; it said last: " + strings.Join(lines[max(0, len(lines)-6):], " | ")
}

// tool is a program that building a driver needs.
type tool struct {
	name string
	hint string // where it is had
}

func (t tool) find() error {
	if _, err := exec.LookPath(t.name); err != nil {
		return fmt.Errorf("%s is not on the PATH: it is needed to build the driver (%s)", t.name, t.hint)
	}
	return nil
}

// lock takes a lock file, which its process loses when it ends, and waits for it.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
