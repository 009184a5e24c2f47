package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/idemcheck/idemcheck/cluster"
)

var _ cluster.Disks = (*Cluster)(nil)

// A broker whose disk is to get slow or full has one of its own: an ext4 file
// system in a file, behind a loop device. A cgroup can slow the device down for
// this broker alone, and the file system fills up without harm to the host's.
//
// Nothing of it can be left behind: the file is unlinked as soon as the device
// holds it, and the device lets go of it when the last mount has ended and this
// process closes its descriptor, however that comes about.
const (
	diskSize = 256 << 20 // bytes; sparse
	makeFS   = "mkfs.ext4"
	// imageUser owns the file system: the user of the official image. One that
	// runs as root may write all the same.
	imageUser = "1000:1000"
	ballast   = dataPath + "/ballast"
	// haltTime is how long a broker with a full disk may take to halt.
	haltTime = 5 * time.Second
)

// DiskLack says why brokers can have no disks of their own here; nil when they
// can.
func DiskLack() error {
	if os.Geteuid() != 0 {
		return errors.New("loop devices and the engine's cgroups are root's: run idemcheck as root, on the engine's own host")
	}
	if _, err := exec.LookPath(makeFS); err != nil {
		return fmt.Errorf("%s is missing (Debian has it in e2fsprogs)", makeFS)
	}
	return loopLack()
}

// ownDisk is the disk of a broker in a cluster with Config.Disks. A container
// that does nothing keeps it mounted while the broker is down.
func (c *Cluster) ownDisk(ctx context.Context, b *broker, labels map[string]string) (mount.Mount, error) {
	fail := func(err error) (mount.Mount, error) {
		return mount.Mount{}, fmt.Errorf("make a disk of its own for %s: %w", b.name(), err)
	}
	if err := DiskLack(); err != nil {
		return fail(err)
	}
	d, err := newLoop(ctx)
	if err != nil {
		return fail(err)
	}
	c.disks.add(b.id, d)
	name := fmt.Sprintf("idemcheck-%s-data-%d", c.id, b.id)
	_, err = c.engine.VolumeCreate(ctx, client.VolumeCreateOptions{
		Name: name, Driver: "local", Labels: labels, DriverOpts: map[string]string{"type": "ext4", "device": d.path},
	})
	if err != nil {
		return fail(err)
	}
	on := mount.Mount{Type: mount.TypeVolume, Source: name, Target: dataPath}
	keeper := maps.Clone(labels)
	delete(keeper, labelBroker)
	made, err := c.engine.ContainerCreate(ctx, client.ContainerCreateOptions{
		Name:       fmt.Sprintf("idemcheck-%s-disk-%d", c.id, b.id),
		Config:     &container.Config{Image: c.image.reference, Labels: keeper, Entrypoint: []string{"sleep", strconv.Itoa(1 << 30)}, User: "0"},
		HostConfig: &container.HostConfig{NetworkMode: "none", Mounts: []mount.Mount{on}},
	})
	if err != nil {
		return fail(err)
	}
	d.keeper = &broker{id: b.id, container: made.ID}
	if _, err := c.engine.ContainerStart(ctx, made.ID, client.ContainerStartOptions{}); err != nil {
		return fail(err)
	}
	return on, nil
}

// ownDiskOf finds a broker and the disk of its own.
func (c *Cluster) ownDiskOf(id int32) (*broker, *loop, error) {
	b, err := c.broker(id)
	if err != nil {
		return nil, nil, err
	}
	d := c.disks.of(id)
	if d == nil {
		return nil, nil, fmt.Errorf("broker %d has no disk of its own", id)
	}
	return b, d, nil
}

// FillDisk writes ballast until not a byte more fits. A broker then halts when
// it next writes, which counts as meant. heal takes the ballast away, and starts
// the broker again in any case: one that has seen its log directory fail does
// not come to use it again by itself.
func (c *Cluster) FillDisk(ctx context.Context, id int32) (heal func(context.Context) error, err error) {
	b, d, err := c.ownDiskOf(id)
	if err != nil {
		return nil, fmt.Errorf("fill the disk of broker %d: %w", id, err)
	}
	b.mean()
	heal = func(ctx context.Context) error {
		if err := c.emptyDisk(ctx, b, d); err != nil {
			return fmt.Errorf("empty the disk of broker %d: %w", id, err)
		}
		return nil
	}
	// First nearly all of it at once, without a write; then to the last page, and
	// in what is left of that (a block has 1 KiB) to the last block, until there is
	// no space left on the device. What dd says of that goes nowhere, for it may
	// come behind the line that counts.
	said, err := c.exec(ctx, d.keeper, "sh", "-c", fmt.Sprintf(
		"fallocate -l $(df -P -k %[2]s | awk 'NR == 2 {print ($4 - 1024) * 1024}') %[1]s; for block in 4k 1k; do dd if=/dev/zero of=%[1]s bs=$block oflag=append conv=notrunc 2>/dev/null; done; df -P -k %[2]s | tail -n 1", ballast, dataPath))
	if err == nil {
		err = full(said)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fill the disk of broker %d: %w", id, err), heal(ctx))
	}
	return heal, nil
}

func (c *Cluster) emptyDisk(ctx context.Context, b *broker, d *loop) error {
	if _, err := c.exec(ctx, d.keeper, "rm", "-f", ballast); err != nil {
		return err
	}
	select { // it may be halting
	case <-b.current().ended:
	case <-time.After(haltTime):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if b.running() {
		if err := c.Kill(ctx, b.id); err != nil {
			return err
		}
	}
	return c.Start(ctx, b.id)
}

// SlowDisk lets a broker write no more than rate KiB a second to its disk. What
// it writes goes to the page cache as fast as ever: it is slow where a broker
// waits for the disk (flush.messages: 1), and under pressure.
func (c *Cluster) SlowDisk(ctx context.Context, id int32, rate int64) (heal func(context.Context) error, err error) {
	b, d, err := c.ownDiskOf(id)
	if err != nil {
		return nil, fmt.Errorf("slow the disk of broker %d down: %w", id, err)
	}
	state, err := c.state(ctx, b)
	if err != nil {
		return nil, fmt.Errorf("slow the disk of broker %d down: %w", id, err)
	}
	throttle, err := throttleOf(state.Pid)
	if err == nil {
		err = throttle.set(d, rate<<10)
	}
	if err != nil {
		return nil, fmt.Errorf("slow the disk of broker %d down: %w", id, err)
	}
	return func(context.Context) error {
		if err := throttle.set(d, 0); err != nil && !errors.Is(err, os.ErrNotExist) { // gone with the broker's process
			return fmt.Errorf("let the disk of broker %d be as fast as it is: %w", id, err)
		}
		return nil
	}, nil
}
