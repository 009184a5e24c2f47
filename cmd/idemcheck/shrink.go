package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/cluster/embedded"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/repro"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// shrinkFlags is what `idemcheck shrink` was told.
type shrinkFlags struct {
	anew
	anomaly, name, dir string
	budget             time.Duration
	runs               int
	baseline, confirm  int
	wanted             float64
}

func shrinkCommand() *cobra.Command {
	var f shrinkFlags
	cmd := &cobra.Command{
		Use:   "shrink RUN",
		Short: "Find the smallest plan that still shows the same anomaly",
		Long: `Looks for a smaller scenario that shows the same anomaly (the same guarantee,
kind, blame and cause) as a recorded run: fewer faults, then fewer producers,
partitions, brokers and records, fewer in flight, plainer options, weaker triggers.
A smaller scenario counts when it shows the anomaly in k of n runs, which follow
from how often the recorded plan itself does; what is found is confirmed at last.

Everything is kept in a folder: the journal, with which a search that was stopped
goes on when the same command is given again; the scenario file; and a page that
shows the run on a time line.

Exit status: 0 a smaller scenario holds; 1 there is one, and it does not come back
as often as it should; 2 the anomaly did not come back at all, or the budget was
over too early to say; 3 runs broke.`,
		Example: `  idemcheck shrink runs/20261127T031500.000Z-hostile-seed17
  idemcheck shrink runs/20261127T031500.000Z-hostile-seed17 --anomaly lost --budget 30m --name franz-go-lost`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.add(cmd, "")
	flags := cmd.Flags()
	flags.Lookup("out").Usage = "`folder` for the run directories (default: runs in the folder of the search)"
	flags.StringVar(&f.anomaly, "anomaly", "", "the anomaly to keep: a `kind`, GUARANTEE/KIND or a cause, of those that the run shows (default: the first)")
	flags.StringVar(&f.name, "name", "", "`name` of the scenario (default: that of the run, with seed and anomaly)")
	flags.StringVar(&f.dir, "dir", "", "`folder` of the search (default: shrunk/NAME)")
	flags.DurationVar(&f.budget, "budget", time.Hour, "stop after this `time`, with the best so far; 0 never")
	flags.IntVar(&f.runs, "runs", 0, "stop after so `many` runs (default: without limit)")
	flags.IntVar(&f.baseline, "baseline", 6, "`how often` the recorded plan is run to begin with")
	flags.IntVar(&f.confirm, "confirm", 20, "`how often` the result is run in the end")
	flags.Float64Var(&f.wanted, "wanted", 0, "the least `rate` of the result, 0 to 1 (default: 0.9, or less where the recorded plan itself comes back less often)")
	return cmd
}

func (f *shrinkFlags) check() error {
	switch {
	case f.budget < 0:
		return fmt.Errorf("--budget %s: want a time, like 30m, or 0", f.budget)
	case f.runs < 0:
		return fmt.Errorf("--runs %d: want 1 or more", f.runs)
	case f.baseline < 1 || f.confirm < 1:
		return errors.New("--baseline and --confirm: want 1 or more")
	case f.wanted < 0 || f.wanted > 1:
		return fmt.Errorf("--wanted %v: want a rate above 0, up to 1", f.wanted)
	}
	return nil
}

func (f *shrinkFlags) run(cmd *cobra.Command, path string) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	rec, err := loadRecorded(path)
	if err != nil {
		return usage(err)
	}
	if rec.run == nil {
		return usage(fmt.Errorf("%s is a plan, which shows no anomaly: replay it, and name a run directory that shows one", path))
	}
	anomaly, signature, err := chosen(rec.verdict, f.anomaly)
	if err != nil {
		return usage(fmt.Errorf("%s: %w", path, err))
	}
	how, err := f.on(cmd, &rec)
	if err != nil {
		return usage(err)
	}
	if err := runner.Executable(rec.scenario, rec.plan); err != nil {
		return usage(fmt.Errorf("the plan of %s cannot be carried out: %w", path, err))
	}
	start, err := runner.Pin(rec.scenario, rec.plan)
	if err != nil {
		return usage(fmt.Errorf("%s: %w", path, err))
	}
	if f.name == "" {
		f.name = fmt.Sprintf("%s-seed%d-%s", rec.scenario.Name, rec.plan.Seed, signature.Kind)
	}
	start.Name, start.Folder, start.File = f.name, "", ""
	start.Why = why(rec.run, signature)
	start.Expect = suites.Expect{Violation: string(signature.Kind)}
	start.Cover = nil // what a pass needs to prove something; here the anomaly is the proof
	if f.dir == "" {
		f.dir = filepath.Join("shrunk", f.name)
	}
	if f.out == "" {
		f.out = filepath.Join(f.dir, "runs")
	}
	how.out = f.out
	if err := writable(f.dir); err != nil {
		return broken(err)
	}
	if err := writable(f.out); err != nil {
		return broken(err)
	}
	s := &shrinking{flags: f, rec: rec, how: how, signature: signature, out: os.Stdout, screen: newProgress(os.Stdout), hits: make(map[string]string), seen: make(map[string]map[checker.Kind]bool)}
	status, err := s.search(cmd.Context(), start, repro.FactsOf(rec.run, start.Nemesis, anomaly))
	if err != nil {
		return broken(err)
	}
	return exit(status)
}

// chosen finds the anomaly that is meant, and what it has in common with itself
// in other runs.
func chosen(v *checker.Verdict, text string) (checker.Anomaly, repro.Signature, error) {
	if v.HarnessError != "" {
		return checker.Anomaly{}, repro.Signature{}, fmt.Errorf("the run proves nothing: %s", v.HarnessError)
	}
	s, err := repro.Choose(repro.Signatures(v), text)
	if err != nil {
		return checker.Anomaly{}, s, err
	}
	for _, g := range v.Guarantees {
		for _, a := range g.Anomalies {
			if g.Name == s.Guarantee && a.Kind == s.Kind && a.Blame == s.Blame && a.Cause == s.Cause {
				return a, s, nil
			}
		}
	}
	panic("shrink: a signature of no anomaly: " + s.String())
}

// why is the sentence that a scenario file says first: who, on what, does what.
func why(run *history.Run, s repro.Signature) string {
	who := make([]string, 0, 1)
	for _, p := range run.Manifest.Processes {
		if name := p.Library + " " + strings.TrimPrefix(p.Version, "v"); len(who) == 0 || who[len(who)-1] != name {
			who = append(who, name)
		}
	}
	on := ""
	switch c := run.Manifest.Cluster; {
	case c.Kafka == "":
	case c.Kind == embedded.Kind:
		on = " on " + c.Kafka // kfake and its version
	default:
		on = " on Kafka " + c.Kafka
	}
	meaning := ""
	for _, c := range checker.Causes() {
		if c.Cause == s.Cause {
			meaning = ": " + c.Meaning
		}
	}
	return fmt.Sprintf("%s%s - %s%s", strings.Join(who, ", "), on, s.Kind, meaning)
}
