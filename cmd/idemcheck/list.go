package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/claims"
	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/conformance"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

// entry is one line of a list.
type entry struct{ name, line string }

// lists are what can be listed, in order.
func lists() []struct {
	what    string
	entries func() ([]entry, error)
} {
	return []struct {
		what    string
		entries func() ([]entry, error)
	}{
		{"scenarios", listScenarios}, {"faults", listFaults}, {"workloads", listWorkloads},
		{"checkers", listCheckers}, {"causes", listCauses}, {"counters", listCounters}, {"claims", listClaims}, {"figures", listFigures}, {"clients", listClients}, {"cases", listCases},
	}
}

func listCommand() *cobra.Command {
	var names []string
	for _, l := range lists() {
		names = append(names, l.what)
	}
	return &cobra.Command{
		Use:       "list [" + strings.Join(names, "|") + "]",
		Short:     "Name every scenario, fault, workload, checker, cause of an anomaly, coverage counter, claim, figure of a claim, client and case of conform, with a line each",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, l := range lists() {
				if len(args) == 1 && args[0] != l.what {
					continue
				}
				entries, err := l.entries()
				if err != nil {
					return broken(err)
				}
				if len(args) == 0 {
					fmt.Fprintf(cmd.OutOrStdout(), "%s\n", l.what)
				}
				table(cmd.OutOrStdout(), entries)
			}
			return nil
		},
	}
}

func table(w io.Writer, entries []entry) {
	width := 0
	for _, e := range entries {
		width = max(width, len(e.name))
	}
	for _, e := range entries {
		fmt.Fprintf(w, "  %-*s  %s\n", width, e.name, e.line)
	}
}

func listScenarios() ([]entry, error) {
	var entries []entry
	for _, folder := range suites.Folders() {
		scenarios, err := suites.Folder(folder, vocabulary())
		if err != nil {
			return nil, err
		}
		for _, s := range scenarios {
			entries = append(entries, entry{folder + "/" + s.Name, s.Why})
		}
	}
	return entries, nil
}

// scenarioNames is for completion: folders, then scenarios.
func scenarioNames() []string {
	names := suites.Folders()
	entries, _ := listScenarios() // what cannot be loaded is not offered
	for _, e := range entries {
		names = append(names, e.name)
	}
	return names
}

func listFaults() ([]entry, error) {
	var entries []entry
	for _, k := range nemesis.Catalogue() {
		line := k.Explain
		for _, need := range k.Needs {
			line += fmt.Sprintf(" (needs a cluster with %s)", need)
		}
		entries = append(entries, entry{k.Name, line})
	}
	return entries, nil
}

func listWorkloads() ([]entry, error) {
	var entries []entry
	for _, w := range workloads.All() {
		entries = append(entries, entry{w.Name(), w.Explain()})
	}
	return entries, nil
}

func listCheckers() ([]entry, error) {
	var entries []entry
	for _, c := range checker.Names() {
		line := c.Promise
		if len(c.Kinds) > 0 {
			var kinds []string
			for _, k := range c.Kinds {
				kinds = append(kinds, string(k))
			}
			line += " Finds: " + strings.Join(kinds, ", ") + "."
		}
		entries = append(entries, entry{c.Name, line})
	}
	return entries, nil
}

func listClaims() ([]entry, error) {
	table, _, err := suites.FindTable(suites.Claims)
	var entries []entry
	for _, row := range table.Rows {
		entries = append(entries, entry{row.ID, row.Claim})
	}
	return entries, err
}

func listFigures() ([]entry, error) {
	var entries []entry
	for _, f := range claims.Known() {
		entries = append(entries, entry{f.Name, f.Meaning})
	}
	return entries, nil
}

func listCauses() ([]entry, error) {
	var entries []entry
	for _, c := range checker.Causes() {
		entries = append(entries, entry{string(c.Cause), c.Meaning})
	}
	return entries, nil
}

func listCounters() ([]entry, error) {
	var entries []entry
	for _, c := range checker.Counters() {
		entries = append(entries, entry{c.Name, c.Meaning})
	}
	return entries, nil
}

func listCases() ([]entry, error) {
	var entries []entry
	for _, c := range conformance.Cases() {
		entries = append(entries, entry{fmt.Sprintf("%2d %s", c.Number, c.Name), c.Promise})
	}
	return entries, nil
}

func listClients() ([]entry, error) {
	dir, err := provision.DefaultDir()
	if err != nil {
		return nil, err
	}
	kept := provision.Cache{Dir: dir}.Kept()
	entries := []entry{{suites.InProcess, runner.InProcess()}}
	for _, l := range provision.All() {
		line := fmt.Sprintf("%s; %s by default, tried with %s", l.Explain, l.Newest, l.Versions)
		var here []string
		for _, spec := range kept {
			if name, version := provision.Split(spec); name == l.Name {
				here = append(here, version)
			}
		}
		if len(here) > 0 {
			line += "; built here: " + strings.Join(here, ", ")
		}
		entries = append(entries, entry{l.Name + "@VERSION", line})
	}
	return append(entries, entry{"./DRIVER", "any program that speaks clients/driver/PROTOCOL.md"}), nil
}
