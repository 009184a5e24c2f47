package docker

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Labels on every container and network that is started here.
const (
	labelCluster = "idemcheck.cluster" // unique per cluster; having it at all marks a thing as ours
	labelRun     = "idemcheck.run"
	labelBroker  = "idemcheck.broker"
	labelPID     = "idemcheck.owner.pid"
	labelStarted = "idemcheck.owner.started"
	labelHost    = "idemcheck.owner.host"
)

// owner is the process that started a cluster. The start time keeps a later
// process that was given the same id apart, the host keeps apart processes of
// other machines, of an earlier boot and of other process namespaces, about
// which nothing can be known from here.
type owner struct {
	pid     int
	started string // clock ticks since boot; field 22 of /proc/PID/stat (proc(5))
	host    string // host name, boot id and process namespace
}

// self returns the owner that this process is.
func self() (owner, error) {
	started, err := processStart(os.Getpid())
	if err != nil {
		return owner{}, fmt.Errorf("find out when this process started: %w", err)
	}
	host, err := hostIdentity()
	if err != nil {
		return owner{}, err
	}
	return owner{pid: os.Getpid(), started: started, host: host}, nil
}

func hostIdentity() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", err
	}
	return name + "/" + string(bytes.TrimSpace(boot)) + "/" + namespace, nil
}

// processStart returns the start time of a process in clock ticks since boot;
// fs.ErrNotExist when there is no such process.
func processStart(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	return parseStart(string(stat))
}

// parseStart picks the start time out of a /proc/PID/stat line. The command's
// name stands second, in parentheses, and may itself hold any character.
func parseStart(stat string) (string, error) {
	end := strings.LastIndexByte(stat, ')')
	if end < 0 {
		return "", errors.New("/proc/PID/stat has no command in it")
	}
	fields := strings.Fields(stat[end+1:])
	const startTime = 22 - 3 // the first field after the command is the third
	if len(fields) <= startTime {
		return "", fmt.Errorf("/proc/PID/stat has only %d fields", len(fields)+2)
	}
	return fields[startTime], nil
}

// labels returns the labels that name the owner.
func (o owner) labels() map[string]string {
	return map[string]string{labelPID: strconv.Itoa(o.pid), labelStarted: o.started, labelHost: o.host}
}

// parseOwner reads the labels back.
func parseOwner(labels map[string]string) (owner, error) {
	pid, err := strconv.Atoi(labels[labelPID])
	if err != nil || pid <= 0 {
		return owner{}, fmt.Errorf("label %s is %q", labelPID, labels[labelPID])
	}
	o := owner{pid: pid, started: labels[labelStarted], host: labels[labelHost]}
	if o.started == "" || o.host == "" {
		return owner{}, errors.New("labels of the owner are incomplete")
	}
	return o, nil
}

// dead says whether the owner is certainly gone. An owner on another host may
// be alive; one of an earlier boot of this host is not.
func (o owner) dead(here string) bool {
	if o.host != here {
		mine, its := strings.SplitN(here, "/", 3), strings.SplitN(o.host, "/", 3)
		return len(mine) == 3 && len(its) == 3 && mine[0] == its[0] && mine[1] != its[1] && mine[2] == its[2]
	}
	started, err := processStart(o.pid)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	return err == nil && started != o.started
}
