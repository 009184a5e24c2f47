//go:build ignore

// The driver of segmentio's kafka-go: its Writer, one WriteMessages call for
// each send, in a goroutine of its own since it blocks until the answer is there.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/segmentio/kafka-go"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
	"github.com/idemcheck/idemcheck/history/outcome"
)

const name = "kafka-go"

// module is the path that the build information has the library under.
const module = "github.com/segmentio/kafka-go"

func main() {
	if err := driver.Serve(library{}, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

type library struct{}

// Open makes a Writer and asks for metadata: the Writer itself connects with its
// first message only.
func (library) Open(ctx context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	writer, info, err := configure(bootstrap, o)
	if err != nil {
		return nil, err
	}
	client := &kafka.Client{Addr: writer.Addr, Transport: writer.Transport, Timeout: writer.ReadTimeout}
	if _, err := client.Metadata(ctx, &kafka.MetadataRequest{}); err != nil {
		return nil, fmt.Errorf("open %s producer: no broker answers at %v: %w", name, bootstrap, err)
	}
	p := &producer{writer: writer, info: info, unconfirmed: writer.RequiredAcks == kafka.RequireNone}
	writer.Balancer = kafka.BalancerFunc(p.sent.partition)
	writer.Completion = p.sent.complete
	return p, nil
}

// producer is one Writer.
type producer struct {
	writer      *kafka.Writer
	info        clients.Info
	unconfirmed bool // acks 0
	pending     golang.Pending
	sent        sent
}

func (p *producer) Info() clients.Info { return p.info }

func (p *producer) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	p.SendAll(ctx, []clients.Record{r}, func(_ int, result clients.Result) { done(result) })
}

// SendAll begins a call of WriteMessages and does not wait for it.
func (p *producer) SendAll(ctx context.Context, records []clients.Record, done func(int, clients.Result)) {
	pending := make([]*golang.Record, len(records))
	for i := range records {
		pending[i] = p.pending.Add(func(result clients.Result) { done(i, result) })
	}
	messages, tags := p.sent.tag(records)
	go func() {
		err := p.writer.WriteMessages(ctx, messages...)
		offsets := p.sent.take(tags)
		for i, record := range pending {
			record.Answer(p.result(i, offsets[i], err))
		}
	}()
}

// result is what WriteMessages returned, for one message of the call. An error
// that is no WriteErrors is about all of them.
func (p *producer) result(i int, offset int64, err error) clients.Result {
	if each := (kafka.WriteErrors)(nil); errors.As(err, &each) {
		if err = each[i]; err != nil {
			return failure(err)
		}
	} else if err != nil {
		r := failure(err)
		if neverWritten(err) {
			r.Outcome = outcome.Failed
		}
		return r
	}
	if p.unconfirmed {
		return golang.Unconfirmed()
	}
	return golang.Acked(offset)
}

// Flush waits: the Writer has no call that would make it send at once.
func (p *producer) Flush(ctx context.Context) error {
	if err := p.pending.Wait(ctx); err != nil {
		return fmt.Errorf("flush %s: %w", name, err)
	}
	return nil
}

// Close has the Writer close, which means to write what it still has first.
func (p *producer) Close(ctx context.Context) error {
	closed := make(chan error, 1)
	go func() { closed <- p.writer.Close() }()
	select {
	case err := <-closed:
		if err == nil {
			err = p.pending.Wait(ctx)
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("close %s: %w", name, context.Cause(ctx))
	}
}

var _ clients.Batcher = &producer{}
