package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
)

func showCommand() *cobra.Command {
	var ops, wire, log, steps bool
	cmd := &cobra.Command{
		Use:   "show RUN",
		Short: "Tell what happened in a run: time line, faults, the evidence of an anomaly in order",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			run, err := history.Open(filepath.Clean(args[0]))
			if err != nil {
				return broken(err)
			}
			out := cmd.OutOrStdout()
			switch {
			case ops:
				err = jsonLines(out, run.AllOps())
			case wire:
				err = jsonLines(out, run.Wire())
			case log:
				err = jsonLines(out, run.AllLog())
			case steps:
				err = stepLines(out, run)
			default:
				err = story(out, run)
			}
			if err != nil {
				return broken(err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&ops, "ops", false, "print every op as a JSON line")
	cmd.Flags().BoolVar(&wire, "wire", false, "print every wire event as a JSON line, in time order")
	cmd.Flags().BoolVar(&log, "log", false, "print every record of the final read as a JSON line")
	cmd.Flags().BoolVar(&steps, "steps", false, "print what the wire saw and which faults struck, a line a step, without what differs though nothing else does (times, connections): made for diff")
	cmd.MarkFlagsMutuallyExclusive("ops", "wire", "log", "steps")
	return cmd
}

// story shows the verdict that stands in the directory; a run that was never
// judged is judged first.
func story(out io.Writer, run *history.Run) error {
	verdict, err := checker.Load(run.Dir)
	if errors.Is(err, os.ErrNotExist) {
		verdict, err = judge(run.Dir)
	}
	if err != nil {
		return err
	}
	style := newProgress(os.Stdout).style()
	report.Overview(out, run, verdict, style)
	report.Anomalies(out, verdict, style)
	return nil
}

func stepLines(out io.Writer, run *history.Run) error {
	lines, err := report.Steps(run)
	if err != nil {
		return err
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, line); err != nil {
			return fmt.Errorf("write steps: %w", err)
		}
	}
	return nil
}

func jsonLines[T any](out io.Writer, rows iter.Seq2[T, error]) error {
	encoder := json.NewEncoder(out)
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := encoder.Encode(row); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
	}
	return nil
}
