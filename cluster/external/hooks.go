package external

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/idemcheck/idemcheck/cluster"
)

const (
	// hookTimeout is how long a command may take unless the file says otherwise.
	hookTimeout = 30 * time.Second
	// keptOutput is how much of a command's output goes into an error, bytes.
	keptOutput = 2000
)

// Hooks are the user's commands that do things to brokers. Each is given to
// "sh -c" with BROKER_ID, HOST and PORT in its environment.
type Hooks struct {
	Kill   string `yaml:"kill"`   // SIGKILL
	Stop   string `yaml:"stop"`   // graceful
	Start  string `yaml:"start"`  // after kill or stop
	Pause  string `yaml:"pause"`  // SIGSTOP
	Resume string `yaml:"resume"` // SIGCONT
	// Isolate silences packets between BROKER_ID and the brokers in PEERS ("1 3"),
	// those to it, from it, or both as WAY says (in, out, both); heal ends that, be
	// it in force in part only, or the broker gone.
	Isolate string        `yaml:"isolate"`
	Heal    string        `yaml:"heal"`
	Timeout time.Duration `yaml:"timeout"` // of each command; 0 is 30 s
}

// ReadHooks reads a YAML file of hooks.
func ReadHooks(path string) (*Hooks, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("hooks: %w", err)
	}
	var h Hooks
	if err := yaml.UnmarshalWithOptions(text, &h, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("hooks %s: %w (allowed: kill, stop, start, pause, resume, isolate, heal, timeout)", path, err)
	}
	for _, pair := range [][4]string{
		{"kill", h.Kill, "start", h.Start}, {"stop", h.Stop, "start", h.Start}, {"pause", h.Pause, "resume", h.Resume}, {"isolate", h.Isolate, "heal", h.Heal},
	} {
		if pair[1] != "" && pair[3] == "" {
			return nil, fmt.Errorf("hooks %s: %s without %s: what is done to a broker must be undone", path, pair[0], pair[2])
		}
	}
	if h.Timeout < 0 {
		return nil, fmt.Errorf("hooks %s: timeout %s: want a time above 0, like 30s", path, h.Timeout)
	}
	return &h, nil
}

// capabilities that the hooks make.
func (h *Hooks) capabilities() (can []cluster.Capability) {
	if h == nil {
		return nil
	}
	if h.Kill != "" && h.Stop != "" && h.Start != "" && h.Pause != "" && h.Resume != "" {
		can = append(can, cluster.CanPower)
	}
	if h.Isolate != "" && h.Heal != "" {
		can = append(can, cluster.CanIsolate)
	}
	return can
}

// Missing says which hooks a capability still wants; empty when it is not one
// that hooks can give.
func (h *Hooks) Missing(c cluster.Capability) (missing []string) {
	if h == nil {
		h = &Hooks{}
	}
	wanted := map[cluster.Capability][][2]string{
		cluster.CanPower:   {{"kill", h.Kill}, {"stop", h.Stop}, {"start", h.Start}, {"pause", h.Pause}, {"resume", h.Resume}},
		cluster.CanIsolate: {{"isolate", h.Isolate}, {"heal", h.Heal}},
	}
	for _, hook := range wanted[c] {
		if hook[1] == "" {
			missing = append(missing, hook[0])
		}
	}
	return missing
}

// call runs one hook on one broker, to its end. A command that fails or takes
// too long is an error that has the end of its output, without secrets. What it
// leaves running in the background, such as a broker, is not waited for.
func (e *Cluster) call(ctx context.Context, name, command string, b cluster.Broker, more ...string) error {
	if command == "" {
		return fmt.Errorf("there is no hook %q", name)
	}
	timeout := hookTimeout
	if e.config.Hooks.Timeout > 0 {
		timeout = e.config.Hooks.Timeout
	}
	// A file and not a pipe: what is left in the background holds it open, and may
	// write to it for as long as it lives.
	output, err := os.CreateTemp("", "idemcheck-hook-")
	if err != nil {
		return fmt.Errorf("hook %s: file for its output: %w", name, err)
	}
	defer func() { _, _ = output.Close(), os.Remove(output.Name()) }()
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("it took longer than %s", timeout))
	defer cancel()
	host, port := hostPort(b.Advertised)
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env = append(plainEnvironment(), append(more, fmt.Sprintf("BROKER_ID=%d", b.ID), "HOST="+host, "PORT="+port)...)
	asGroup(cmd)
	cmd.Stdout, cmd.Stderr = output, output
	if err = cmd.Run(); err == nil {
		return nil
	}
	text, unread := os.ReadFile(output.Name())
	if unread != nil {
		return fmt.Errorf("hook %s: %w; what it said cannot be read: %w", name, cause(ctx, err), unread)
	}
	said := strings.TrimSpace(e.config.Security.redact(string(text)))
	if len(said) > keptOutput {
		said = "..." + said[len(said)-keptOutput:]
	}
	if said == "" {
		said = "(nothing)"
	}
	return fmt.Errorf("hook %s: %w; it said: %s", name, cause(ctx, err), said)
}

// plainEnvironment is the process's own, without what holds secrets.
func plainEnvironment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, EnvUsername+"=") && !strings.HasPrefix(v, EnvPassword+"=") {
			env = append(env, v)
		}
	}
	return env
}

const (
	// effectLimit is how long the effect of a hook may take to show.
	effectLimit = 60 * time.Second
	effectEvery = 100 * time.Millisecond
	// silence is how long a broker must not answer to count as gone.
	silence = time.Second
)

// act runs a hook and waits until the broker answers, or until it does not.
func (e *Cluster) act(ctx context.Context, id int32, name, command string, answers bool) error {
	b, err := e.broker(id)
	if err == nil {
		err = e.call(ctx, name, command, b)
	}
	if err == nil {
		err = e.await(ctx, name, b, answers)
	}
	if err != nil {
		return fmt.Errorf("%s broker %d: %w", name, id, err)
	}
	return nil
}

// await waits for the effect of a hook: an exit status of 0 alone proves
// nothing.
func (e *Cluster) await(ctx context.Context, name string, b cluster.Broker, answers bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, effectLimit, fmt.Errorf("after %s", effectLimit))
	defer cancel()
	limit := silence
	if answers {
		limit = dialLimit
	}
	for {
		once, done := context.WithTimeout(ctx, limit)
		err := e.probe(once, b.Advertised)
		done()
		if ctx.Err() == nil && (err == nil) == answers {
			return nil
		}
		select {
		case <-ctx.Done():
			if answers {
				return fmt.Errorf("hook %s succeeded, but the broker does not answer at %s (%w): %w", name, b.Advertised, context.Cause(ctx), err)
			}
			return fmt.Errorf("hook %s succeeded, but the broker still answers at %s (%w): does the command reach the right broker?", name, b.Advertised, context.Cause(ctx))
		case <-time.After(effectEvery):
		}
	}
}

func (e *Cluster) broker(id int32) (cluster.Broker, error) {
	for _, b := range e.brokers {
		if b.ID == id {
			return b, nil
		}
	}
	return cluster.Broker{}, errors.New("the cluster has no such broker")
}

// Kill implements cluster.Power.
func (e *Cluster) Kill(ctx context.Context, id int32) error {
	return e.act(ctx, id, "kill", e.config.Hooks.Kill, false)
}

// Stop implements cluster.Power.
func (e *Cluster) Stop(ctx context.Context, id int32) error {
	return e.act(ctx, id, "stop", e.config.Hooks.Stop, false)
}

// Start implements cluster.Power.
func (e *Cluster) Start(ctx context.Context, id int32) error {
	return e.act(ctx, id, "start", e.config.Hooks.Start, true)
}

// Pause implements cluster.Power.
func (e *Cluster) Pause(ctx context.Context, id int32) error {
	return e.act(ctx, id, "pause", e.config.Hooks.Pause, false)
}

// Resume implements cluster.Power.
func (e *Cluster) Resume(ctx context.Context, id int32) error {
	return e.act(ctx, id, "resume", e.config.Hooks.Resume, true)
}

// hostPort takes an address apart that was put together here.
func hostPort(address string) (host, port string) {
	at := strings.LastIndexByte(address, ':')
	return strings.Trim(address[:at], "[]"), address[at+1:]
}
