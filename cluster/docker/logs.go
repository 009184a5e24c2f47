package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// tailLines is how many of a broker's last lines stand in an error.
const tailLines = 15

// Logs writes everything that each broker wrote, over all its lives and
// containers, to dir/broker-N.log, and what the ZooKeeper wrote to
// dir/zookeeper.log. The directory must exist. A broker whose log can't be had
// does not keep the others from being written.
func (c *Cluster) Logs(ctx context.Context, dir string) error {
	var errs []error
	for _, b := range c.all() {
		if b.containerID() == "" {
			continue
		}
		name := "zookeeper.log"
		if b.id > 0 {
			name = fmt.Sprintf("broker-%d.log", b.id)
		}
		if err := c.writeLog(ctx, b, filepath.Join(dir, name)); err != nil {
			errs = append(errs, fmt.Errorf("log of %s: %w", b.name(), err))
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) writeLog(ctx context.Context, b *broker, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	b.mu.Lock()
	containers := append(slices.Clone(b.former), b.container)
	b.mu.Unlock()
	var errs []error
	for _, id := range containers {
		errs = append(errs, c.copyLog(ctx, id, file, "all"))
	}
	return errors.Join(append(errs, file.Close())...)
}

// copyLog copies the last lines of a container's log, or all of it.
func (c *Cluster) copyLog(ctx context.Context, container string, to io.Writer, lines string) error {
	log, err := c.engine.ContainerLogs(ctx, container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: lines})
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = stdcopy.StdCopy(to, to, log)
	return err
}

// tail returns the last lines of a broker's log, also when the context is over.
func (c *Cluster) tail(ctx context.Context, b *broker) string {
	ctx, cancel := unhurried(ctx)
	defer cancel()
	var text bytes.Buffer
	if err := c.copyLog(ctx, b.containerID(), &text, strconv.Itoa(tailLines)); err != nil {
		return "(its log can't be read: " + err.Error() + ")"
	}
	return text.String()
}
