package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// loop is a file system in a file that has no name any more.
type loop struct {
	path   string   // of the block device
	number string   // "7:0": how cgroups call it
	device *os.File // holds the device while nothing has it mounted
	keeper *broker  // the container that keeps it mounted
}

// newLoop makes a file, a file system in it, and a block device of it.
func newLoop(ctx context.Context) (*loop, error) {
	file, err := os.CreateTemp("", "idemcheck-disk-*.img")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }() // the device keeps what it has
	defer file.Close()
	if err := file.Truncate(diskSize); err != nil {
		return nil, err
	}
	said, err := exec.CommandContext(ctx, makeFS, "-q", "-F", "-m", "0", "-E", "root_owner="+imageUser, file.Name()).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", makeFS, err, strings.TrimSpace(string(said)))
	}
	return attachLoop(file)
}

// disks are the loop devices of a cluster, by broker.
type disks struct {
	mu sync.Mutex
	by map[int32]*loop
}

func (d *disks) add(broker int32, l *loop) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.by == nil {
		d.by = make(map[int32]*loop)
	}
	d.by[broker] = l
}

func (d *disks) of(broker int32) *loop {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.by[broker]
}

// release lets go of the devices, which end when nothing has them mounted.
func (d *disks) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.by {
		_ = l.device.Close() // it was opened to be held, not to be written
	}
	d.by = nil
}

// full finds out from the last line of df -P -k whether nothing fits any more.
func full(said string) error {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	fields := strings.Fields(lines[len(lines)-1])
	if len(fields) < 4 || fields[3] != "0" {
		return fmt.Errorf("it is not full after that: %s", lines[len(lines)-1])
	}
	return nil
}

// throttle is the file of a cgroup that says how fast it may write to a device.
type throttle struct {
	file    string
	unified bool // cgroup v2
}

const cgroups = "/sys/fs/cgroup"

// throttleOf finds the throttle of a container by its first process.
func throttleOf(pid int) (throttle, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cgroup"))
	if err != nil {
		return throttle{}, fmt.Errorf("cgroup of process %d (is the engine's host another one?): %w", pid, err)
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // hierarchy, controllers, path
		if len(parts) < 3 {
			continue
		}
		t := throttle{}
		switch {
		case parts[1] == "blkio" || strings.HasPrefix(parts[1], "blkio,") || strings.HasSuffix(parts[1], ",blkio"):
			t.file = filepath.Join(cgroups, "blkio", parts[2], "blkio.throttle.write_bps_device")
		case parts[0] == "0":
			t.file, t.unified = filepath.Join(cgroups, parts[2], "io.max"), true
		default:
			continue
		}
		if _, err := os.Stat(t.file); err == nil {
			return t, nil
		}
	}
	return throttle{}, errors.New("the kernel does not throttle block devices for the engine's containers (no blkio or io controller)")
}

// set lets the cgroup write so many bytes per second to a device; 0 is without limit.
func (t throttle) set(l *loop, rate int64) error {
	line := fmt.Sprintf("%s %d", l.number, rate)
	if t.unified {
		line = fmt.Sprintf("%s wbps=%d", l.number, rate)
		if rate == 0 {
			line = l.number + " wbps=max"
		}
	}
	file, err := os.OpenFile(t.file, os.O_WRONLY, 0) // not created: the kernel has it, or nobody
	if err != nil {
		return err
	}
	_, err = file.WriteString(line)
	return errors.Join(err, file.Close())
}
