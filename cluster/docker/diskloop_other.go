//go:build !linux

package docker

import (
	"errors"
	"os"
)

var errNoLoop = errors.New("loop devices are Linux's")

func loopLack() error { return errNoLoop }

func attachLoop(*os.File) (*loop, error) { return nil, errNoLoop }
