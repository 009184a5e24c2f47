package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/clients/drivertest"
	"github.com/idemcheck/idemcheck/clients/drivertest/fake"
)

// driverTest is what `idemcheck driver test` was asked for.
type driverTest struct {
	cases  []string
	list   bool
	asJSON bool
	limit  time.Duration
	memory int64
	logs   string
}

func driverTestCommand() *cobra.Command {
	var d driverTest
	cmd := &cobra.Command{
		Use:   "test COMMAND [ARGS ...] | LIBRARY[@VERSION]",
		Short: "Hold a driver program to the driver protocol, case by case, on a broker of its own",
		Long: `Starts the driver program once for each case, talks to it as a run does, and
compares what it says with what a broker in this process holds and has seen.
A case that fails shows what was sent, what came, which sentence of
clients/driver/PROTOCOL.md is broken, and what to do.

A client library that idemcheck knows may stand in place of a command: its
driver is built first, if it is not there.

Flags stand in front of COMMAND; everything behind is the driver's own.

Exit status: 0 all cases passed, or do not apply to this library; 1 a case
failed; 3 the test could not be carried out (no such program); 64 wrong usage.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 && !d.list {
				return errors.New("which driver? want a command: idemcheck driver test ./my-driver")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return d.run(cmd.Context(), cmd.OutOrStdout(), args) },
	}
	flags := cmd.Flags()
	flags.SetInterspersed(false)
	flags.StringArrayVar(&d.cases, "case", nil, "run this `case` only (may be given several times; an asterisk at its end stands for anything)")
	flags.BoolVar(&d.list, "list", false, "name the cases, each with its reason")
	flags.BoolVar(&d.asJSON, "json", false, "print one JSON object per case")
	flags.DurationVar(&d.limit, "limit", drivertest.DefaultLimit, "`time` that a case may take; those that move much get four times as long")
	flags.Int64Var(&d.memory, "memory", drivertest.DefaultMemory>>20, "`MiB` that a driver may have resident while its broker does not answer")
	flags.StringVar(&d.logs, "logs", "", "keep what drivers write to standard error in this `folder`, a file for each case")
	_ = cmd.RegisterFlagCompletionFunc("case", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		var names []string
		for _, c := range drivertest.Cases() {
			names = append(names, c.Name+"\t"+c.Why)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
	return cmd
}

func (d *driverTest) run(ctx context.Context, out io.Writer, command []string) error {
	cases, err := drivertest.ByName(d.cases)
	if err != nil {
		return usage(err)
	}
	if d.limit < time.Second || d.memory < 1 {
		return usage(fmt.Errorf("--limit %s, --memory %d: want at least 1s, and 1 MiB", d.limit, d.memory))
	}
	if d.list {
		return d.names(out, cases)
	}
	if command, err = provisioned(ctx, command); err != nil {
		return broken(err)
	}
	dir := d.logs
	if dir == "" {
		if dir, err = os.MkdirTemp("", "idemcheck-driver-"); err != nil {
			return broken(err)
		}
		defer os.RemoveAll(dir)
	} else if err := os.MkdirAll(dir, 0o755); err != nil {
		return broken(err)
	}
	s := &drivertest.Suite{Command: command, Broker: fake.Start, Limit: d.limit, Memory: d.memory << 20, Dir: dir}
	about, err := s.Probe(ctx)
	if err != nil {
		return d.ended(ctx, err)
	}
	if !d.asJSON {
		fmt.Fprintln(out, introduce(command, about))
	}
	left := 0
	if !about.Opens && len(d.cases) == 0 { // the others would all find this, and take their time over it
		cases, left = cases[:1], len(cases)-1
	}
	counts := make(map[drivertest.Outcome]int)
	for _, c := range cases {
		r, err := s.Run(ctx, c)
		if err != nil {
			return d.ended(ctx, err)
		}
		counts[r.Outcome]++
		if d.asJSON {
			if err := json.NewEncoder(out).Encode(r); err != nil {
				return broken(err)
			}
			continue
		}
		showCase(out, r, c)
	}
	if !d.asJSON {
		fmt.Fprintf(out, "%d of %d cases passed, %d failed, %d not applicable\n",
			counts[drivertest.Pass], len(cases), counts[drivertest.Fail], counts[drivertest.NotApplicable])
		if left > 0 {
			fmt.Fprintf(out, "%d more cases wait for a driver that opens a producer\n", left)
		}
		if d.logs != "" {
			fmt.Fprintf(out, "what the driver wrote to standard error: %s\n", filepath.Join(d.logs, "CASE.log"))
		}
	}
	if counts[drivertest.Fail] > 0 {
		return exit(exitViolation)
	}
	return nil
}

// ended is the error for a test that was not carried out to its end.
func (d *driverTest) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return broken(context.Cause(ctx))
	}
	return broken(err)
}

func (d *driverTest) names(out io.Writer, cases []drivertest.Case) error {
	if d.asJSON {
		for _, c := range cases {
			if err := json.NewEncoder(out).Encode(map[string]string{"case": c.Name, "why": c.Why}); err != nil {
				return broken(err)
			}
		}
		return nil
	}
	var entries []entry
	for _, c := range cases {
		entries = append(entries, entry{c.Name, c.Why})
	}
	table(out, entries)
	return nil
}

// introduce says in a line what is tested.
func introduce(command []string, a drivertest.About) string {
	if !a.Opens {
		return strings.Join(command, " ") + ": it does not open a producer"
	}
	order := "no order promised"
	switch {
	case a.Order.Promised:
		order = "order promised"
	case a.Order.InCall:
		order = "order promised within a call"
	}
	line := fmt.Sprintf("%s %s, %s: %s", a.Library, a.Version, order, a.Order.Why)
	if !a.Idempotent {
		line += "; not idempotent"
	}
	return line
}

// showCase prints what came of a case: a line, and everything about what failed.
func showCase(out io.Writer, r drivertest.Result, c drivertest.Case) {
	word := map[drivertest.Outcome]string{drivertest.Pass: "pass", drivertest.Fail: "FAIL", drivertest.NotApplicable: "-   "}[r.Outcome]
	fmt.Fprintf(out, "%s %-27s", word, r.Case)
	if r.Outcome == drivertest.NotApplicable {
		fmt.Fprintf(out, " not applicable: %s\n", r.Why)
	} else {
		fmt.Fprintf(out, " %5.1f s\n", r.Seconds)
	}
	if r.Outcome == drivertest.Fail {
		fmt.Fprintf(out, "     why it matters: %s\n", c.Why)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(out, "     %s\n", f.What)
		if f.Times > 1 {
			fmt.Fprintf(out, "       %d times; of the first:\n", f.Times)
		}
		fmt.Fprintf(out, "       broken:  %s\n       do this: %s\n", f.Rule, f.Advice)
		for _, line := range f.Sent {
			fmt.Fprintf(out, "       sent:    %s\n", line)
		}
		for _, line := range f.Came {
			fmt.Fprintf(out, "       came:    %s\n", line)
		}
		if f.Stderr != "" {
			fmt.Fprintf(out, "       stderr:  %s\n", strings.ReplaceAll(f.Stderr, "\n", "\n                "))
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(out, "     note: %s\n", note)
	}
}
