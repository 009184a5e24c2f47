package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/franz"
	"github.com/idemcheck/idemcheck/clients/process"
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

// library is what opens a client: in this process, or in one of its own.
func (r *run) library(spec suites.Client, clientID string) (clients.Library, error) {
	if !spec.Process {
		library, ok := r.session.config.Libraries[spec.Library]
		if !ok {
			return nil, fmt.Errorf("no client library %q", spec.Library)
		}
		return library, nil
	}
	command := r.session.config.Drivers[spec.Library]
	if len(command) == 0 {
		return nil, fmt.Errorf("no driver program for client library %q: it cannot run in a process of its own", spec.Library)
	}
	dir := filepath.Join(r.dir, "client")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("keep client logs: %w", err)
	}
	log := filepath.Join(dir, "producer-"+strings.TrimPrefix(clientID, r.roster.prefix)+".log")
	return process.Library{Command: command, Log: log, Broken: r.driverBroke}, nil
}

// driverBroke ends the run: a driver did what no driver may do. That is no
// finding about anyone.
func (r *run) driverBroke(err error) {
	r.faulty.note(err)
	r.guard.cancel(lossError{err})
}
