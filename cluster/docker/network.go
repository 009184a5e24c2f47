package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"strings"

	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// createNetwork creates one of the cluster's networks, on a range of addresses
// that nothing else has.
func (c *Cluster) createNetwork(ctx context.Context, role string, labels map[string]string) (name string, subnet netip.Prefix, err error) {
	name = "idemcheck-" + c.id + "-" + role
	taken := hostNetworks()
	existing, err := c.engine.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return "", subnet, fmt.Errorf("list networks: %w", err)
	}
	for _, item := range existing.Items {
		for _, config := range item.IPAM.Config {
			if config.Subnet.IsValid() {
				taken = append(taken, config.Subnet)
			}
		}
	}
	err = errNoSubnet
	subnets(c.id+role, taken, func(candidate netip.Prefix) bool {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
			return false
		}
		err = c.createNetworkAt(ctx, name, candidate, labels)
		if err == nil {
			subnet = candidate
			return false
		}
		// Somebody else took it since the list was made: go on to the next.
		return overlaps(err)
	})
	if err != nil {
		return "", subnet, fmt.Errorf("create network %s: %w", name, err)
	}
	return name, subnet, nil
}

// overlaps says whether the engine refused a network since its addresses
// overlap another's. It has no error code of its own for that.
func overlaps(err error) bool {
	return err != nil && strings.Contains(strings.ToLower(err.Error()), "overlap")
}

func (c *Cluster) createNetworkAt(ctx context.Context, name string, subnet netip.Prefix, labels map[string]string) error {
	ctx, cancel := unhurried(ctx)
	defer cancel()
	_, err := c.provider.CreateNetwork(ctx, testcontainers.NetworkRequest{ //nolint:staticcheck // its successor makes a new provider each time
		Name: name, Driver: "bridge", Labels: maps.Clone(labels),
		IPAM: &network.IPAM{Config: []network.IPAMConfig{{Subnet: subnet, Gateway: hostAddress(subnet, 1)}}},
	})
	return err
}

// errUnreachable says why this host can't work with this engine.
var errUnreachable = errors.New("containers can't be reached by their addresses from here: the Docker engine runs on another machine, in a virtual machine (Docker Desktop) or in another network namespace (rootless). " +
	"Clusters in containers need a Linux host that runs the engine itself; everywhere else use --cluster embedded or --cluster external")

// checkReachable makes sure that the network's bridge is on this host: its
// gateway is then one of our own addresses.
func checkReachable(subnet netip.Prefix) error {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("list this host's addresses: %w", err)
	}
	gateway := hostAddress(subnet, 1)
	for _, address := range addresses {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil && prefix.Addr() == gateway {
			return nil
		}
	}
	return errUnreachable
}
