package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/history"
)

// testify adds to a run what its directory tells of its client: what it was
// asked, what it said, which options it does not take.
func testify(r *claims.Run, run *history.Run) {
	if len(run.Manifest.Processes) == 0 {
		return
	}
	r.Untaken = make(map[string]string)
	for _, p := range run.Manifest.Processes {
		for _, u := range p.Unmapped {
			r.Untaken[u.Option] = u.Why
		}
	}
	p := run.Manifest.Processes[0]
	r.Client = strings.TrimSpace(p.Library + " " + strings.TrimPrefix(p.Version, "v"))
	r.Asked, r.Said = asked(p), said(run, p)
}

// ofSettings says whether asked tells of an option: of what idempotence and retries are
// about. What only makes a run short is left out: a linger, timeouts.
func ofSettings(option string) bool {
	return slices.Contains([]string{"idempotence", "acks", "in_flight", "no_retries", "retries", "retry_backoff"}, option)
}

// asked says what a client was told.
func asked(p history.Process) string {
	var words []string
	switch {
	case p.Idempotence:
		words = append(words, "idempotence")
	case !p.Defaults:
		words = append(words, "no idempotence")
	}
	if p.Acks != "" {
		words = append(words, "acks="+p.Acks)
	}
	if p.InFlight > 0 {
		words = append(words, fmt.Sprintf("%d in flight", p.InFlight))
	}
	if p.Options["no_retries"] != "" {
		words = append(words, "no retries")
	}
	if n := p.Options["retries"]; n != "" {
		words = append(words, n+" retries")
	}
	if p.RetryBackoff > 0 {
		words = append(words, fmt.Sprintf("a backoff of %s", time.Duration(p.RetryBackoff)))
	}
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, ", ")
}

// said is a client's answer to what it was told: that it is open, and what of it
// is not in force; or its own sentence when it refused, at once or each record.
func said(run *history.Run, p history.Process) string {
	if p.Refused != "" {
		return "refused: " + p.Refused
	}
	text := "opened"
	for _, u := range p.Unmapped {
		if ofSettings(u.Option) {
			text += fmt.Sprintf("; %s is not in force: %s", u.Option, u.Why)
		}
	}
	failed, first := 0, ""
	for op, err := range run.AllOps() {
		if err != nil || op.Outcome == history.Acked {
			return text // with records that it took
		}
		if failed++; first == "" {
			first = op.Error
		}
	}
	if failed > 0 {
		text += "; it reported success for no record: " + first
	}
	return text
}
