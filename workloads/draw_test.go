package workloads

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
)

func spec(name string) history.WorkloadSpec {
	return history.WorkloadSpec{Name: name, Producers: 1, Records: 10, Size: 100, Rate: "500/s", Warmup: 3}
}

func drawn(t *testing.T, s history.WorkloadSpec, partitions int, seed uint64) (history.WorkloadPlan, error) {
	t.Helper()
	w, err := ByName(s.Name)
	if err != nil {
		t.Fatal(err)
	}
	return w.Draw(s, partitions, history.Stream(seed, "workload/"+s.Name))
}

func TestEachProducerOfUniqueAppendHasItsOwnDistinctPartitions(t *testing.T) {
	s := spec("unique-append")
	s.Producers, s.Lanes = 5, 3
	plan, err := drawn(t, s, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Partitions) != 5 {
		t.Fatalf("%d producers have lanes, want 5", len(plan.Partitions))
	}
	for i, lane := range plan.Partitions {
		sorted := slices.Sorted(slices.Values(lane.Partitions))
		if lane.Producer != i || len(slices.Compact(sorted)) != 3 || sorted[0] < 0 || sorted[2] > 7 {
			t.Errorf("producer %d: %+v", i, lane)
		}
	}
	if plan.Rate != 500 || plan.Records != 10 || plan.Size != 100 || plan.Warmup != 3 || plan.Name != "unique-append" {
		t.Errorf("%+v", plan)
	}
}

func TestWithoutLanesEveryPartitionIsUsed(t *testing.T) {
	for _, name := range []string{"unique-append", "fan-out"} {
		plan, err := drawn(t, spec(name), 6, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(slices.Values(plan.Partitions[0].Partitions)); !slices.Equal(got, []int32{0, 1, 2, 3, 4, 5}) {
			t.Errorf("%s: partitions %v", name, got)
		}
	}
}

func TestTheSameSeedDrawsTheSameLanes(t *testing.T) {
	for _, w := range All() {
		s := spec(w.Name())
		one, _ := drawn(t, s, 20, 1)
		again, _ := drawn(t, s, 20, 1)
		other, _ := drawn(t, s, 20, 2)
		if !reflect.DeepEqual(one, again) || reflect.DeepEqual(one, other) {
			t.Errorf("%s: seed 1 gives %v and %v, seed 2 gives %v", w.Name(), one, again, other)
		}
	}
}

func TestPartitionsThatAreSaidAreNotDrawn(t *testing.T) {
	for _, w := range All() {
		s := spec(w.Name())
		want := [][]int32{{3, 0, 2}}
		if w.Name() != "fan-out" {
			s.Producers, want = 2, append(want, []int32{1})
		}
		s.Partitions = want
		for seed := range uint64(3) {
			plan, err := drawn(t, s, 4, seed)
			if err != nil {
				t.Fatal(err)
			}
			for i, lane := range want {
				if plan.Partitions[i].Producer != i || !slices.Equal(plan.Partitions[i].Partitions, lane) || len(plan.Partitions) != len(want) {
					t.Errorf("%s, seed %d: %+v, want %v", w.Name(), seed, plan.Partitions, want)
				}
			}
		}
	}
}

// The first word of an error is the key of the scenario file that is to blame:
// the loader finds the position by it.
func TestAnImpossibleSpecIsRefusedByTheNameOfItsField(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*history.WorkloadSpec)
		says  string
	}{
		"more lanes than partitions": {func(s *history.WorkloadSpec) { s.Lanes = 5 }, "lanes 5: the topic has 4"},
		"a tail without a rate":      {func(s *history.WorkloadSpec) { s.Rate, s.Tail = "", 5 }, "tail 5: it needs a rate"},
		"negative lanes":             {func(s *history.WorkloadSpec) { s.Lanes = -1 }, "lanes -1: want"},
		"a rate without unit":        {func(s *history.WorkloadSpec) { s.Rate = "500" }, `rate "500": want`},
		"calls of none":              {func(s *history.WorkloadSpec) { s.Batch = -1 }, "batch -1: want 1 to"},
		"transactions in calls":      {func(s *history.WorkloadSpec) { s.Name, s.Batch = "transactions", 5 }, "batch 5: transactions sends record by record"},
		"less than a call":           {func(s *history.WorkloadSpec) { s.Batch, s.Outstanding = 5, 4 }, "outstanding 4: want as many as a call has"},
		"half a call in a burst":     {func(s *history.WorkloadSpec) { s.Batch, s.Burst = 5, 12 }, "burst 12: want whole calls of 5"},
		"a burst within a window":    {func(s *history.WorkloadSpec) { s.Burst, s.Outstanding = 5, 5 }, "burst 5: want 1 or more, without outstanding"},
		"fan-out of two":             {func(s *history.WorkloadSpec) { s.Name, s.Producers = "fan-out", 2 }, "producers 2: fan-out has exactly one"},
		"a transaction of none":      {func(s *history.WorkloadSpec) { s.Name, s.Transaction = "transactions", -1 }, "transaction -1: want 1 to"},
		"no transactions":            {func(s *history.WorkloadSpec) { s.Transaction = 5 }, "transaction 5: unique-append does not"},
		"transactions with lanes":    {func(s *history.WorkloadSpec) { s.Name, s.Lanes = "transactions", 5 }, "lanes 5: the topic has 4"},
		"lanes of said partitions":   {func(s *history.WorkloadSpec) { s.Lanes, s.Partitions = 1, [][]int32{{0}} }, "lanes 1: partitions says already"},
		"a list too many":            {func(s *history.WorkloadSpec) { s.Partitions = [][]int32{{0}, {1}} }, "partitions has 2 lists: want one for each of 1"},
		"an empty list":              {func(s *history.WorkloadSpec) { s.Partitions = [][]int32{{}} }, "partitions of producer 0: want one"},
		"a partition beyond all":     {func(s *history.WorkloadSpec) { s.Partitions = [][]int32{{3, 4}} }, "partitions of producer 0: 4: the topic has 4"},
		"a partition below all":      {func(s *history.WorkloadSpec) { s.Partitions = [][]int32{{-1}} }, "partitions of producer 0: -1"},
		"a partition twice":          {func(s *history.WorkloadSpec) { s.Partitions = [][]int32{{3, 1, 3}} }, "partitions of producer 0: 3 stands there twice"},
		"fan-out of said twice":      {func(s *history.WorkloadSpec) { s.Name, s.Partitions = "fan-out", [][]int32{{1, 1}} }, "partitions of producer 0: 1 stands there twice"},
		"fan-out with lanes":         {func(s *history.WorkloadSpec) { s.Name, s.Lanes = "fan-out", 1 }, "lanes 1: fan-out always"},
	} {
		s := spec("unique-append")
		c.spoil(&s)
		if _, err := drawn(t, s, 4, 1); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	if _, err := ByName("append"); err == nil || !strings.Contains(err.Error(), "fan-out, transactions, unique-append") {
		t.Errorf("an unknown workload: %v", err)
	}
}

func TestParseRateTakesRecordsPerSecondAndNothingElse(t *testing.T) {
	for text, want := range map[string]float64{"": 0, "500/s": 500, "0.5/s": 0.5, "1e3/s": 1000} {
		if rate, err := ParseRate(text); err != nil || rate != want {
			t.Errorf("%q: %v, %v, want %v", text, rate, err, want)
		}
	}
	for _, text := range []string{"500", "/s", "s", "-1/s", "0/s", "NaN/s", "Inf/s", "1e300/s", "1e-300/s", "500/min", "500 /s", "500/s/s", "fast"} {
		if rate, err := ParseRate(text); err == nil || !strings.HasPrefix(err.Error(), "rate ") {
			t.Errorf("%q: %v, %v, want an error about rate", text, rate, err)
		}
	}
}

func TestEveryWorkloadIsFoundByItsNameAndExplained(t *testing.T) {
	for _, w := range All() {
		if found, err := ByName(w.Name()); err != nil || found.Name() != w.Name() || w.Explain() == "" {
			t.Errorf("%s: %v, %q", w.Name(), err, w.Explain())
		}
	}
}
