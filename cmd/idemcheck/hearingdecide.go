package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/suites"
)

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
			d.Command = h.again(row, client)
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

// again is the command that puts one row to one client once more.
func (h *hearing) again(row suites.Row, client string) string {
	if row.OfBroker() {
		client = ""
	}
	return h.flags.again(report.Result{Client: client, Seed: h.flags.seed, File: h.table.Address(row.ID)})
}

func (h *hearing) key(d claims.Decision) [2]string {
	return [2]string{d.Row.ID, h.flags.named(d.Client)}
}
