package runner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/proxy"
	"github.com/idemcheck/idemcheck/suites"
	"github.com/idemcheck/idemcheck/workloads"
)

const (
	// openLimit is how long a client may take to connect on a healthy cluster.
	openLimit = 30 * time.Second
	// closeClient is how long a client may take to close once it is drained.
	closeClient = 5 * time.Second
	// detachLimit is how long the proxies may wait for answers that brokers
	// still owe to connections which have ended: they belong in the journal.
	detachLimit = 15 * time.Second
	// drainMargin is added to the clients' own deadlines when draining. It is
	// longer than the margin that liveness is judged with, so that what is late
	// is seen to be late.
	drainMargin = 7 * time.Second
	// drainLongest is how long clients may work off what they were given.
	drainLongest = 10 * time.Minute
)

// faulty keeps the first thing that a client did and no client may do.
type faulty struct {
	mu  sync.Mutex
	err error
}

func (f *faulty) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
	}
}

// open puts journal and nemesis on the proxies and opens every producer.
func (r *run) open(ctx context.Context) error {
	r.roster, r.state = newRoster(r), newState(r)
	var err error
	r.nemesis, err = nemesis.New(r.plan.Faults, nemesis.Env{
		Cluster: r.site.cluster, Leaders: mindful{r.site.admin, r.guard.ctx}, Controllers: r.site.admin, Replicas: r.site.admin, Links: r.site.fleet, Producers: r.roster, State: r.state,
		Topics: r.topicNames(), Replication: r.scenario.Topics.Replication, Now: r.recorder.Now,
		Quiet: quiet(r.scenario.Clients), Producer: r.roster.producerOf,
		Record: func(e history.FaultEvent) {
			if err := r.writer.Fault(e); err != nil {
				r.faulty.note(err)
			}
			if tell := r.session.config.Fault; tell != nil {
				tell(e, r.site.cluster, r.site.admin)
			}
		},
	})
	if err != nil {
		return err
	}
	r.rest = newRest(r)
	var hidden []int16
	for _, api := range r.scenario.Cluster.Hide {
		key, ok := proxy.APIKey(api)
		if !ok {
			return fmt.Errorf("cluster.hide: there is no API %q", api)
		}
		hidden = append(hidden, key)
	}
	r.site.fleet.Hide(hidden)
	r.site.fleet.Attach(r.manifest.Run, r.journal(), r.nemesis)
	r.attached = true
	r.pulse = startPulse()
	return r.roster.openAll(ctx)
}

// quiet is how long nothing may move before no retry is awaited any more: the
// longest that a client waits for an answer and then before it tries again,
// and some more.
func quiet(all []suites.Client) time.Duration {
	const (
		unset = 20 * time.Second // a generous guess at a library's own default
		more  = 2 * time.Second
	)
	var longest time.Duration
	for _, c := range all {
		timeout := c.Options.RequestTimeout
		if timeout == 0 {
			timeout = unset
		}
		longest = max(longest, timeout+c.Options.RetryBackoff+more)
	}
	return longest
}

// openOne opens one producer instance, and says about it all but its id.
func (r *run) openOne(ctx context.Context, index int, clientID string) (clients.Producer, history.Process, error) {
	spec := r.scenario.Clients[index%len(r.scenario.Clients)]
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	opened := r.recorder.Now()
	o := clientOptions(spec, r.scenario.Workload.InFlight, clientID)
	if o.TransactionalID != "" { // every instance of a producer has the same
		o.TransactionalID = fmt.Sprintf("%s-%s-%d", o.TransactionalID, r.manifest.Run, index)
	}
	producer, without, err := r.openClient(ctx, spec, o)
	about := history.Process{
		Producer: index, ClientID: clientID, Idempotence: spec.Idempotence && !without, Without: without, Defaults: spec.Defaults,
		Literal: spec.Literal, Acks: spec.Acks, InFlight: r.scenario.Workload.InFlight,
		RetryBackoff: spec.Options.RetryBackoff, Opened: opened, Options: options(spec.Options), TransactionalID: o.TransactionalID,
	}
	if why := r.refusal(ctx, spec, err); why != "" {
		about.Library, about.Version = bought(spec)
		about.Refused = why
		return nil, about, nil
	}
	if err != nil {
		return nil, history.Process{}, err
	}
	info := producer.Info()
	about.Library, about.Version = info.Library, info.Version
	about.OrderPromised, about.OrderInCall, about.OrderWhy, about.Deadline = info.OrderPromised, info.OrderInCall, info.OrderWhy, info.Deadline
	for _, u := range info.Unmapped {
		about.Unmapped = append(about.Unmapped, history.Unmapped(u))
	}
	if p, ok := producer.(clients.Process); ok {
		about.PID = p.PID()
	}
	return producer, about, nil
}

// refusal is what a client said that would not open, where that is evidence: of a
// library that was asked exactly what it refuses, or of one that meets brokers
// which lack an API. Empty: it opened, or could not for another reason.
func (r *run) refusal(ctx context.Context, spec suites.Client, err error) string {
	var skipped *Skipped
	var refused *clients.Refused
	switch {
	case err == nil || ctx.Err() != nil || errors.As(err, &skipped):
		return ""
	case spec.Literal && errors.As(err, &refused):
		return refused.Error()
	case len(r.scenario.Cluster.Hide) > 0:
		return err.Error()
	}
	return ""
}

func clientOptions(spec suites.Client, inFlight int, clientID string) clients.Options {
	o := spec.Options
	return clients.Options{
		ClientID: clientID, Idempotence: spec.Idempotence, Defaults: spec.Defaults, Literal: spec.Literal, Acks: spec.Acks, InFlight: inFlight,
		Linger: o.Linger, BatchSize: o.BatchSize, Compression: o.Compression, Retries: o.Retries, NoRetries: o.NoRetries,
		RetryBackoff: o.RetryBackoff, RequestTimeout: o.RequestTimeout, DeliveryTimeout: o.DeliveryTimeout,
		MetadataMaxAge: o.MetadataMaxAge, TransactionalID: o.TransactionalID, TransactionTimeout: o.TransactionTimeout,
	}
}

func (r *run) env() workloads.Env {
	return workloads.Env{
		Life: r.life, Run: r.manifest.Run, Topics: r.topicNames(), Plan: r.plan.Workload, Producers: r.roster.seats,
		Recorder: r.recorder, Called: r.nemesis.Called, Calm: r.nemesis.Calm, Rest: r.rest.Wait, Broken: r.faulty.note,
	}
}

// journal is what the proxies write to.
func (r *run) journal() proxy.Journal {
	if r.plan.Workload.Step {
		return r.rest
	}
	return r.recorder
}

// warm sends and awaits the warm-up records, then arms the nemesis.
func (r *run) warm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	if err := workloads.Warm(ctx, r.env()); err != nil {
		return err
	}
	r.nemesis.Arm()
	return nil
}

// send sends the planned records. A budget that is over does not break the
// run: what the client did until then is judged. Nor does it matter when only
// the tail is cut, which grows with the faults that it outlasts.
func (r *run) send(ctx context.Context) error {
	err := workloads.Send(ctx, r.env())
	// What is sent again comes on top of what was planned, and hides what is missing.
	if !r.plan.Workload.Resend && r.recorder.Counts().Calls >= r.planned() && errors.Is(context.Cause(ctx), errBudget) {
		return nil
	}
	if errors.Is(err, errBudget) || errors.Is(context.Cause(ctx), errBudget) {
		r.cutShort = fmt.Sprintf("%v (%s): %d of %d records were handed to the clients by then", errBudget,
			r.scenario.Budget, r.recorder.Counts().Calls, r.planned())
		return nil
	}
	return err
}

// planned is how many records the run sends at least.
func (r *run) planned() int64 {
	return int64(r.plan.Workload.Producers) * int64(r.plan.Workload.Records+r.plan.Workload.Warmup)
}

// settle waits for faults under way, within the budget.
func (r *run) settle(ctx context.Context) error {
	err := r.nemesis.Settle(ctx, func() int64 { return r.recorder.Counts().Pending })
	if errors.Is(context.Cause(ctx), errBudget) {
		return nil
	}
	return err
}

// heal ends every fault and waits for the cluster to be whole.
func (r *run) heal(ctx context.Context) error {
	r.nemesis.Heal()
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	if err := r.site.admin.WaitWhole(ctx); err != nil {
		return fmt.Errorf("the cluster did not become whole after the faults: %w", err)
	}
	r.manifest.Healed = r.recorder.Now()
	return nil
}

// drain waits until every op is answered, or none has been for longer than any
// client may take over a record; then it ends the clients and lets go of the
// proxies' connections.
func (r *run) drain(ctx context.Context) error {
	var deadline time.Duration
	for _, p := range r.roster.processes() {
		deadline = max(deadline, p.Deadline)
	}
	limit := time.NewTimer(deadline + drainMargin)
	defer limit.Stop()
	longest := time.NewTimer(drainLongest)
	defer longest.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	last := r.recorder.Counts().Pending
	for waiting := true; waiting && last > 0; {
		select {
		case <-tick.C:
			if now := r.recorder.Counts().Pending; now != last {
				last = now
				limit.Reset(deadline + drainMargin)
			}
		case <-limit.C:
			waiting = false
		case <-longest.C:
			return fmt.Errorf("after %s clients are still at work on %d records: send fewer, or more slowly", drainLongest, last)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	stuck := r.recorder.GiveUp("never answered: the harness ended the wait")
	r.manifest.Drained = r.recorder.Now()
	if stuck > 0 {
		r.cutShort = "" // the client hangs: a finding about it, not a broken run
	}
	r.letGo()
	r.faulty.mu.Lock()
	defer r.faulty.mu.Unlock()
	return r.faulty.err
}

// letGo closes the producers and takes the run's hands off the proxies.
func (r *run) letGo() {
	r.roster.closeAll()
	if r.attached {
		r.attached = false
		r.manifest.Behind = r.pulse.stop()
		ctx, cancel := context.WithTimeout(context.Background(), detachLimit)
		defer cancel()
		if err := r.site.fleet.Detach(ctx); err != nil {
			r.faulty.note(err)
		}
		r.nemesis.Report()
	}
}

// abandon heals and ends what a broken or stopped run has under way.
func (r *run) abandon() {
	if r.nemesis == nil {
		return
	}
	r.nemesis.Heal()
	r.recorder.GiveUp("never answered: the run ended before")
	r.letGo()
}
