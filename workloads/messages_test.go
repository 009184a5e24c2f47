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

// keys are those of the records that a fake was handed, "-" for none.
func (f *fake) keys() string {
	var all []string
	for _, r := range f.sent {
		if all = append(all, string(r.Key)); r.Key == nil {
			all[len(all)-1] = "-"
		}
	}
	return strings.Join(all, " ")
}

func TestRecordsCarryTheirMessagesAndTheWarmUpNone(t *testing.T) {
	for name, c := range map[string]struct{ messages, want string }{
		"none":         {"", "- - - - - -"},
		"each its own": {history.MessageRecords, "- - 1 2 3 4"},
		"spread":       {history.MessageSpread, "- - 1 1 1 1"}, // two topics with two partitions
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, history.WorkloadPlan{Records: 4, Warmup: 2, Size: 80, Messages: c.messages}, []int32{0, 1})
			for _, do := range []func(context.Context, Env) error{Warm, Send} {
				if err := do(t.Context(), r.env); err != nil {
					t.Fatal(err)
				}
			}
			if got := r.fakes[0].keys(); got != c.want {
				t.Errorf("keys %s, want %s", got, c.want)
			}
		})
	}
}

func TestSeveralProducersNumberTheirMessagesAlike(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 3, Size: 80, Messages: history.MessageRecords}, []int32{0}, []int32{0})
	if err := Send(t.Context(), r.env); err != nil {
		t.Fatal(err)
	}
	for i, f := range r.fakes {
		if f.keys() != "1 2 3" || f.sent[0].Topic != "a" {
			t.Errorf("producer %d: %s", i, f.keys())
		}
	}
}

// followedAfter has another producer follow the first one when that was handed so
// many records.
func followedAfter(r *rig, records int) (next *fake) {
	next = new(fake)
	first := r.fakes[0]
	answer := first.answer
	first.answer = func(ctx context.Context, done func(clients.Result)) {
		if answer != nil {
			answer(ctx, done)
		} else {
			done(clients.Result{Outcome: history.Acked, Offset: 1})
		}
		if len(first.sent) == records { // the seat is held
			r.env.Recorder.GiveUpOn(10, "it was killed")
			r.env.Producers[0].Change(Producer{Process: 11, Producer: next})
		}
	}
	return next
}

func TestWhoFollowsHalfWayThroughAMessageBeginsTheNext(t *testing.T) {
	for name, c := range map[string]struct {
		records, at  int
		first, other string
	}{
		"half-way":                  {12, 6, "1 1 1 1 2 2", "3 3 3 3 4 4 4 4"}, // of the last, two records beyond the twelve
		"between two":               {12, 4, "1 1 1 1", "2 2 2 2 3 3 3 3"},
		"nobody, a message too far": {6, 0, "1 1 1 1 2 2 2 2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, history.WorkloadPlan{Records: c.records, Size: 80, Messages: history.MessageSpread}, []int32{0, 1})
			next := followedAfter(r, c.at)
			if err := Send(t.Context(), r.env); err != nil {
				t.Fatal(err)
			}
			if r.fakes[0].keys() != c.first || next.keys() != c.other {
				t.Errorf("the first sent %q, the next %q; want %q and %q", r.fakes[0].keys(), next.keys(), c.first, c.other)
			}
		})
	}
}

func TestWhoFollowsSendsAgainWhatWasNotAcknowledged(t *testing.T) {
	for name, c := range map[string]struct {
		resend  bool
		answers string // of the first producer: a acked, u unknown, - none
		want    string // what the next one sends
	}{
		"all was":            {true, "aaaa", "5 6"},
		"some was not":       {true, "a-a-", "2 4 5 6"},
		"an error is no ack": {true, "aua-", "2 4 5 6"},
		"nothing was":        {true, "----", "1 2 3 4 5 6"},
		"it does not":        {false, "a-u-", "5 6"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, history.WorkloadPlan{Records: 6, Size: 80, Messages: history.MessageRecords, Resend: c.resend}, []int32{0, 1})
			first := r.fakes[0]
			first.answer = func(_ context.Context, done func(clients.Result)) {
				switch c.answers[len(first.sent)-1] {
				case 'a':
					done(clients.Result{Outcome: history.Acked, Offset: 1})
				case 'u':
					done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "no"})
				}
			}
			next := followedAfter(r, 4)
			if err := Send(t.Context(), r.env); err != nil {
				t.Fatal(err)
			}
			if got := next.keys(); got != c.want {
				t.Errorf("the next sent %s, want %s", got, c.want)
			}
			where := map[string]string{} // what is sent again goes where it went
			for _, rec := range slices.Concat(first.sent, next.sent) {
				at, key := fmt.Sprint(rec.Topic, rec.Partition), string(rec.Key)
				if where[key] == "" {
					where[key] = at
				}
				if where[key] != at {
					t.Errorf("message %s went to %s and to %s", key, where[key], at)
				}
			}
			if want := len(first.sent) + len(next.sent); len(r.called) != want || len(r.complaints()) > 0 {
				t.Errorf("faults were told of %d records, want %d; %v", len(r.called), want, r.complaints())
			}
			// An ack that comes when all was given up is no ack: see above, and whoever comes next.
			for i, done := range first.done {
				if c.answers[i] == '-' {
					done(clients.Result{Outcome: history.Acked, Offset: 1})
				}
			}
		})
	}
}

// A record that its killed producer never got kept its place among those that may
// be unanswered: whoever followed waited for ever.
func TestAPlaceIsNotLostWithTheProducerThatItWasFor(t *testing.T) {
	r := newRig(t, history.WorkloadPlan{Records: 6, Transaction: 3, Size: 80, Outstanding: 1}, []int32{0, 1})
	first, second := &banker{fail: map[string]error{}}, &banker{}
	r.env.Producers[0] = NewSeat(Producer{Process: 10, Producer: first})
	first.during = func(string) {
		if len(first.calls) == 2 {
			r.env.Producers[0].Change(Producer{Process: 11, Producer: second})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := Send(ctx, r.env); err != nil {
		t.Fatal(err)
	}
	if first.told() != "bs" || second.told() != "bsssc"+"bsssc" {
		t.Errorf("told %s and %s", first.told(), second.told())
	}
}

func TestMessagesThatCannotBeAreRefusedByTheirField(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*history.WorkloadSpec)
		says  string
	}{
		"of a kind that there is not": {func(s *history.WorkloadSpec) { s.Messages = "all" }, `messages "all": want records or spread`},
		"sent again and not numbered": {func(s *history.WorkloadSpec) { s.Resend = true }, "resend true: it goes with messages"},
		"spread by two":               {func(s *history.WorkloadSpec) { s.Messages, s.Producers = "spread", 2 }, "messages spread: want one producer, not 2"},
		"many in a call":              {func(s *history.WorkloadSpec) { s.Messages, s.Batch = "records", 5 }, "messages records: they are sent record by record"},
		"sent again within a window":  {func(s *history.WorkloadSpec) { s.Messages, s.Resend, s.Outstanding = "records", true, 5 }, "resend true: it goes with neither"},
		"sent again in bursts":        {func(s *history.WorkloadSpec) { s.Messages, s.Resend, s.Burst = "records", true, 5 }, "resend true: it goes with neither"},
		"sent again in transactions":  {func(s *history.WorkloadSpec) { s.Name, s.Messages, s.Resend = "transactions", "records", true }, "resend true: it goes with neither"},
		"cut by transactions":         {func(s *history.WorkloadSpec) { s.Name, s.Messages, s.Transaction = "transactions", "spread", 10 }, "transaction 10: want whole messages, each of 4 records"},
	} {
		s := spec("unique-append")
		c.spoil(&s)
		if _, err := drawn(t, s, 4, 1); err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	for _, fine := range []history.WorkloadSpec{
		{Name: "unique-append", Producers: 3, Records: 10, Messages: "records", Resend: true},
		{Name: "fan-out", Producers: 1, Records: 10, Messages: "spread", Resend: true, Rate: "5/s"},
		{Name: "transactions", Producers: 1, Records: 10, Messages: "spread", Transaction: 8, Outstanding: 1},
	} {
		if plan, err := drawn(t, fine, 4, 1); err != nil || plan.Messages != fine.Messages || plan.Resend != fine.Resend {
			t.Errorf("%+v: %+v, %v", fine, plan, err)
		}
	}
}
