package suites

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

const varied = head + `vary:
  patience:
    - {weight: 2}
    - {options: {retries: 2}}
  sending:
    - {}
    - {workload: {burst: 5}}
    - {workload: {outstanding: 1}, idempotence: false, check: [lost]}
`

func parsed(t *testing.T, text string) Scenario {
	t.Helper()
	s, err := Parse("x.yaml", []byte(text), vocabulary())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASeedAlwaysDrawsTheSameOfWhatVaries(t *testing.T) {
	s := parsed(t, varied)
	seen := make(map[string]int)
	for seed := range uint64(300) {
		one, two := s.Drawn(seed), s.Drawn(seed)
		if !reflect.DeepEqual(one, two) {
			t.Fatalf("seed %d: %+v and %+v", seed, one, two)
		}
		if one.Vary != nil || !reflect.DeepEqual(one.Drawn(seed+1), one) {
			t.Fatalf("seed %d: there is something left to vary: %+v", seed, one)
		}
		c, w := one.Clients[0], one.Workload
		seen[fmt.Sprintf("retries %d", c.Options.Retries)]++
		seen[fmt.Sprintf("burst %d, outstanding %d, idempotence %v, checks %d", w.Burst, w.Outstanding, c.Idempotence, min(len(one.Check), 2))]++
	}
	for what, about := range map[string]int{
		"retries 0": 200, "retries 2": 100,
		"burst 0, outstanding 0, idempotence true, checks 2": 100, "burst 5, outstanding 0, idempotence true, checks 2": 100,
		"burst 0, outstanding 1, idempotence false, checks 1": 100,
	} {
		if n := seen[what]; n < about-40 || n > about+40 {
			t.Errorf("%s was drawn by %d of 300 seeds, want about %d (%v)", what, n, about, seen)
		}
	}
	if s.Clients[0].Options.Retries != 0 || s.Workload.Burst != 0 || len(s.Vary) != 2 {
		t.Errorf("drawing changed the scenario itself: %+v", s)
	}
}

func TestOneMoreAlternativeShiftsNoOtherChoice(t *testing.T) {
	fewer := parsed(t, varied)
	more := parsed(t, varied+"    - {workload: {batch: 4}}\n  another: [{options: {linger: 5ms}}, {}]\n")
	for seed := range uint64(200) {
		a, b := fewer.Drawn(seed), more.Drawn(seed)
		if a.Clients[0].Options.Retries != b.Clients[0].Options.Retries {
			t.Errorf("seed %d: retries went from %d to %d", seed, a.Clients[0].Options.Retries, b.Clients[0].Options.Retries)
		}
		if b.Workload.Batch == 0 && (a.Workload.Burst != b.Workload.Burst || a.Workload.Outstanding != b.Workload.Outstanding) {
			t.Errorf("seed %d: sending went from %+v to %+v, though the new alternative was not drawn", seed, a.Workload, b.Workload)
		}
	}
}

func TestAnAlternativeLeavesWhatItDoesNotSet(t *testing.T) {
	s := parsed(t, strings.Replace(varied, "[{idempotence: true}]", "[{idempotence: true, options: {retry_backoff: 50ms, retries: 7}}]", 1))
	for seed := range uint64(50) {
		if o := s.Drawn(seed).Clients[0].Options; o.RetryBackoff != 50*time.Millisecond || o.Retries != 7 && o.Retries != 2 {
			t.Errorf("seed %d: %+v", seed, o)
		}
	}
}

func TestWhatVariesIsHeldToTheRules(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":                           {"vary: {a: [{colour: red}]}\n", `x.yaml:5:13: unknown key "colour"`},
		"no alternatives":                          {"vary: {a: []}\n", "x.yaml:5:11: a: want alternatives, at least one"},
		"a weight below zero":                      {"vary: {a: [{weight: -1}]}\n", "weight -1: want 1 or more"},
		"an alternative that is impossible":        {"vary: {a: [{}, {workload: {burst: -3}}]}\n", "burst -3: want 1 or more"},
		"two that do not go together":              {"vary: {a: [{}, {workload: {burst: 5}}], b: [{workload: {outstanding: 2}}, {}]}\n", "burst 5: want 1 or more, without outstanding"},
		"an unknown checker":                       {"vary: {a: [{check: [nobody]}]}\n", `unknown checker "nobody"`},
		"more combinations than can be held to it": {"vary: {" + combinations(11) + "}\n", "more than 1000 combinations"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("x.yaml", []byte(head+c.text), vocabulary())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
			if err != nil && strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("it is told more than once:\n%v", err)
			}
		})
	}
}

// combinations are so many names with two alternatives each.
func combinations(names int) string {
	var text []string
	for i := range names {
		text = append(text, fmt.Sprintf("n%d: [{}, {}]", i))
	}
	return strings.Join(text, ", ")
}
