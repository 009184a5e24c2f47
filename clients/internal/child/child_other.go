//go:build !linux

package process

import "syscall"

// launch starts the child. Where there is no parent-death signal a driver ends
// because its standard input does.
func (c *child) launch() error {
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c.cmd.Start()
}

// standsStill cannot be told here: the signal was sent, and is taken for done.
func standsStill(int) (bool, error) { return true, nil }
