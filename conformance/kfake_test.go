package conformance

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/embedded"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

// startKfake starts three kfake brokers.
func startKfake(t testing.TB) *Target {
	t.Helper()
	c, err := embedded.Start(embedded.Config{Advertised: []string{"127.0.0.1:9091", "127.0.0.1:9092", "127.0.0.1:9093"}})
	if err != nil {
		t.Fatal(err)
	}
	admin, err := cluster.NewAdmin(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		admin.Close()
		_ = c.Close(context.Background())
	})
	return &Target{Cluster: c, Admin: admin, KeepTopics: true, Prefix: "conform-", settled: 500 * time.Millisecond}
}

func TestWhatKfakeDoes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cells, err := Run(ctx, startKfake(t), without(Cases(), 42), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		t.Logf("%d %v %s (%v)", c.Case, c.Verdict, c.Reason, c.Took.Round(time.Millisecond))
		if c.Verdict == matrix.Error || c.Verdict == matrix.NotRun {
			t.Errorf("case %d could not be held: %s", c.Case, c.Reason)
		}
		if c.Case == 42 && c.Verdict != matrix.NotApplicable {
			t.Errorf("kfake compacts nothing, and case 42 is %v", c.Verdict)
		}
	}
}

// without leaves cases out that wait for what kfake never does.
func without(all []Case, numbers ...int) []Case {
	return slices.DeleteFunc(all, func(c Case) bool { return slices.Contains(numbers, c.Number) })
}
