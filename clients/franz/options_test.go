package franz

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

func TestABadOptionIsRefusedByNameWithWhatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		o    clients.Options
		says string
	}{
		{clients.Options{Acks: "most"}, `acks "most": want all, 1 or 0`},
		{clients.Options{Idempotence: true, Acks: "1"}, `idempotency requires acks=all`},
		{clients.Options{Idempotence: true, Acks: "0"}, `idempotency requires acks=all`},
		{clients.Options{InFlight: -1}, "in_flight -1: want 1 to"},
		{clients.Options{Compression: "rar"}, `compression "rar": want none, gzip, snappy, lz4 or zstd`},
		{clients.Options{RequestTimeout: 100 * time.Millisecond}, "request_timeout 100ms is below 200ms"},
		{clients.Options{RequestTimeout: -time.Second}, "request_timeout -1s: want"},
		{clients.Options{RequestTimeout: time.Hour}, "request_timeout 1h0m0s: want"},
		{clients.Options{DeliveryTimeout: time.Millisecond}, "delivery_timeout 1ms: want 1s to"},
		{clients.Options{BatchSize: 511}, "batch_size 511: want 512 to"},
		{clients.Options{BatchSize: 1 << 32}, "batch_size 4294967296: want 512 to"},
		{clients.Options{Retries: -2}, "retries -2: want -1 to"},
		{clients.Options{Linger: 2 * time.Minute}, "linger 2m0s: want"},
		{clients.Options{RetryBackoff: -1}, "retry_backoff -1ns: want"},
		{clients.Options{MetadataMaxAge: time.Millisecond}, "metadata_max_age 1ms: want 100ms to"},
	} {
		_, err := Library{}.Open(t.Context(), []string{"127.0.0.1:1"}, c.o)
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "no broker answers") {
			t.Errorf("%+v: %v, want %q", c.o, err, c.says)
		}
	}
}

func TestAGoodOptionIsTakenByTheClient(t *testing.T) {
	for _, o := range []clients.Options{
		{}, {Idempotence: true}, {Idempotence: true, InFlight: 5, Acks: "all"}, {Acks: "1"}, {Acks: "0"}, {InFlight: 20},
		{Compression: "none"}, {Compression: "gzip"}, {Compression: "snappy"}, {Compression: "lz4"}, {Compression: "zstd"},
		{Linger: time.Minute}, {BatchSize: 512}, {BatchSize: 100 << 20}, {Retries: -1}, {Retries: 3}, {RetryBackoff: time.Millisecond},
		{RequestTimeout: 200 * time.Millisecond}, {RequestTimeout: 30 * time.Minute}, {DeliveryTimeout: time.Second},
		{MetadataMaxAge: 100 * time.Millisecond}, {MetadataMaxAge: time.Hour},
	} {
		opts, err := translate(o)
		if err == nil {
			var client *kgo.Client
			if client, err = kgo.NewClient(opts...); err == nil {
				client.Close()
			}
		}
		if err != nil {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestOrderIsPromisedOnlyWhereARetryCannotBeOvertaken(t *testing.T) {
	for _, c := range []struct {
		o        clients.Options
		promised bool
	}{
		{clients.Options{Idempotence: true}, true},
		{clients.Options{Idempotence: true, InFlight: 5}, true},
		{clients.Options{}, true}, // franz-go's default is one in flight
		{clients.Options{InFlight: 1}, true},
		{clients.Options{InFlight: 2}, false},
		{clients.Options{InFlight: 5, Acks: "1"}, false},
	} {
		info := describe(c.o)
		if info.OrderPromised != c.promised || info.OrderWhy == "" || info.Library != "franz-go" || info.Version == "" {
			t.Errorf("%+v: %+v", c.o, info)
		}
	}
}

func TestAnOptionThatIsNotInForceAsAskedIsSaid(t *testing.T) {
	for _, c := range []struct {
		o    clients.Options
		want string // options that are not in force
	}{
		{clients.Options{Idempotence: true}, ""},
		{clients.Options{Idempotence: true, InFlight: 5}, ""},
		{clients.Options{Idempotence: true, InFlight: 1}, "in_flight"},
		{clients.Options{Idempotence: true, InFlight: 6}, "in_flight"},
		{clients.Options{InFlight: 6}, ""},
		{clients.Options{RetryBackoff: time.Second}, "retry_backoff"},
	} {
		var got []string
		for _, u := range describe(c.o).Unmapped {
			got = append(got, u.Option)
			if u.Why == "" {
				t.Errorf("%+v: %s, without a reason", c.o, u.Option)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %q, want %q", c.o, got, c.want)
		}
	}
}

func TestTheDeadlineLeavesTimeForARequestThatTimesOutAndItsRetry(t *testing.T) {
	for _, c := range []struct {
		o    clients.Options
		want time.Duration
	}{
		{clients.Options{}, 50 * time.Second},
		{clients.Options{RequestTimeout: 2 * time.Second}, 14 * time.Second},
		{clients.Options{RequestTimeout: 2 * time.Second, DeliveryTimeout: 30 * time.Second}, 44 * time.Second},
	} {
		if got := describe(c.o).Deadline; got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
}

func TestAnOutcomeIsUnknownUnlessTheRecordCertainlyNeverLeft(t *testing.T) {
	for _, c := range []struct {
		err  error
		want history.Outcome
	}{
		{kgo.ErrMaxBuffered, history.Failed},
		{fmt.Errorf("produce: %w", kgo.ErrMaxBuffered), history.Failed},
		{kgo.ErrRecordTimeout, history.Unknown},
		{kgo.ErrRecordRetries, history.Unknown},
		{kgo.ErrClientClosed, history.Unknown},
		{kerr.RequestTimedOut, history.Unknown},
		{kerr.NotEnoughReplicasAfterAppend, history.Unknown},
		{kerr.NotLeaderForPartition, history.Unknown},
		{kerr.OutOfOrderSequenceNumber, history.Unknown},
		{kerr.MessageTooLarge, history.Unknown},
		{errors.New("anything"), history.Unknown},
	} {
		if got := told(c.err); got != c.want {
			t.Errorf("%v: %v, want %v", c.err, got, c.want)
		}
	}
}
