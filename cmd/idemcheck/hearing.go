package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/conformance"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// furtherTries is how often a side is run again whose runs prove too little.
const furtherTries = 2

// mostUnstarted is how many runs in a row may have no cluster before the rest is
// left: an engine that does not answer will not for the next one either.
const mostUnstarted = 2

// exhibit is one side of one row, with one client: what several rows may share.
type exhibit struct {
	scenario suites.Scenario
	client   string
	runs     int      // sound ones that are wanted
	cases    []string // in place of a scenario
	measured string   // the row that is measured by it, and with whom; empty for none
	made     []claims.Run
}

// wants says whether more runs are to be made: as many sound ones as are wanted,
// with a few more tries than that. What cannot be run is not tried again.
func (e *exhibit) wants() bool {
	sound := 0
	for _, r := range e.made {
		if r.Skipped != "" {
			return false
		}
		if r.Sound() {
			sound++
		}
	}
	return sound < e.runs && len(e.made) < e.runs+furtherTries
}

// hearing is a table while its runs are made.
type hearing struct {
	flags    *runFlags
	table    suites.Table
	screen   *progress
	human    *os.File
	exhibits map[string]*exhibit // by scenario and client
	sides    map[part]*exhibit   // the same, by what they are shown for
	place    string              // "3 of 20", of what is shown
	missing  []string            // why the last runs had no cluster
	book     claims.Book
}

// part names one side of one row, with one client.
type part struct{ row, client, side string }

// clientsOf lists whom a row is put to.
func (h *hearing) clientsOf(row suites.Row) []string {
	switch {
	case row.OfBroker():
		return []string{suites.Broker}
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
			if isPath(client) || row.OfBroker() {
				continue
			}
			if err := provision.Check(client); err != nil {
				return fmt.Errorf("%s: %w", h.table.File, err)
			}
		}
		for name, side := range row.Sides {
			if err := h.side(row, name, side, words); err != nil {
				return fmt.Errorf("%s: row %s: side %s: %w", h.table.File, row.ID, name, err)
			}
		}
	}
	return nil
}

// side finds what a side shows with each client.
func (h *hearing) side(row suites.Row, name string, side suites.Side, words suites.Vocabulary) error {
	if len(side.Cases) > 0 {
		if _, err := conformance.Select(side.Cases, nil); err != nil {
			return err
		}
		for _, client := range h.clientsOf(row) {
			h.sides[part{row.ID, client, name}] = h.exhibit(&exhibit{cases: side.Cases}, side.Shown())
		}
		return nil
	}
	sc, err := h.table.Find(side, words)
	if err != nil {
		return err
	}
	if side.Client != "" {
		if err := provision.Check(side.Client); err != nil {
			return err
		}
	}
	for _, client := range h.clientsOf(row) {
		by, measured := cmp.Or(side.Client, client), ""
		if row.Measured { // runs made at another time compare with nothing
			measured = row.ID + " " + client
		}
		e := h.exhibit(&exhibit{scenario: with(sc, by), client: by, measured: measured}, nameOf(sc)+" "+by+" "+measured)
		e.runs = max(e.runs, side.Runs)
		h.sides[part{row.ID, client, name}] = e
	}
	return nil
}

// exhibit is the one of this key, which is new the first time.
func (h *hearing) exhibit(e *exhibit, key string) *exhibit {
	if h.exhibits[key] == nil {
		h.exhibits[key] = e
	}
	return h.exhibits[key]
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

// hear shows every exhibit, and decides each row as soon as its sides are there:
// cases first, then scenarios, those of equal clusters one after the other.
func (h *hearing) hear(ctx context.Context) (err error) {
	decided := make(map[[2]string]bool)
	settle := func() error {
		if ctx.Err() != nil {
			return nil // what was cut short decides nothing
		}
		err := h.decide(decided)
		h.book.Took = time.Since(h.book.Began)
		return errors.Join(err, h.write())
	}
	h.holdCases(ctx)
	if err := settle(); err != nil {
		return err
	}
	session := h.flags.session(h.flags.versions()[0], h.screen)
	defer func() {
		h.screen.clear()
		err = errors.Join(err, session.Close())
	}()
	turns := h.turns()
	for at, turn := range turns {
		if ctx.Err() != nil {
			break
		}
		h.place = fmt.Sprintf("%d of %d", at+1, len(turns))
		h.show(ctx, session, turn)
		if n := len(h.missing); n >= mostUnstarted && ctx.Err() == nil {
			return fmt.Errorf("no cluster could be started, %d times in a row, and what needs one is left: %s", n, h.missing[n-1])
		}
		if err := settle(); err != nil {
			return err
		}
	}
	return nil
}

// turns lists the exhibits that are runs, in the order of their clusters, and
// together those whose runs take turns since they are compared in time: these
// first, while their cluster has few topics.
func (h *hearing) turns() (turns [][]*exhibit) {
	keys := slices.SortedFunc(maps.Keys(h.exhibits), func(a, b string) int {
		x, y := h.exhibits[a], h.exhibits[b]
		return cmp.Or(runner.Compare(x.scenario, y.scenario), cmp.Compare(y.measured, x.measured), cmp.Compare(a, b))
	})
	for _, key := range keys {
		e := h.exhibits[key]
		switch last := len(turns) - 1; {
		case len(e.cases) > 0:
		case e.measured != "" && last >= 0 && turns[last][0].measured == e.measured:
			turns[last] = append(turns[last], e)
		default:
			turns = append(turns, []*exhibit{e})
		}
	}
	return turns
}

// show makes the runs of some exhibits in turn, every other round in the opposite
// order, so that none always comes behind the same one. Where they are measured a
// round goes before that does not count: brokers, and many clients, compile what
// they run most while they run it.
func (h *hearing) show(ctx context.Context, session *runner.Session, turn []*exhibit) {
	turn = slices.Clone(turn)
	warm := turn[0].measured == ""
	for slices.ContainsFunc(turn, (*exhibit).wants) {
		for _, e := range turn {
			if ctx.Err() != nil || len(h.missing) >= mostUnstarted {
				return
			}
			if !e.wants() {
				continue
			}
			h.screen.begin(h.place + ", " + strings.TrimSpace(e.scenario.Name+" "+label(e.client)))
			if made := h.run(ctx, session, e); warm || !made.Sound() {
				e.made = append(e.made, made)
			}
		}
		warm = true
		slices.Reverse(turn)
	}
}

// run makes the next run of an exhibit.
func (h *hearing) run(ctx context.Context, session *runner.Session, e *exhibit) claims.Run {
	seed := h.flags.seed + uint64(len(e.made))
	r := h.flags.runOne(ctx, session, h.flags.versions()[0], job{scenario: e.scenario, client: e.client, seed: seed})
	made := claims.Run{Dir: r.Dir, Seed: seed, Skipped: r.Skipped, Broken: r.Broken, Verdict: r.Verdict}
	run, err := history.Open(r.Dir)
	if err != nil {
		return made // a damaged directory tells nothing; that is said elsewhere
	}
	if run.Manifest.EndedIn == "cluster" { // the runner's phase
		h.missing = append(h.missing, made.Broken)
	} else {
		h.missing = nil
	}
	testify(&made, run)
	if e.measured != "" && made.Sound() {
		if made.Sample, err = claims.Measure(run); err != nil {
			made.Broken = err.Error()
		}
	}
	return made
}
