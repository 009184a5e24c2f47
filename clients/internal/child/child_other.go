//go:build !linux

package child

import (
	"syscall"
	"time"
)

// launch starts the child. Where there is no parent-death signal a driver ends
// because its standard input does.
func (c *Child) launch() error {
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c.cmd.Start()
}

// standsStill cannot be told here: the signal was sent, and is taken for done.
func standsStill(int) (bool, error) { return true, nil }

// stragglers gives the rest of a group some time to end. Who did not is not
// known here.
func stragglers(leader int, grace time.Duration) []int {
	for deadline := time.Now().Add(grace); syscall.Kill(-leader, 0) == nil && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

// Memory is not known here.
func (c *Child) Memory() (bytes int64, known bool) { return 0, false }

// Strays are not known here.
func (c *Child) Strays() []int { return nil }
