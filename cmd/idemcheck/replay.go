package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/repro"
)

// replayFlags is what `idemcheck replay` was told.
type replayFlags struct {
	anew
	times   int
	budget  time.Duration
	anomaly string
	keep    string
	json    bool
}

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay RUN|PLAN.json",
		Short: "Run a recorded plan again: how often does the same anomaly come back?",
		Long: `Runs the plan of a run directory, or a plan file, again: the same records, the
same faults at the same logical moments. It says how often the anomalies of the
recorded run came back (the same guarantee, kind, blame and cause), within which
interval the true rate lies, and what differed where they did not.

--client, --kafka, --image and --cluster change one thing: does the newest
version still have it? A plan that cannot be carried out as it is written is
refused.

Exit status: 1 an anomaly came back; 0 none did; 2 nothing can be said; 3 runs
broke.`,
		Example: `  idemcheck replay runs/20261127T031500.000Z-hostile-seed17 -n 20
  idemcheck replay runs/20261127T031500.000Z-hostile-seed17 -n 10 --client kafkajs@2.2.3
  idemcheck replay plan.json --kafka 3.9.2`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.add(cmd, "runs")
	flags := cmd.Flags()
	flags.IntVarP(&f.times, "times", "n", 1, "`how often` to run it")
	flags.DurationVar(&f.budget, "budget", 0, "stop after this `time`, and say how far it came (default: never)")
	flags.StringVar(&f.anomaly, "anomaly", "", "count this anomaly only: a `kind`, GUARANTEE/KIND or a cause, of those that the recorded run shows")
	flags.StringVar(&f.keep, "keep", keepAll, "which `run directories` to keep: all, or failed (those in which an anomaly came back)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object per run on standard output; what is for people goes to standard error")
	return cmd
}

func (f *replayFlags) run(cmd *cobra.Command, path string) error {
	switch {
	case f.times < 1:
		return usage(fmt.Errorf("-n %d: want 1 or more", f.times))
	case f.budget < 0:
		return usage(fmt.Errorf("--budget %s: want a time above 0, like 10m", f.budget))
	case f.keep != keepAll && f.keep != keepFailed:
		return usage(fmt.Errorf("--keep %q: want %s or %s", f.keep, keepAll, keepFailed))
	}
	rec, err := loadRecorded(path)
	if err != nil {
		return usage(err)
	}
	wanted, err := f.wanted(rec)
	if err != nil {
		return usage(err)
	}
	how, err := f.on(cmd, &rec)
	if err != nil {
		return usage(err)
	}
	r := &replay{flags: f, rec: rec, how: how, out: os.Stdout, began: time.Now()}
	if f.json {
		r.out = os.Stderr
	}
	for _, s := range wanted {
		r.wanted = append(r.wanted, counted{signature: s})
	}
	if err := r.refuse(); err != nil {
		return usage(err)
	}
	if err := writable(f.out); err != nil {
		return broken(err)
	}
	if err := r.all(cmd.Context()); err != nil {
		return broken(err)
	}
	return exit(r.status())
}

// wanted lists what is to come back.
func (f *replayFlags) wanted(rec recorded) ([]repro.Signature, error) {
	if rec.verdict == nil {
		if f.anomaly != "" {
			return nil, errors.New("--anomaly: a plan file shows none: name a run directory")
		}
		return nil, nil
	}
	if rec.verdict.HarnessError != "" {
		return nil, fmt.Errorf("the recorded run proves nothing: %s", rec.verdict.HarnessError)
	}
	all := repro.Signatures(rec.verdict)
	if f.anomaly == "" {
		return all, nil
	}
	one, err := repro.Choose(all, f.anomaly)
	return []repro.Signature{one}, err
}
