package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// furtherTries is how often a side is run again whose runs prove too little.
const furtherTries = 2

// exhibit is one side of one row, with one client: what several rows may share.
type exhibit struct {
	scenario suites.Scenario
	client   string
	runs     int // sound ones that are wanted
	made     []claims.Run
}

// hearing is a table while its runs are made.
type hearing struct {
	flags    *runFlags
	table    suites.Table
	screen   *progress
	human    *os.File
	exhibits map[string]*exhibit // by scenario and client
	sides    map[part]*exhibit   // the same, by what they are shown for
	book     claims.Book
}

// part names one side of one row, with one client.
type part struct{ row, client, side string }

// clientsOf lists whom a row is put to.
func (h *hearing) clientsOf(row suites.Row) []string {
	switch {
	case len(h.flags.clients) > 0:
		return h.flags.clients
	case row.ByClient:
		var all []string
		for _, l := range provision.All() {
			all = append(all, l.Name)
		}
		return append(all, row.Clients...)
	case len(row.Clients) > 0:
		return append(slices.Clone(h.table.Clients), row.Clients...)
	}
	return h.table.Clients
}

func nameOf(s suites.Scenario) string {
	if s.Folder == "" {
		return s.File
	}
	return s.Folder + "/" + s.Name
}

// collect lists what has to be run, each once.
func (h *hearing) collect() error {
	words := vocabulary()
	for _, row := range h.table.Rows {
		for _, client := range h.clientsOf(row) {
			if isPath(client) {
				continue
			}
			if err := provision.Check(client); err != nil {
				return fmt.Errorf("%s: %w", h.table.File, err)
			}
		}
		for name, side := range row.Sides {
			sc, err := h.table.Find(side, words)
			if err != nil {
				return fmt.Errorf("%s: row %s: %w", h.table.File, row.ID, err)
			}
			for _, client := range h.clientsOf(row) {
				key := nameOf(sc) + " " + client
				if h.exhibits[key] == nil {
					h.exhibits[key] = &exhibit{scenario: with(sc, client), client: client}
				}
				h.exhibits[key].runs = max(h.exhibits[key].runs, side.Runs)
				h.sides[part{row.ID, client, name}] = h.exhibits[key]
			}
		}
	}
	return nil
}

// evidence is what there is for a row, by side; whole is false while something
// is still to be run.
func (h *hearing) evidence(row suites.Row, client string) (runs map[string][]claims.Run, whole bool) {
	runs = make(map[string][]claims.Run)
	for name := range row.Sides {
		made := h.sides[part{row.ID, client, name}].made
		if made == nil {
			return nil, false
		}
		runs[name] = made
	}
	return runs, true
}

// hear makes the runs, scenarios of equal clusters one after the other, and
// decides each row as soon as its sides are there.
func (h *hearing) hear(ctx context.Context) (err error) {
	session := h.flags.session(h.flags.versions()[0], h.screen)
	defer func() {
		h.screen.clear()
		err = errors.Join(err, session.Close())
	}()
	keys := slices.SortedFunc(maps.Keys(h.exhibits), func(a, b string) int {
		return cmp.Or(runner.Compare(h.exhibits[a].scenario, h.exhibits[b].scenario), cmp.Compare(a, b))
	})
	decided := make(map[[2]string]bool)
	for at, key := range keys {
		if ctx.Err() != nil {
			break
		}
		e := h.exhibits[key]
		h.screen.begin(fmt.Sprintf("%d of %d, %s", at+1, len(keys), strings.TrimSpace(e.scenario.Name+" "+label(e.client))))
		h.show(ctx, session, e)
		if ctx.Err() != nil {
			break // what was cut short decides nothing
		}
		err := h.decide(decided)
		h.book.Took = time.Since(h.book.Began)
		if err = errors.Join(err, h.write()); err != nil {
			return err
		}
	}
	return nil
}

// show runs an exhibit until it has as many sound runs as are wanted, with a few
// more tries than that.
func (h *hearing) show(ctx context.Context, session *runner.Session, e *exhibit) {
	for sound := 0; sound < e.runs && len(e.made) < e.runs+furtherTries && ctx.Err() == nil; {
		seed := h.flags.seed + uint64(len(e.made))
		r := h.flags.runOne(ctx, session, h.flags.versions()[0], job{scenario: e.scenario, client: e.client, seed: seed})
		run := claims.Run{Dir: r.Dir, Seed: seed, Skipped: r.Skipped, Broken: r.Broken, Verdict: r.Verdict}
		testify(&run)
		e.made = append(e.made, run)
		if run.Skipped != "" {
			return
		}
		if run.Sound() {
			sound++
		}
	}
}

// decide decides every row that has its evidence and is not decided yet.
func (h *hearing) decide(decided map[[2]string]bool) error {
	order := make(map[[2]string]int)
	for _, row := range h.table.Rows {
		for _, client := range h.clientsOf(row) {
			key := [2]string{row.ID, client}
			order[key] = len(order)
			runs, whole := h.evidence(row, client)
			if !whole || decided[key] {
				continue
			}
			decided[key] = true
			library := label(client)
			if !isPath(client) {
				library, _ = provision.Split(client)
			}
			d, err := claims.Decide(row, label(client), library, runs)
			if err != nil {
				return fmt.Errorf("%s: %w", h.table.File, err)
			}
			h.book.Decisions = append(h.book.Decisions, d)
			h.screen.clear()
			report.Claim(h.human, d, h.screen.style())
			if h.flags.json {
				if err := json.NewEncoder(os.Stdout).Encode(d); err != nil {
					return fmt.Errorf("write decision: %w", err)
				}
			}
		}
	}
	slices.SortStableFunc(h.book.Decisions, func(a, b claims.Decision) int {
		return cmp.Compare(order[h.key(a)], order[h.key(b)])
	})
	return nil
}

func (h *hearing) key(d claims.Decision) [2]string {
	return [2]string{d.Row.ID, h.flags.named(d.Client)}
}
