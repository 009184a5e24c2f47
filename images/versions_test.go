package images_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/images"
)

// otherVersions are one version that has KRaft but not the official image's
// translation of variables, and one that needs ZooKeeper. Each takes half a minute,
// so a longer list is had only by IDEMCHECK_TEST_KAFKA, versions with spaces between.
func otherVersions() []string {
	if list := strings.Fields(os.Getenv("IDEMCHECK_TEST_KAFKA")); len(list) > 0 {
		return list
	}
	return []string{"3.6.2", "2.8.2"}
}

func TestABrokerOfAnOlderVersionServesRecordsAndSurvivesItsEnd(t *testing.T) {
	api := dockerEngine(t)
	for _, version := range otherVersions() {
		t.Run(version, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			// A name of its own, so that an image somebody uses is not removed.
			ref, err := images.Build(ctx, images.Spec{Version: version, Tag: "idemcheck/kafka-test:" + version}, func(s string) { t.Log(s) })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				api.ImageRemove(context.Background(), ref, client.ImageRemoveOptions{Force: true, PruneChildren: true})
			})

			begun := time.Now()
			start := startBroker
			if needsZooKeeper(version) {
				start = startWithZooKeeper
			}
			id := start(t, api, ref, "KAFKA_LOG4J_LOGGERS=kafka.network=WARN,org.apache.kafka.common.utils.AppInfoParser=ERROR")
			addr := address(t, api, id) + ":9092"
			waitServing(t, ctx, addr)
			t.Logf("from creation to an answer to ApiVersions: %s", time.Since(begun).Round(10*time.Millisecond))
			offset := produce(t, ctx, addr)

			timeout := 20
			if _, err := api.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &timeout}); err != nil {
				t.Fatal(err)
			}
			if _, err := api.ContainerStart(ctx, id, client.ContainerStartOptions{}); err != nil {
				t.Fatal(err)
			}
			addr = address(t, api, id) + ":9092"
			waitServing(t, ctx, addr)
			if next := produce(t, ctx, addr); next != offset+1 {
				t.Errorf("the record after a restart has offset %d, the one before it %d: the log was lost", next, offset)
			}
			fetch(t, ctx, addr, int(offset)+2)
			log := brokerLog(t, api, id)
			if strings.Contains(log, "SLF4J: Failed") || strings.Contains(log, "[warning][cds]") {
				t.Errorf("logging or the class-data archive complains:\n%.2000s", log)
			}
			if strings.Contains(log, "DEBUG") || !strings.Contains(log, "INFO") {
				t.Errorf("the log is not at INFO:\n%.2000s", log)
			}
			// Every version says who it is through this logger, at INFO.
			if strings.Contains(log, "AppInfoParser") {
				t.Error("a logger has not the level that a variable set")
			}
		})
	}
}

func needsZooKeeper(version string) bool {
	for _, line := range []string{"0.", "1.", "2.", "3.0.", "3.1.", "3.2."} {
		if strings.HasPrefix(version, line) {
			return true
		}
	}
	return false
}

// startWithZooKeeper starts a ZooKeeper and a broker, each in a container of the
// same image.
func startWithZooKeeper(t *testing.T, api *client.Client, ref string, env ...string) string {
	t.Helper()
	zookeeper := startContainer(t, api, ref, []string{images.ZooKeeperCommand}, nil)
	return startContainer(t, api, ref, nil, append([]string{
		"KAFKA_BROKER_ID=1",
		"KAFKA_ZOOKEEPER_CONNECT=" + address(t, api, zookeeper) + ":2181",
		"KAFKA_LISTENERS=PLAINTEXT://:9092",
		"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://broker:9092",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
	}, env...))
}

// fetch reads the partition that produce writes to, from its beginning, until it
// has had as many records as are wanted.
func fetch(t *testing.T, ctx context.Context, addr string, wanted int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.Dialer(dialInstead("broker", strings.TrimSuffix(addr, ":9092"))),
		kgo.ConsumeTopics("survives"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for got := 0; got < wanted; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("fetched %d of %d records: %v", got, wanted, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if string(r.Value) != "x" || r.Offset != int64(got) {
				t.Errorf("record %d is %q at offset %d", got, r.Value, r.Offset)
			}
			got++
		})
	}
}
