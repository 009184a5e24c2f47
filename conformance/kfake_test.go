package conformance

import (
	"context"
	"fmt"
	"strings"
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

// TestWhatKfakeDoes: kfake is not Kafka, and the suite finds where. What is not
// named here passes.
func TestWhatKfakeDoes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cells, err := Run(ctx, startKfake(t), Cases(), nil)
	if err != nil {
		t.Fatal(err)
	}
	const na = matrix.NotApplicable
	want := map[int]matrix.Verdict{
		11: matrix.NonStrict, 12: matrix.NonStrict, 43: matrix.NonStrict, // it refuses on an empty log, as Kafka from 4.5 on
		13: matrix.Fail, 14: matrix.Fail, // wraps one early
		16: matrix.Fail, 18: matrix.Fail, // one epoch for a producer id
		21: matrix.Fail, 22: matrix.NonStrict, 23: matrix.NonStrict, 24: matrix.Informational, // other codes
		26: matrix.Fail, // acks=0 never closes a connection
		49: matrix.Fail, 53: matrix.Fail, 54: matrix.Fail, 50: matrix.NonStrict, 57: matrix.NonStrict,
		28: na, 29: na, 31: na, 33: na, 34: na, 35: na, 36: na, 37: na, 38: na, 40: na, 41: na, 42: na, 45: na, 58: na,
	}
	for _, c := range cells {
		t.Logf("%d %v %s (%v)", c.Case, c.Verdict, c.Reason, c.Took.Round(time.Millisecond))
		should, named := want[c.Case]
		if !named {
			should = matrix.Pass
		}
		if c.Verdict != should {
			t.Errorf("case %d is %v, want %v: %s", c.Case, c.Verdict, should, c.Reason)
		}
		if c.Verdict != matrix.Pass && c.Reason == "" {
			t.Errorf("case %d is %v, and does not say why", c.Case, c.Verdict)
		}
	}
}

func TestABugInOneCaseLeavesTheOthers(t *testing.T) {
	bug := Case{Case: matrix.Case{Number: 1}, converse: func(*talk) { panic("no such thing") }}
	cells, err := Run(t.Context(), startKfake(t), []Case{bug, Cases()[1]}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cells[0].Verdict != matrix.Error || !strings.Contains(cells[0].Reason, "no such thing") || !strings.Contains(cells[0].Steps[0].Said, "converse") && !strings.Contains(cells[0].Steps[0].Said, "kfake_test.go") {
		t.Errorf("%+v", cells[0])
	}
	if cells[1].Verdict != matrix.Pass {
		t.Errorf("the next one is %v: %s", cells[1].Verdict, cells[1].Reason)
	}
}

// TestOffsetsAreAskedForAgainWhereABrokerDoesNotLeadYet: metadata may name a
// leader that has not heard so itself.
func TestOffsetsAreAskedForAgainWhereABrokerDoesNotLeadYet(t *testing.T) {
	early := Case{Case: matrix.Case{Number: 1}, converse: func(c *talk) {
		to := c.topic()
		if c.leader(to) == 0 {
			c.leaders[to] = 1
		} else {
			c.leaders[to] = 0
		}
		end, _ := c.offset(to, -1)
		c.check("the log's end", fmt.Sprint(end), "0", end == 0)
	}}
	cells, err := Run(t.Context(), startKfake(t), []Case{early}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if cells[0].Verdict != matrix.Pass {
		t.Errorf("%v: %s", cells[0].Verdict, cells[0].Reason)
	}
}
