// Package drivertest holds a driver program to the protocol of clients/driver:
// it starts the program once for each case, talks raw lines to it, has a broker
// do what the case needs, and compares what the driver says with what the log
// holds and with what went over the wire.
//
// It tests drivers, not libraries: what it calls broken is a sentence of
// PROTOCOL.md. It knows nothing of how its broker is made (Broker), and prints
// nothing.
package drivertest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
)

// DefaultLimit is how long a case may take unless it is said otherwise.
const DefaultLimit = 30 * time.Second

// DefaultMemory is what a driver may have resident unless it is said otherwise.
const DefaultMemory = 2 << 30

// Suite tests one driver. Its methods are called from one goroutine.
type Suite struct {
	Command []string                              // the driver program and its arguments
	Broker  func(context.Context) (Broker, error) // starts a broker, for one case
	// Limit is how long a case may take; those that move much get four times as
	// long. 0 is DefaultLimit.
	Limit time.Duration
	// Memory is how many bytes a driver may have resident while its broker does
	// not answer. 0 is DefaultMemory.
	Memory int64
	Dir    string // an existing folder: what drivers write to standard error is kept there, a file for each case

	about About
	known bool
}

// About is what a driver says of itself.
type About struct {
	Opens      bool               `json:"opens"` // it has opened a producer; else nothing is known of it
	Library    string             `json:"library"`
	Version    string             `json:"version"`
	Order      driver.Order       `json:"order"`
	Unmapped   []clients.Unmapped `json:"unmapped,omitempty"`
	Idempotent bool               `json:"idempotent"` // the library has idempotent producers
}

// Outcome is what came of a case.
type Outcome string

const (
	Pass          Outcome = "pass"
	Fail          Outcome = "fail"
	NotApplicable Outcome = "not applicable"
)

// Result is what came of a case, with everything that there is to say.
type Result struct {
	Case     string     `json:"case"`
	Outcome  Outcome    `json:"outcome"`
	Why      string     `json:"why,omitempty"` // it is not applicable
	Findings []*Finding `json:"findings,omitempty"`
	Notes    []string   `json:"notes,omitempty"` // what is no fault, and good to know
	Seconds  float64    `json:"seconds"`
}

// Probe starts the driver once, to learn what it is. The error is about a
// program that cannot be started. What one that starts does wrong is for the
// cases to find: then nothing is known of it, and it is taken for idempotent.
func (s *Suite) Probe(ctx context.Context) (About, error) {
	s.about, s.known = About{Idempotent: true}, true
	probe := Case{Name: "probe", run: func(ctx context.Context, t *trial) error {
		for _, idempotent := range []bool{true, false} {
			d, err := t.start("probe")
			if err != nil {
				return err
			}
			ev, err := d.opens(ctx, driver.Options{ClientID: "probe", Idempotence: idempotent, Acks: "all"})
			d.kill()
			if lacks(ev, "idempotence") {
				continue
			}
			if err != nil || ev.Event != driver.Ready {
				return err
			}
			s.about = About{Opens: true, Library: ev.Library, Version: ev.Version, Unmapped: ev.Unmapped, Idempotent: idempotent && !unmapped(ev, "idempotence")}
			if ev.Order != nil {
				s.about.Order = *ev.Order
			}
			return nil
		}
		return nil
	}}
	_, err := s.Run(ctx, probe)
	return s.about, err
}

// large is how much longer cases get that move much.
const large = 4

// Run runs one case. The error is about a case that could not be run: nothing
// is found then. When ctx ends, that is the error.
func (s *Suite) Run(ctx context.Context, c Case) (Result, error) {
	result := Result{Case: c.Name, Outcome: Pass}
	if !s.known {
		if _, err := s.Probe(ctx); err != nil {
			return result, err
		}
	}
	limit := s.limit(c)
	began := time.Now()
	broker, err := s.Broker(ctx)
	if err != nil {
		return result, fmt.Errorf("case %s: %w", c.Name, err)
	}
	t := &trial{suite: s, name: c.Name, broker: broker, log: filepath.Join(s.Dir, c.Name+".log")}
	within, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the case may take %s", limit))
	err = c.run(within, t)
	cancel()
	t.end()
	err = errors.Join(t.conclude(&result, err), broker.Close())
	result.Seconds = time.Since(began).Seconds()
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if err != nil {
		return result, fmt.Errorf("case %s: %w", c.Name, err)
	}
	return result, nil
}

func (s *Suite) limit(c Case) time.Duration {
	limit := s.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if c.Large {
		limit *= large
	}
	return limit
}

func (s *Suite) memory() int64 {
	if s.Memory == 0 {
		return DefaultMemory
	}
	return s.Memory
}

// conclude fills in the result; the error is one that is nobody's finding.
func (t *trial) conclude(result *Result, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	result.Findings, result.Notes = t.findings, t.notes
	skipped := inapplicable{}
	switch {
	case err != nil && errors.As(err, &skipped) && len(t.findings) == 0:
		result.Outcome, result.Why = NotApplicable, skipped.why
	case err != nil && !errors.As(err, &skipped) && len(t.findings) == 0:
		return err
	case len(t.findings) > 0:
		result.Outcome = Fail
	}
	return nil
}

// ErrNoProgram is the error for a program that cannot be started.
var ErrNoProgram = errors.New("the driver cannot be started")
