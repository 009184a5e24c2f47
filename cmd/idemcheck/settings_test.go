package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

// settingsClaims asks franz-go for what it refuses, and for nothing.
const settingsClaims = `title: settings
clients: [franz-go]
rows:
  - id: refused
    claim: acks=1 does not go with idempotence
    settings: true
    sides:
      one: {scenario: claims/enforced-settings-acks, runs: 2}
      unsaid: {scenario: claims/default-on, runs: 1}
    answers:
      - {when: one.refused == one.runs && one.runs == 2 && unsaid.idempotent_batches == unsaid.batches && unsaid.batches > 0, answer: upheld, because: "{one.refused} refused"}
      - {answer: refuted, because: "{one.refused} refused"}
    recorded: {franz-go: upheld}
`

func TestWhatAClientRefusesIsEvidenceWithItsSentence(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "settings.yaml"), []byte(settingsClaims), 0o600); err != nil {
		t.Fatal(err)
	}
	cli(t, dir, "run", "--summary", "page.md", "settings.yaml").want(t, exitAsExpected, "upheld", "2 refused",
		"asked idempotence, acks=1; said: refused: idempotency requires acks=all; did: sent nothing",
		"asked nothing; said: opened; did: producer id, acks=all")
	page, err := os.ReadFile(filepath.Join(dir, "page.md"))
	if err != nil || !strings.Contains(string(page), "| nothing | opened | producer id, acks=all") {
		t.Errorf("%v\n%s", err, page)
	}
}

func TestOfWhatIsNotInForceOnlyWhatWasAskedIsSaid(t *testing.T) {
	run := &history.Run{}
	p := history.Process{Unmapped: []history.Unmapped{{Option: "linger", Why: "it sends at once"}, {Option: "retries", Why: "it tries for ever"}}}
	if got, want := said(run, p), "opened; retries is not in force: it tries for ever"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestARunInWhichAClientRefusesIsNoPassByItself(t *testing.T) {
	cli(t, t.TempDir(), "run", "claims/enforced-settings-acks").want(t, exitInconclusive, "would not open: idempotency requires acks=all")
}
