package docker

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

func TestACutIsSilenceInTheWaysThatItNames(t *testing.T) {
	needDocker(t)
	c, admin, _ := startCluster(t, 3)
	if !c.Has(cluster.CanIsolate) {
		t.Fatalf("brokers can't be isolated: %v", c.canIsolate())
	}
	if err := admin.WaitWhole(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	talk(t, c, 1, 2)
	talk(t, c, 2, 1)

	t.Run("one way", func(t *testing.T) {
		heal := isolate(t, c, cluster.Cut{Broker: 1, Peers: []int32{2}, Out: true})
		if got := lostBy(t, c, 1, 2, 3); got != "1>2" {
			t.Errorf("silenced are %s, want 1>2 alone", got)
		}
		silent(t, c, 1, 2)
		heal()
	})
	flowing(t, c)
	t.Run("from everybody", func(t *testing.T) {
		heal := isolate(t, c, cluster.Cut{Broker: 2, In: true, Out: true})
		if got := lostBy(t, c, 1, 2, 3); got != "1>2 2>1 2>3 3>2" {
			t.Errorf("silenced are %s", got)
		}
		silent(t, c, 2, 1)
		silent(t, c, 1, 2)
		overlap := isolate(t, c, cluster.Cut{Broker: 1, Peers: []int32{2}, Out: true})
		heal()
		heal() // again, at no cost
		if got := lostBy(t, c, 1, 2, 3); got != "1>2" {
			t.Errorf("silenced are %s, want 1>2, which another cut holds", got)
		}
		overlap()
	})
	t.Run("over a restart", func(t *testing.T) {
		heal := isolate(t, c, cluster.Cut{Broker: 3, In: true, Out: true})
		if err := c.Kill(within(t, time.Minute), 3); err != nil {
			t.Fatal(err)
		}
		started := make(chan error, 1)
		go func() { started <- c.Start(context.Background(), 3) }()
		for b := c.brokers[2]; !b.running(); {
			time.Sleep(10 * time.Millisecond)
		}
		for deadline := time.Now().Add(10 * time.Second); lostBy(t, c, 3) != "3>1 3>2"; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("after a start broker 3 has silenced %q, want 1 and 2", lostBy(t, c, 3))
			}
		}
		heal()
		if err := <-started; err != nil {
			t.Error(err)
		}
	})
	if got := lostBy(t, c, 1, 2, 3); got != "" {
		t.Errorf("still silenced: %s", got)
	}
	if err := admin.WaitWhole(within(t, time.Minute)); err != nil {
		t.Error(err)
	}
}

func TestACutThatMeansNothingIsRefused(t *testing.T) {
	c := &Cluster{brokers: []*broker{{id: 1}, {id: 2}}}
	for _, cut := range []cluster.Cut{
		{Broker: 1}, {Broker: 3, In: true}, {Broker: 1, Peers: []int32{9}, In: true}, {Broker: 1, Peers: []int32{1}, Out: true},
	} {
		if _, err := c.Isolate(t.Context(), cut); err == nil {
			t.Errorf("%+v was accepted", cut)
		}
	}
}

// isolate cuts, and heals at the end of the test in any case.
func isolate(t *testing.T, c *Cluster, cut cluster.Cut) (heal func()) {
	t.Helper()
	undo, err := c.Isolate(within(t, 30*time.Second), cut)
	if err != nil {
		t.Fatal(err)
	}
	heal = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := undo(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(heal)
	return heal
}

// lostBy reads from the neighbour tables of some brokers whom they don't reach.
func lostBy(t *testing.T, c *Cluster, ids ...int32) string {
	t.Helper()
	var lost []string
	for _, id := range ids {
		table, err := c.exec(t.Context(), c.brokers[id-1], "cat", "/proc/net/arp")
		if err != nil {
			t.Fatal(err)
		}
		for _, peer := range c.brokers {
			if isLost(table, peer.inner.String()) {
				lost = append(lost, fmt.Sprintf("%d>%d", id, peer.id))
			}
		}
	}
	slices.Sort(lost)
	return strings.Join(lost, " ")
}

// silent proves that what a broker sends to another arrives no more while
// connections stay open: bytes stand unacknowledged and are sent again, and
// neither side has closed.
func silent(t *testing.T, c *Cluster, from, to int32) {
	t.Helper()
	const established = "01"
	deadline := time.Now().Add(8 * time.Second)
	for {
		var seen []string
		for _, s := range sockets(t, c, from) {
			if s.remote.Addr() != c.brokers[to-1].inner {
				continue
			}
			seen = append(seen, fmt.Sprintf("%s -> %s: %d bytes unacknowledged, retransmitted %d times, state %s", s.local, s.remote, s.unacked, s.retransmits, s.state))
			if s.state != established || s.unacked == 0 || s.retransmits == 0 {
				continue
			}
			for _, other := range sockets(t, c, to) {
				if other.local == s.remote && other.remote == s.local && other.state == established {
					t.Logf("broker %d to %d: %s, and open on both sides", from, to, seen[len(seen)-1])
					return
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("no connection from broker %d to %d is open on both sides and silent; seen\n%s", from, to, strings.Join(seen, "\n"))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// talk has one broker's container send a byte to another's broker every tenth of
// a second for two minutes, on one connection: who of the brokers speaks to
// whom depends on who leads, and moves with a cut. The broker waits all the while
// for the rest of a request of 1 MiB.
func talk(t *testing.T, c *Cluster, from, to int32) {
	t.Helper()
	script := fmt.Sprintf(`exec 3<>/dev/tcp/%s/%d && printf '\0\020\0\0' >&3 &&
(for i in $(seq 1200); do printf x >&3; sleep 0.1; done) >/dev/null 2>&1 &`, c.brokers[to-1].inner, replicationPort)
	if said, err := c.exec(t.Context(), c.brokers[from-1], "bash", "-c", script); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
}

// flowing waits until no connection between brokers still waits for its turn
// to send again, which after a cut of some seconds is seconds off: a connection
// that has not come back yet shows nothing of the next cut.
func flowing(t *testing.T, c *Cluster) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for quiet := 0; quiet < 3; quiet++ {
		for _, b := range c.brokers {
			if slices.ContainsFunc(sockets(t, c, b.id), func(s socket) bool { return s.retransmits > 0 }) {
				quiet = -1
			}
		}
		if time.Now().After(deadline) {
			t.Fatal("a connection between brokers is still being sent on again a minute after the cut was healed")
		}
		time.Sleep(300 * time.Millisecond)
	}
}

// socket is a line of /proc/net/tcp.
type socket struct {
	local, remote        netip.AddrPort
	state                string
	unacked, retransmits int64
}

func sockets(t *testing.T, c *Cluster, id int32) (all []socket) {
	t.Helper()
	// A JVM's sockets are of both families: the IPv4 ones stand in either table.
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		table, err := c.exec(t.Context(), c.brokers[id-1], "cat", file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(table) {
			f := strings.Fields(line)
			if len(f) < 7 || f[0] == "sl" {
				continue
			}
			queue, _, _ := strings.Cut(f[4], ":")
			unacked, _ := strconv.ParseInt(queue, 16, 64)
			again, _ := strconv.ParseInt(f[6], 16, 64)
			all = append(all, socket{local: endpoint(f[1]), remote: endpoint(f[2]), state: f[3], unacked: unacked, retransmits: again})
		}
	}
	return all
}

// endpoint reads "0307D50A:0009", an IPv4 address in this machine's byte order
// (little end first), or the same at the end of an IPv6 address.
func endpoint(text string) netip.AddrPort {
	address, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address[max(0, len(address)-8):])
	if err != nil || len(raw) != 4 {
		return netip.AddrPort{}
	}
	slices.Reverse(raw)
	number, _ := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw)), uint16(number))
}
