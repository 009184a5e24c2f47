package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/clients/process"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/suites"
)

// drivers are the driver programs that come with this one: it starts itself
// (`idemcheck driver LIBRARY`).
func drivers() map[string][]string {
	self, err := os.Executable()
	if err != nil {
		return nil // a scenario that needs a driver says that there is none
	}
	return map[string][]string{franz.Name: {self, "driver", franz.Name}}
}

// consumer is the consumer that comes with this program (`idemcheck consumer`);
// nil where the program does not know its own path, which starting it then says.
func consumer() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{self, "consumer"}
}

// program is what drives a client, once it was looked for.
type program struct {
	command []string
	err     error
}

// Provide has what drives a scenario's clients at hand. The first time that may
// take minutes, so it is best done before anything is started. What failed once
// fails again without being tried: the rest of a matrix is not to wait for it.
func (s *Session) Provide(ctx context.Context, sc suites.Scenario) error {
	for _, spec := range sc.Clients {
		if p := s.provide(ctx, spec); p.err != nil {
			return p.err
		}
	}
	return nil
}

// provide finds, or builds, what drives a client.
func (s *Session) provide(ctx context.Context, spec suites.Client) program {
	if len(spec.Driver) > 0 {
		return program{command: spec.Driver}
	}
	if !spec.Process {
		return program{}
	}
	if command, ours := s.config.Drivers[spec.Library]; ours {
		return program{command: command}
	}
	if p, known := s.programs[spec.Library]; known {
		return p
	}
	name, version := provision.Split(spec.Library)
	driver, err := s.config.Cache.Driver(ctx, name, version)
	p := program{driver.Command, err}
	switch {
	case ctx.Err() != nil: // not its fault
	case err != nil:
		s.programs[spec.Library] = program{err: fmt.Errorf("client %s is not to be had, as was said before", spec.Library)}
	default:
		s.programs[spec.Library] = p
	}
	return p
}

// library is what opens a client: in this process, or in one of its own.
func (r *run) library(ctx context.Context, spec suites.Client, clientID string) (clients.Library, error) {
	if !spec.Process {
		library, ok := r.session.config.Libraries[spec.Library]
		if !ok {
			return nil, fmt.Errorf("no client library %q", spec.Library)
		}
		return library, nil
	}
	program := r.session.provide(ctx, spec)
	if program.err != nil {
		return nil, program.err
	}
	dir := filepath.Join(r.dir, "client")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("keep client logs: %w", err)
	}
	log := filepath.Join(dir, "producer-"+strings.TrimPrefix(clientID, r.roster.prefix)+".log")
	return process.Library{Command: program.command, Log: log, Broken: r.driverBroke}, nil
}

// openClient opens a producer. Without says that it has no idempotence, which
// the scenario puts up with.
func (r *run) openClient(ctx context.Context, spec suites.Client, o clients.Options) (producer clients.Producer, without bool, err error) {
	library, err := r.library(ctx, spec, o.ClientID)
	if err != nil {
		return nil, false, err
	}
	producer, err = library.Open(ctx, r.site.fleet.Addresses(), o)
	lacks := (*clients.Unsupported)(nil)
	if errors.As(err, &lacks) && lacks.Option == "idempotence" && spec.OrWithout {
		o.Idempotence = false
		producer, err = library.Open(ctx, r.site.fleet.Addresses(), o)
		without = true
	}
	if errors.As(err, &lacks) {
		return nil, false, &Skipped{fmt.Sprintf("%s cannot run it: %v", named(spec), lacks)}
	}
	if err != nil {
		return nil, false, err
	}
	// The version that was asked for must be the one that answers.
	if _, version := provision.Split(spec.Library); version != "" && !provision.Same(version, producer.Info().Version) {
		_ = producer.Close(ctx)
		return nil, false, fmt.Errorf("client %s was asked for, and the library says that it is %s %s: that would be a verdict about another version",
			spec.Library, producer.Info().Library, producer.Info().Version)
	}
	return producer, without, nil
}

// bought is a client's library and version as they were asked for: what is known
// of one that never opened.
func bought(spec suites.Client) (library, version string) {
	if len(spec.Driver) > 0 {
		return named(spec), ""
	}
	if !spec.Process && spec.Library == franz.Name {
		return franz.Name, franz.Version()
	}
	return provision.Split(provision.Whole(spec.Library))
}

// named is what a scenario calls a client.
func named(spec suites.Client) string {
	if len(spec.Driver) > 0 {
		return filepath.Base(spec.Driver[0])
	}
	return spec.Library
}

// driverBroke ends the run: a driver did what no driver may do. That is no
// finding about anyone.
func (r *run) driverBroke(err error) {
	r.faulty.note(err)
	r.guard.cancel(lossError{err})
}
