package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// stopTime is how long a broker may take over a graceful stop.
const stopTime = 30 * time.Second

// exitKilled is the exit status of a container that was ended by SIGKILL.
const exitKilled = 128 + 9

func (c *Cluster) broker(id int32) (*broker, error) {
	if id < 1 || int(id) > len(c.brokers) {
		return nil, fmt.Errorf("the cluster has no broker %d", id)
	}
	return c.brokers[id-1], nil
}

// do does one thing to one broker, and names both in the error.
func (c *Cluster) do(id int32, what string, act func(*broker) error) error {
	b, err := c.broker(id)
	if err == nil {
		err = act(b)
	}
	if err != nil {
		return fmt.Errorf("%s broker %d: %w", what, id, err)
	}
	return nil
}

// Kill sends SIGKILL to every process of the broker and returns when they are
// gone. A paused broker can be killed.
func (c *Cluster) Kill(ctx context.Context, id int32) error {
	return c.do(id, "kill", func(b *broker) error {
		b.mean()
		if _, err := c.engine.ContainerKill(ctx, b.containerID(), client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
			return err
		}
		return c.waitEnd(ctx, b)
	})
}

// Stop sends SIGTERM, upon which the broker hands over its leaderships, and
// returns when it has exited. One that does not exit within 30 s is killed,
// and that is an error.
func (c *Cluster) Stop(ctx context.Context, id int32) error {
	return c.do(id, "stop", func(b *broker) error { return c.stop(ctx, b) })
}

func (c *Cluster) stop(ctx context.Context, b *broker) error {
	b.mean()
	seconds := int(stopTime / time.Second)
	if _, err := c.engine.ContainerStop(ctx, b.containerID(), client.ContainerStopOptions{Timeout: &seconds}); err != nil {
		return err
	}
	if err := c.waitEnd(ctx, b); err != nil {
		return err
	}
	if state, err := c.state(ctx, b); err == nil && state.ExitCode == exitKilled {
		return fmt.Errorf("it did not stop within %s and was killed", stopTime)
	}
	return nil
}

// waitEnd waits until the broker's container is seen to have exited.
func (c *Cluster) waitEnd(ctx context.Context, b *broker) error {
	select {
	case <-b.current().ended:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Start starts a broker that was killed or stopped, and returns when it
// answers requests. Its replicas may still be catching up.
func (c *Cluster) Start(ctx context.Context, id int32) error {
	return c.do(id, "start", func(b *broker) error {
		if b.running() {
			return errors.New("it is running")
		}
		ctx, cancel := c.limitReady(ctx)
		defer cancel()
		if err := c.outliveSession(ctx, b); err != nil {
			return err
		}
		if err := c.begin(ctx, b); err != nil {
			return err
		}
		if err := c.silenceAgain(ctx, b); err != nil {
			return err
		}
		return c.waitAnswer(ctx, b, 0)
	})
}

// Pause freezes every process of the broker, as SIGSTOP does. Its connections
// stay open and silent.
func (c *Cluster) Pause(ctx context.Context, id int32) error {
	return c.do(id, "pause", func(b *broker) error {
		// On a machine with much to do the kernel may not freeze every thread in the
		// time that the engine gives it; the engine then lets them go on.
		const attempts, notInTime = 5, "unable to freeze"
		var err error
		for range attempts {
			if _, err = c.engine.ContainerPause(ctx, b.containerID(), client.ContainerPauseOptions{}); err == nil || !strings.Contains(err.Error(), notInTime) {
				break
			}
		}
		return err
	})
}

// Resume lets a paused broker go on.
func (c *Cluster) Resume(ctx context.Context, id int32) error {
	return c.do(id, "resume", func(b *broker) error {
		_, err := c.engine.ContainerUnpause(ctx, b.containerID(), client.ContainerUnpauseOptions{})
		return err
	})
}

// state asks the engine for the state of a broker's container.
func (c *Cluster) state(ctx context.Context, b *broker) (*container.State, error) {
	ctx, cancel := unhurried(ctx)
	defer cancel()
	found, err := c.engine.ContainerInspect(ctx, b.containerID(), client.ContainerInspectOptions{})
	if err != nil {
		return nil, err
	}
	return found.Container.State, nil
}
