package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/suites"
)

// recorded is a run, or a plan, that is to be run again.
type recorded struct {
	path     string
	scenario suites.Scenario
	plan     *history.Plan
	run      *history.Run     // nil of a plan file
	verdict  *checker.Verdict // nil of a plan file
}

// loadRecorded reads a run directory or a plan file. A run that is damaged, of a
// newer schema, or whose plan is not the one that it ran is refused: nothing
// may be said of a plan by running another.
func loadRecorded(path string) (recorded, error) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return recorded{}, fmt.Errorf("%s does not exist: name a run directory or a plan file", path)
	case err != nil:
		return recorded{}, err
	case info.IsDir():
		return loadRun(path)
	}
	r := recorded{path: path}
	if r.plan, err = history.OpenPlan(path); err != nil {
		return r, err
	}
	if r.scenario, err = suites.FromResolved(r.plan.Scenario, vocabulary()); err != nil {
		return r, fmt.Errorf("the scenario in %s: %w", path, err)
	}
	return r, nil
}

func loadRun(dir string) (recorded, error) {
	r := recorded{path: dir}
	var err error
	if r.run, err = history.Open(dir); err != nil {
		return r, err
	}
	r.plan = r.run.Plan
	if err := r.run.PlanAltered(); err != nil {
		return r, fmt.Errorf("%w: to run the plan as it is now, name the file itself", err)
	}
	if r.scenario, err = suites.FromResolved(r.run.Manifest.Resolved, vocabulary()); err != nil {
		return r, fmt.Errorf("the scenario in %s: %w", filepath.Join(dir, "manifest.json"), err)
	}
	r.scenario.Folder = r.run.Manifest.Folder
	// Judged anew, since an older verdict may not name causes as this one does.
	r.verdict, err = judged(dir)
	return r, err
}

// anew is what a recorded run is run again with: everything as it was, but for
// what the command line says.
type anew struct {
	cluster, kafka, image, client string
	cache, out                    string
	outside                       outsideFlags
}

func (a *anew) add(cmd *cobra.Command, out string) {
	flags := cmd.Flags()
	flags.StringVar(&a.cluster, "cluster", "", "embedded, docker or external, in place of the recorded kind of cluster")
	flags.StringVar(&a.kafka, "kafka", "", "Kafka `version` in place of the recorded one")
	flags.StringVar(&a.image, "image", "", "image `reference` in place of the version's own")
	flags.StringVar(&a.client, "client", "", "client `library`, LIBRARY[@VERSION] or the path of a driver program, in place of the recorded ones")
	flags.StringVar(&a.cache, "cache", "", "`folder` that client libraries are kept in once they are built (default: IDEMCHECK_CACHE, or idemcheck in your cache folder)")
	flags.StringVar(&a.out, "out", out, "`folder` for the run directories")
	a.outside.add(cmd)
}

// on says with what a recorded run is run again, as `idemcheck run` would be
// told. It changes the scenario where the command line does.
func (a *anew) on(cmd *cobra.Command, r *recorded) (*runFlags, error) {
	f := &runFlags{
		cluster: a.cluster, image: a.image, runs: 1, keep: keepAll, out: a.out, cache: a.cache,
		seed: r.plan.Seed, outside: a.outside,
	}
	was := history.ClusterFacts{Kind: r.scenario.Cluster.Kind}
	if r.run != nil {
		was = r.run.Manifest.Cluster
	}
	if f.cluster == "" {
		if f.cluster = was.Kind; f.cluster == "any" {
			f.cluster = "embedded"
		}
		switch {
		case a.kafka != "" || a.image != "":
			f.cluster = "docker"
		case cmd.Flags().Changed("bootstrap"):
			f.cluster = "external"
		}
	}
	if was.Kind != "docker" {
		was.Kafka = "" // of a cluster that cannot be had by its version
	}
	f.kafka = []string{cmp.Or(a.kafka, was.Kafka, defaultKafka)}
	switch {
	case a.image != "":
		f.kafka = []string{a.kafka} // empty: the image itself is asked
	case a.kafka != "" && f.cluster != "docker":
		return nil, fmt.Errorf("--kafka %s needs --cluster docker", a.kafka)
	}
	if a.kafka != "" && r.scenario.Cluster.Kafka != "" {
		r.scenario.Cluster.Kafka = a.kafka
	}
	if a.client != "" {
		f.clients = []string{a.client}
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	if a.client != "" {
		r.scenario = with(r.scenario, f.clients[0])
	}
	return f, f.outside.check(cmd, f.cluster)
}
