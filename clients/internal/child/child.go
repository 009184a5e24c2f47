// Package child runs a driver program in a process group of its own, with its
// standard error kept in a file. It knows nothing of what goes through the
// pipes: clients/process and clients/drivertest talk through them.
package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// Config says what to run.
type Config struct {
	Command []string // program and arguments
	Log     string   // file that its standard error is appended to, up to KeptOfLog
	// Grace is how long what the program started may live on once it has ended
	// itself, before it is killed. Whoever is left then is in Child.Left.
	Grace time.Duration
}

// Child is a program under way. Its pipes are for whoever started it to close.
type Child struct {
	PID    int
	Stdin  *os.File
	Stdout *Output
	Exited <-chan struct{} // closed when it has ended; then State and Left are set
	State  *os.ProcessState
	Left   []int // processes of its group that had to be killed after its end, as far as the system tells

	cmd    *exec.Cmd
	log    *keeper
	grace  time.Duration
	exited chan struct{}

	mu   sync.Mutex
	gone bool // reaped: its id may belong to somebody else
}

// Start starts a program. It dies with this process, however that ends.
func Start(c Config) (*Child, error) {
	if len(c.Command) == 0 {
		return nil, errors.New("start a driver: no command is given")
	}
	fail := func(err error) (*Child, error) { return nil, fmt.Errorf("start driver %s: %w", c.Command[0], err) }
	file, err := os.OpenFile(c.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fail(fmt.Errorf("its log: %w", err))
	}
	var pipes [3]struct{ read, write *os.File }
	for i := range pipes {
		if pipes[i].read, pipes[i].write, err = os.Pipe(); err != nil {
			break
		}
	}
	// The child has its own once it is started.
	defer func() { pipes[0].read.Close(); pipes[1].write.Close(); pipes[2].write.Close() }()
	ours := []*os.File{pipes[0].write, pipes[1].read, pipes[2].read, file}
	if err == nil {
		ch := &Child{cmd: exec.Command(c.Command[0], c.Command[1:]...), grace: c.Grace, exited: make(chan struct{})}
		ch.Stdin, ch.Stdout, ch.Exited, ch.log = pipes[0].write, &Output{pipe: pipes[1].read, over: ch.exited, left: mostInPipe}, ch.exited, newKeeper()
		ch.cmd.Stdin, ch.cmd.Stdout, ch.cmd.Stderr = pipes[0].read, pipes[1].write, pipes[2].write
		if err = ch.launch(); err == nil {
			ch.PID = ch.cmd.Process.Pid
			go ch.log.keep(pipes[2].read, file)
			go ch.reap(pipes[2].read)
			return ch, nil
		}
	}
	for _, f := range ours {
		f.Close()
	}
	return fail(err)
}

// reap waits for the child's end. What it started itself goes with it.
func (c *Child) reap(stderr *os.File) {
	_ = c.cmd.Wait() // how it ended stands in its state
	c.mu.Lock()
	c.gone = true
	// A process id is not given away while a group of that number lives.
	if c.grace > 0 {
		c.Left = stragglers(c.PID, c.grace)
	}
	_ = syscall.Kill(-c.PID, syscall.SIGKILL)
	c.mu.Unlock()
	c.State = c.cmd.ProcessState
	close(c.exited)
	_ = c.Stdout.pipe.SetReadDeadline(time.Now().Add(afterExit)) // if it is closed, nobody reads
	select {
	case <-c.log.done:
	case <-time.After(afterExit):
	}
	stderr.Close()
}

// Signal reaches the child and everything that it started. It fails with
// os.ErrProcessDone when the child has ended.
func (c *Child) Signal(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return os.ErrProcessDone
	}
	return syscall.Kill(-c.PID, sig)
}

// Pause stops the child, and returns when it stands still.
func (c *Child) Pause(ctx context.Context) error {
	if err := c.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		if still, err := standsStill(c.PID); err != nil || still {
			return err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-c.Exited:
			return os.ErrProcessDone
		case <-ctx.Done():
			return fmt.Errorf("it does not stand still after SIGSTOP: %w", ctx.Err())
		}
	}
}

// Resume lets it go on. It does nothing to one that runs or has ended.
func (c *Child) Resume() error {
	if err := c.Signal(syscall.SIGCONT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// End makes sure that the child is gone.
func (c *Child) End() {
	_ = c.Signal(syscall.SIGKILL) // done already is as good
	<-c.Exited
}

// Wait waits for the child's end, and until its log is written.
func (c *Child) Wait() {
	<-c.Exited
	select {
	case <-c.log.done:
	case <-time.After(2 * afterExit): // somebody outside its group writes on
	}
}

// Tail is the last lines that the child wrote to its standard error, "" for
// none. After Wait they are the very last.
func (c *Child) Tail() string { return c.log.lastLines() }
