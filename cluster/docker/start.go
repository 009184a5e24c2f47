package docker

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

const (
	// cleanupTime is how long removing a cluster that did not start may take.
	cleanupTime = 60 * time.Second
	// watchAgain is the pause before a broken watch of a container is renewed.
	watchAgain = 100 * time.Millisecond
)

// Start starts a cluster and returns when every broker answers and sees all
// others. When it fails, or the context ends, nothing is left.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	if config.Ready == 0 {
		config.Ready = defaultReady
	}
	owner, err := self()
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", errUnreachable, err)
	}
	provider, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &Cluster{config: config, provider: provider, engine: provider.Client()}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	c.id = hex.EncodeToString(random[:4])
	if err := c.start(ctx, owner, random); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("start cluster: %w", err), c.Close(ctx))
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, owner owner, random []byte) (err error) {
	if c.image, err = findImage(ctx, c.engine, &c.config); err != nil {
		return err
	}
	labels := owner.labels()
	labels[labelCluster] = c.id
	labels[labelRun] = c.config.Run

	c.config.progress("creating networks")
	clients, clientNet, err := c.createNetwork(ctx, "clients", labels)
	if err != nil {
		return err
	}
	if err := checkReachable(clientNet); err != nil {
		return err
	}
	inner, innerNet, err := c.createNetwork(ctx, "replication", labels)
	if err != nil {
		return err
	}

	random[0] &= 0x7f // the text form must not begin with a dash
	shared := node{clusterID: base64.RawURLEncoding.EncodeToString(random), properties: c.config.properties()}
	for i, advertised := range c.config.Advertised {
		b := &broker{
			id: int32(i + 1), advertised: advertised,
			clients: hostAddress(clientNet, firstBroker+i), inner: hostAddress(innerNet, firstBroker+i),
		}
		c.brokers = append(c.brokers, b)
		shared.addresses = append(shared.addresses, b.inner.String())
	}

	c.config.progress("starting %d brokers of %s", c.config.Brokers, c.image.reference)
	ready, cancel := c.limitReady(ctx)
	defer cancel()
	return together(ready, c.brokers, func(ctx context.Context, b *broker) error {
		n := shared
		n.id, n.advertised = int(b.id), b.advertised
		if err := c.create(ctx, b, n.environment(), labels, clients, inner); err != nil {
			return err
		}
		if err := c.begin(ctx, b); err != nil {
			return err
		}
		if err := c.waitAnswer(ctx, b, len(c.brokers)); err != nil {
			return err
		}
		c.config.progress("broker %d is ready", b.id)
		return nil
	})
}

// together does something to all brokers at once. The first error ends the
// others' context, and is returned when they all have ended.
func together(ctx context.Context, brokers []*broker, do func(context.Context, *broker) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		working sync.WaitGroup
		once    sync.Once
		first   error
	)
	for _, b := range brokers {
		working.Go(func() {
			if err := do(ctx, b); err != nil {
				once.Do(func() { first = err })
				cancel(err)
			}
		})
	}
	working.Wait()
	return first
}

// create creates the container of a broker, on both networks.
func (c *Cluster) create(ctx context.Context, b *broker, env, labels map[string]string, clients, inner string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := unhurried(ctx)
	defer cancel()
	labels = copyLabels(labels)
	labels[labelBroker] = strconv.Itoa(int(b.id))
	var host *container.HostConfig
	created, err := c.provider.CreateContainer(ctx, testcontainers.ContainerRequest{
		Image: c.image.reference, Env: env, Labels: labels, Networks: []string{clients},
		Name: fmt.Sprintf("idemcheck-%s-broker-%d", c.id, b.id),
		HostConfigModifier: func(config *container.HostConfig) {
			config.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
			config.CapAdd = append(config.CapAdd, netAdmin)
			host = config
		},
		EndpointSettingsModifier: func(settings map[string]*network.EndpointSettings) {
			settings[clients].IPAMConfig = &network.EndpointIPAMConfig{IPv4Address: b.clients}
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
		return fmt.Errorf("create the container of broker %d from image %s: %w", b.id, c.image.reference, err)
	}
	b.container = created.GetContainerID()
	// The library gives a static address on the first network only.
	_, err = c.engine.NetworkConnect(ctx, inner, client.NetworkConnectOptions{
		Container:      b.container,
		EndpointConfig: &network.EndpointSettings{IPAMConfig: &network.EndpointIPAMConfig{IPv4Address: b.inner}},
	})
	if err != nil {
		return fmt.Errorf("connect broker %d to the replication network: %w", b.id, err)
	}
	return nil
}

// begin starts a broker's container and a life that watches it.
func (c *Cluster) begin(ctx context.Context, b *broker) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	ctx, cancel := unhurried(ctx)
	defer cancel()
	if _, err := c.engine.ContainerStart(ctx, b.container, client.ContainerStartOptions{}); err != nil {
		return fmt.Errorf("start the container of broker %d from image %s: %w", b.id, c.image.reference, err)
	}
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &life{ended: make(chan struct{}), stop: stop}
	go c.watch(watching, b, l)
	b.mu.Lock()
	if b.life != nil {
		b.life.stop()
	}
	b.life = l
	b.mu.Unlock()
	return nil
}

// watch closes l.ended when the broker's container has exited or is gone. It
// ends with the context.
func (c *Cluster) watch(ctx context.Context, b *broker, l *life) {
	for ctx.Err() == nil {
		wait := c.engine.ContainerWait(ctx, b.container, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		select {
		case <-wait.Result:
			close(l.ended)
			return
		case err := <-wait.Error:
			if errdefs.IsNotFound(err) {
				close(l.ended)
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

func copyLabels(labels map[string]string) map[string]string {
	return maps.Clone(labels) // the library adds its own to what it is given
}

// lastLines ends an error message with what a broker wrote last.
func lastLines(text string) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return "it wrote nothing"
	}
	return "its last lines:\n" + text
}
