// Package workloads is what producers send, a file per workload. A workload
// draws its plan from the seed, then drives producers through it: it begins
// every op in the recorder before the client sees the record, and ends it when
// the client calls back.
//
// It knows nothing of faults, proxies or clusters.
package workloads

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// Workload is one way of sending.
type Workload interface {
	// Name is what scenarios call it.
	Name() string
	// Explain says in a line what it sends.
	Explain() string
	// Draw makes the plan concrete. An error says which value of the
	// scenario is impossible.
	Draw(spec history.WorkloadSpec, partitions int, from *rand.Rand) (history.WorkloadPlan, error)
}

// All lists every workload, by name.
func All() []Workload { return []Workload{fanOut{}, transactions{}, uniqueAppend{}} }

// ByName finds a workload.
func ByName(name string) (Workload, error) {
	all := All()
	if i := slices.IndexFunc(all, func(w Workload) bool { return w.Name() == name }); i >= 0 {
		return all[i], nil
	}
	var names []string
	for _, w := range all {
		names = append(names, w.Name())
	}
	return nil, fmt.Errorf("unknown workload %q (there are %s)", name, strings.Join(names, ", "))
}

// Env is what a workload works with.
type Env struct {
	// Life is the context of the records. It must outlast the sending: a client
	// may drop what it still holds when it ends.
	Life      context.Context
	Run       string // part of every record's identity
	Topics    []string
	Plan      history.WorkloadPlan
	Producers []*Seat // one per planned producer
	Recorder  *history.Recorder
	// Called is told after every record handed to a client, once warmed up. In
	// steps it is told just before: so a fault that counts records has struck, or
	// waits for that very record, when it is handed over.
	Called func(producer int)
	// Rest waits until the wire is at rest: all that was handed over is answered,
	// or known to be kept back, and no fault is about to strike. It fails only
	// when ctx ends. It is asked when the plan goes in steps.
	Rest func(ctx context.Context) error
	// Calm says that no fault is under way. It is asked when the plan has a tail.
	Calm func() bool
	// Broken is told that a client answered a record twice, or that an answer
	// could not be recorded.
	Broken func(error)
}

// common checks the shared part of a spec and fills in a plan without its lanes.
func common(spec history.WorkloadSpec) (history.WorkloadPlan, error) {
	plan := history.WorkloadPlan{
		Name: spec.Name, Producers: spec.Producers, Records: spec.Records,
		Size: spec.Size, Warmup: spec.Warmup, Tail: spec.Tail, Batch: spec.Batch, Outstanding: spec.Outstanding, Burst: spec.Burst,
		Step: spec.Step, Messages: spec.Messages, Resend: spec.Resend,
	}
	rate, err := ParseRate(spec.Rate)
	if err != nil {
		return plan, err
	}
	plan.Rate = rate
	if spec.Transaction != 0 && !Transactional(spec.Name) {
		return plan, fmt.Errorf("transaction %d: %s does not send in transactions", spec.Transaction, spec.Name)
	}
	switch {
	case spec.Batch < 0 || spec.Batch > mostInCall:
		return plan, fmt.Errorf("batch %d: want 1 to %d records per call, or leave it out for 1", spec.Batch, mostInCall)
	case spec.Batch > 1 && Transactional(spec.Name):
		return plan, fmt.Errorf("batch %d: %s sends record by record", spec.Batch, spec.Name)
	case spec.Burst < 0 || spec.Burst > 0 && (spec.Outstanding > 0 || Transactional(spec.Name)):
		return plan, fmt.Errorf("burst %d: want 1 or more, without outstanding and outside transactions", spec.Burst)
	case spec.Burst > 0 && spec.Burst%max(spec.Batch, 1) != 0:
		return plan, fmt.Errorf("burst %d: want whole calls of %d records", spec.Burst, max(spec.Batch, 1))
	case spec.Outstanding != 0 && spec.Outstanding < max(spec.Batch, 1):
		return plan, fmt.Errorf("outstanding %d: want as many as a call has records (%d) or more, or leave it out for no limit", spec.Outstanding, max(spec.Batch, 1))
	}
	if err := checkMessages(spec); err != nil {
		return plan, err
	}
	switch { // what depends on time does not come back step by step
	case spec.Step && rate > 0:
		return plan, fmt.Errorf("rate %q: with step the wire sets the pace, so leave the rate out", spec.Rate)
	case spec.Step && spec.Tail > 0:
		return plan, fmt.Errorf("tail %d: how many records it adds depends on time, so it does not go with step", spec.Tail)
	case spec.Step && Transactional(spec.Name):
		return plan, fmt.Errorf("step true: %s ends transactions beside the records, so it cannot go in steps", spec.Name)
	}
	if spec.Tail > 0 && rate == 0 {
		return plan, fmt.Errorf("tail %d: it needs a rate, since it may take as long as faults do", spec.Tail)
	}
	return plan, nil
}

// mostInCall is how many records a call may have.
const mostInCall = 10_000

// Bounds of a rate: one record in a thousand seconds, and more than any
// producer can do.
const leastRate, mostRate = 0.001, 1e8

// ParseRate reads "500/s"; empty is 0, as fast as it goes.
func ParseRate(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	number, ok := strings.CutSuffix(text, "/s")
	rate, err := strconv.ParseFloat(number, 64)
	if !ok || err != nil || !(rate >= leastRate && rate <= mostRate) { // so that NaN is refused too
		return 0, fmt.Errorf("rate %q: want records per second and producer, like 500/s", text)
	}
	return rate, nil
}

// Warm sends the planned warm-up records and waits until all are answered.
func Warm(ctx context.Context, env Env) error {
	if env.Plan.Warmup == 0 {
		return nil
	}
	env.Plan.Messages, env.Plan.Resend = "", false
	return each(ctx, env, func(ctx context.Context, s *sender) error {
		if env.Plan.Transaction > 0 {
			return s.warmTransaction(ctx)
		}
		if env.Plan.Step {
			return s.stepwise(ctx, env.Plan.Warmup, func(int) {})
		}
		for sent := 0; sent < env.Plan.Warmup; {
			n, err := s.step(ctx)
			if err != nil {
				return err
			}
			sent += n
		}
		return s.flush(ctx)
	})
}

// Send sends the planned records at the planned rate. It returns when all were
// handed to the clients, answered or not. With a tail it goes on past them, so
// that a slow machine, where faults take longer, sees as much of their end as a
// fast one.
func Send(ctx context.Context, env Env) error {
	return each(ctx, env, func(ctx context.Context, s *sender) error {
		if env.Plan.Transaction > 0 {
			return s.transactions(ctx)
		}
		if env.Plan.Step {
			return s.stepwise(ctx, env.Plan.Records, env.Called)
		}
		for quota := newQuota(env); quota.more() || s.midMessage(); {
			if err := quota.wait(ctx); err != nil {
				return err
			}
			n, err := s.step(ctx)
			if err != nil {
				return err
			}
			for range n {
				env.Called(s.index)
			}
			quota.also(n - 1)
		}
		return nil
	})
}
