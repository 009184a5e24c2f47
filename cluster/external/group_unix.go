//go:build unix

package external

import (
	"os/exec"
	"syscall"
)

// asGroup lets a command that takes too long be ended together with what it
// started.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
