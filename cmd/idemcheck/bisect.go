package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/bisect"
	"github.com/idemcheck/idemcheck/clients/provision"
	numbers "github.com/idemcheck/idemcheck/history/version"
	"github.com/idemcheck/idemcheck/images"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/repro"
	"github.com/idemcheck/idemcheck/runner"
)

// bisectFlags is what `idemcheck bisect` was told. What anew has as client and
// kafka are ranges of versions here.
type bisectFlags struct {
	anew
	times   int
	anomaly string
	among   []string
}

func bisectCommand() *cobra.Command {
	var f bisectFlags
	cmd := &cobra.Command{
		Use:   "bisect RUN",
		Short: "Find the version of a client, or of Kafka, with which an anomaly starts or stops",
		Long: `Replays a recorded run with one version of a client (or of Kafka) after the other,
out of those that its registry lists, and finds the first with which the anomaly
starts, or stops. Where the oldest and the newest show the same, the versions before
and after the recorded one are gone through each: with one it started, with another
it stopped. A version that cannot be had, or with which nothing can be said, is
stepped around and named.

A version has the anomaly when one of -n replays shows it, and has it not when none
does: record a run that comes back every time (idemcheck shrink), or ask more often.

Exit status: 0 the version was found; 1 all have it; 2 none has it, or nothing can
be said.`,
		Example: `  idemcheck bisect runs/20261127T031500.000Z-franz-go-lost-seed1 --client franz-go
  idemcheck bisect runs/20261127T031500.000Z-franz-go-lost-seed1 --client sarama@1.40.0..1.48.0 -n 5
  idemcheck bisect runs/20261127T031500.000Z-forgets-seed1 --kafka 3.3.2..4.3.1
  idemcheck bisect runs/20261127T031500.000Z-forgets-seed1 --kafka all --among 2.8.2,3.6.2,4.3.1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.add(cmd, "runs")
	flags := cmd.Flags()
	flags.Lookup("client").Usage = "client `library` whose versions are gone through: LIBRARY for all of them, or LIBRARY@FROM..TO"
	flags.Lookup("kafka").Usage = "`versions` of Kafka that are gone through: FROM..TO, or all"
	flags.IntVarP(&f.times, "times", "n", 3, "`how often` to replay with each version, until the anomaly is seen")
	flags.StringVar(&f.anomaly, "anomaly", "", "the anomaly: a `kind`, GUARANTEE/KIND or a cause, of those that the run shows (default: the first)")
	flags.StringSliceVar(&f.among, "among", nil, "only these `versions`, in place of all that the registry lists")
	return cmd
}

func (f *bisectFlags) run(cmd *cobra.Command, path string) error {
	switch {
	case f.times < 1:
		return usage(fmt.Errorf("-n %d: want 1 or more", f.times))
	case (f.client == "") == (f.kafka == ""):
		return usage(errors.New("want one of --client and --kafka: that of which the versions are gone through"))
	case f.image != "":
		return usage(errors.New("--image is of one version"))
	}
	rec, err := loadRecorded(path)
	if err != nil {
		return usage(err)
	}
	if rec.run == nil {
		return usage(fmt.Errorf("%s is a plan, which shows no anomaly: replay it, and name a run directory that shows one", path))
	}
	_, signature, err := chosen(rec.verdict, f.anomaly)
	if err != nil {
		return usage(fmt.Errorf("%s: %w", path, err))
	}
	b := &bisection{flags: f, rec: rec, signature: signature, screen: newProgress(os.Stdout)}
	versions, err := b.versions(cmd.Context())
	if err != nil {
		return usage(err)
	}
	if f.kafka != "" {
		f.cluster, f.kafka = "docker", ""
	}
	f.client = ""
	if b.how, err = f.on(cmd, &b.rec); err != nil {
		return usage(err)
	}
	if err := runner.Executable(b.rec.scenario, b.rec.plan); err != nil {
		return usage(fmt.Errorf("the plan of %s cannot be carried out: %w", path, err))
	}
	if err := writable(f.out); err != nil {
		return broken(err)
	}
	fmt.Printf("seed %d, %s\nlooking in %s of %s (%s to %s) for where %s starts or stops\n", rec.plan.Seed, b.how.describe(),
		count(len(versions), "version", "versions"), b.what, versions[0], versions[len(versions)-1], signature)
	results, err := bisect.Turns(cmd.Context(), versions, b.recorded(), b.has, bisect.Options{Confirm: true, Told: b.told})
	err = errors.Join(err, b.close())
	b.screen.clear()
	for i, r := range results {
		if i == 0 && len(results) > 1 {
			fmt.Printf("%s and %s show the same; the version of the run is %s, so on either side of it:\n", r.Oldest, r.Newest, b.recorded())
			continue
		}
		fmt.Println(r)
	}
	if err != nil {
		return broken(err)
	}
	return exit(b.status(results))
}

// recorded is the version that the run was recorded with; empty when what is
// gone through had no part in it.
func (b *bisection) recorded() string {
	if b.library == "" {
		return b.rec.run.Manifest.Cluster.Kafka
	}
	for _, p := range b.rec.run.Manifest.Processes {
		if p.Library == b.library {
			return strings.TrimPrefix(p.Version, "v")
		}
	}
	return ""
}

// bisection is one on its way.
type bisection struct {
	flags     *bisectFlags
	rec       recorded
	how       *runFlags
	signature repro.Signature
	screen    *progress
	what      string // client library, or Kafka
	library   string // empty: it is Kafka
	session   *runner.Session
	kafka     string // of the session
}

// versions lists what is gone through, oldest first.
func (b *bisection) versions(ctx context.Context) ([]string, error) {
	var span string
	var all []string
	var err error
	if b.flags.client != "" {
		b.library, span = provision.Split(b.flags.client)
		if err = provision.Check(b.library); err != nil {
			return nil, fmt.Errorf("--client: %w", err)
		}
		b.what = b.library
		if len(b.flags.among) == 0 {
			all, err = provision.Versions(ctx, b.library)
		}
	} else {
		b.what = "Kafka"
		if span = b.flags.kafka; span == "all" {
			span = ""
		}
		if len(b.flags.among) == 0 {
			all, err = images.Versions(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	if len(b.flags.among) > 0 {
		all = slices.Clone(b.flags.among)
	} else if at := b.recorded(); at != "" && !slices.Contains(all, at) {
		all = append(all, at) // a registry may list less than it has
	}
	return between(all, span)
}

// between sorts versions and leaves those from one to another: "1.2.0..1.4.0",
// an end left out is the list's own.
func between(all []string, span string) ([]string, error) {
	all = numbers.Sort(all)
	if span == "" {
		return all, nil
	}
	from, to, ok := strings.Cut(span, "..")
	if !ok {
		return nil, fmt.Errorf("versions %q: want FROM..TO, like 1.40.0..1.48.0", span)
	}
	all = slices.DeleteFunc(all, func(v string) bool {
		return from != "" && numbers.Compare(v, from) < 0 || to != "" && numbers.Compare(v, to) > 0
	})
	if len(all) < 2 {
		return nil, fmt.Errorf("versions %s: there are %d, want two or more", span, len(all))
	}
	return all, nil
}

// has replays with one version.
func (b *bisection) has(ctx context.Context, at string) (bisect.Answer, error) {
	sc, kafka := b.rec.scenario, b.how.kafka[0]
	if b.library != "" {
		sc = with(sc, provision.Whole(b.library+"@"+at))
	} else {
		kafka = at
		if sc.Cluster.Kafka != "" {
			sc.Cluster.Kafka = at
		}
	}
	if b.session != nil && b.kafka != kafka {
		if err := b.close(); err != nil {
			return bisect.Answer{}, err
		}
	}
	if b.session == nil {
		b.session, b.kafka = b.how.session(kafka, b.screen), kafka
	}
	var rate repro.Rate
	why := ""
	for n := range b.flags.times {
		b.screen.begin(fmt.Sprintf("%s %s, replay %d of %d", b.what, at, n+1, b.flags.times))
		result := b.how.runOne(ctx, b.session, kafka, job{scenario: sc, seed: b.rec.plan.Seed, plan: b.rec.plan})
		switch {
		case ctx.Err() != nil:
			return bisect.Answer{}, context.Cause(ctx)
		case result.Outcome == report.Skipped:
			return bisect.Answer{Why: result.Skipped}, nil
		case result.Outcome == report.Broken || result.Verdict == nil:
			return bisect.Answer{Why: firstLine(result.Broken)}, nil
		}
		switch a := repro.Judge(result.Verdict, b.signature); a.Outcome {
		case repro.Hit:
			rate = repro.Rate{Hits: rate.Hits + 1, Of: n + 1}
			return bisect.Answer{Shown: bisect.Has, Why: rate.String() + ", " + result.Dir}, nil
		case repro.Miss:
			rate.Of++
		default:
			why = a.Why
		}
	}
	if rate.Of == 0 {
		return bisect.Answer{Why: why}, nil
	}
	return bisect.Answer{Shown: bisect.HasNot, Why: rate.String()}, nil
}

// told shows an answer.
func (b *bisection) told(t bisect.Tried) {
	b.screen.clear()
	again := ""
	if t.Again {
		again = "once more: "
	}
	mark := map[bisect.Shown]string{bisect.Has: "yes ", bisect.HasNot: "no  ", bisect.CannotSay: "????"}[t.Shown]
	report.Tried(os.Stdout, mark, fmt.Sprintf("%s %s: %s%s", b.what, t.Version, again, t.Why), 0, b.screen.style())
}

func (b *bisection) close() error {
	if b.session == nil {
		return nil
	}
	s := b.session
	b.session = nil
	return s.Close()
}

// status is the exit status: one turn that was found is enough.
func (b *bisection) status(results []bisect.Result) int {
	for _, r := range results {
		if r.Outcome == bisect.Starts || r.Outcome == bisect.Stops {
			return exitAsExpected
		}
	}
	whole := results[0]
	if whole.Outcome == bisect.Same && slices.ContainsFunc(whole.Tried, func(t bisect.Tried) bool { return t.Shown == bisect.Has }) {
		return exitViolation
	}
	return exitInconclusive
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
