package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/clients/provision"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/runner"
)

// night runs jobs on one Kafka after the other, and shows and keeps what comes
// of them.
type night struct {
	flags   *runFlags
	human   *os.File // where lines for people go
	screen  *progress
	setting report.Setting
	results []report.Result
}

func newNight(f *runFlags, jobs []job) *night {
	n := &night{flags: f, human: os.Stdout}
	if f.json {
		n.human = os.Stderr
	}
	n.screen = newProgress(n.human)
	n.setting = report.Setting{
		Version: version(), Cluster: f.cluster, Seed: f.seed, Runs: f.runs, Shard: f.shard.String(),
		Began: time.Now(), Left: f.total(jobs), Again: f.again,
	}
	for _, client := range f.clients {
		n.setting.Clients = append(n.setting.Clients, label(client))
	}
	if len(f.clients) == 0 {
		n.setting.Clients = []string{runner.InProcess()}
	}
	return n
}

// versions lists the Kafkas to run on; one that is empty where there is none to
// choose.
func (f *runFlags) versions() []string {
	if f.cluster != "docker" {
		return []string{""}
	}
	return f.kafka
}

// of lists the jobs for the at-th version. A scenario that brings a version of
// its own runs once, with the first.
func (f *runFlags) of(at int, jobs []job) []job {
	if at == 0 {
		return jobs
	}
	return slices.DeleteFunc(slices.Clone(jobs), func(j job) bool { return j.scenario.Cluster.Kafka != "" })
}

// total is how many runs there are on all versions.
func (f *runFlags) total(jobs []job) (total int) {
	for at := range f.versions() {
		total += len(f.of(at, jobs))
	}
	return total
}

// describe says what is run on.
func (f *runFlags) describe() string {
	switch {
	case f.cluster == "embedded":
		return "embedded cluster (kfake behind the fault proxy)"
	case f.cluster == external.Kind:
		return f.outside.describe()
	case f.image != "":
		return "docker, image " + f.image
	}
	return "docker, Kafka " + strings.Join(f.kafka, ", ")
}

// again is the command that runs one of the jobs once more.
func (f *runFlags) again(r report.Result) string {
	words := []string{"idemcheck run --cluster", f.cluster}
	if r.Client != "" {
		words = append(words, "--client", f.named(r.Client))
	}
	if f.cluster == "docker" {
		words = append(words, "--kafka", cmp.Or(r.Kafka, f.kafka[0]))
	}
	if f.image != "" {
		words = append(words, "--image", f.image)
	}
	if f.cluster == external.Kind {
		words = append(words, f.outside.again()...)
	}
	name := r.Folder + "/" + r.Scenario
	if r.Folder == "" {
		name = r.File
	}
	return strings.Join(append(words, "--seed", fmt.Sprint(r.Seed), name), " ")
}

// run runs the jobs on every Kafka, one session after the other.
func (n *night) run(ctx context.Context, jobs []job) error {
	fmt.Fprintf(n.human, "seed %d, %s\n", n.flags.seed, n.flags.describe())
	if n.flags.shard.n > 0 {
		fmt.Fprintf(n.human, "shard %s: %d runs fall to it\n", &n.flags.shard, n.flags.total(jobs))
	}
	var err error
	for at, kafka := range n.flags.versions() {
		more, failed := n.runOn(ctx, kafka, n.flags.of(at, jobs))
		if err = failed; err != nil || !more {
			break
		}
	}
	n.screen.clear()
	report.Tables(n.human, n.results, n.screen.style())
	report.Summary(n.human, n.results, time.Since(n.setting.Began), n.screen.style())
	return errors.Join(err, n.writeSummaries())
}

// runOn runs the jobs on one Kafka. more is false when nothing is to be run
// after them either.
func (n *night) runOn(ctx context.Context, kafka string, jobs []job) (more bool, err error) {
	if len(n.flags.versions()) > 1 {
		n.screen.note("Kafka " + kafka)
	}
	session := n.flags.session(kafka, n.screen)
	defer func() {
		n.screen.clear()
		err = errors.Join(err, session.Close())
	}()
	onCluster := 0
	skipped := make(map[string]bool) // said once, not with every seed
	for _, j := range jobs {
		if ctx.Err() != nil {
			return false, nil
		}
		if n.flags.perCluster > 0 && onCluster == n.flags.perCluster {
			onCluster = 0
			if err := session.Close(); err != nil {
				return false, err
			}
		}
		if name := j.client + j.scenario.Folder + "/" + j.scenario.Name; session.Can(j.scenario) != nil && skipped[name] {
			n.setting.Left--
			continue
		} else if session.Can(j.scenario) != nil {
			skipped[name] = true
		} else {
			onCluster++
		}
		n.screen.begin(strings.TrimSpace(j.scenario.Name + " " + label(j.client)))
		result := n.flags.runOne(ctx, session, kafka, j)
		if err := n.keep(result); err != nil {
			return false, err
		}
		if n.flags.until != "" && shows(result.Verdict, n.flags.until) {
			n.found(result)
			return false, nil
		}
		if n.flags.failFast && result.Outcome != report.AsExpected && result.Outcome != report.Skipped {
			return false, nil
		}
	}
	return true, nil
}

// keep shows one result and writes down what is wanted of it.
func (n *night) keep(result report.Result) error {
	if n.flags.keep == keepFailed && result.Outcome == report.AsExpected {
		if err := os.RemoveAll(result.Dir); err != nil {
			return fmt.Errorf("--keep failed: %w", err)
		}
		result.Dir = ""
	}
	n.results = append(n.results, result)
	n.setting.Left--
	n.screen.clear()
	report.Line(n.human, result, n.screen.style())
	if n.flags.json {
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return n.writeSummaries()
}

// writeSummaries replaces the summaries, each as a whole: a night that is killed
// leaves the ones up to its last run.
func (n *night) writeSummaries() error {
	n.setting.Took = time.Since(n.setting.Began)
	for _, path := range n.flags.summaries {
		file, err := os.CreateTemp(filepath.Dir(path), ".summary-*")
		if err != nil {
			return fmt.Errorf("--summary: %w", err)
		}
		if filepath.Ext(path) == ".md" {
			err = report.Markdown(file, n.setting, n.results)
		} else {
			err = report.Sum(n.setting, n.results).JSON(file)
		}
		err = errors.Join(err, file.Chmod(0o644), file.Close())
		if err == nil {
			err = os.Rename(file.Name(), path)
		}
		if err != nil {
			return errors.Join(fmt.Errorf("--summary: %w", err), os.Remove(file.Name()))
		}
	}
	return nil
}

// session is what runs are made in, on one Kafka.
func (f *runFlags) session(kafka string, screen *progress) *runner.Session {
	return runner.NewSession(runner.Config{
		Cluster: f.cluster, Kafka: kafka, Image: f.image, Version: version(),
		Cache: provision.Cache{Dir: f.cache, Progress: screen.note},
		Watch: screen.show, Progress: screen.note, Outside: f.outside.outside(nil),
	})
}

// runOne makes one run, and judges it.
func (f *runFlags) runOne(ctx context.Context, session *runner.Session, kafka string, j job) report.Result {
	began := time.Now()
	result := report.Result{Folder: j.scenario.Folder, Scenario: j.scenario.Name, Client: label(j.client), Seed: j.seed}
	if f.image == "" {
		result.Kafka = cmp.Or(j.scenario.Cluster.Kafka, kafka) // of an image it is not known
	}
	if result.Folder == "" {
		result.File = j.scenario.File
	}
	var skipped *runner.Skipped
	if errors.As(session.Can(j.scenario), &skipped) {
		result.Outcome, result.Skipped = report.Skipped, skipped.Why
		return result
	}
	if err := session.Provide(ctx, j.scenario); err != nil {
		result.Outcome, result.Broken = report.Broken, err.Error()
		return result
	}
	dir, err := runDir(f.out, j.scenario.Name, j.seed, began)
	if err != nil {
		result.Outcome, result.Broken = report.Broken, err.Error()
		return result
	}
	result.Dir = dir
	if j.plan != nil {
		err = session.RunPlan(ctx, j.scenario, j.plan, result.Dir)
	} else {
		err = session.Run(ctx, j.scenario, j.seed, result.Dir)
	}
	if errors.As(err, &skipped) { // the client cannot run it: nothing was sent
		result.Outcome, result.Skipped, result.Dir = report.Skipped, skipped.Why, ""
		if err := os.RemoveAll(dir); err != nil {
			result.Outcome, result.Broken = report.Broken, err.Error()
		}
		return result
	}
	if err != nil {
		result.Broken = err.Error()
	}
	if verdict, err := judge(result.Dir); err == nil {
		result.Verdict = verdict
	} else if result.Broken == "" {
		result.Broken = err.Error()
	}
	result.Outcome = report.Judged(result.Verdict, result.Broken)
	result.Took = time.Since(began)
	measure(&result)
	return result
}

// measure adds what the run directory tells of where the time went. A damaged
// one tells nothing; that is said elsewhere.
func measure(result *report.Result) {
	if run, err := history.Open(result.Dir); err == nil {
		result.Times, result.Faults = report.Measure(run)
	}
}
