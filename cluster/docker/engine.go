package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"

	"github.com/idemcheck/idemcheck/history"
)

// labelKafka is where an image that was built from published jars says which
// version it holds.
const labelKafka = "org.idemcheck.image.kafka"

const (
	// engineTime is how long the engine may take over one ordinary request.
	engineTime = 60 * time.Second
	// pullTime is how long an image may take to be pulled.
	pullTime = 5 * time.Minute
)

// prepareLibrary tells testcontainers, whose settings are the process's, that
// there is no reaper container (it could not be pulled without a registry;
// labels and Sweep do its work) and that it must not write to the terminal.
var prepareLibrary = sync.OnceFunc(func() {
	const ryuk = "TESTCONTAINERS_RYUK_DISABLED"
	if os.Getenv(ryuk) == "" {
		// Fails on an impossible name only.
		_ = os.Setenv(ryuk, "true")
	}
	tclog.SetDefault(tclog.NewNoopLogger())
})

// connect finds the Docker engine.
func connect(ctx context.Context) (*testcontainers.DockerProvider, error) {
	prepareLibrary()
	if err := chosenAnswers(ctx); err != nil {
		return nil, err
	}
	provider, err := testcontainers.NewDockerProvider(
		testcontainers.Generic2DockerOptions(testcontainers.WithLogger(tclog.NewNoopLogger()))[0],
		testcontainers.WithDefaultBridgeNetwork(testcontainers.Bridge), // without it the library makes a network of its own
	)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		if _, err = provider.Client().Ping(ctx, client.PingOptions{}); err != nil {
			provider.Close()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("no Docker engine answers (install and start one: scripts/setup-debian.sh does so on Debian; or set DOCKER_HOST): %w", err)
	}
	return provider, nil
}

// chosenAnswers finds out whether the engine that DOCKER_HOST names answers.
// testcontainers would silently go on to another one: not the one that was
// asked for.
func chosenAnswers(ctx context.Context) error {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	engine, err := client.New(client.FromEnv)
	if err == nil {
		defer engine.Close()
		_, err = engine.Ping(ctx, client.PingOptions{})
	}
	if err != nil {
		return fmt.Errorf("no Docker engine answers at %s, which DOCKER_HOST names (unset it to use this machine's own): %w", host, err)
	}
	return nil
}

// Engine returns the version of the Docker engine, or an error that says that
// none answers.
func Engine(ctx context.Context) (version string, err error) {
	provider, err := connect(ctx)
	if err != nil {
		return "", err
	}
	defer provider.Close()
	answer, err := provider.Client().ServerVersion(ctx, client.ServerVersionOptions{})
	if err != nil {
		return "", fmt.Errorf("ask the Docker engine for its version: %w", err)
	}
	return answer.Version, nil
}

// image is an image that the engine has.
type image struct {
	reference string
	digest    string // the registry's, or else the local id
	kafka     string // the version that it says it holds; empty when it does not say
}

// builtImage begins the names of images that were built from published jars.
const builtImage = "idemcheck/kafka:"

// localImages are where an image of a Kafka version is looked for, in order:
// first the one built from published jars, which starts faster. Official
// images begin with 3.7 (KIP-975).
func localImages(kafka history.KafkaVersion) []string {
	images := []string{builtImage + kafka.String()}
	if kafka.From(3, 7) {
		images = append(images, "apache/kafka:"+kafka.String())
	}
	return images
}

// findImage finds the image for a configuration, and pulls the official one
// when there is none.
func findImage(ctx context.Context, engine client.APIClient, c *Config) (image, error) {
	if c.Image != "" {
		return findOrPull(ctx, engine, c, c.Image)
	}
	return findVersion(ctx, engine, c, c.Kafka)
}

// findVersion finds the image of a version of Kafka.
func findVersion(ctx context.Context, engine client.APIClient, c *Config, kafka string) (image, error) {
	version, err := history.ParseKafkaVersion(kafka)
	if err != nil {
		return image{}, err
	}
	found, err := findOrPull(ctx, engine, c, localImages(version)...)
	if err != nil && ctx.Err() == nil {
		return image{}, fmt.Errorf("there is no image of Kafka %s: %w. Build it from published jars, in a checkout of idemcheck: go run ./images/cmd/build-image --kafka %s", kafka, err, kafka)
	}
	return found, err
}

// findOrPull finds the first image that is here, and pulls the last when none
// is and there may be one to pull.
func findOrPull(ctx context.Context, engine client.APIClient, c *Config, candidates ...string) (image, error) {
	for _, reference := range candidates {
		found, err := inspectImage(ctx, engine, reference)
		if err == nil || !errdefs.IsNotFound(err) {
			return found, err
		}
	}
	wanted := candidates[len(candidates)-1]
	if strings.HasPrefix(wanted, builtImage) {
		return image{}, fmt.Errorf("image %s is not here, and no registry has it", wanted)
	}
	c.progress("pulling image %s", wanted)
	if err := pull(ctx, engine, wanted); err != nil {
		if ctx.Err() != nil {
			return image{}, context.Cause(ctx)
		}
		return image{}, fmt.Errorf("image %s is not here and can't be pulled (idemcheck doctor says what this machine lacks): %w", wanted, err)
	}
	return inspectImage(ctx, engine, wanted)
}

func inspectImage(ctx context.Context, engine client.APIClient, reference string) (image, error) {
	info, err := engine.ImageInspect(ctx, reference)
	if err != nil {
		return image{}, fmt.Errorf("look for image %s: %w", reference, err)
	}
	found := image{reference: reference, digest: info.ID}
	if len(info.RepoDigests) > 0 {
		found.digest = info.RepoDigests[0]
	}
	if info.Config != nil {
		found.kafka = info.Config.Labels[labelKafka]
		for _, variable := range info.Config.Env {
			if address, ok := strings.CutPrefix(variable, "kafka_url="); ok && found.kafka == "" {
				if m := archiveVersion.FindStringSubmatch(address); m != nil {
					found.kafka = m[1]
				}
			}
		}
	}
	return found, nil
}

func pull(ctx context.Context, engine client.APIClient, reference string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pullTime, errors.New("pulling took longer than "+pullTime.String()))
	defer cancel()
	answer, err := engine.ImagePull(ctx, reference, client.ImagePullOptions{})
	if err != nil {
		return err
	}
	defer answer.Close()
	return answer.Wait(ctx)
}

// unhurried returns a context for requests that must not be left half done
// when the caller's context ends: what the engine was asked to create would
// then appear later, with nobody to remove it.
func unhurried(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), engineTime)
}
