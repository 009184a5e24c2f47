package docker

import (
	"context"
	"fmt"

	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
)

// dataPath is where a broker's disk is mounted: where the official image has a
// folder that its user may write to, which the engine copies, with its owner,
// into a new volume. logDir is a folder on it: a file system of its own may
// have others, like lost+found, that a broker would not put up with in its
// log directory.
const (
	dataPath = "/var/lib/kafka/data"
	logDir   = dataPath + "/logs"
)

// disk gives a broker what its log directory is kept on. It is called once a
// broker, before its container is made, and must label what it makes.
type disk func(ctx context.Context, b *broker, labels map[string]string) (mount.Mount, error)

// volume is the ordinary disk of a broker: a named volume, which outlives the
// broker's container and is removed with the cluster, or swept by its labels.
func (c *Cluster) volume(ctx context.Context, b *broker, labels map[string]string) (mount.Mount, error) {
	name := fmt.Sprintf("idemcheck-%s-data-%d", c.id, b.id)
	_, err := c.engine.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Driver: "local", Labels: labels})
	if err != nil {
		return mount.Mount{}, fmt.Errorf("create the volume of %s: %w", b.name(), err)
	}
	return mount.Mount{Type: mount.TypeVolume, Source: name, Target: dataPath}, nil
}
