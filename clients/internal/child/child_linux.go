package child

import (
	"runtime"
	"syscall"
)

// launch starts the child with a parent-death signal. The kernel sends it when
// the thread that started the child ends, not the process: so a thread is kept
// for as long as the child lives.
func (c *Child) launch() error {
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			<-c.exited
		}
	}()
	return <-started
}

// standsStill says whether a process is stopped by a signal.
func standsStill(pid int) (bool, error) {
	s, err := statOf(pid)
	return s.state == 'T', err
}
