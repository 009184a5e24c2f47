package main

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// runFlags is what `idemcheck run` was told.
type runFlags struct {
	cluster, kafka, image string
	seed                  uint64
	runs                  int
	out, junit            string
	json, failFast        bool
}

const defaultKafka = "4.3.1"

func runCommand() *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run [SCENARIO|FOLDER|FILE.yaml ...]",
		Short: "Run scenarios and judge them",
		Long: `Runs scenarios, one after the other, and judges each from the run directory it
leaves. With no argument it runs the smoke suite on the embedded cluster, which
needs nothing but this program.`,
		Example: `  idemcheck run
  idemcheck run --cluster docker --kafka 4.3.1 basic
  idemcheck run --cluster docker basic/leader-restart-forgets --runs 5
  idemcheck run mine.yaml --seed 42 --junit report.xml`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return scenarioNames(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("seed") {
				f.seed = freshSeed()
			}
			if cmd.Flags().Changed("kafka") && f.cluster == "embedded" {
				return usage(errors.New("--kafka needs --cluster docker: the embedded cluster is kfake, of one version"))
			}
			if len(args) == 0 {
				args = []string{"smoke"}
			}
			return f.run(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.cluster, "cluster", "embedded", "what to run on: embedded (kfake, in this process) or docker (three Kafka brokers in containers)")
	flags.StringVar(&f.kafka, "kafka", defaultKafka, "Kafka `version`, with --cluster docker")
	flags.StringVar(&f.image, "image", "", "image `reference` in place of the version's own, with --cluster docker")
	flags.Uint64Var(&f.seed, "seed", 0, "the `number` everything random comes from (default: a fresh one, printed first)")
	flags.IntVar(&f.runs, "runs", 1, "`how often` to run each scenario, with seeds that count up")
	flags.StringVar(&f.out, "out", "runs", "`folder` for the run directories")
	flags.StringVar(&f.junit, "junit", "", "write a JUnit report to this `file`")
	flags.BoolVar(&f.json, "json", false, "print one JSON object per run on standard output; progress goes to standard error")
	flags.BoolVar(&f.failFast, "fail-fast", false, "stop after the first run that is not as expected")
	_ = cmd.RegisterFlagCompletionFunc("cluster", cobra.FixedCompletions([]string{"embedded", "docker"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// freshSeed draws the one number that a run's randomness comes from.
func freshSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // documented never to fail
	return binary.BigEndian.Uint64(b[:]) >> 32
}

func (f *runFlags) check() error {
	switch {
	case f.cluster != "embedded" && f.cluster != "docker":
		return fmt.Errorf("--cluster %q: want embedded or docker", f.cluster)
	case f.runs < 1:
		return fmt.Errorf("--runs %d: want 1 or more", f.runs)
	case f.cluster == "embedded" && f.image != "":
		return errors.New("--image needs --cluster docker")
	}
	return nil
}

// job is one scenario to run once.
type job struct {
	scenario suites.Scenario
	seed     uint64
}

func (f *runFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	var jobs []job
	for _, name := range args {
		scenarios, err := suites.Find(name, vocabulary())
		if err != nil {
			return usage(err)
		}
		for _, sc := range scenarios {
			for i := range f.runs {
				jobs = append(jobs, job{sc, f.seed + uint64(i)})
			}
		}
	}
	// Scenarios of equal requirements one after the other: they share a cluster.
	slices.SortStableFunc(jobs, func(a, b job) int { return runner.Compare(a.scenario, b.scenario) })
	if err := writable(f.out); err != nil {
		return broken(err)
	}
	results, err := f.runAll(cmd.Context(), jobs)
	if f.junit != "" {
		err = errors.Join(err, writeJUnit(f.junit, results))
	}
	if err != nil {
		return broken(err)
	}
	return exit(report.ExitStatus(results))
}

// writable finds out before anything is started whether run directories can be
// written where they are to go.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("--out: nothing can be written to %s: %w", dir, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// runAll runs the jobs and shows each as it comes out.
func (f *runFlags) runAll(ctx context.Context, jobs []job) (results []report.Result, err error) {
	human := os.Stdout
	if f.json {
		human = os.Stderr
	}
	screen := newProgress(human)
	began := time.Now()
	fmt.Fprintf(human, "seed %d, %s\n", f.seed, f.describe())
	kafka := ""
	if f.cluster == "docker" {
		kafka = f.kafka
	}
	session := runner.NewSession(runner.Config{
		Cluster: f.cluster, Kafka: kafka, Image: f.image, Version: version(),
		Watch: screen.show, Progress: screen.note,
	})
	defer func() {
		screen.clear()
		err = errors.Join(err, session.Close())
	}()
	for _, j := range jobs {
		if ctx.Err() != nil {
			break
		}
		screen.begin(j.scenario.Name)
		result := f.runOne(ctx, session, j)
		results = append(results, result)
		screen.clear()
		report.Line(human, result, screen.style())
		if f.json {
			if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
				return results, fmt.Errorf("write result: %w", err)
			}
		}
		if f.failFast && result.Outcome != report.AsExpected && result.Outcome != report.Skipped {
			break
		}
	}
	report.Summary(human, results, time.Since(began), screen.style())
	return results, nil
}

func (f *runFlags) describe() string {
	if f.cluster == "embedded" {
		return "embedded cluster (kfake behind the fault proxy)"
	}
	if f.image != "" {
		return "docker, image " + f.image
	}
	return "docker, Kafka " + f.kafka
}

func (f *runFlags) runOne(ctx context.Context, session *runner.Session, j job) report.Result {
	began := time.Now()
	result := report.Result{Folder: j.scenario.Folder, Scenario: j.scenario.Name, Seed: j.seed}
	var skipped *runner.Skipped
	if errors.As(session.Can(j.scenario), &skipped) {
		result.Outcome, result.Skipped = report.Skipped, skipped.Why
		return result
	}
	dir, err := runDir(f.out, j.scenario.Name, j.seed, began)
	if err != nil {
		result.Outcome, result.Broken = report.Broken, err.Error()
		return result
	}
	result.Dir = dir
	if err := session.Run(ctx, j.scenario, j.seed, result.Dir); err != nil {
		result.Broken = err.Error()
	}
	if verdict, err := judge(result.Dir); err == nil {
		result.Verdict = verdict
	} else if result.Broken == "" {
		result.Broken = err.Error()
	}
	result.Outcome = report.Judged(result.Verdict, result.Broken)
	result.Took = time.Since(began)
	return result
}

// runDir makes an empty run directory, whose name sorts by time and says
// scenario and seed. Making it is what reserves the name: another process may
// start the same scenario in the same millisecond.
func runDir(out, scenario string, seed uint64, at time.Time) (string, error) {
	name := fmt.Sprintf("%s-%s-seed%d", at.UTC().Format("20060102T150405.000Z"), scenario, seed)
	dir := filepath.Join(out, name)
	for n := 2; ; n++ {
		err := os.Mkdir(dir, 0o755)
		if err == nil || !errors.Is(err, os.ErrExist) {
			return dir, err
		}
		dir = filepath.Join(out, fmt.Sprintf("%s-%d", name, n))
	}
}

func writeJUnit(path string, results []report.Result) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("--junit: %w", err)
	}
	return errors.Join(report.JUnit(file, results), file.Close())
}
