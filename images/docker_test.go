package images_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/images"
)

// version is the Kafka these tests make an image of.
const version = "4.3.1"

// dockerEngine is the engine, or the end of the test: skipped, or failed where
// Docker is required.
func dockerEngine(t *testing.T) *client.Client {
	t.Helper()
	giveUp := t.Skipf
	if os.Getenv("IDEMCHECK_REQUIRE_DOCKER") == "1" {
		giveUp = t.Fatalf
	}
	if testing.Short() {
		t.Skip("needs a container engine: not in -short")
	}
	api, err := client.New(client.FromEnv)
	if err != nil {
		giveUp("needs a container engine: %v", err)
	}
	t.Cleanup(func() { api.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		giveUp("needs a container engine: %v", err)
	}
	for _, f := range images.Missing(images.Check(ctx, version)) {
		if f.Name == "Kafka image" || f.Name == "base image" {
			giveUp("needs the image that scripts/setup-debian.sh makes: %s", f.Detail)
		}
	}
	return api
}

func TestBuildingTwiceIsANoOp(t *testing.T) {
	api := dockerEngine(t)
	ctx := context.Background()
	if _, err := images.Build(ctx, images.Spec{Version: version}, func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
	before, err := api.ImageInspect(ctx, images.Reference(version))
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	ref, err := images.Build(ctx, images.Spec{Version: version}, nil)
	if err != nil || ref != images.Reference(version) {
		t.Fatalf("built %q, %v", ref, err)
	}
	if d := time.Since(begun); d > 2*time.Second {
		t.Errorf("doing nothing took %s", d)
	}
	after, err := api.ImageInspect(ctx, ref)
	if err != nil || after.ID != before.ID {
		t.Errorf("image %s became %s (%v)", before.ID, after.ID, err)
	}
	if after.Config.Labels[images.Label] != "kafka" || after.Config.Labels["org.idemcheck.image.kafka"] != version {
		t.Errorf("labels %v", after.Config.Labels)
	}
	if len(after.Config.Volumes) != 0 {
		t.Errorf("a volume would take the data out of the container: %v", after.Config.Volumes)
	}
}

func TestABaseThatIsNotThereIsSaidAndNotPulled(t *testing.T) {
	dockerEngine(t)
	_, err := images.Build(context.Background(), images.Spec{Version: version, Base: "idemcheck/absent:1"}, nil)
	if err == nil || !strings.Contains(err.Error(), "base image idemcheck/absent:1 is not on this engine") {
		t.Errorf("got %v", err)
	}
}

func TestJarsOfAnotherVersionThanAskedForAreRefused(t *testing.T) {
	api := dockerEngine(t)
	jars := jarsOfImage(t, api)
	_, err := images.Build(context.Background(), images.Spec{Version: "4.0.0", JarsDir: jars}, nil)
	if err == nil || !strings.Contains(err.Error(), "are Kafka 4.3.1, not 4.0.0") {
		t.Errorf("got %v", err)
	}
}

// The image of a folder of jars is the harder case: what holds for it holds for
// the published one, which is made of the same recipe.
func TestABrokerOfAFolderOfJarsServesRequestsAndSurvivesItsEnd(t *testing.T) {
	api := dockerEngine(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	jars := jarsOfImage(t, api)
	ref, err := images.Build(ctx, images.Spec{JarsDir: jars}, func(s string) { t.Log(s) })
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(ref, images.Reference(version)+"-jars-") {
		t.Errorf("a folder of jars took the name %s", ref)
	}
	t.Cleanup(func() {
		api.ImageRemove(context.Background(), ref, client.ImageRemoveOptions{Force: true, PruneChildren: true})
	})

	begun := time.Now()
	id := startBroker(t, api, ref)
	addr := address(t, api, id) + ":9092"
	waitServing(t, ctx, addr)
	t.Logf("from creation to an answer to ApiVersions: %s", time.Since(begun).Round(10*time.Millisecond))
	offset := produce(t, ctx, addr)
	for _, archive := range []string{"prepare.jsa", "broker.jsa"} {
		if _, err := api.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: "/opt/kafka/" + archive}); err != nil {
			t.Errorf("the training run left no class-data archive: %v", err)
		}
	}

	begun = time.Now()
	timeout := 20
	if _, err := api.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &timeout}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(begun); d > 10*time.Second {
		t.Errorf("a graceful stop took %s: the signal did not reach the JVM", d)
	}
	begun = time.Now()
	if _, err := api.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	addr = address(t, api, id) + ":9092"
	waitServing(t, ctx, addr)
	t.Logf("started again, to an answer to ApiVersions: %s", time.Since(begun).Round(10*time.Millisecond))
	if next := produce(t, ctx, addr); next != offset+1 {
		t.Errorf("the record after a restart has offset %d, the one before it %d: the log was lost", next, offset)
	}

	log := brokerLog(t, api, id)
	for _, want := range []string{"INFO [KafkaRaftServer nodeId=1] Kafka Server started", "Formatting metadata directory"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %q", want)
		}
	}
	if n := strings.Count(log, "Formatting metadata directory"); n != 1 {
		t.Errorf("the storage was formatted %d times", n)
	}
	if strings.Contains(log, "SLF4J") || strings.Contains(log, "[warning][cds]") || strings.Contains(log, "StatusLogger") {
		t.Errorf("logging or the class-data archive complains:\n%.2000s", log)
	}
}

func TestAConfigurationThatKafkaRefusesEndsTheContainerWithTheReason(t *testing.T) {
	api := dockerEngine(t)
	id := startBroker(t, api, images.Reference(version), "KAFKA_LISTENERS=nonsense")
	wait := api.ContainerWait(context.Background(), id, client.ContainerWaitOptions{})
	select {
	case res := <-wait.Result:
		if res.StatusCode == 0 {
			t.Error("exit status 0")
		}
	case err := <-wait.Error:
		t.Fatal(err)
	case <-time.After(30 * time.Second):
		t.Fatal("the container goes on")
	}
	if log := brokerLog(t, api, id); !strings.Contains(log, "nonsense") || !strings.Contains(log, "Kafka was not started") {
		t.Errorf("the log does not say why:\n%.2000s", log)
	}
}

// startBroker starts a combined node that is removed at the test's end.
func startBroker(t *testing.T, api *client.Client, ref string, env ...string) string {
	t.Helper()
	return startContainer(t, api, ref, nil, append([]string{
		"CLUSTER_ID=4L6g3nShT-eMCtK--X86sw",
		"KAFKA_NODE_ID=1", "KAFKA_PROCESS_ROLES=broker,controller",
		"KAFKA_LISTENERS=PLAINTEXT://:9092,CONTROLLER://:9093",
		"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://broker:9092",
		"KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
		"KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
	}, env...))
}

// startContainer starts a container that is removed at the test's end; no command
// is the image's own.
func startContainer(t *testing.T, api *client.Client, ref string, command, env []string) string {
	t.Helper()
	ctx := context.Background()
	created, err := api.ContainerCreate(ctx, client.ContainerCreateOptions{
		Config: &container.Config{
			Image:    ref,
			Hostname: "broker",
			Labels:   map[string]string{"org.idemcheck.test": "images"},
			Cmd:      command,
			Env:      env,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := api.ContainerRemove(context.Background(), created.ID, client.ContainerRemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
	if _, err := api.ContainerStart(ctx, created.ID, client.ContainerStartOptions{}); err != nil {
		t.Fatal(err)
	}
	return created.ID
}

func address(t *testing.T, api *client.Client, id string) string {
	t.Helper()
	c, err := api.ContainerInspect(context.Background(), id, client.ContainerInspectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Container.NetworkSettings.Networks {
		if n.IPAddress.IsValid() {
			return n.IPAddress.String()
		}
	}
	t.Fatalf("container %s has no address: %.2000s", id, brokerLog(t, api, id))
	return ""
}

// waitServing asks for ApiVersions until it is answered.
func waitServing(t *testing.T, ctx context.Context, addr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RequestRetries(0))
		if err != nil {
			t.Fatal(err)
		}
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "idemcheck-test", "1"
		_, last = cl.SeedBrokers()[0].Request(ctx, req)
		cl.Close()
		if last == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("no answer to ApiVersions at %s: %v", addr, last)
}

// produce appends one record past metadata, whose advertised name only the
// container itself can resolve, and returns its offset.
func produce(t *testing.T, ctx context.Context, addr string) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	host := strings.TrimSuffix(addr, ":9092")
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.AllowAutoTopicCreation(), kgo.Dialer(dialInstead("broker", host)))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for {
		r, err := cl.ProduceSync(ctx, &kgo.Record{Topic: "survives", Value: []byte("x")}).First()
		switch {
		case err == nil:
			return r.Offset
		case errors.Is(err, kerr.InvalidReplicationFactor) && ctx.Err() == nil:
			// It answers requests before it is registered, and has no broker yet
			// to put the topic on.
			time.Sleep(100 * time.Millisecond)
		default:
			t.Fatal(err)
		}
	}
}

func brokerLog(t *testing.T, api *client.Client, id string) string {
	t.Helper()
	r, err := api.ContainerLogs(context.Background(), id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b bytes.Buffer
	if _, err := stdcopy.StdCopy(&b, &b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// jarsOfImage copies the jars out of the published version's image.
func jarsOfImage(t *testing.T, api *client.Client) string {
	t.Helper()
	ctx := context.Background()
	created, err := api.ContainerCreate(ctx, client.ContainerCreateOptions{Config: &container.Config{Image: images.Reference(version)}})
	if err != nil {
		t.Fatal(err)
	}
	defer api.ContainerRemove(ctx, created.ID, client.ContainerRemoveOptions{Force: true})
	res, err := api.CopyFromContainer(ctx, created.ID, client.CopyFromContainerOptions{SourcePath: "/opt/kafka/libs"})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Content.Close()
	dir := t.TempDir()
	if err := extract(res.Content, dir); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return filepath.Join(dir, "libs")
}
