package embedded

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/cluster"
)

var (
	_ cluster.Cluster = (*Cluster)(nil)
	_ cluster.Mover   = (*Cluster)(nil)
)

// advertised is where nobody listens: what proxies would listen on.
func advertised(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("127.0.0.1:%d", 1+i))
	}
	return all
}

func start(t *testing.T, n int) *Cluster {
	t.Helper()
	c, err := Start(Config{Advertised: advertised(n), Config: map[string]string{"message.max.bytes": "1000000"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

// admin talks to the cluster past the proxies.
func admin(t *testing.T, c *Cluster) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()[0].Advertised), kgo.MetadataMinAge(10*time.Millisecond),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) { return c.Dial(ctx, address) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

func TestEveryBrokerAdvertisesWhatItWasTold(t *testing.T) {
	for _, n := range []int{1, 3, 5} {
		c := start(t, n)
		meta, err := admin(t, c).BrokerMetadata(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(meta.Brokers) != n || len(c.Brokers()) != n {
			t.Fatalf("%d brokers in metadata, %d in the cluster, want %d", len(meta.Brokers), len(c.Brokers()), n)
		}
		for i, b := range c.Brokers() {
			if b.ID != int32(i) || b.Advertised != advertised(n)[i] {
				t.Errorf("broker %d: %+v", i, b)
			}
			for _, m := range meta.Brokers {
				if is := fmt.Sprintf("%s:%d", m.Host, m.Port); m.NodeID == b.ID && is != b.Advertised {
					t.Errorf("broker %d tells clients %s, want %s", b.ID, is, b.Advertised)
				}
			}
		}
	}
}

func TestDialReachesEachBrokerAndNoOther(t *testing.T) {
	c := start(t, 3)
	seen := map[string]bool{}
	for _, b := range c.Brokers() {
		conn, err := c.Dial(t.Context(), b.Advertised)
		if err != nil {
			t.Fatal(err)
		}
		seen[conn.RemoteAddr().String()] = true
		_ = conn.Close()
	}
	if len(seen) != 3 {
		t.Errorf("three brokers listen on %v", seen)
	}
	if _, err := c.Dial(t.Context(), "127.0.0.1:9"); err == nil || !strings.Contains(err.Error(), "none advertises 127.0.0.1:9") {
		t.Errorf("%v", err)
	}
}

func TestMoveLeaderMovesAndMetadataSaysSo(t *testing.T) {
	c := start(t, 3)
	a := admin(t, c)
	if _, err := a.CreateTopic(t.Context(), 2, 3, nil, "t"); err != nil {
		t.Fatal(err)
	}
	leader := func() int32 {
		time.Sleep(20 * time.Millisecond) // the admin remembers metadata for ten
		meta, err := a.Metadata(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		return meta.Topics["t"].Partitions[1].Leader
	}
	for range 4 {
		from := leader()
		to, err := c.MoveLeader(t.Context(), "t", 1)
		if err != nil || to == from || leader() != to {
			t.Errorf("from %d to %d, metadata says %d, %v", from, to, leader(), err)
		}
	}
	if _, err := c.MoveLeader(t.Context(), "t", 2); err == nil || !strings.Contains(err.Error(), "t/2: no such partition") {
		t.Errorf("%v", err)
	}
	alone := start(t, 1)
	if _, err := admin(t, alone).CreateTopic(t.Context(), 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	if to, err := alone.MoveLeader(t.Context(), "t", 0); err == nil {
		t.Errorf("the only broker handed leadership to %d", to)
	}
}

func TestFactsAndCapabilitiesSayWhatItIs(t *testing.T) {
	c := start(t, 2)
	f := c.Facts()
	if f.Kind != "embedded" || !strings.HasPrefix(f.Kafka, "kfake ") || len(f.Brokers) != 2 || f.Config["message.max.bytes"] != "1000000" {
		t.Errorf("%+v", f)
	}
	if !c.Has(cluster.CanMoveLeader) || c.Has(cluster.CanPower) || c.Has(cluster.CanReplicate) {
		t.Error("it can move leaders and nothing else")
	}
}

func TestLogsAreWrittenAlsoAfterClose(t *testing.T) {
	c := start(t, 1)
	c.log.Logf(1, "a line about %s", "something")
	for range 2 {
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	if err := c.Logs(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "kfake.log")); err != nil || !strings.Contains(string(text), "a line about something\n") {
		t.Errorf("%q, %v", text, err)
	}
	if err := c.Logs(t.Context(), filepath.Join(dir, "nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("%v", err)
	}
}

func TestTheLogIsBounded(t *testing.T) {
	var l logBuffer
	for range 5000 {
		l.Logf(1, "%s", strings.Repeat("x", 1024))
	}
	if n := len(l.bytes()); n < mostLog || n > mostLog+2048 {
		t.Errorf("%d bytes are kept", n)
	}
}

func TestWhatCannotStartIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"no broker":        {Config{}, "start embedded cluster: "},
		"no address":       {Config{Advertised: []string{"nonsense"}}, "nonsense"},
		"an address twice": {Config{Advertised: []string{"127.0.0.1:1", "127.0.0.1:1"}}, "127.0.0.1:1"},
	} {
		cl, err := Start(c.config)
		if err == nil {
			_ = cl.Close(t.Context())
			t.Errorf("%s: it started", name)
			continue
		}
		if !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
