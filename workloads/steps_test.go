package workloads

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// inSteps runs a plan in steps and returns what happened in order: "p1" a record
// of producer 1, "c1" its count, "." a rest.
func inSteps(t *testing.T, plan history.WorkloadPlan, change func(*rig), lanes ...[]int32) []string {
	t.Helper()
	plan.Step = true
	r := newRig(t, plan, lanes...)
	var order []string // strict turns: nobody else writes to it
	for i, f := range r.fakes {
		f.answer = func(_ context.Context, done func(clients.Result)) {
			order = append(order, fmt.Sprint("p", i))
			done(clients.Result{Outcome: history.Acked, Offset: 1})
		}
	}
	r.env.Called = func(p int) { order = append(order, fmt.Sprint("c", p)) }
	r.env.Rest = func(ctx context.Context) error { order = append(order, "."); return ctx.Err() }
	if change != nil {
		change(r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := Warm(ctx, r.env); err != nil {
		t.Fatal(err)
	}
	if err := Send(ctx, r.env); err != nil {
		t.Fatal(err)
	}
	return order
}

func TestInStepsProducersTakeStrictTurnsAndRestInBetween(t *testing.T) {
	for name, c := range map[string]struct {
		plan history.WorkloadPlan
		want string
	}{
		"record by record": {history.WorkloadPlan{Records: 2, Size: 100}, ". c0 . p0 . . c1 . p1 . . c0 . p0 . . c1 . p1 ."},
		"call by call":     {history.WorkloadPlan{Records: 2, Batch: 2, Size: 100}, ". c0 c0 . p0 p0 . . c1 c1 . p1 p1 ."},
		"burst by burst":   {history.WorkloadPlan{Records: 3, Burst: 2, Size: 100}, ". c0 c0 . p0 p0 . . c1 c1 . p1 p1 . . c0 . p0 . . c1 . p1 ."},
		"warm-up as well":  {history.WorkloadPlan{Records: 1, Warmup: 1, Size: 100}, ". . p0 . . . p1 . . c0 . p0 . . c1 . p1 ."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(inSteps(t, c.plan, nil, []int32{0}, []int32{1}), " "); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
		})
	}
}

// What the first waits for may be up to the second.
func TestInStepsWhoMustWaitGivesItsTurnAway(t *testing.T) {
	var unanswered func(clients.Result)
	order := inSteps(t, history.WorkloadPlan{Records: 3, Outstanding: 1, Size: 100}, func(r *rig) {
		first, second := r.fakes[0].answer, r.fakes[1].answer
		r.fakes[0].answer = func(ctx context.Context, done func(clients.Result)) {
			if unanswered == nil {
				unanswered = done
				first(ctx, func(clients.Result) {})
				return
			}
			first(ctx, done)
		}
		sent := 0
		r.fakes[1].answer = func(ctx context.Context, done func(clients.Result)) {
			second(ctx, done)
			if sent++; sent == 2 {
				unanswered(clients.Result{Outcome: history.Acked, Offset: 1})
			}
		}
	}, []int32{0}, []int32{1})
	order = slices.DeleteFunc(order, func(what string) bool { return what[0] != 'p' })
	if got := strings.Join(order, " "); got != "p0 p1 p1 p0 p1 p0" {
		t.Errorf("%s", got)
	}
}

func TestInStepsAFailingRestEndsEverybody(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 5, Size: 100, Step: true}, []int32{0}, []int32{1})
	ctx, cancel := context.WithCancel(t.Context())
	rests := 0
	r.env.Rest = func(ctx context.Context) error {
		if rests++; rests == 4 {
			cancel()
		}
		return ctx.Err()
	}
	if err := Send(ctx, r.env); err == nil {
		t.Error("it ended well")
	}
}

func TestWhatDependsOnTimeDoesNotGoInSteps(t *testing.T) {
	for _, c := range []struct {
		workload Workload
		spec     history.WorkloadSpec
		says     string
	}{
		{uniqueAppend{}, history.WorkloadSpec{}, ""},
		{fanOut{}, history.WorkloadSpec{Burst: 4, Batch: 2}, ""},
		{uniqueAppend{}, history.WorkloadSpec{Outstanding: 3}, ""},
		{uniqueAppend{}, history.WorkloadSpec{Rate: "5/s"}, `rate "5/s": with step the wire sets the pace`},
		{uniqueAppend{}, history.WorkloadSpec{Tail: 5}, "tail 5: how many records it adds depends on time"},
		{transactions{}, history.WorkloadSpec{}, "step true: transactions ends transactions beside the records"},
	} {
		c.spec.Name, c.spec.Producers, c.spec.Records, c.spec.Step = c.workload.Name(), 1, 10, true
		plan, err := c.workload.Draw(c.spec, 2, history.Stream(1, "x"))
		if c.says == "" && (err != nil || !plan.Step) {
			t.Errorf("%+v: %v, step %t", c.spec, err, plan.Step)
		}
		if c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%+v: %v, want %q", c.spec, err, c.says)
		}
	}
}
