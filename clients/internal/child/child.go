package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a driver program under way, in a process group of its own. Its
// standard error goes to a file, its standard output is read by whoever has it.
type child struct {
	cmd    *exec.Cmd
	stdin  *os.File
	stdout *os.File
	log    string

	exited chan struct{} // closed when it has ended and state is set
	state  *os.ProcessState

	mu   sync.Mutex
	gone bool // reaped: its id may belong to somebody else
}

// start starts a program. It dies with this process, however that ends.
func start(command []string, log string) (*child, error) {
	if len(command) == 0 {
		return nil, errors.New("start a driver: no command is given")
	}
	stderr, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start driver %s: its log: %w", command[0], err)
	}
	defer stderr.Close() // the child has its own
	theirIn, ourOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start driver %s: %w", command[0], err)
	}
	defer theirIn.Close()
	ourIn, theirOut, err := os.Pipe()
	if err != nil {
		ourOut.Close()
		return nil, fmt.Errorf("start driver %s: %w", command[0], err)
	}
	defer theirOut.Close()
	c := &child{cmd: exec.Command(command[0], command[1:]...), stdin: ourOut, stdout: ourIn, log: log, exited: make(chan struct{})}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = theirIn, theirOut, stderr
	if err := c.launch(); err != nil {
		ourIn.Close()
		ourOut.Close()
		return nil, fmt.Errorf("start driver %s: %w", command[0], err)
	}
	go c.reap()
	return c, nil
}

// reap waits for the child's end. What it started itself goes with it.
func (c *child) reap() {
	_ = c.cmd.Wait() // how it ended stands in its state
	c.mu.Lock()
	c.gone = true
	// A process id is not given away while a group of that number lives.
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	c.mu.Unlock()
	c.state = c.cmd.ProcessState
	close(c.exited)
}

// signal reaches the child and everything that it started.
func (c *child) signal(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return os.ErrProcessDone
	}
	return syscall.Kill(-c.cmd.Process.Pid, sig)
}

// pause stops the child, and returns when it stands still.
func (c *child) pause(ctx context.Context) error {
	if err := c.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		if still, err := standsStill(c.cmd.Process.Pid); err != nil || still {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-c.exited:
			return os.ErrProcessDone
		case <-ctx.Done():
			return fmt.Errorf("it does not stand still after SIGSTOP: %w", ctx.Err())
		}
	}
}

// end makes sure that the child is gone.
func (c *child) end() {
	_ = c.signal(syscall.SIGKILL) // done already is as good
	<-c.exited
}

const (
	tailBytes = 4096
	tailLines = 6
)

// tail is the last lines that the child wrote to its standard error.
func (c *child) tail() string {
	file, err := os.Open(c.log)
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = file.Seek(-tailBytes, io.SeekEnd)
	}
	text, _ := io.ReadAll(file) // what can be read is better than nothing
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-tailLines):], "\n")
}
