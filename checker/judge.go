package checker

import (
	"errors"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/idemcheck/idemcheck/history"
)

// Options say how to judge. The zero value is ready for use. None of them
// changes what is found.
type Options struct {
	// CrossCheck goes over the run a second time, up to CrossCheckRows log
	// records; nil leaves that out.
	CrossCheck CrossCheck
	// Workers is how many partitions are judged at once; 0 is one per CPU.
	Workers int
	// Evidence is how many anomalies of each kind are kept with evidence; 0 is 3.
	Evidence int
	// Version goes into Verdict.JudgedBy; empty takes it from the build.
	Version string
}

// Judge reads a run directory and says what came of the run. The error is
// about the directory (not a run, damaged manifest, newer form); everything
// else that is wrong with a run is in the verdict, as HarnessError.
func Judge(dir string, o Options) (*Verdict, error) {
	run, err := history.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("judge: %w", err)
	}
	return judge(&material{
		manifest: run.Manifest, plan: run.Plan, faults: run.Faults, rows: runRows{run},
		damage: func() []string { return run.Verify() },
	}, o), nil
}

// material is a run as the judges see it.
type material struct {
	manifest *history.Manifest
	plan     *history.Plan
	faults   []history.FaultEvent
	damage   func() []string // what is wrong with the files
	rows     rows
}

// runRows reads the rows of a run directory.
type runRows struct{ run *history.Run }

func (r runRows) Lanes(tp history.TopicPartition) []int32 { return r.run.Lanes(tp) }
func (r runRows) Ops(tp history.TopicPartition, process int32) opCursor {
	return r.run.Ops(tp, process)
}
func (r runRows) Log(tp history.TopicPartition) logCursor        { return r.run.Log(tp) }
func (r runRows) AllLog() iter.Seq2[history.LogRecord, error]    { return r.run.AllLog() }
func (r runRows) Processed() iter.Seq2[history.Processed, error] { return r.run.Processed() }
func (r runRows) Wire() iter.Seq2[history.WireEvent, error]      { return r.run.Wire() }
func (r runRows) FindOp(process int32, tp history.TopicPartition, number int64) (history.Op, bool, error) {
	return r.run.FindOp(process, tp, number)
}
func (r runRows) FindLog(tp history.TopicPartition, offset int64) (history.LogRecord, bool, error) {
	return r.run.FindLog(tp, offset)
}

// judgement is one judging under way.
type judgement struct {
	*material
	o       Options
	limit   int
	expect  Kind // empty: a pass is expected
	clock   runClock
	parts   []partition
	sweeps  []*sweep
	story   *story
	journal *journal
	reasons []string // why the run proves too little
	unwell  []string // partitions whose brokers took no records after the healing
	refused string   // what the client said to what it was asked; empty: it took it
	harness string   // the first broken assumption
	verdict *Verdict
	tallies map[Kind]*tally
	kept    []*investigation
}

func judge(m *material, o Options) *Verdict {
	j := &judgement{material: m, o: o, limit: o.Evidence, tallies: make(map[Kind]*tally)}
	if j.limit <= 0 {
		j.limit = 3
	}
	if e := m.manifest.Judge.Expect; e != "" && e != "pass" {
		j.expect = Kind(e)
	}
	j.story = newStory(m.manifest, m.faults)
	j.verdict = j.empty()
	j.checkManifest()
	if j.harness == "" && m.manifest.Ended == history.EndedComplete {
		j.sweepAll()
		j.readJournal()
		j.checkAfter()
	}
	j.conclude()
	return j.verdict
}

func (j *judgement) empty() *Verdict {
	m := j.manifest
	v := &Verdict{
		Schema: Schema, Run: m.Run, Scenario: m.Scenario, Seed: m.Seed, Expected: "pass",
		Coverage: newCoverage(), JudgedBy: j.o.Version,
	}
	if j.expect != "" {
		v.Expected = string(j.expect)
	}
	if v.JudgedBy == "" {
		v.JudgedBy = buildVersion()
	}
	for _, c := range Names() {
		v.Guarantees = append(v.Guarantees, Guarantee{Name: c.Name, Promise: c.Promise})
	}
	return v
}

// sweepAll judges the partitions, several at once, and keeps what it found in
// the order of the manifest.
func (j *judgement) sweepAll() {
	j.sweeps = make([]*sweep, len(j.parts))
	failed := make([]error, len(j.parts))
	workers := j.o.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	var group sync.WaitGroup
	next := make(chan int)
	for range min(workers, len(j.parts)) {
		group.Go(func() {
			for i := range next {
				j.sweeps[i], failed[i] = j.sweepOne(j.parts[i])
			}
		})
	}
	for i := range j.parts {
		next <- i
	}
	close(next)
	group.Wait()
	for _, err := range failed {
		if err != nil {
			j.blameHarness(err)
			return
		}
	}
	for _, s := range j.sweeps {
		for _, kind := range Kinds() {
			if t := s.found.kinds[kind]; t != nil {
				if j.tallies[kind] == nil {
					j.tallies[kind] = &tally{}
				}
				j.tallies[kind].add(t, j.limit)
			}
		}
	}
}

func (j *judgement) sweepOne(p partition) (s *sweep, err error) {
	s, err = newSweep(p, j.manifest.Processes, j.rows, &j.clock, j.limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if j.expect == Reorder || j.expect == Lost {
		s.expectAll(j.expect)
	}
	log := j.rows.Log(p.tp)
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := s.run(log); err != nil {
		return s, err
	}
	if j.o.CrossCheck == nil {
		return s, nil
	}
	share := max(1, CrossCheckRows/int64(len(j.parts)))
	s.crossChecked, err = crossCheck(j.o.CrossCheck, s, j.rows, j.manifest.Processes, share)
	return s, err
}

// readJournal investigates what the sweeps found while it reads the wire.
func (j *judgement) readJournal() {
	if j.harness != "" {
		return
	}
	watches := newWatches()
	for _, kind := range Kinds() {
		if t := j.tallies[kind]; t != nil {
			for _, g := range t.kept {
				j.kept = append(j.kept, investigate(g, watches))
			}
		}
	}
	j.journal = newJournal(j.manifest, j.rows, j.story, watches, j.limit)
	if err := j.journal.read(); err != nil {
		j.blameHarness(fmt.Errorf("read the wire journal: %w", err))
		return
	}
	j.leaveOpen()
	if err := j.solve(); err != nil {
		j.blameHarness(err)
	}
}

// blameHarness notes a broken assumption; the first one stands.
func (j *judgement) blameHarness(err error) {
	if j.harness == "" {
		j.harness = err.Error()
	}
}

// doubt notes a reason for which the run proves too little.
func (j *judgement) doubt(format string, args ...any) {
	j.reasons = append(j.reasons, fmt.Sprintf(format, args...))
}

// buildVersion is the version that the Go toolchain stamped on this program.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
