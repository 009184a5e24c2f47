//go:build ignore

// The driver of sarama: its AsyncProducer, fed through the input channel by one
// goroutine. The import path is that of today; clients/provision puts the old
// one in its place for versions from before the move.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/IBM/sarama"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

const name = "sarama"

// module is the path that the build information has sarama under.
const module = "github.com/IBM/sarama"

func main() {
	sarama.Logger = log.New(os.Stderr, "sarama ", log.LstdFlags|log.Lmicroseconds)
	if err := driver.Serve(library{}, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

type library struct{}

// Open connects and, with idempotence, gets the producer id: sarama does both
// when it makes the producer.
func (library) Open(ctx context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	config, unmapped, err := configure(o)
	if err != nil {
		return nil, err
	}
	type opened struct {
		async sarama.AsyncProducer
		err   error
	}
	opens := make(chan opened, 1)
	go func() {
		async, err := sarama.NewAsyncProducer(bootstrap, config)
		opens <- opened{async, err}
	}()
	select {
	case got := <-opens:
		if refused := sarama.ConfigurationError(""); errors.As(got.err, &refused) {
			got.err = &clients.Refused{Err: got.err}
		}
		if got.err != nil {
			return nil, fmt.Errorf("open %s producer: %w", name, got.err)
		}
		p := newProducer(got.async, describe(o, config, unmapped), o.Acks == "0")
		if o.TransactionalID != "" {
			return transactional{p, got.async.(transactions)}, nil
		}
		return p, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("open %s producer: %w", name, context.Cause(ctx))
	}
}

// producer is sarama's asynchronous producer.
type producer struct {
	async       sarama.AsyncProducer
	info        clients.Info
	unconfirmed bool // acks 0
	pending     golang.Pending
	drained     chan struct{} // closed when sarama has closed both its channels
}

func newProducer(async sarama.AsyncProducer, info clients.Info, unconfirmed bool) *producer {
	p := &producer{async: async, info: info, unconfirmed: unconfirmed, drained: make(chan struct{})}
	failures := make(chan struct{})
	go func() {
		defer close(failures)
		for failed := range async.Errors() {
			failed.Msg.Metadata.(*golang.Record).Answer(result(failed.Err))
		}
	}()
	go func() {
		defer close(p.drained)
		for sent := range async.Successes() {
			sent.Metadata.(*golang.Record).Answer(p.success(sent))
		}
		<-failures
	}()
	return p
}

func (p *producer) success(sent *sarama.ProducerMessage) clients.Result {
	if p.unconfirmed {
		return golang.Unconfirmed()
	}
	return golang.Acked(sent.Offset)
}

func (p *producer) Info() clients.Info { return p.info }

// Send blocks while sarama takes nothing in.
func (p *producer) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	record := p.pending.Add(done)
	message := &sarama.ProducerMessage{
		Topic: r.Topic, Partition: r.Partition, Value: sarama.ByteEncoder(r.Value), Metadata: record,
		// sarama leaves the offset alone where it reports success without one: for
		// DUPLICATE_SEQUENCE_NUMBER, which would read as offset 0.
		Offset: -1,
	}
	if r.Key != nil {
		message.Key = sarama.ByteEncoder(r.Key)
	}
	select {
	case p.async.Input() <- message:
	case <-ctx.Done():
		record.Answer(golang.Never(fmt.Errorf("not handed over: %w", context.Cause(ctx))))
	}
}

// Flush waits: sarama has no call that would make it send at once.
func (p *producer) Flush(ctx context.Context) error {
	if err := p.pending.Wait(ctx); err != nil {
		return fmt.Errorf("flush %s: %w", name, err)
	}
	return nil
}

// Close has sarama close, which means to send what it still has and to return
// every record first.
func (p *producer) Close(ctx context.Context) error {
	p.async.AsyncClose()
	select {
	case <-p.drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close %s: %w", name, context.Cause(ctx))
	}
}
