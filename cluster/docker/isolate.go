package docker

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/idemcheck/idemcheck/cluster"
)

var _ cluster.Isolator = (*Cluster)(nil)

// Brokers are silenced inside their own containers, by the neighbour table of
// the one that sends (isolate.sh says how). That works in either direction by
// itself, needs no root on this host, no tool beyond what an image of Kafka
// has, and touches the replication network alone. Disconnecting a container
// from the network would not do: its own dials would fail at once.

//go:embed isolate.sh
var isolateScript string

// nobody is the hardware address that isolate.sh gives to a lost broker.
const nobody = "02:00:00:00:00:00"

// netAdmin is the privilege that brokers' containers have for it.
const netAdmin = "NET_ADMIN"

// link is the traffic of one broker to another.
type link struct{ from, to int32 }

// silence is what Isolate keeps of the cuts in force.
type silence struct {
	mu    sync.Mutex
	cuts  map[link]int // how many cuts silence it
	once  sync.Once
	cause error // why no broker can be silenced
}

// Isolate silences traffic between brokers on the replication network. What a
// cut shares with another one stays silent until both are healed. A broker that
// is restarted is silent again before it can say anything.
func (c *Cluster) Isolate(ctx context.Context, cut cluster.Cut) (heal func(context.Context) error, err error) {
	links, err := c.linksOf(cut)
	if err == nil {
		err = c.change(ctx, links, +1)
	}
	if err != nil {
		return nil, fmt.Errorf("isolate broker %d: %w", cut.Broker, err)
	}
	var healed bool
	return func(ctx context.Context) error {
		if healed {
			return nil
		}
		if err := c.change(ctx, links, -1); err != nil {
			return fmt.Errorf("end the isolation of broker %d: %w", cut.Broker, err)
		}
		healed = true
		return nil
	}, nil
}

func (c *Cluster) linksOf(cut cluster.Cut) ([]link, error) {
	peers := cut.Peers
	if peers == nil {
		for _, b := range c.brokers {
			if b.id != cut.Broker {
				peers = append(peers, b.id)
			}
		}
	}
	if !cut.In && !cut.Out {
		return nil, errors.New("neither way is to be cut")
	}
	for _, id := range peers {
		if _, err := c.broker(id); err != nil {
			return nil, err
		}
	}
	if c.zookeeper != nil && len(peers) == len(c.brokers)-1 {
		// Who is cut off from all others is cut off from what they decide with:
		// with KRaft that is among them.
		peers = append(slices.Clone(peers), c.zookeeper.id)
	}
	var links []link
	if _, err := c.broker(cut.Broker); err != nil {
		return nil, err
	}
	for _, id := range peers {
		if id == cut.Broker {
			continue
		}
		if cut.Out {
			links = append(links, link{cut.Broker, id})
		}
		if cut.In {
			links = append(links, link{id, cut.Broker})
		}
	}
	if len(links) == 0 {
		return nil, errors.New("there is no other broker")
	}
	return links, nil
}

// change counts one cut more or less on each link, and brings every running
// broker's table in line with that. When it fails the counts are as before, and
// tables as far as they could be.
func (c *Cluster) change(ctx context.Context, links []link, by int) error {
	c.silence.mu.Lock()
	defer c.silence.mu.Unlock()
	if c.silence.cuts == nil {
		c.silence.cuts = map[link]int{}
	}
	var senders []*broker
	for _, l := range links {
		c.silence.cuts[l] += by
		b := c.zookeeper
		if l.from > 0 {
			b = c.brokers[l.from-1]
		}
		if !slices.Contains(senders, b) {
			senders = append(senders, b)
		}
	}
	err := together(ctx, senders, c.enforce)
	if err == nil {
		return nil
	}
	for _, l := range links {
		c.silence.cuts[l] -= by
	}
	again, cancel := unhurried(ctx)
	defer cancel()
	return errors.Join(err, together(again, senders, c.enforce))
}

// enforce brings the table of one broker in line with the cuts, which the
// caller has locked. A broker that does not run has no table; it gets one when
// it is started.
func (c *Cluster) enforce(ctx context.Context, b *broker) error {
	if !b.running() {
		return nil
	}
	var lose, reach []string
	for _, peer := range c.all() {
		if peer == b {
			continue
		}
		if c.silence.cuts[link{b.id, peer.id}] > 0 {
			lose = append(lose, peer.inner.String())
		} else {
			reach = append(reach, peer.inner.String())
		}
	}
	for _, step := range []struct {
		verb      string
		addresses []string
	}{{"reach", reach}, {"lose", lose}} {
		if len(step.addresses) == 0 {
			continue
		}
		table, err := c.exec(ctx, b, append([]string{"sh", "-c", isolateScript, "isolate.sh", step.verb}, step.addresses...)...)
		if err != nil {
			if !b.running() {
				return nil // it ended meanwhile, and its table with it
			}
			return fmt.Errorf("broker %d: %w (%s)", b.id, err, strings.TrimSpace(table))
		}
		for _, address := range step.addresses {
			if isLost(table, address) != (step.verb == "lose") {
				return fmt.Errorf("broker %d: its neighbour table does not take %s %s:\n%s", b.id, step.verb, address, table)
			}
		}
	}
	return nil
}

// isLost reads /proc/net/arp: address, type, flags, hardware address, ...
func isLost(table, address string) bool {
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == address && f[3] == nobody {
			return true
		}
	}
	return false
}

// silenceAgain puts the cuts in force on a broker that has just been started.
func (c *Cluster) silenceAgain(ctx context.Context, b *broker) error {
	c.silence.mu.Lock()
	defer c.silence.mu.Unlock()
	for l, cuts := range c.silence.cuts {
		if l.from == b.id && cuts > 0 {
			return c.enforce(ctx, b)
		}
	}
	return nil
}

// canIsolate says why brokers can't be silenced; nil when they can.
func (c *Cluster) canIsolate() error {
	c.silence.once.Do(func() {
		if len(c.brokers) < 2 {
			c.silence.cause = errors.New("there is one broker only")
			return
		}
		ctx, cancel := unhurried(context.Background())
		defer cancel()
		for _, b := range c.brokers {
			if !b.running() {
				continue
			}
			if _, err := c.exec(ctx, b, "sh", "-c", "command -v arp || command -v perl"); err != nil {
				c.silence.cause = fmt.Errorf("image %s has neither arp nor perl, one of which it takes to silence a broker: %w", c.image.reference, err)
			}
			return
		}
	})
	return c.silence.cause
}

// exec runs a command in a broker's container as root, and returns what it
// wrote. An exit status other than 0 is an error.
func (c *Cluster) exec(ctx context.Context, b *broker, command ...string) (string, error) {
	ctx, cancel := unhurried(ctx)
	defer cancel()
	created, err := c.engine.ExecCreate(ctx, b.containerID(), client.ExecCreateOptions{
		User: "0", Cmd: command, AttachStdout: true, AttachStderr: true,
	})
	if err != nil {
		return "", fmt.Errorf("run %s in the container: %w", command[0], err)
	}
	attached, err := c.engine.ExecAttach(ctx, created.ID, client.ExecAttachOptions{})
	if err != nil {
		return "", fmt.Errorf("run %s in the container: %w", command[0], err)
	}
	defer attached.Close()
	var said bytes.Buffer
	if _, err := stdcopy.StdCopy(&said, &said, attached.Reader); err != nil && !errors.Is(err, io.EOF) {
		return said.String(), fmt.Errorf("read what %s wrote: %w", command[0], err)
	}
	ended, err := c.engine.ExecInspect(ctx, created.ID, client.ExecInspectOptions{})
	if err != nil {
		return said.String(), fmt.Errorf("ask how %s ended: %w", command[0], err)
	}
	if ended.ExitCode != 0 {
		return said.String(), fmt.Errorf("%s ended with status %d", command[0], ended.ExitCode)
	}
	return said.String(), nil
}
