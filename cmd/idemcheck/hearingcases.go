package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/cluster/embedded"
	"github.com/idemcheck/idemcheck/conformance"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// holdCases holds the cases of every side that has some, all on one cluster, and
// keeps their conversations as a page and as a record in a folder of their own.
func (h *hearing) holdCases(ctx context.Context) {
	var with []*exhibit
	var names []string
	for _, key := range slices.Sorted(maps.Keys(h.exhibits)) {
		if e := h.exhibits[key]; len(e.cases) > 0 {
			with = append(with, e)
			names = append(names, e.cases...)
		}
	}
	if len(with) == 0 {
		return
	}
	if h.flags.cluster == embedded.Kind {
		for _, e := range with {
			e.made = []claims.Run{{Skipped: "what a broker answers on the wire needs --cluster docker or external: kfake is none"}}
		}
		return
	}
	dir, m, err := h.conform(ctx, names)
	for _, e := range with {
		if err != nil {
			e.made = []claims.Run{{Dir: dir, Broken: err.Error()}}
		} else {
			e.made = []claims.Run{claims.FromCases(dir, cellsOf(m, e.cases))}
		}
	}
}

// conform holds cases and writes down what came of them.
func (h *hearing) conform(ctx context.Context, names []string) (dir string, m matrix.Matrix, err error) {
	f := conformFlags{cluster: h.flags.cluster, image: h.flags.image, kafka: h.flags.versions(), cases: names, outside: h.flags.outside}
	if f.chosen, err = conformance.Select(names, nil); err != nil {
		return "", m, err
	}
	h.screen.begin(fmt.Sprintf("%d cases of conform", len(f.chosen)))
	m = f.matrix()
	column := f.column(ctx, f.columns()[0], h.screen)
	m.Columns = []matrix.Column{column}
	if column.Broken != "" {
		return "", m, errors.New(column.Broken)
	}
	if dir, err = runDir(h.flags.out, "conform", h.flags.seed, m.Made); err != nil {
		return "", m, fmt.Errorf("keep the conversations: %w", err)
	}
	f.html, f.summaries = filepath.Join(dir, "conform.html"), []string{filepath.Join(dir, "conform.json")}
	return dir, m, f.write(m)
}

// cellsOf picks some cases out of what was held.
func cellsOf(m matrix.Matrix, names []string) (all []claims.Held) {
	for i, c := range m.Cases {
		if slices.Contains(names, c.Name) || slices.Contains(names, fmt.Sprint(c.Number)) {
			cell := m.Columns[0].Cells[i]
			all = append(all, claims.Held{Name: c.Name, Verdict: cell.Verdict, Reason: cell.Reason})
		}
	}
	return all
}
