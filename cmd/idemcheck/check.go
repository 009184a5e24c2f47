package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
)

func checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check RUN ...",
		Short: "Judge run directories again, from their files",
		Long: `Judges run directories again, from nothing but their files, by the same path as
` + "`idemcheck run`" + `: the result is the same. verdict.json is replaced.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			style := newProgress(os.Stdout).style()
			var results []report.Result
			var failed error
			for _, dir := range dirs {
				result, err := checkOne(dir)
				if err != nil {
					failed = errors.Join(failed, err)
					continue
				}
				results = append(results, result)
				if asJSON {
					if err := json.NewEncoder(cmd.OutOrStdout()).Encode(result); err != nil {
						return broken(err)
					}
					continue
				}
				report.Line(cmd.OutOrStdout(), result, style)
			}
			if failed != nil {
				return broken(failed)
			}
			return exit(report.ExitStatus(results))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object per run")
	return cmd
}

func checkOne(dir string) (report.Result, error) {
	dir = filepath.Clean(dir)
	run, err := history.Open(dir)
	if err != nil {
		return report.Result{}, err
	}
	verdict, err := judge(dir)
	if err != nil {
		return report.Result{}, err
	}
	result := report.Result{
		Folder: run.Manifest.Folder, Scenario: run.Manifest.Scenario, Kafka: run.Manifest.Cluster.Kafka, Seed: run.Manifest.Seed, Dir: dir, Verdict: verdict,
	}
	if run.Manifest.Ended != history.EndedComplete {
		result.Broken = run.Manifest.Error
		if result.Broken == "" {
			result.Broken = "the run ended in phase " + run.Manifest.EndedIn + ", and nothing says why: the harness was killed"
		}
	}
	result.Outcome = report.Judged(verdict, result.Broken)
	result.Times, result.Faults = report.Measure(run)
	return result, nil
}
