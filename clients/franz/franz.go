// Package franz runs franz-go's producer inside the harness. It is the
// reference client: always at hand, no process to start.
package franz

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// Name is what scenarios and the command line call this library.
const Name = "franz-go"

// Library opens franz-go producers. Its zero value is ready.
type Library struct {
	Log io.Writer // what franz-go logs, from its level info on; nil for none
}

// Open implements clients.Library. It fails on options that franz-go cannot
// take, naming the option, and when no bootstrap address answers.
func (l Library) Open(ctx context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	opts, err := translate(o)
	if err != nil {
		return nil, fmt.Errorf("open %s producer %s: %w", Name, o.ClientID, err)
	}
	if l.Log != nil {
		opts = append(opts, kgo.WithLogger(kgo.BasicLogger(l.Log, kgo.LogLevelInfo, nil)))
	}
	// NewClient connects to nothing: its errors are about the options.
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(bootstrap...))...)
	if err != nil {
		return nil, fmt.Errorf("open %s producer %s: %w", Name, o.ClientID, &clients.Refused{Err: err})
	}
	if err := client.Ping(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("open %s producer %s: no broker answers at %v: %w", Name, o.ClientID, bootstrap, err)
	}
	p := &producer{client: client, info: describe(o), unconfirmed: o.Acks == "0"}
	if o.TransactionalID == "" {
		return p, nil
	}
	// franz-go would ask for its producer id with the first record only. Asking
	// now fences an older instance now.
	if _, _, err := client.ProducerID(ctx); err != nil {
		client.Close()
		return nil, fmt.Errorf("open %s producer %s: take over transactional id %s: %w", Name, o.ClientID, o.TransactionalID, err)
	}
	return transactional{p}, nil
}

// describe fills in Info from the options as franz-go understands them.
func describe(o clients.Options) clients.Info {
	info := clients.Info{Library: Name, Version: Version(), Deadline: deadline(o)}
	idempotent := o.Idempotence || o.Defaults // its default is on
	if idempotent && !o.Literal && o.InFlight != 0 && o.InFlight != 5 {
		info.Unmapped = append(info.Unmapped, clients.Unmapped{Option: "in_flight", Why: "an idempotent franz-go producer always has up to 5 requests in flight per broker"})
	}
	if o.RetryBackoff > 0 {
		info.Unmapped = append(info.Unmapped, clients.Unmapped{Option: "retry_backoff", Why: "it holds for requests that fail as a whole; a batch that a broker refuses is sent again as soon as metadata was updated"})
	}
	switch {
	case idempotent:
		info.OrderPromised = true
		info.OrderWhy = "idempotent writes keep the order of Produce calls through retries, at most five requests in flight"
	case inFlight(o) == 1:
		info.OrderPromised = true
		info.OrderWhy = "one request in flight per broker: a retry cannot be overtaken"
	default:
		info.OrderWhy = fmt.Sprintf("idempotence off and %d requests in flight: a retry may be overtaken", inFlight(o))
	}
	return info
}

// deadline is how long a record may take on a healthy cluster: one request that
// runs into its timeout (its answer was lost just before healing), a reconnect,
// and the next try; and the delivery timeout where one is set, since franz-go
// looks at it only between attempts.
func deadline(o clients.Options) time.Duration {
	return o.DeliveryTimeout + 2*requestTimeout(o) + 10*time.Second
}

// Version is the version of franz-go that this binary was built with.
func Version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range build.Deps {
			if dep.Path == "github.com/twmb/franz-go" {
				return dep.Version
			}
		}
	}
	return "unknown"
}

type producer struct {
	client *kgo.Client
	info   clients.Info
	// unconfirmed: acks 0. franz-go then reports success once a request is
	// written to its socket, with an offset that no broker gave.
	unconfirmed bool
	unanswered  sync.WaitGroup // records without a callback
}

func (p *producer) Info() clients.Info { return p.info }

// Send hands one record to kgo.Produce, whose promise is called exactly once.
func (p *producer) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	record := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value}
	p.unanswered.Add(1)
	p.client.Produce(ctx, record, func(sent *kgo.Record, err error) {
		defer p.unanswered.Done()
		if err != nil {
			done(result(err))
			return
		}
		if p.unconfirmed {
			done(clients.Result{Outcome: outcome.Unknown, Offset: outcome.NoOffset, Error: "acks 0: sent, and no broker confirms it"})
			return
		}
		done(clients.Result{Outcome: outcome.Acked, Offset: sent.Offset})
	})
}

func (p *producer) Flush(ctx context.Context) error {
	if err := p.client.Flush(ctx); err != nil {
		return fmt.Errorf("flush %s: %w", Name, err)
	}
	return nil
}

// Close ends the client. kgo fails what is still buffered, and calls it back,
// some of it after its Close has returned.
func (p *producer) Close(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		p.client.Close()
		p.unanswered.Wait()
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close %s: %w", Name, ctx.Err())
	}
}
