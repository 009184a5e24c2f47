package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
)

func showCommand() *cobra.Command {
	var ops, wire, log, steps bool
	var html, markdown string
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
			case html != "" || markdown != "":
				err = pages(run, html, markdown, report.PageInfo{Command: sameAgain(run)})
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
	cmd.Flags().StringVar(&html, "html", "", "write the anomaly as a page of its own to this `file`: the steps on a time line, the log, the frames")
	cmd.Flags().StringVar(&markdown, "markdown", "", "the same as Markdown, to this `file`")
	for _, lines := range []string{"ops", "wire", "log", "steps"} {
		cmd.MarkFlagsMutuallyExclusive(lines, "html")
		cmd.MarkFlagsMutuallyExclusive(lines, "markdown")
	}
	cmd.MarkFlagsMutuallyExclusive("ops", "wire", "log", "steps")
	return cmd
}

// verdictOf is the verdict that stands in the directory; a run that was never
// judged is judged first.
func verdictOf(run *history.Run) (*checker.Verdict, error) {
	verdict, err := checker.Load(run.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return judge(run.Dir)
	}
	return verdict, err
}

func story(out io.Writer, run *history.Run) error {
	verdict, err := verdictOf(run)
	if err != nil {
		return err
	}
	style := newProgress(os.Stdout).style()
	report.Overview(out, run, verdict, style)
	report.Anomalies(out, verdict, style)
	return nil
}

// pages writes a run's anomaly as a page, in one form or both.
func pages(run *history.Run, html, markdown string, about report.PageInfo) error {
	verdict, err := verdictOf(run)
	if err != nil {
		return err
	}
	for _, page := range []struct {
		file  string
		write func(io.Writer, *history.Run, *checker.Verdict, report.PageInfo) error
	}{{html, report.Page}, {markdown, report.PageMarkdown}} {
		if page.file == "" {
			continue
		}
		var text bytes.Buffer
		if err := page.write(&text, run, verdict, about); err != nil {
			return err
		}
		if err := os.WriteFile(page.file, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
	}
	return nil
}

// sameAgain is the command that runs the scenario with the same seed; of a file
// that somebody has, it can only say its name.
func sameAgain(run *history.Run) string {
	m := run.Manifest
	command := fmt.Sprintf("idemcheck run --seed %d", m.Seed)
	switch m.Cluster.Kind {
	case docker.Kind:
		command += " --cluster docker --kafka " + m.Cluster.Kafka
	case external.Kind:
		command += " --cluster external --bootstrap ADDRESS"
	}
	if m.Folder == "" {
		return command + " " + m.Scenario + ".yaml"
	}
	return command + " " + m.Folder + "/" + m.Scenario
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
