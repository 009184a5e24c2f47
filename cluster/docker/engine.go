package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

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
}

// localImages are where an image of a Kafka version is looked for, in order:
// first the one built from published jars, which starts faster.
func localImages(kafka string) []string {
	return []string{"idemcheck/kafka:" + kafka, officialImage(kafka)}
}

func officialImage(kafka string) string { return "apache/kafka:" + kafka }

// findImage finds the image for a configuration, and pulls the official one
// when there is none.
func findImage(ctx context.Context, engine client.APIClient, c *Config) (image, error) {
	candidates := []string{c.Image}
	if c.Image == "" {
		candidates = localImages(c.Kafka)
	}
	for _, reference := range candidates {
		found, err := inspectImage(ctx, engine, reference)
		if err == nil || !errdefs.IsNotFound(err) {
			return found, err
		}
	}
	wanted := candidates[len(candidates)-1]
	c.progress("pulling image %s", wanted)
	if err := pull(ctx, engine, wanted); err != nil {
		if ctx.Err() != nil {
			return image{}, context.Cause(ctx)
		}
		return image{}, fmt.Errorf("image %s is not here and can't be pulled (build one from published jars: scripts/setup-debian.sh does so on Debian; idemcheck doctor says what is missing): %w", wanted, err)
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
