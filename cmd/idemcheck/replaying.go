package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/report"
	"github.com/idemcheck/idemcheck/repro"
	"github.com/idemcheck/idemcheck/runner"
)

// counted is an anomaly and how often it was seen.
type counted struct {
	signature repro.Signature
	hits      int
}

// replay is a replay on its way.
type replay struct {
	flags  *replayFlags
	rec    recorded
	how    *runFlags
	out    *os.File
	began  time.Time
	screen *progress

	wanted []counted
	others []counted // not in the recorded run
	runs   int       // that count
	back   int       // in which any of the wanted came back, or anything where there is none
	empty  int       // inconclusive, among those that count
	broke  int
	why    []string // what differed, of every run in which nothing came back
	cut    string   // why it ended before all runs were made
}

// refuse says why the plan cannot be carried out as it is written.
func (r *replay) refuse() error {
	if err := runner.Executable(r.rec.scenario, r.rec.plan); err != nil {
		return fmt.Errorf("the plan of %s cannot be carried out: %w", r.rec.path, err)
	}
	return nil
}

func (r *replay) all(ctx context.Context) (err error) {
	r.screen = newProgress(r.out)
	fmt.Fprintf(r.out, "seed %d, %s\n", r.rec.plan.Seed, r.how.describe())
	r.announce()
	if r.how.cluster == external.Kind {
		if err := r.how.outside.preflight(ctx, r.screen.note); err != nil {
			return err
		}
	}
	session := r.how.session(r.how.kafka[0], r.screen)
	defer func() {
		r.screen.clear()
		err = errors.Join(err, session.Close())
	}()
	if why := session.Can(r.rec.scenario); why != nil {
		return fmt.Errorf("the plan of %s cannot be carried out there: %w", r.rec.path, why)
	}
	if err := session.Provide(ctx, r.rec.scenario); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for n := 1; n <= r.flags.times && ctx.Err() == nil; n++ {
		if r.over(n) {
			break
		}
		r.screen.begin(fmt.Sprintf("replay %d of %d", n, r.flags.times))
		result := r.how.runOne(ctx, session, r.how.kafka[0], job{scenario: r.rec.scenario, seed: r.rec.plan.Seed, client: r.flags.client, plan: r.rec.plan})
		if result.Outcome == report.Skipped {
			return errors.New("the plan cannot be carried out there: " + result.Skipped)
		}
		if ctx.Err() != nil {
			r.cut = fmt.Sprintf("stopped after %d of %d", n-1, r.flags.times)
			break
		}
		if err := r.take(n, result); err != nil {
			return err
		}
	}
	r.screen.clear()
	r.summary()
	return nil
}

// over says whether there is no time left for one more run.
func (r *replay) over(n int) bool {
	if r.flags.budget == 0 || n == 1 {
		return false
	}
	spent := time.Since(r.began)
	if spent+spent/time.Duration(n-1) <= r.flags.budget {
		return false
	}
	r.cut = fmt.Sprintf("stopped after %d of %d replays: one more does not fit into the budget of %s", n-1, r.flags.times, r.flags.budget)
	return true
}

// announce says what is run again, and what is looked for.
func (r *replay) announce() {
	fmt.Fprintf(r.out, "replaying %s: scenario %s, %s, %s\n", r.rec.path, r.rec.scenario.Name,
		count(len(r.rec.plan.Faults), "fault", "faults"), count(r.rec.plan.Workload.Producers*r.rec.plan.Workload.Records, "record", "records"))
	for _, w := range r.wanted {
		fmt.Fprintf(r.out, "  to come back: %s\n", w.signature)
	}
	switch {
	case r.rec.verdict == nil:
		fmt.Fprintln(r.out, "  a plan alone shows no anomaly: whatever is seen counts")
	case len(r.wanted) == 0:
		fmt.Fprintln(r.out, "  the recorded run shows no anomaly: whatever is seen counts")
	}
}

// take counts one run, and says how it came out.
func (r *replay) take(n int, result report.Result) error {
	line := fmt.Sprintf("%d of %d", n, r.flags.times)
	var seen []repro.Signature
	if result.Verdict != nil {
		seen = repro.Signatures(result.Verdict)
	}
	var back []string
	for _, s := range seen {
		if i := slices.IndexFunc(r.wanted, func(c counted) bool { return c.signature == s }); i >= 0 {
			r.wanted[i].hits++
			back = append(back, s.String())
			continue
		}
		if r.flags.anomaly != "" {
			continue
		}
		i := slices.IndexFunc(r.others, func(c counted) bool { return c.signature == s })
		if i < 0 {
			i = len(r.others)
			r.others = append(r.others, counted{signature: s})
		}
		r.others[i].hits++
		if len(r.wanted) == 0 {
			back = append(back, s.String())
		}
	}
	style := r.screen.style()
	r.screen.clear()
	switch {
	case result.Outcome == report.Broken || result.Verdict == nil || result.Verdict.HarnessError != "":
		r.broke++
		why := result.Broken
		if why == "" && result.Verdict != nil {
			why = result.Verdict.HarnessError
		}
		report.Replayed(r.out, report.ReplayBroken, line, []string{why}, result.Took, style)
	case len(back) > 0:
		r.runs++
		r.back++
		report.Replayed(r.out, report.ReplayBack, line, back, result.Took, style)
	default:
		r.runs++
		if result.Outcome == report.Inconclusive {
			r.empty++
		}
		differed := r.differed(result.Dir)
		if len(differed) > 0 {
			r.why = append(r.why, differed[0])
		}
		report.Replayed(r.out, report.ReplayAway, line, differed, result.Took, style)
	}
	if r.flags.json {
		if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	if r.flags.keep == keepFailed && len(back) == 0 && result.Outcome != report.Broken {
		return os.RemoveAll(result.Dir)
	}
	return nil
}

// differed says what differed from the recorded run.
func (r *replay) differed(dir string) []string {
	if r.rec.run == nil {
		return nil
	}
	now, err := history.Open(dir)
	if err != nil {
		return []string{err.Error()}
	}
	return repro.Differences(r.rec.run, now)
}

func (r *replay) summary() {
	s := r.screen.style()
	if r.cut != "" {
		fmt.Fprintln(r.out, r.cut)
	}
	for _, w := range r.wanted {
		fmt.Fprintf(r.out, "came back in %s: %s\n", repro.Rate{Hits: w.hits, Of: r.runs}, w.signature)
	}
	for _, o := range r.others {
		what := "seen in %s, and not in the recorded run: %s\n"
		if len(r.wanted) == 0 {
			what = "seen in %s: %s\n"
		}
		fmt.Fprintf(r.out, what, repro.Rate{Hits: o.hits, Of: r.runs}, o.signature)
	}
	if len(r.wanted) == 0 && len(r.others) == 0 {
		fmt.Fprintf(r.out, "an anomaly was seen in %s\n", repro.Rate{Of: r.runs})
	}
	if r.broke > 0 {
		fmt.Fprintf(r.out, "%s broke, and count for nothing\n", count(r.broke, "run", "runs"))
	}
	report.Differed(r.out, r.why, s)
}

// status is the exit status.
func (r *replay) status() int {
	switch {
	case r.back > 0:
		return exitViolation
	case r.broke > 0:
		return exitBroken
	case r.runs == 0 || r.empty == r.runs:
		return exitInconclusive
	}
	return exitAsExpected
}

func count(n int, one, many string) string {
	return fmt.Sprintf("%d %s", n, cmp.Or(map[bool]string{true: one}[n == 1], many))
}
