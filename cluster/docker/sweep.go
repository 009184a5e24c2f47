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

// Sweep removes what crashed runs left behind: containers and networks that
// carry our labels and whose owner is certainly dead. With all it also removes
// those of living owners, of other hosts and of owners that can't be made out;
// runs that are under way break. It returns how much was removed.
func Sweep(ctx context.Context, all bool) (containers, networks int, err error) {
	provider, err := connect(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer provider.Close()
	which := anyOwner
	if !all {
		here, err := hostIdentity()
		if err != nil {
			return 0, 0, fmt.Errorf("find out which host this is, to tell dead owners from living ones: %w", err)
		}
		which = func(labels map[string]string) bool {
			o, err := parseOwner(labels)
			return err == nil && o.dead(here)
		}
	}
	containers, networks, err = remove(ctx, provider.Client(), client.Filters{}.Add("label", labelCluster), which)
	if err != nil {
		err = fmt.Errorf("sweep: %w", err)
	}
	return containers, networks, err
}

func anyOwner(map[string]string) bool { return true }

// remove removes the containers, then the networks, that match a filter and
// that which picks by their labels.
func remove(ctx context.Context, engine client.APIClient, filter client.Filters, which func(labels map[string]string) bool) (containers, networks int, err error) {
	found, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filter})
	if err != nil {
		return 0, 0, fmt.Errorf("list containers: %w", err)
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
			containers++
		})
	}
	working.Wait()

	nets, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: filter})
	if err != nil {
		return containers, 0, errors.Join(append(errs, fmt.Errorf("list networks: %w", err))...)
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
		networks++
	}
	return containers, networks, errors.Join(errs...)
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
