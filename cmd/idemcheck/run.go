package main

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/images"
	"github.com/idemcheck/idemcheck/report"
)

// runFlags is what `idemcheck run` was told.
type runFlags struct {
	cluster, image   string
	kafka            []string // versions
	seed             uint64
	runs             int
	clients          []string // LIBRARY[@VERSION], or paths of drivers
	cache            string
	shard            shard
	perCluster       int
	out, keep, junit string
	summaries        []string
	json, failFast   bool
	until            string
	outside          outsideFlags
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
  idemcheck run --cluster docker --kafka 3.9.2,4.3.1 --runs 5 --summary night.md mix
  idemcheck run --cluster docker basic/leader-restart-forgets --runs 5
  idemcheck run --client kafkajs@2.2.4,sarama,./my-driver clients
  idemcheck run --cluster external --bootstrap kafka-1:9092 --client-config client.properties faults
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
			if f.image != "" && !cmd.Flags().Changed("kafka") {
				f.kafka = []string{""} // the image itself is asked
			}
			if err := f.outside.check(cmd, f.cluster); err != nil {
				return usage(err)
			}
			if len(args) == 0 {
				args = []string{"smoke"}
			}
			return f.run(cmd, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.cluster, "cluster", "embedded", "what to run on: embedded (kfake, in this process), docker (three Kafka brokers in containers) or external (your own, see --bootstrap)")
	flags.StringSliceVar(&f.kafka, "kafka", []string{defaultKafka}, "Kafka `version`, or several of them: 3.9.2,4.3.1; with --cluster docker")
	flags.StringSliceVar(&f.clients, "client", nil, "client `library`, LIBRARY[@VERSION] or the path of a driver program, in place of the scenarios' own; or several of them: kafkajs@2.2.4,sarama,./my-driver (idemcheck list clients)")
	flags.StringVar(&f.cache, "cache", "", "`folder` that client libraries are kept in once they are built (default: IDEMCHECK_CACHE, or idemcheck in your cache folder)")
	flags.StringVar(&f.image, "image", "", "image `reference` in place of the version's own, with --cluster docker")
	flags.Uint64Var(&f.seed, "seed", 0, "the `number` everything random comes from (default: a fresh one, printed first)")
	flags.IntVar(&f.runs, "runs", 1, "`how often` to run each scenario, with seeds that count up")
	flags.Var(&f.shard, "shard", "`K/N`: only the K-th of N shares of all runs, which other calls with the same seed leave out")
	flags.IntVar(&f.perCluster, "runs-per-cluster", 0, "start another cluster after this `number` of runs on one (default: never)")
	flags.StringVar(&f.out, "out", "runs", "`folder` for the run directories")
	flags.StringVar(&f.keep, "keep", keepAll, "which `run directories` to keep: all, or failed (those of runs that were not as expected)")
	flags.StringVar(&f.junit, "junit", "", "write a JUnit report to this `file`")
	flags.StringArrayVar(&f.summaries, "summary", nil, "write a summary to this `file`, rewritten after every run: a page where it ends in .md, a record where it ends in .json")
	flags.BoolVar(&f.json, "json", false, "print one JSON object per run on standard output; progress goes to standard error")
	flags.BoolVar(&f.failFast, "fail-fast", false, "stop after the first run that is not as expected")
	flags.StringVar(&f.until, "until", "", "go on until a run shows this `anomaly` (a kind like duplicate, or a cause), and stop there")
	f.outside.add(cmd)
	_ = cmd.RegisterFlagCompletionFunc("cluster", cobra.FixedCompletions([]string{"embedded", "docker", "external"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// freshSeed draws the one number that a run's randomness comes from.
func freshSeed() uint64 {
	var b [8]byte
	_, _ = crand.Read(b[:]) // documented never to fail
	return binary.BigEndian.Uint64(b[:]) >> 32
}

// What --keep can be told.
const (
	keepAll    = "all"
	keepFailed = "failed"
)

func (f *runFlags) check() error {
	switch {
	case !slices.Contains([]string{"embedded", "docker", "external"}, f.cluster):
		return fmt.Errorf("--cluster %q: want embedded, docker or external", f.cluster)
	case f.runs < 1:
		return fmt.Errorf("--runs %d: want 1 or more", f.runs)
	case f.perCluster < 0:
		return fmt.Errorf("--runs-per-cluster %d: want 1 or more", f.perCluster)
	case f.keep != keepAll && f.keep != keepFailed:
		return fmt.Errorf("--keep %q: want %s or %s", f.keep, keepAll, keepFailed)
	case f.cluster == "embedded" && f.image != "":
		return errors.New("--image needs --cluster docker")
	case f.image != "" && len(f.kafka) > 1:
		return errors.New("--image is of one version, and --kafka names several")
	case f.until != "" && !slices.Contains(sought(), f.until):
		return fmt.Errorf("--until %q: want a kind of anomaly or a cause: %s", f.until, strings.Join(sought(), ", "))
	case f.until != "" && f.failFast:
		return errors.New("--until and --fail-fast: want one of them")
	}
	if err := f.checkClients(); err != nil {
		return err
	}
	if f.image != "" && len(f.kafka) == 1 && f.kafka[0] == "" {
		return nil
	}
	return checkVersions(f.kafka)
}

// checkSummaries wants the name of every summary to say what kind it is.
func checkSummaries(files []string, kinds ...string) error {
	for _, file := range files {
		if !slices.Contains(kinds, filepath.Ext(file)) {
			return fmt.Errorf("--summary %s: want a file that ends in %s", file, strings.Join(kinds, " or "))
		}
	}
	return nil
}

// checkVersions wants every version to be one, and to be named once. Whether
// there is such a Kafka is found out when its cluster is started.
func checkVersions(kafka []string) error {
	if len(kafka) == 0 {
		return errors.New("--kafka names no version: write one like 4.3.1")
	}
	for i, version := range kafka {
		if err := images.Supported(version); err != nil {
			return fmt.Errorf("--kafka: %w", err)
		}
		if slices.Contains(kafka[:i], version) {
			return fmt.Errorf("--kafka names %s twice", version)
		}
	}
	return nil
}

func (f *runFlags) run(cmd *cobra.Command, args []string) error {
	if err := f.check(); err != nil {
		return usage(err)
	}
	found, others, err := tables(args)
	if err != nil {
		return usage(err)
	}
	if len(found) > 0 {
		if err := f.checkClaims(cmd, found, others); err != nil {
			return usage(err)
		}
		if err := writable(f.out); err != nil {
			return broken(err)
		}
		return f.claims(cmd, found[0])
	}
	if err := checkSummaries(f.summaries, ".md", ".json"); err != nil {
		return usage(err)
	}
	jobs, err := f.jobs(args)
	if err != nil {
		return usage(err)
	}
	if err := writable(f.out); err != nil {
		return broken(err)
	}
	n := newNight(f, jobs)
	if f.cluster == external.Kind {
		if err := f.outside.preflight(cmd.Context(), n.screen.note); err != nil {
			return broken(err)
		}
	}
	err = n.run(cmd.Context(), jobs)
	if f.junit != "" {
		err = errors.Join(err, writeTo("junit", f.junit, n.results, report.JUnit))
	}
	if err != nil {
		return broken(err)
	}
	return exit(report.ExitStatus(n.results))
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
