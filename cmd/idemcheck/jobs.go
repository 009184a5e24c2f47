package main

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// job is one scenario to run once.
type job struct {
	scenario suites.Scenario
	seed     uint64
	client   string        // what is in place of the scenario's own; empty for that
	plan     *history.Plan // what is run; nil for what the seed makes of the scenario
}

// jobs lists what is to be run on each Kafka, in order: scenarios of equal
// requirements one after the other, since they share a cluster; among those
// every scenario once before any comes again, so that a night that is cut short
// has seen all of them.
func (f *runFlags) jobs(args []string) ([]job, error) {
	var scenarios []suites.Scenario
	for _, name := range args {
		found, err := suites.Find(name, vocabulary())
		if err != nil {
			return nil, err
		}
		scenarios = append(scenarios, found...)
	}
	var jobs []job
	clients := f.clients
	if len(clients) == 0 {
		clients = []string{""}
	}
	for i := range f.runs {
		for _, sc := range scenarios {
			if !f.shard.has(sc.Folder+"/"+sc.Name, i) {
				continue
			}
			for _, client := range clients {
				jobs = append(jobs, job{scenario: with(sc, client), seed: f.seed + uint64(i), client: client})
			}
		}
	}
	slices.SortStableFunc(jobs, func(a, b job) int { return runner.Compare(a.scenario, b.scenario) })
	return jobs, nil
}

// shard is a share of all runs: the k-th of n, from 1. The zero value is all
// of them.
type shard struct{ k, n int }

// has says whether a run falls to the share. That depends on the scenario's name
// and on which of its seeds it is, and on nothing else: another scenario moves
// no run from one share to another. The seeds of one scenario go round all shares.
func (s shard) has(scenario string, index int) bool {
	if s.n == 0 {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(scenario)) // documented never to fail
	return (uint64(h.Sum32())+uint64(index))%uint64(s.n) == uint64(s.k-1)
}

// Set implements pflag.Value.
func (s *shard) Set(text string) error {
	k, n, ok := strings.Cut(text, "/")
	var err error
	if s.k, err = strconv.Atoi(k); err == nil {
		s.n, err = strconv.Atoi(n)
	}
	if !ok || err != nil || s.n < 1 || s.k < 1 || s.k > s.n {
		return fmt.Errorf("want K/N with K from 1 to N, like 2/3")
	}
	return nil
}

// String implements pflag.Value.
func (s *shard) String() string {
	if s.n == 0 {
		return ""
	}
	return fmt.Sprintf("%d/%d", s.k, s.n)
}

// Type implements pflag.Value.
func (s *shard) Type() string { return "K/N" }
