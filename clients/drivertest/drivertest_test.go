package drivertest_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/idemcheck/idemcheck/clients/drivertest"
	"github.com/idemcheck/idemcheck/clients/drivertest/fake"
)

func suite(t *testing.T, how string) *drivertest.Suite {
	t.Helper()
	return &drivertest.Suite{Command: []string{os.Args[0], "driver", how}, Broker: fake.Start, Dir: t.TempDir()}
}

func TestTheBuiltInDriverPassesEveryCase(t *testing.T) {
	for _, c := range drivertest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			if c.Large && testing.Short() {
				t.Skip("moves much")
			}
			if !c.Large {
				t.Parallel()
			}
			r, err := suite(t, "good").Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s %s %q, %.1f s", r.Outcome, r.Why, r.Notes, r.Seconds)
			for _, f := range r.Findings {
				t.Errorf("%+v", *f)
			}
			if r.Outcome == drivertest.NotApplicable {
				t.Error("franz-go has everything")
			}
		})
	}
}

func TestADriverSaysWhatItIs(t *testing.T) {
	about, err := suite(t, "good").Probe(t.Context())
	if err != nil || about.Library != "franz-go" || about.Version == "" || !about.Idempotent || !about.Order.Promised {
		t.Errorf("%+v, %v", about, err)
	}
	s := suite(t, "good")
	s.Command = []string{"/nowhere/driver"}
	if _, err := s.Probe(t.Context()); !errors.Is(err, drivertest.ErrNoProgram) {
		t.Errorf("a program that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := suite(t, "good").Probe(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}
