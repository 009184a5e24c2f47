//go:build ignore

// The driver of confluent-kafka-go, which is librdkafka behind cgo: Produce
// with a delivery channel. The import path is that of today; clients/provision
// puts the one without /v2 in its place for versions before 2.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

const name = "confluent-kafka-go"

// module is the path that the build information has the library under.
const module = "github.com/confluentinc/confluent-kafka-go/v2"

// pauseWhenFull is how long a record waits that librdkafka's queue has no room for.
const pauseWhenFull = 5 * time.Millisecond

func main() {
	if err := driver.Serve(library{}, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}

type library struct{}

// Open makes a producer and waits until a broker answers, and with a
// transactional id until the producer has its producer id.
func (library) Open(ctx context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	config, unmapped, err := configure(bootstrap, o)
	if err != nil {
		return nil, err
	}
	client, err := create(config, o, &unmapped)
	if err != nil {
		return nil, fmt.Errorf("open %s producer: %w", name, err)
	}
	_, number := kafka.LibraryVersion()
	fmt.Fprintf(os.Stderr, "librdkafka %s, %s\n", number, kafka.LibrdkafkaLinkInfo)
	p := newProducer(client, describe(o, unmapped), o.Acks == "0")
	if err := connect(ctx, client, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s producer: %w", name, err), p.Close(ctx))
	}
	if o.TransactionalID != "" {
		return transactional{p}, nil
	}
	return p, nil
}

func connect(ctx context.Context, client *kafka.Producer, o clients.Options) error {
	limit := defaultTimeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline)
	}
	if _, err := client.GetMetadata(nil, false, int(limit.Milliseconds())); err != nil {
		return fmt.Errorf("no broker answers: %w", err)
	}
	if o.TransactionalID == "" {
		return nil
	}
	if err := client.InitTransactions(ctx); err != nil {
		return fmt.Errorf("take over transactional id %s: %w", o.TransactionalID, err)
	}
	return nil
}

// producer is one rd_kafka_t.
type producer struct {
	client      *kafka.Producer
	info        clients.Info
	unconfirmed bool // acks 0
	pending     golang.Pending
	reports     chan kafka.Event
	read        chan struct{} // closed when reports is read to its end
}

func newProducer(client *kafka.Producer, info clients.Info, unconfirmed bool) *producer {
	p := &producer{client: client, info: info, unconfirmed: unconfirmed, reports: make(chan kafka.Event, 1000), read: make(chan struct{})}
	go p.readReports()
	go func() { // librdkafka blocks when nobody reads its events
		for event := range client.Events() {
			fmt.Fprintln(os.Stderr, event)
		}
	}()
	return p
}

func (p *producer) readReports() {
	defer close(p.read)
	for event := range p.reports {
		report, ok := event.(*kafka.Message)
		if !ok {
			fmt.Fprintln(os.Stderr, "no delivery report:", event)
			continue
		}
		record := report.Opaque.(*golang.Record)
		switch {
		case report.TopicPartition.Error != nil:
			record.Answer(result(report.TopicPartition.Error))
		case p.unconfirmed:
			record.Answer(golang.Unconfirmed())
		default:
			record.Answer(golang.Acked(int64(report.TopicPartition.Offset)))
		}
	}
}

func (p *producer) Info() clients.Info { return p.info }

// Send blocks while librdkafka's queue is full. A record that found it full was
// not taken in, so handing it over again is no retry of a send.
func (p *producer) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	record := p.pending.Add(done)
	message := &kafka.Message{
		TopicPartition: kafka.TopicPartition{Topic: &r.Topic, Partition: r.Partition},
		Key:            r.Key, Value: r.Value, Opaque: record,
	}
	for {
		err := p.client.Produce(message, p.reports)
		switch {
		case err == nil:
			return
		case code(err) != kafka.ErrQueueFull:
			record.Answer(refused(err))
			return
		}
		select {
		case <-time.After(pauseWhenFull):
		case <-ctx.Done():
			record.Answer(golang.Never(fmt.Errorf("not handed over: %w", context.Cause(ctx))))
			return
		}
	}
}

// Flush waits; newer versions have librdkafka send without lingering.
func (p *producer) Flush(ctx context.Context) error {
	const once = 500 // milliseconds
	for p.client.Flush(once) > 0 {
		if ctx.Err() != nil {
			break
		}
	}
	if err := p.pending.Wait(ctx); err != nil {
		return fmt.Errorf("flush %s: %w", name, err)
	}
	return nil
}

// Close destroys the client. It drops what is unanswered without a word, sent
// or not.
func (p *producer) Close(ctx context.Context) error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		p.client.Close()
		close(p.reports)
		<-p.read
		p.pending.Abandon(golang.Unknown(errClosed))
	}()
	select {
	case <-closed:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close %s: %w", name, context.Cause(ctx))
	}
}
