package docker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// Removed counts what was removed.
type Removed struct{ Containers, Networks, Volumes int }

// String says it in words: "3 containers, 2 networks and 3 volumes".
func (r Removed) String() string {
	return fmt.Sprintf("%d containers, %d networks and %d volumes", r.Containers, r.Networks, r.Volumes)
}

// Sweep removes what crashed runs left behind: containers, networks and
// volumes that carry our labels and whose owner is certainly dead. With all it
// also removes those of living owners, of other hosts and of owners that can't
// be made out; runs that are under way break. It returns how much was removed.
func Sweep(ctx context.Context, all bool) (Removed, error) {
	provider, err := connect(ctx)
	if err != nil {
		return Removed{}, err
	}
	defer provider.Close()
	which := anyOwner
	if !all {
		here, err := hostIdentity()
		if err != nil {
			return Removed{}, fmt.Errorf("find out which host this is, to tell dead owners from living ones: %w", err)
		}
		which = func(labels map[string]string) bool {
			o, err := parseOwner(labels)
			return err == nil && o.dead(here)
		}
	}
	removed, err := remove(ctx, provider.Client(), client.Filters{}.Add("label", labelCluster), which)
	if err != nil {
		err = fmt.Errorf("sweep: %w", err)
	}
	return removed, err
}

func anyOwner(map[string]string) bool { return true }

// remove removes the containers, then the networks and volumes, that match a
// filter and that which picks by their labels.
func remove(ctx context.Context, engine client.APIClient, filter client.Filters, which func(labels map[string]string) bool) (removed Removed, err error) {
	found, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	if err != nil {
		return removed, fmt.Errorf("list containers: %w", err)
	}
	var (
		working sync.WaitGroup
		mu      sync.Mutex
		errs    []error
	)
	for _, item := range found.Items {
		if !which(item.Labels) {
			continue
		}
		working.Go(func() {
			err := removeContainer(ctx, engine, item.ID)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("remove container %.12s: %w", item.ID, err))
				return
			}
			removed.Containers++
		})
	}
	working.Wait()

	nets, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	if err != nil {
		return removed, errors.Join(append(errs, fmt.Errorf("list networks: %w", err))...)
	}
	for _, item := range nets.Items {
		if !which(item.Labels) {
			continue
		}
		_, err := engine.NetworkRemove(ctx, item.ID, client.NetworkRemoveOptions{})
		if err := ignoreNotFound(err); err != nil {
			errs = append(errs, fmt.Errorf("remove network %s: %w", item.Name, err))
			continue
		}
		removed.Networks++
	}

	volumes, err := engine.VolumeList(ctx, client.VolumeListOptions{Filters: filter})
	if err != nil {
		return removed, errors.Join(append(errs, fmt.Errorf("list volumes: %w", err))...)
	}
	for _, item := range volumes.Items {
		if !which(item.Labels) {
			continue
		}
		_, err := engine.VolumeRemove(ctx, item.Name, client.VolumeRemoveOptions{Force: true})
		if err := ignoreNotFound(err); err != nil {
			errs = append(errs, fmt.Errorf("remove volume %s: %w", item.Name, err))
			continue
		}
		removed.Volumes++
	}
	return removed, errors.Join(errs...)
}

// removeContainer removes a container in whatever state it is, and waits for
// a removal that somebody else began.
func removeContainer(ctx context.Context, engine client.APIClient, id string) error {
	_, err := engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	for errdefs.IsConflict(err) {
		select {
		case <-ctx.Done():
			return err
		case <-time.After(50 * time.Millisecond):
		}
		_, inspect := engine.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
		if errdefs.IsNotFound(inspect) {
			return nil
		}
		_, err = engine.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	}
	return ignoreNotFound(err)
}
