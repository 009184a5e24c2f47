package docker

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strconv"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// watchAgain is the pause before a broken watch of a container is renewed.
const watchAgain = 100 * time.Millisecond

// place is an address on a network.
type place struct {
	network string
	address netip.Addr
}

// recipe says what container is made for a broker.
type recipe struct {
	name    string
	image   string
	command []string // nil is the image's own
	env     map[string]string
	labels  map[string]string
	places  []place // one at least
	mounts  []mount.Mount
	memory  int64 // bytes; 0 is no limit
}

// createBroker creates the container of a broker of the image, on both networks.
func (c *Cluster) createBroker(ctx context.Context, b *broker, of image) error {
	n := c.shared
	n.id, n.advertised = int(b.id), b.advertised
	labels := maps.Clone(c.labels)
	labels[labelBroker] = strconv.Itoa(int(b.id))
	if b.disk == nil {
		on, err := c.disk(ctx, b, maps.Clone(labels))
		if err != nil {
			return err
		}
		b.disk = &on
	}
	id, err := c.create(ctx, b, recipe{
		name: fmt.Sprintf("idemcheck-%s-broker-%d", c.id, b.id), image: of.reference, env: n.environment(), labels: labels,
		places: []place{{c.clientsNet, b.clients}, {c.innerNet, b.inner}}, mounts: []mount.Mount{*b.disk}, memory: c.config.Memory,
	})
	if id != "" {
		b.mu.Lock()
		b.container, b.image = id, of
		b.mu.Unlock()
	}
	return err
}

// create creates a container and returns its id, also when it could not be
// connected to its second network.
func (c *Cluster) create(ctx context.Context, b *broker, r recipe) (id string, err error) {
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	ctx, cancel := unhurried(ctx)
	defer cancel()
	var host *container.HostConfig
	first := r.places[0]
	created, err := c.provider.CreateContainer(ctx, testcontainers.ContainerRequest{
		Image: r.image, Env: r.env, Labels: r.labels, Networks: []string{first.network}, Name: r.name, Cmd: r.command,
		HostConfigModifier: func(config *container.HostConfig) {
			config.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
			config.CapAdd = append(config.CapAdd, netAdmin)
			config.Mounts = r.mounts
			config.Memory, config.MemorySwap = r.memory, r.memory // equal: no swap on top
			host = config
		},
		EndpointSettingsModifier: func(settings map[string]*network.EndpointSettings) {
			settings[first.network].IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: first.address}
		},
		LifecycleHooks: []testcontainers.ContainerLifecycleHooks{{
			// The library publishes whatever ports the image names; this runs after it did so.
			PreCreates: []testcontainers.ContainerRequestHook{func(context.Context, testcontainers.ContainerRequest) error {
				host.PortBindings = nil
				return nil
			}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("create the container of %s from image %s: %w", b.name(), r.image, err)
	}
	id = created.GetContainerID()
	// The library gives a static address on the first network only.
	for _, next := range r.places[1:] {
		_, err = c.engine.NetworkConnect(ctx, next.network, client.NetworkConnectOptions{
			Container:      id,
			EndpointConfig: &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: next.address}},
		})
		if err != nil {
			return id, fmt.Errorf("connect %s to network %s: %w", b.name(), next.network, err)
		}
	}
	return id, nil
}

// begin starts a broker's container and a life that watches it.
func (c *Cluster) begin(ctx context.Context, b *broker) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := unhurried(ctx)
	defer cancel()
	if _, err := c.engine.ContainerStart(ctx, b.containerID(), client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start the container of %s from image %s: %w", b.name(), b.imageName(), err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &life{container: b.containerID(), ended: make(chan struct{}), stop: stop}
	b.mu.Lock()
	if b.life != nil {
		b.life.stop()
	}
	b.life = l
	b.mu.Unlock()
	go c.watch(watching, b, l)
	return nil
}

// watch closes l.ended when the container has exited or is gone, and reports
// the end if nobody meant it. It ends with the context.
func (c *Cluster) watch(ctx context.Context, b *broker, l *life) {
	over := func() {
		l.at = time.Now()
		close(l.ended)
		if !l.meant.Load() {
			c.lost(b)
		}
	}
	for ctx.Err() == nil {
		wait := c.engine.ContainerWait(ctx, l.container, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		select {
		case <-wait.Result:
			over()
			return
		case err := <-wait.Error:
			if errdefs.IsNotFound(err) {
				over()
				return
			}
			// The engine hung up, as it does when it is restarted: ask again.
			select {
			case <-ctx.Done():
			case <-time.After(watchAgain):
			}
		}
	}
}
