package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
)

// notKafka is the program of an image that is not Kafka.
const notKafka = `package main

import (
	"fmt"
	"net"
	"os"
	"time"
)

func main() {
	fmt.Println("this is not Kafka")
	switch os.Args[1] {
	case "exits":
		os.Exit(3)
	case "answers":
		l, err := net.Listen("tcp", ":9092")
		for err == nil {
			var conn net.Conn
			if conn, err = l.Accept(); err == nil {
				fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
				conn.Close()
			}
		}
	}
	time.Sleep(time.Hour)
}
`

// importNotKafka makes images of one program and removes them after the test.
// The name of each is also what the program does.
func importNotKafka(t *testing.T, engine client.APIClient, names ...string) (reference func(name string) string) {
	t.Helper()
	dir := t.TempDir()
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(notKafka), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	body, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if err := w.WriteHeader(&tar.Header{Name: "program", Mode: 0o755, Size: int64(len(body))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	reference = func(name string) string { return "idemcheck-test/not-kafka:" + name }
	for _, name := range names {
		answer, err := engine.ImageImport(t.Context(),
			client.ImageImportSource{Source: bytes.NewReader(archive.Bytes()), SourceName: "-"}, reference(name),
			client.ImageImportOptions{Changes: []string{`CMD ["/program", "` + name + `"]`}})
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer)
		answer.Close()
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if _, err := engine.ImageRemove(ctx, reference(name), client.ImageRemoveOptions{Force: true}); err != nil {
				t.Errorf("remove image %s: %v", name, err)
			}
		})
	}
	return reference
}

func testEngine(t *testing.T) client.APIClient {
	t.Helper()
	needDocker(t)
	provider, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { provider.Close() })
	return provider.Client()
}

// expectNothing fails when containers, networks or volumes of a run exist.
func expectNothing(t *testing.T, engine client.APIClient, run string) {
	t.Helper()
	filter := client.Filters{}.Add("label", labelRun+"="+run)
	containers, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: filter})
	if err != nil {
		t.Fatal(err)
	}
	networks, err := engine.NetworkList(t.Context(), client.NetworkListOptions{Filters: filter})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := engine.VolumeList(t.Context(), client.VolumeListOptions{Filters: filter})
	if err != nil {
		t.Fatal(err)
	}
	if len(containers.Items)+len(networks.Items)+len(volumes.Items) > 0 {
		t.Errorf("%d containers, %d networks and %d volumes of %q are left", len(containers.Items), len(networks.Items), len(volumes.Items), run)
	}
}

func TestAnImageThatIsNotKafkaIsAClearError(t *testing.T) {
	engine := testEngine(t)
	reference := importNotKafka(t, engine, "exits", "stays", "answers")
	t.Run("images", func(t *testing.T) {
		for name, want := range map[string][]string{
			"exits":   {"exited instead of serving: exit status 3", "this is not Kafka"},
			"stays":   {"not ready after 5s", "connection refused", "an image of Kafka?", "this is not Kafka"},
			"answers": {"not ready after 5s", "what answers is not Kafka", "an image of Kafka?"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				ready := 5 * time.Second
				if name == "exits" {
					ready = time.Minute // it must not be waited for
				}
				began := time.Now()
				c, err := Start(t.Context(), Config{
					Image: reference(name), Kafka: kafkaVersion, Brokers: 2, Advertised: []string{"127.0.0.1:1", "127.0.0.1:2"}, Run: t.Name(), Ready: ready,
				})
				if err == nil {
					t.Fatal("it started", c.Close(t.Context()))
				}
				for _, part := range want {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("error lacks %q: %v", part, err)
					}
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %s", took)
				}
				expectNothing(t, engine, t.Name())
			})
		}
	})
}

func TestAnImageThatCannotBeHadIsAnErrorThatTellsHowToBuildIt(t *testing.T) {
	engine := testEngine(t)
	for _, c := range []struct {
		config Config
		want   []string
	}{
		{Config{Image: "127.0.0.1:1/no/such:image"}, []string{"idemcheck doctor", "127.0.0.1:1/no/such:image"}},
		{Config{Kafka: "9.9.9"}, []string{"apache/kafka:9.9.9", "build-image --kafka 9.9.9"}},
		{Config{Kafka: "3.1.99"}, []string{"idemcheck/kafka:3.1.99", "no registry", "build-image --kafka 3.1.99"}},
		{Config{Kafka: "banana"}, []string{`"banana" is not a Kafka version`}},
	} {
		c.config.Brokers, c.config.Advertised, c.config.Run = 1, []string{"127.0.0.1:1"}, t.Name()
		_, err := Start(t.Context(), c.config)
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("error lacks %q: %v", part, err)
			}
		}
	}
	expectNothing(t, engine, t.Name())
}

func TestCancellingAtAnyMomentOfAStartLeavesNothing(t *testing.T) {
	engine := testEngine(t)
	for _, after := range []time.Duration{0, 30 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, 2 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			reason := errors.New("the user had enough")
			ctx, cancel := context.WithCancelCause(t.Context())
			stop := time.AfterFunc(after, func() { cancel(reason) })
			defer stop.Stop()
			began := time.Now()
			c, err := Start(ctx, Config{Kafka: kafkaVersion, Brokers: 2, Advertised: []string{"127.0.0.1:1", "127.0.0.1:2"}, Run: t.Name()})
			if err == nil {
				t.Fatal("it started", c.Close(t.Context()))
			}
			if !errors.Is(err, reason) && !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v", err)
			}
			t.Logf("ended %s after it was cancelled", (time.Since(began) - after).Round(time.Millisecond))
			expectNothing(t, engine, t.Name())
		})
	}
}

func TestSweepRemovesWhatADeadOwnerLeftAndNothingElse(t *testing.T) {
	engine := testEngine(t)
	image := importNotKafka(t, engine, "stays")("stays")
	alive, err := self()
	if err != nil {
		t.Fatal(err)
	}
	leave := func(name string, o owner) {
		labels := o.labels()
		labels[labelCluster], labels[labelRun] = "test-"+name, t.Name()+name
		made, err := engine.ContainerCreate(t.Context(), client.ContainerCreateOptions{
			Config: &container.Config{Image: image, Labels: labels},
		})
		if err == nil {
			_, err = engine.ContainerStart(t.Context(), made.ID, client.ContainerStartOptions{})
		}
		if err == nil {
			c := &Cluster{id: "test-" + name, engine: engine}
			if c.provider, err = connect(t.Context()); err == nil {
				defer c.provider.Close()
				if _, _, err = c.createNetwork(t.Context(), "clients", labels); err == nil {
					_, err = c.volume(t.Context(), &broker{id: 1}, labels)
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for _, name := range []string{"dead", "alive"} {
			if _, err := remove(ctx, engine, client.Filters{}.Add("label", labelCluster+"=test-"+name), anyOwner); err != nil {
				t.Error(err)
			}
		}
	})
	leave("alive", alive)
	leave("dead", deadOwner(t))
	swept, err := Sweep(t.Context(), false)
	if err != nil || swept.Containers < 1 || swept.Networks < 1 || swept.Volumes < 1 {
		t.Errorf("swept %+v: %v", swept, err)
	}
	expectNothing(t, engine, t.Name()+"dead")
	filter := client.Filters{}.Add("label", labelRun+"="+t.Name()+"alive")
	left, err := engine.ContainerList(t.Context(), client.ContainerListOptions{All: true, Filters: filter})
	if err != nil || len(left.Items) != 1 || left.Items[0].State != container.StateRunning {
		t.Errorf("of a living owner %d containers are left (%v)", len(left.Items), err)
	}
	nets, err := engine.NetworkList(t.Context(), client.NetworkListOptions{Filters: filter})
	if err != nil || len(nets.Items) != 1 {
		t.Errorf("of a living owner %d networks are left (%v)", len(nets.Items), err)
	}
}

func TestTheEngineRefusesAnOverlapInTheWordsThatAreLookedFor(t *testing.T) {
	engine := testEngine(t)
	provider, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer provider.Close()
	me, err := self()
	if err != nil {
		t.Fatal(err)
	}
	labels := me.labels()
	labels[labelCluster] = "test-overlap"
	c := &Cluster{id: "test-overlap", engine: engine, provider: provider}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if _, err := remove(ctx, engine, client.Filters{}.Add("label", labelCluster+"=test-overlap"), anyOwner); err != nil {
			t.Error(err)
		}
	})
	_, subnet, err := c.createNetwork(t.Context(), "clients", labels)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.createNetworkAt(t.Context(), "idemcheck-test-overlap-second", subnet, labels); !overlaps(err) {
		t.Errorf("taking %v again gives %v", subnet, err)
	}
	if err := checkReachable(subnet); err != nil {
		t.Error(err)
	}
	if err := checkReachable(netip.MustParsePrefix("203.0.113.0/24")); !errors.Is(err, errUnreachable) {
		t.Errorf("a network that is not on this host is: %v", err)
	}
}

func TestTheEngineTellsItsVersion(t *testing.T) {
	needDocker(t)
	if version, err := Engine(t.Context()); err != nil || version == "" {
		t.Errorf("version %q: %v", version, err)
	}
}
