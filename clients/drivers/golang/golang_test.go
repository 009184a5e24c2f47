package golang

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

func TestCodesHaveKafkasNames(t *testing.T) {
	for code := int16(1); int(code) < len(codeNames); code++ {
		want := kerr.TypedErrorForCode(code).Message
		if code == 6 {
			want = "NOT_LEADER_OR_FOLLOWER" // kerr has its name of old
		}
		if got := CodeName(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
	for code, want := range map[int16]string{-1: "UNKNOWN_SERVER_ERROR", 0: "NONE", 90: "PRODUCER_FENCED", 12345: "12345", -192: "-192"} {
		if got := CodeName(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
}

func TestAnErrorProvesNothingUnlessItIsSaidTo(t *testing.T) {
	err := fmt.Errorf("2 errors:\n\tfirst %w", &fs.PathError{Op: "read", Path: "socket", Err: syscall.EPIPE})
	if got, want := Unknown(err), (clients.Result{
		Outcome: outcome.Unknown, Offset: outcome.NoOffset, Error: "2 errors: first read socket: broken pipe", Class: "syscall.Errno",
	}); got != want {
		t.Errorf("%+v", got)
	}
	if got := Unknown(io.EOF); got.Class != "" || got.Error != "EOF" {
		t.Errorf("%+v", got)
	}
	if got := Never(err); got.Outcome != outcome.Failed {
		t.Errorf("%+v", got)
	}
	if got := Acked(-1001); got != (clients.Result{Outcome: outcome.Acked, Offset: outcome.NoOffset}) {
		t.Errorf("%+v", got)
	}
}

func TestNonsenseIsRefusedByName(t *testing.T) {
	for _, c := range []struct {
		o    clients.Options
		says string
	}{
		{clients.Options{}, ""},
		{clients.Options{Acks: "all", Idempotence: true, TransactionalID: "t", Retries: -1, InFlight: 5, Linger: time.Second, Compression: "zstd"}, ""},
		{clients.Options{Acks: "most"}, `acks "most": want all, 1 or 0`},
		{clients.Options{Compression: "rar"}, `compression "rar": want none, gzip`},
		{clients.Options{TransactionalID: "t"}, `transactional_id "t": transactions need idempotence`},
		{clients.Options{Retries: -2}, "retries -2: want -1 or more"},
		{clients.Options{InFlight: -1}, "in_flight -1: want 0 or more"},
		{clients.Options{RequestTimeout: -time.Second}, "request_timeout -1s: want 0 or more"},
	} {
		err := Check(c.o)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.says)
		}
	}
}

func TestAFieldIsSetWhereThereIsOne(t *testing.T) {
	var config struct {
		Producer struct{ Timeout time.Duration }
	}
	if !SetField(&config, "Producer.Timeout", time.Second) || config.Producer.Timeout != time.Second {
		t.Errorf("%+v", config)
	}
	for _, name := range []string{"Producer.Transaction.ID", "Consumer", "Producer.ID"} {
		if SetField(&config, name, "x") {
			t.Errorf("there is no field %s", name)
		}
	}
}

func TestWaitingEndsWithTheLastAnswer(t *testing.T) {
	var p Pending
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	answers := 0
	one, two := p.Add(func(clients.Result) { answers++ }), p.Add(func(clients.Result) { answers++ })
	soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := p.Wait(soon); err == nil || !strings.Contains(err.Error(), "2 records are unanswered") {
		t.Error(err)
	}
	waited := make(chan error)
	go func() { waited <- p.Wait(context.Background()) }()
	one.Answer(Acked(1))
	select {
	case <-waited:
		t.Fatal("one record is still pending")
	case <-time.After(10 * time.Millisecond):
	}
	two.Answer(Acked(2))
	if err := <-waited; err != nil || answers != 2 {
		t.Error(err, answers)
	}
}

func TestWhatIsLeftIsAnsweredOnce(t *testing.T) {
	var p Pending
	got := make(map[int][]outcome.Outcome)
	var records []*Record
	for i := range 3 {
		records = append(records, p.Add(func(r clients.Result) { got[i] = append(got[i], r.Outcome) }))
	}
	records[1].Answer(Acked(7))
	p.Abandon(Unknown(errors.New("closed")))
	p.Abandon(Unknown(errors.New("closed")))
	if fmt.Sprint(got) != "map[0:[unknown] 1:[acked] 2:[unknown]]" {
		t.Error(got)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
