package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/checker"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/repro"
	"github.com/idemcheck/idemcheck/runner"
	"github.com/idemcheck/idemcheck/suites"
)

// shrinking is a search on its way.
type shrinking struct {
	flags     *shrinkFlags
	rec       recorded
	how       *runFlags
	signature repro.Signature
	out       *os.File
	screen    *progress
	session   *runner.Session

	best string                           // the best scenario so far, by its hash
	hits map[string]string                // by scenario: the last run that showed it
	seen map[string]map[checker.Kind]bool // by scenario: what else its hits showed
}

func (s *shrinking) search(ctx context.Context, start suites.Scenario, facts repro.Facts) (status int, err error) {
	fmt.Fprintf(s.out, "seed %d, %s\n", s.rec.plan.Seed, s.how.describe())
	fmt.Fprintf(s.out, "shrinking %s to what still shows %s\n  from %s\n", s.rec.path, s.signature, size(start))
	if s.how.cluster == external.Kind {
		if err := s.how.outside.preflight(ctx, s.screen.note); err != nil {
			return exitBroken, err
		}
	}
	s.session = s.how.session(s.how.kafka[0], s.screen)
	defer func() {
		s.screen.clear()
		err = errors.Join(err, s.session.Close())
	}()
	if why := s.session.Can(start); why != nil {
		return exitBroken, fmt.Errorf("the plan of %s cannot be carried out there: %w", s.rec.path, why)
	}
	if err := s.session.Provide(ctx, start); err != nil {
		return exitBroken, err
	}
	journal := filepath.Join(s.flags.dir, "journal.jsonl")
	s.best = repro.Hash(start)
	if err := s.recall(journal); err != nil {
		return exitBroken, err
	}
	result, err := repro.Shrink(ctx, repro.Task{
		Run: s.rec.run.Manifest.Run, Signature: s.signature, Start: start, Facts: facts, Versions: s.versions(),
		Try: s.try, Valid: s.valid, Baseline: s.flags.baseline, Confirm: s.flags.confirm, Wanted: s.flags.wanted,
		Budget: repro.Budget{Runs: s.flags.runs, Time: s.flags.budget}, Journal: journal, Tell: s.tell,
	})
	s.screen.clear()
	if errors.Is(err, repro.ErrNotBack) {
		fmt.Fprintln(s.out, err)
		return exitInconclusive, nil
	}
	if err != nil {
		return exitBroken, err
	}
	return s.conclude(start, result)
}

// versions says in a line what takes part.
func (s *shrinking) versions() string {
	words := []string{s.how.describe()}
	for _, c := range s.rec.scenario.Clients {
		words = append(words, strings.Join(append(c.Driver, c.Library), " "))
	}
	return strings.Join(words, ", ")
}

// valid says whether a scenario can be run as it stands.
func (s *shrinking) valid(sc suites.Scenario) error {
	if err := sc.Valid(vocabulary()); err != nil {
		return err
	}
	if _, err := runner.Draw(sc, s.rec.plan.Seed); err != nil {
		return err
	}
	return s.session.Can(sc)
}

// try runs a scenario once.
func (s *shrinking) try(ctx context.Context, sc suites.Scenario) (repro.Attempt, error) {
	s.screen.begin(sc.Name)
	result := s.how.runOne(ctx, s.session, s.how.kafka[0], job{scenario: sc, seed: s.rec.plan.Seed, client: s.flags.client})
	if ctx.Err() != nil {
		return repro.Attempt{}, errors.Join(ctx.Err(), s.discard(result.Dir))
	}
	a := repro.Attempt{Outcome: repro.Broken, Why: result.Broken + result.Skipped}
	if strings.Contains(result.Broken, runner.BudgetOver) {
		a.Outcome = repro.Inconclusive // so would it be again: a scenario that gets no further
	}
	if result.Outcome != report.Broken && result.Verdict != nil {
		a = repro.Judge(result.Verdict, s.signature)
	}
	a.Took, a.Run = result.Took, result.Dir
	return a, s.keep(repro.Hash(sc), a)
}

// keep notes what a run showed, and keeps the run directory of a scenario's last
// hit alone.
func (s *shrinking) keep(hash string, a repro.Attempt) error {
	if a.Outcome != repro.Hit {
		return s.discard(a.Run)
	}
	before := s.hits[hash]
	s.hits[hash] = a.Run
	err := s.discard(before)
	for _, seen := range a.Seen {
		if s.seen[hash] == nil {
			s.seen[hash] = make(map[checker.Kind]bool)
		}
		s.seen[hash][seen.Kind] = true
	}
	return err
}

// recall takes in what an earlier go left: which run directories it kept, and
// which of them shows the best scenario.
func (s *shrinking) recall(journal string) error {
	entries, err := repro.Runs(journal)
	for _, e := range entries {
		switch e.Kind {
		case repro.RunEntry:
			a := repro.Attempt{Outcome: e.Outcome, Run: e.Run}
			for _, text := range e.Seen {
				if seen, failed := repro.ParseSignature(text); failed == nil {
					a.Seen = append(a.Seen, seen)
				}
			}
			err = errors.Join(err, s.keep(e.Scenario, a))
		case repro.DecisionEntry:
			s.decided(e)
		}
	}
	return err
}

// decided lets go of the run directories that a decision makes superfluous.
func (s *shrinking) decided(e repro.Entry) {
	before := e.Scenario
	if e.Accepted {
		before, s.best = s.best, before
	}
	if before != s.best {
		_ = s.discard(s.hits[before]) // what stays is in the way of nothing
		delete(s.hits, before)
	}
}

// discard removes a run directory that is not needed any more.
func (s *shrinking) discard(dir string) error {
	if dir == "" || dir == s.hits[s.best] {
		return nil
	}
	return os.RemoveAll(dir)
}

// tell shows what the search does.
func (s *shrinking) tell(e repro.Entry) {
	style := s.screen.style()
	s.screen.clear()
	switch {
	case e.Kind == repro.RunEntry && e.Purpose != repro.ForTrial:
		report.Tried(s.out, "run ", fmt.Sprintf("%s: %s, %s so far", e.Purpose, e.Outcome, e.Rate), time.Duration(e.Took), style)
		if e.Outcome == repro.Broken {
			s.screen.note(e.Why)
		}
	case e.Kind == repro.RunEntry && e.Outcome == repro.Broken:
		s.screen.note("a run broke: " + e.Why)
	case e.Kind == repro.DecisionEntry && e.Accepted:
		s.decided(e)
		report.Tried(s.out, "yes ", fmt.Sprintf("%s (%d of %d)", e.What, e.Rate.Hits, e.Rate.Of), 0, style)
	case e.Kind == repro.DecisionEntry:
		s.decided(e)
		report.Tried(s.out, "no  ", fmt.Sprintf("%s (%d of %d)", e.What, e.Rate.Hits, e.Rate.Of), 0, style)
	}
}

// conclude writes what was found: the scenario file and the pages.
func (s *shrinking) conclude(start suites.Scenario, r repro.Result) (int, error) {
	if r.Rule.Hits == 0 { // stopped before it was known how often the anomaly comes back
		fmt.Fprintf(s.out, "\nthe search ended before it began (%s): the plan came back in %s so far. The same command goes on; %s keeps what was run\n",
			r.Ended, r.Baseline, s.flags.dir)
		return exitInconclusive, nil
	}
	sc := r.Scenario
	hash := repro.Hash(sc)
	sc.Expect = suites.Expect{Violation: string(s.signature.Kind)}
	for kind := range s.seen[hash] {
		if kind != s.signature.Kind {
			sc.Expect.Also = append(sc.Expect.Also, string(kind))
		}
	}
	slices.Sort(sc.Expect.Also)
	story := s.story(start, r)
	text, err := suites.Write(sc, vocabulary())
	if err != nil {
		return exitBroken, err
	}
	file := filepath.Join(s.flags.dir, s.flags.name+".yaml")
	if err := os.WriteFile(file, []byte("# "+strings.Join(story, "\n# ")+"\n"+string(text)), 0o644); err != nil {
		return exitBroken, fmt.Errorf("write the scenario: %w", err)
	}
	fmt.Fprintf(s.out, "\n%s\n", strings.Join(story, "\n"))
	fmt.Fprintf(s.out, "scenario: %s\n", file)
	if dir := s.hits[hash]; dir != "" {
		if err := s.pages(dir, s.again(file), story); err != nil {
			return exitBroken, err
		}
		fmt.Fprintf(s.out, "a run of it: %s\npages: %s.html and .md\n", dir, filepath.Join(s.flags.dir, s.flags.name))
	}
	fmt.Fprintf(s.out, "run it: %s\n", s.again(file))
	switch {
	case r.Holds:
		return exitAsExpected, nil
	case r.Confirmed.Of < s.flags.confirm:
		return exitInconclusive, nil
	}
	return exitViolation, nil
}

// pages draws a run of the result.
func (s *shrinking) pages(dir, command string, story []string) error {
	run, err := history.Open(dir)
	if err != nil {
		return err
	}
	to := filepath.Join(s.flags.dir, s.flags.name)
	return pages(run, to+".html", to+".md", report.PageInfo{Command: command, Story: story})
}

// again is the command that runs the scenario.
func (s *shrinking) again(file string) string {
	words := []string{"idemcheck run --cluster", s.how.cluster}
	if s.how.cluster == "docker" && s.how.image == "" {
		words = append(words, "--kafka", s.how.kafka[0])
	}
	if s.how.image != "" {
		words = append(words, "--image", s.how.image)
	}
	return strings.Join(append(words, file), " ")
}

// story tells how the scenario came about, line by line.
func (s *shrinking) story(start suites.Scenario, r repro.Result) []string {
	m := s.rec.run.Manifest
	name := m.Scenario
	if m.Folder != "" {
		name = m.Folder + "/" + name
	}
	lines := []string{
		fmt.Sprintf("found in %s with seed %d, %s: %s", name, m.Seed, s.versions(), s.signature),
		fmt.Sprintf("from %s (came back in %s)", size(start), r.Baseline),
		fmt.Sprintf("to %s", size(r.Scenario)),
	}
	if r.Confirmed.Of > 0 {
		lines = append(lines, fmt.Sprintf("comes back in %s", r.Confirmed))
	}
	lines = append(lines, fmt.Sprintf("%d runs, %d simplifications tried, %d of them counted; a simplification counts with %s",
		r.Runs+r.Earlier, r.Tried, len(r.Steps)+len(r.GivenUp), r.Rule))
	if r.Ended != repro.Finished {
		lines = append(lines, fmt.Sprintf("the search ended before its end (%s): the same command goes on", r.Ended))
	}
	for _, step := range r.Steps {
		lines = append(lines, fmt.Sprintf("  %s (%d of %d)", step.What, step.Rate.Hits, step.Rate.Of))
	}
	return lines
}

// size says in a line how large a scenario is.
func size(sc suites.Scenario) string {
	w := sc.Workload
	return fmt.Sprintf("%s, %s (%s), %s of %s, %s", count(len(sc.Nemesis), "fault", "faults"),
		count(w.Producers*(w.Records+w.Warmup), "record", "records"), count(w.Producers, "producer", "producers"),
		count(sc.Topics.Count*sc.Topics.Partitions, "partition", "partitions"), fmt.Sprintf("replication %d", sc.Topics.Replication), count(sc.Cluster.Brokers, "broker", "brokers"))
}
