package process

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// launch starts the child with a parent-death signal. The kernel sends it when
// the thread that started the child ends, not the process: so a thread is kept
// for as long as the child lives.
func (c *child) launch() error {
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

// standsStill says whether a process is stopped by a signal: state T in
// /proc/PID/stat (proc(5)). The state stands behind the name, which is in
// parentheses and may hold any character.
func standsStill(pid int) (bool, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false, fmt.Errorf("look up the state of process %d: %w", pid, err)
	}
	at := bytes.LastIndexByte(stat, ')')
	return at >= 0 && at+2 < len(stat) && stat[at+2] == 'T', nil
}
