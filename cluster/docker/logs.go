package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"
)

// tailLines is how many of a broker's last lines stand in an error.
const tailLines = 15

// Logs writes everything that each broker wrote, over all its lives, to
// dir/broker-N.log. The directory must exist. A broker whose log can't be had
// does not keep the others from being written.
func (c *Cluster) Logs(ctx context.Context, dir string) error {
	var errs []error
	for _, b := range c.brokers {
		if b.container == "" {
			continue
		}
		if err := c.writeLog(ctx, b, filepath.Join(dir, fmt.Sprintf("broker-%d.log", b.id))); err != nil {
			errs = append(errs, fmt.Errorf("log of broker %d: %w", b.id, err))
		}
	}
	return errors.Join(errs...)
}

func (c *Cluster) writeLog(ctx context.Context, b *broker, path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(c.copyLog(ctx, b, file, "all"), file.Close())
}

// copyLog copies the last lines of a broker's log, or all of it.
func (c *Cluster) copyLog(ctx context.Context, b *broker, to io.Writer, lines string) error {
	log, err := c.engine.ContainerLogs(ctx, b.container, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Tail: lines})
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
	if err := c.copyLog(ctx, b, &text, strconv.Itoa(tailLines)); err != nil {
		return "(its log can't be read: " + err.Error() + ")"
	}
	return text.String()
}
