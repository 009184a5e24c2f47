package runner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/suites"
)

// run is one run on its way.
type run struct {
	session  *Session
	scenario suites.Scenario
	dir      string
	manifest *history.Manifest
	plan     *history.Plan
	writer   *history.Writer
	recorder *history.Recorder

	site     *site
	nemesis  *nemesis.Nemesis
	attached bool
	state    *state
	roster   *roster // nil before the producers are opened
	faulty   faulty
	life     context.Context // of the records; ends when a person stops the run
	refused  bool            // a library refused its options, and the scenario takes that for evidence
	cutShort string          // why the sending ended early, when it did
	watch    *watch
	guard    *guard
	pulse    *pulse // beats while clients are open
	rest     *rest  // what a workload in steps waits for
}

// Run draws a scenario's plan from a seed and carries it out, as RunPlan does.
func (s *Session) Run(ctx context.Context, sc suites.Scenario, seed uint64, dir string) error {
	if err := s.Can(sc); err != nil {
		return err
	}
	sc = sc.Drawn(seed)
	plan, err := Draw(sc, seed)
	if err != nil {
		return &Broken{phasePrepare, err}
	}
	return s.RunPlan(ctx, sc, plan, dir)
}

// RunPlan carries out a plan of a scenario, whatever the scenario's own seed
// would have drawn, and leaves its run directory in dir, which must not exist
// yet, also when the run breaks. The error is nil for a complete run, whatever
// it will be judged to be; a *Broken when something could not do its job, or the
// plan cannot be carried out as it is written; a *Skipped when the cluster lacks
// what the plan's faults need; the context's when a person stopped it.
func (s *Session) RunPlan(ctx context.Context, sc suites.Scenario, plan *history.Plan, dir string) error {
	if err := Executable(sc, plan); err != nil {
		return &Broken{phasePrepare, err}
	}
	pinned, err := Pin(sc, plan)
	if err != nil {
		return &Broken{phasePrepare, err}
	}
	// What the scenario might have drawn, and the plan has not, need not be possible.
	if err := s.Can(pinned); err != nil {
		return err
	}
	whole := *plan // with its scenario, also where it was read without
	whole.Schema = history.PlanSchema
	if whole.Scenario, err = suites.Resolve(sc); err != nil {
		return &Broken{phasePrepare, err}
	}
	return s.carryOut(ctx, sc, pinned, &whole, dir)
}

// carryOut runs a plan that is executable. The scenario is what is
// written down, the pinned one what is run.
func (s *Session) carryOut(ctx context.Context, sc, pinned suites.Scenario, plan *history.Plan, dir string) error {
	base := time.Now()
	manifest, err := describe(sc, plan, s.config, s.kafka(sc), base)
	if err != nil {
		return &Broken{phasePrepare, err}
	}
	writer, err := history.Create(dir, manifest, plan, history.WriterOptions{})
	if err != nil {
		return &Broken{phasePrepare, err}
	}
	guard := newGuard(ctx)
	r := &run{
		session: s, scenario: pinned, dir: dir, manifest: manifest, plan: plan,
		writer: writer, recorder: history.NewRecorder(writer, base), guard: guard, life: guard.ctx,
	}
	r.watch = watchRun(r)
	err = r.conduct(guard.ctx)
	guard.stop()
	err = errors.Join(err, r.dropTopics())
	r.watch.stop()
	return errors.Join(err, r.writeDown(ctx, err))
}

// phase is one stretch of a run.
type phase struct {
	name     string
	do       func(context.Context) error
	budgeted bool // it counts against the scenario's budget
	sends    bool // it is left out when a client would not open
}

func (r *run) phases() []phase {
	all := []phase{
		{name: phaseCluster, do: r.bringUp},
		{name: phaseTopics, do: r.makeTopics},
		{name: phaseOpen, do: r.open},
		{name: phaseWarm, do: r.warm, sends: true},
		{name: phaseSend, do: r.send, budgeted: true, sends: true},
		{name: phaseSettle, do: r.settle, budgeted: true, sends: true},
		{name: phaseHeal, do: r.heal},
		{name: phaseDrain, do: r.drain},
		{name: phaseFrontier, do: r.frontier},
		{name: phaseRead, do: r.readBack},
	}
	if r.scenario.Consumer != nil {
		all = append(all, phase{name: phaseConsume, do: r.consume})
	}
	return all
}

// conduct goes through the phases. Whatever happens on the way, what was begun
// is healed and ended before it returns.
func (r *run) conduct(ctx context.Context) error {
	budgeted := ctx
	for _, p := range r.phases() {
		if p.sends && r.refused {
			continue
		}
		within := ctx
		if p.budgeted {
			if budgeted == ctx { // the budget begins with the first of them
				var cancel context.CancelFunc
				budgeted, cancel = context.WithTimeoutCause(ctx, r.scenario.Budget, errBudget)
				defer cancel()
			}
			within = budgeted
		}
		if err := r.enter(within, p); err != nil {
			r.abandon()
			return err
		}
	}
	return r.verifyOwnWork()
}

// enter runs one phase and notes its times.
func (r *run) enter(ctx context.Context, p phase) error {
	r.watch.enter(p.name)
	r.manifest.EndedIn = p.name
	r.manifest.Phases = append(r.manifest.Phases, history.Phase{Name: p.name, Start: r.recorder.Now()})
	r.noteProcesses()
	err := r.writer.SaveManifest(r.manifest)
	if err == nil {
		err = p.do(ctx)
	}
	r.manifest.Phases[len(r.manifest.Phases)-1].End = r.recorder.Now()
	if err == nil {
		return nil
	}
	if loss := r.guard.loss(); loss != nil {
		return &Broken{p.name, loss} // and err is what came of it
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errBudget) {
		return fmt.Errorf("stopped in phase %s: %w", p.name, cause)
	}
	if skipped := (*Skipped)(nil); errors.As(err, &skipped) {
		return skipped
	}
	return &Broken{p.name, err}
}

// errBudget ends the sending when a scenario's budget is over. That is no
// error of the harness: what hangs by then is judged.
var errBudget = errors.New(BudgetOver)

// BudgetOver is said by the error of a run that did not send all by then.
const BudgetOver = "the budget is over"

func (r *run) bringUp(ctx context.Context) (err error) {
	if r.site, err = r.session.ensure(ctx, r.scenario); err != nil {
		return err
	}
	r.manifest.Cluster = r.site.cluster.Facts()
	r.guard.watch(r.site.cluster)
	return nil
}

// verifyOwnWork finds out whether the harness, and the brokers, kept their own
// promises.
func (r *run) verifyOwnWork() error {
	if loss := r.guard.loss(); loss != nil {
		return &Broken{phaseRead, loss}
	}
	if err := r.nemesis.Err(); err != nil {
		return &Broken{phaseSend, err}
	}
	if err := r.recorder.Err(); err != nil {
		return &Broken{phaseSend, err}
	}
	if r.cutShort != "" {
		return &Broken{phaseSend, errors.New(r.cutShort)}
	}
	return nil
}

// writeDown finishes the run directory: logs of the brokers, and a manifest
// that says how the run ended.
func (r *run) writeDown(ctx context.Context, ended error) error {
	switch {
	case ended == nil:
		r.manifest.Ended, r.manifest.EndedIn = history.EndedComplete, ""
	case ctx.Err() != nil:
		r.manifest.Ended, r.manifest.Error = history.EndedInterrupted, ended.Error()
	default:
		r.manifest.Ended, r.manifest.Error = history.EndedBroken, ended.Error()
	}
	r.noteProcesses()
	if r.site != nil {
		r.manifest.Cluster = r.site.cluster.Facts() // faults may have changed it
	}
	return errors.Join(r.keepLogs(), r.writer.Close(r.manifest))
}

// noteProcesses brings the manifest's list of processes up to date: faults add
// to it while the run goes on.
func (r *run) noteProcesses() {
	if r.roster != nil {
		r.manifest.Processes = r.roster.processes()
	}
}

func (r *run) keepLogs() error {
	if r.site == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	dir := filepath.Join(r.dir, "broker")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("keep broker logs: %w", err)
	}
	return r.site.cluster.Logs(ctx, dir)
}
