package docker

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

const loopControl = "/dev/loop-control"

func loopLack() error {
	control, err := os.OpenFile(loopControl, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("no loop devices: %w", err)
	}
	return control.Close()
}

// attachLoop makes a block device of a file. The device ends by itself when
// nobody holds it any more.
func attachLoop(file *os.File) (*loop, error) {
	control, err := os.OpenFile(loopControl, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	const attempts = 20
	for range attempts {
		number, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("find a free loop device: %w", err)
		}
		path := fmt.Sprintf("/dev/loop%d", number)
		device, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		config := unix.LoopConfig{Fd: uint32(file.Fd())}
		config.Info.Flags = unix.LO_FLAGS_AUTOCLEAR
		err = unix.IoctlLoopConfigure(int(device.Fd()), &config)
		if err == nil {
			var stat unix.Stat_t
			if err := unix.Fstat(int(device.Fd()), &stat); err != nil {
				return nil, errors.Join(err, device.Close())
			}
			return &loop{path: path, device: device, number: fmt.Sprintf("%d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev))}, nil
		}
		_ = device.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody else was quicker
			return nil, fmt.Errorf("attach a file to %s: %w", path, err)
		}
	}
	return nil, fmt.Errorf("no loop device could be had in %d attempts: others take them", attempts)
}
