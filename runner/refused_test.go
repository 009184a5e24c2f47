package runner

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// asking is a scenario whose client is asked for what franz-go refuses.
func asking(literal bool) suites.Scenario {
	return scenario(func(s *suites.Scenario) {
		s.Clients[0].Acks, s.Clients[0].Literal = "1", literal
		s.Nemesis = nil
	})
}

func TestARefusalIsEvidenceWhereTheScenarioTakesItLiterally(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := session(t, Config{}).Run(t.Context(), asking(true), 7, dir); err != nil {
		t.Fatal(err)
	}
	_, m := manifest(t, dir)
	if m.Ended != history.EndedComplete || len(m.Processes) != 1 {
		t.Fatalf("ended %s with %+v", m.Ended, m.Processes)
	}
	p := m.Processes[0]
	if p.Library != "franz-go" || p.Version == "" || !p.Idempotence || p.Acks != "1" || !p.Literal || p.Sent != 0 || !strings.Contains(p.Refused, "requires acks=all") {
		t.Errorf("%+v", p)
	}
}

func TestARefusalBreaksAnyOtherRun(t *testing.T) {
	var broken *Broken
	err := session(t, Config{}).Run(t.Context(), asking(false), 7, filepath.Join(t.TempDir(), "run"))
	if !errors.As(err, &broken) || !strings.Contains(err.Error(), "requires acks=all") {
		t.Errorf("got %v, want a *Broken with the library's sentence", err)
	}
}
