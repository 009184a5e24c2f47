package docker

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

// kafkaVersion is the version that the tests run on.
const kafkaVersion = "4.3.1"

// needDocker skips a test, or fails it when Docker is required, where no
// engine answers or there is no image.
func needDocker(t *testing.T) {
	t.Helper()
	missing := func(err error) {
		t.Helper()
		if os.Getenv("IDEMCHECK_REQUIRE_DOCKER") == "1" {
			t.Fatalf("Docker is required: %v", err)
		}
		t.Skipf("NOT TESTED, needs Docker: %v", err)
	}
	if testing.Short() {
		t.Skip("NOT TESTED: containers take longer than -short allows")
	}
	provider, err := connect(t.Context())
	if err != nil {
		missing(err)
	}
	defer provider.Close()
	for _, reference := range localImages(version(t, kafkaVersion)) {
		if _, err = inspectImage(t.Context(), provider.Client(), reference); err == nil {
			return
		}
	}
	missing(err)
}

// forwarders stand in for the proxies: plain TCP forwarding from loopback
// ports to the brokers.
type forwarders struct {
	listeners []net.Listener
	addresses []string
	to        atomic.Pointer[Cluster]
	open      sync.WaitGroup
}

func newForwarders(t testing.TB, n int) *forwarders {
	t.Helper()
	f := &forwarders{}
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f.listeners = append(f.listeners, l)
		f.addresses = append(f.addresses, l.Addr().String())
	}
	return f
}

// serve begins to forward to a cluster.
func (f *forwarders) serve(c *Cluster) {
	f.to.Store(c)
	for i, l := range f.listeners {
		f.open.Go(func() {
			for {
				client, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer client.Close()
					ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
					defer cancel()
					broker, err := c.Dial(ctx, f.addresses[i])
					if err != nil {
						return
					}
					defer broker.Close()
					go func() {
						defer broker.Close()
						io.Copy(broker, client)
					}()
					io.Copy(client, broker)
				}()
			}
		})
	}
}

func (f *forwarders) close() {
	for _, l := range f.listeners {
		l.Close()
	}
	f.open.Wait()
}

// startCluster starts a cluster behind forwarders, and an Admin for it; all
// of it ends with the test.
func startCluster(t testing.TB, brokers int) (*Cluster, *cluster.Admin, *forwarders) {
	t.Helper()
	f := newForwarders(t, brokers)
	began := time.Now()
	c, err := Start(t.Context(), Config{
		Kafka: kafkaVersion, Brokers: brokers, Advertised: f.addresses, Run: "test of cluster/docker",
		Progress: func(text string) { t.Logf("%5.2f s: %s", time.Since(began).Seconds(), text) },
	})
	if err != nil {
		f.close()
		t.Fatal(err)
	}
	f.serve(c)
	admin, err := cluster.NewAdmin(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin.Close()
		f.close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if t.Failed() {
			logs, err := os.MkdirTemp("", "idemcheck-docker-test-")
			if err == nil {
				t.Logf("broker logs are in %s: %v", logs, c.Logs(ctx, logs))
			}
		}
		if err := c.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c, admin, f
}

// within returns a context for one step of a test.
func within(t testing.TB, limit time.Duration) context.Context {
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, fmt.Errorf("took longer than %s", limit))
	t.Cleanup(cancel)
	return ctx
}
