package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/build"
	"github.com/moby/moby/client"
)

// engine is a Docker engine that answered.
type engine struct{ api *client.Client }

// connect finds the engine by DOCKER_HOST or at its usual socket.
func connect(ctx context.Context) (*engine, error) {
	api, err := client.New(client.FromEnv)
	if err != nil {
		return nil, fmt.Errorf("set up a connection to the container engine: %w: check DOCKER_HOST", err)
	}
	ping, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := api.Ping(ping, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		api.Close()
		return nil, fmt.Errorf("no container engine answers at %s: %w: start one (on Debian: scripts/setup-debian.sh --engine-only), or set DOCKER_HOST", api.DaemonHost(), err)
	}
	return &engine{api}, nil
}

func (e *engine) close() { e.api.Close() }

// labels returns the labels of an image, nil when there is no such image.
func (e *engine) labels(ctx context.Context, ref string) (map[string]string, error) {
	img, err := e.api.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("inspect image %s: %w", ref, err)
	}
	if img.Config == nil || img.Config.Labels == nil {
		return map[string]string{}, nil
	}
	return img.Config.Labels, nil
}

func (e *engine) has(ctx context.Context, ref string) (bool, error) {
	labels, err := e.labels(ctx, ref)
	return labels != nil, err
}

// build runs the recipe with the engine's classic builder, which every engine
// has and which needs no further program, and without network.
func (e *engine) build(ctx context.Context, tag string, r recipe, jars jarSet, say func(string, ...any)) error {
	context, w := io.Pipe()
	go func() { w.CloseWithError(r.writeContext(w, jars)) }()
	// Closing the reading end is what lets the writer go when the engine stops
	// reading early.
	defer context.Close()
	res, err := e.api.ImageBuild(ctx, context, client.ImageBuildOptions{
		Tags:        []string{tag},
		Version:     build.BuilderV1,
		NetworkMode: "none",
		Remove:      true,
		ForceRemove: true,
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	return followBuild(res.Body, say)
}

// marker starts the lines of the training run that are meant for the user.
const marker = "idemcheck-train: "

// followBuild reads the engine's messages to their end. On failure the error
// carries what the failing step itself said.
func followBuild(messages io.Reader, say func(string, ...any)) error {
	var step bytes.Buffer // output of the current step
	for dec := json.NewDecoder(messages); ; {
		var m struct {
			Stream string `json:"stream"`
			Error  string `json:"error"`
		}
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
		if m.Error != "" {
			if i := strings.Index(step.String(), marker); i >= 0 {
				return errors.New(strings.TrimSpace(strings.ReplaceAll(step.String()[i:], marker, "")))
			}
			return errors.New(m.Error)
		}
		if strings.HasPrefix(m.Stream, "Step ") {
			step.Reset()
			continue
		}
		step.WriteString(m.Stream)
		for line := range strings.Lines(m.Stream) { // an engine may put several into one message
			if text, ok := strings.CutPrefix(strings.TrimSpace(line), marker); ok {
				say("%s", text)
			}
		}
	}
}
