package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/suites"
)

// tables finds the tables of claims among what is to be run.
func tables(args []string) (found []suites.Table, others []string, err error) {
	for _, name := range args {
		t, is, err := suites.FindTable(name)
		if err == nil && is {
			err = claims.Check(t)
		}
		switch {
		case err != nil:
			return nil, nil, err
		case is && len(found) > 0 && found[0].File == t.File:
			for _, row := range t.Rows {
				if !slices.ContainsFunc(found[0].Rows, func(r suites.Row) bool { return r.ID == row.ID }) {
					found[0].Rows = append(found[0].Rows, row)
				}
			}
		case is:
			found = append(found, t)
		default:
			others = append(others, name)
		}
	}
	return found, others, nil
}

// checkClaims refuses what a run of claims does not take.
func (f *runFlags) checkClaims(cmd *cobra.Command, found []suites.Table, others []string) error {
	for _, flag := range []string{"runs", "shard", "until", "fail-fast", "runs-per-cluster", "keep"} {
		if cmd.Flags().Changed(flag) {
			return fmt.Errorf("--%s: a table of claims says itself what is run and how often, and all of it is kept as evidence", flag)
		}
	}
	switch {
	case len(others) > 0:
		return fmt.Errorf("%s: claims and scenarios are run in calls of their own", others[0])
	case len(found) > 1:
		return errors.New("one table of claims at a time")
	case len(f.kafka) > 1:
		return errors.New("--kafka names several: claims are put to one version at a time")
	}
	return checkSummaries(f.summaries, ".md", ".html", ".json", ".svg")
}

// claims puts a table to the test.
func (f *runFlags) claims(cmd *cobra.Command, table suites.Table) error {
	h := &hearing{flags: f, table: table, human: os.Stdout, exhibits: make(map[string]*exhibit), sides: make(map[part]*exhibit)}
	if f.json {
		h.human = os.Stderr
	}
	h.screen = newProgress(h.human)
	if err := h.collect(); err != nil {
		return usage(err)
	}
	if f.cluster == external.Kind {
		if err := f.outside.preflight(cmd.Context(), h.screen.note); err != nil {
			return broken(err)
		}
	}
	h.book = claims.Book{
		Title: table.Title, Version: version(), On: f.describe(), Seed: f.seed, Began: time.Now(),
		Command: strings.Join(append([]string{"idemcheck"}, os.Args[1:]...), " "),
	}
	fmt.Fprintf(h.human, "seed %d, %s\n", f.seed, f.describe())
	err := h.hear(cmd.Context())
	h.screen.clear()
	report.Claims(h.human, h.book, h.screen.style())
	if err != nil {
		return broken(err)
	}
	return exit(h.status(cmd.Context()))
}

// status is what the program ends with: an answer that turned outranks what
// could not do its job, and that what proves too little.
func (h *hearing) status(ctx context.Context) int {
	inconclusive := h.book.Count(claims.Inconclusive)
	switch {
	case len(h.book.Turned()) > 0:
		return exitViolation
	case inconclusive > 0 && slices.ContainsFunc(h.book.Decisions, claims.Decision.Broke):
		return exitBroken
	case inconclusive > 0 || ctx.Err() != nil || len(h.book.Decisions) == h.book.Count(claims.NotApplicable):
		return exitInconclusive
	}
	return exitAsExpected
}

// write writes what was asked for: pages, a record, JUnit. It does so after every
// answer, so that a run that is killed leaves those that it had.
func (h *hearing) write() error {
	var all []error
	for _, path := range h.flags.summaries {
		form := asJSON[claims.Book]
		switch filepath.Ext(path) {
		case ".md":
			form = report.ClaimsMarkdown
		case ".html":
			form = report.ClaimsHTML
		case ".svg":
			form = report.ClaimsPlot
		}
		all = append(all, writeTo("summary", path, h.book, form))
	}
	if path := h.flags.junit; path != "" {
		all = append(all, writeTo("junit", path, h.book, report.ClaimsJUnit))
	}
	return errors.Join(all...)
}
