package workloads

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// banker is a fake with transactions, which notes what it is told. A fenced one
// answers nothing and commits nothing.
type banker struct {
	fake
	calls  []string
	fenced bool
	fail   map[string]error
	during func(call string)
}

func (b *banker) do(call string) error {
	b.calls = append(b.calls, call)
	if b.during != nil {
		b.during(call)
	}
	if b.fenced && call != "begin" {
		return fmt.Errorf("%s: %w", call, clients.ErrFenced)
	}
	err := b.fail[call]
	delete(b.fail, call)
	return err
}

func (b *banker) Begin(context.Context) error  { return b.do("begin") }
func (b *banker) Commit(context.Context) error { return b.do("commit") }
func (b *banker) Abort(context.Context) error  { return b.do("abort") }

func (b *banker) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	if b.do("send") != nil {
		done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "fenced"})
		return
	}
	b.fake.Send(ctx, r, done)
}

// told shortens what a banker was told: begin, 3 sends, commit.
func (b *banker) told() string {
	var short []string
	for _, call := range b.calls {
		short = append(short, call[:1])
	}
	return strings.Join(short, "")
}

func bankers(t *testing.T, records int) (*rig, *banker) {
	t.Helper()
	r := newRig(t, history.WorkloadPlan{Records: records, Transaction: 3, Warmup: 2, Size: 80}, []int32{0, 1})
	b := &banker{fail: map[string]error{}}
	r.env.Producers[0] = NewSeat(Producer{Process: 10, Producer: b})
	return r, b
}

func TestRecordsGoInTransactions(t *testing.T) {
	r, b := bankers(t, 6)
	if err := errors.Join(Warm(t.Context(), r.env), Send(t.Context(), r.env)); err != nil {
		t.Fatal(err)
	}
	if b.told() != "bssc"+"bsssc"+"bsssc" {
		t.Errorf("told %s", b.told())
	}
}

func TestATransactionThatCannotBeCommittedIsAbortedAndNotSentAgain(t *testing.T) {
	r, b := bankers(t, 6)
	b.fail["commit"], b.fail["abort"] = errors.New("no"), errors.New("not yet")
	if err := Send(t.Context(), r.env); err != nil {
		t.Fatal(err)
	}
	if b.told() != "bsssc"+"aa"+"bsssc" {
		t.Errorf("told %s", b.told())
	}
}

func TestTheFirstOfTwoSendsOnUntilItIsFenced(t *testing.T) {
	for name, at := range map[string]int{"between two transactions": 0, "in the middle of one": 7} {
		t.Run(name, func(t *testing.T) {
			r, first := bankers(t, 12)
			second := &banker{}
			seat := r.env.Producers[0]
			takeOver := func() {
				first.fenced = true
				seat.Second(Producer{Process: 11, Producer: second})
			}
			if at == 0 {
				takeOver()
			}
			first.during = func(string) { // the seat is held
				if at > 0 && len(first.calls) == at {
					takeOver()
				}
			}
			if err := Send(t.Context(), r.env); err != nil {
				t.Fatal(err)
			}
			want := map[int]string{0: "bsssca", 7: "bsssc" + "bsssca"}[at]
			if first.told() != strings.TrimSuffix(want, "a") {
				t.Errorf("the first was told %s, want %s", first.told(), want)
			}
			if rest := 12 - strings.Count(first.told(), "s"); second.told() != strings.Repeat("bsssc", rest/3) {
				t.Errorf("the second was told %s, want %d records", second.told(), rest)
			}
			if len(seat.before) > 0 {
				t.Error("the first still has a place")
			}
		})
	}
}

func TestAProducerFencedByNobodyIsSaid(t *testing.T) {
	r, b := bankers(t, 6)
	b.fenced = true
	if err := Send(t.Context(), r.env); !errors.Is(err, clients.ErrFenced) || !strings.Contains(err.Error(), "nobody took over") {
		t.Errorf("%v", err)
	}
}

func TestATransactionOfAProducerThatIsGoneIsOver(t *testing.T) {
	r, first := bankers(t, 6)
	second := &banker{}
	first.during = func(string) {
		if len(first.calls) == 2 {
			r.env.Producers[0].Change(Producer{Process: 11, Producer: second})
		}
	}
	if err := Send(t.Context(), r.env); err != nil {
		t.Fatal(err)
	}
	if first.told() != "bs" || !slices.Contains([]string{"bsssc" + "bsssc"}, second.told()) {
		t.Errorf("told %s and %s", first.told(), second.told())
	}
}
