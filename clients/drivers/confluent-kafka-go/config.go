//go:build ignore

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

// manyRetries stands for no limit: the largest number that every version takes.
const manyRetries = 10_000_000

// brokersLimit is the largest batch that brokers take unless told otherwise
// (message.max.bytes).
const brokersLimit = 1_048_588

// mostInFlight is what brokers remember of an idempotent producer.
const mostInFlight = 5

const (
	defaultTimeout  = 60 * time.Second  // socket.timeout.ms
	defaultDelivery = 300 * time.Second // delivery.timeout.ms
)

// configure maps the common vocabulary to librdkafka's properties. Combinations
// that librdkafka itself refuses, such as idempotence and acks 1, are left to it.
func configure(bootstrap []string, o clients.Options) (kafka.ConfigMap, golang.Unmapped, error) {
	if err := golang.Check(o); err != nil {
		return nil, nil, err
	}
	var unmapped golang.Unmapped
	c := kafka.ConfigMap{
		"bootstrap.servers": strings.Join(bootstrap, ","),
		"client.id":         o.ClientID,
		// The default of both is 1,000,000, which is too small for a value of 1 MiB,
		// but right for a batch.
		"message.max.bytes": golang.LargestRecord, "batch.size": 1_000_000,
		// Channels of the Go side that hardly anything comes through: they would have
		// room for a million.
		"go.events.channel.size": 1000, "go.produce.channel.size": 1,
	}
	set := func(property string, value any, given bool) {
		if given {
			c[property] = value
		}
	}
	milliseconds := func(property string, value time.Duration) {
		set(property, int(value.Milliseconds()), value > 0)
	}
	set("enable.idempotence", o.Idempotence, !o.Defaults)
	set("acks", o.Acks, o.Acks != "")
	set("max.in.flight.requests.per.connection", o.InFlight, o.InFlight > 0)
	if o.Idempotence && o.InFlight > mostInFlight && !o.Literal {
		c["max.in.flight.requests.per.connection"] = mostInFlight
		unmapped.Add("in_flight", "%d: an idempotent librdkafka producer takes no more", mostInFlight)
	}
	set("batch.size", o.BatchSize, o.BatchSize > 0)
	set("compression.type", o.Compression, o.Compression != "")
	set("retries", o.Retries, o.Retries > 0 || o.NoRetries)
	if o.Retries > 0 {
		// rd_kafka_handle_Produce_error counts no attempt after which it asks for new
		// metadata, but for lost connections and storage errors.
		unmapped.Add("retries", "attempts that a broker refused since it does not lead the partition (3, 5, 6) are not counted: these go on until the delivery timeout")
	}
	if o.Retries < 0 {
		c["retries"] = manyRetries
		unmapped.Add("retries", "%d, the most that every version takes", manyRetries)
	}
	milliseconds("linger.ms", o.Linger)
	milliseconds("retry.backoff.ms", o.RetryBackoff)
	milliseconds("retry.backoff.max.ms", o.RetryBackoff)
	milliseconds("socket.timeout.ms", o.RequestTimeout)  // what the client waits
	milliseconds("request.timeout.ms", o.RequestTimeout) // what the broker is told
	milliseconds("delivery.timeout.ms", o.DeliveryTimeout)
	milliseconds("topic.metadata.refresh.interval.ms", o.MetadataMaxAge)
	set("transactional.id", o.TransactionalID, o.TransactionalID != "")
	milliseconds("transaction.timeout.ms", o.TransactionTimeout)
	return c, unmapped, nil
}

// create makes the client, without the properties that its version does not
// know. Before batch.size came, with 1.5, message.max.bytes was the limit of
// batches too. Before retry.backoff.max.ms came the backoff did not grow.
func create(c kafka.ConfigMap, o clients.Options, unmapped *golang.Unmapped) (*kafka.Producer, error) {
	client, err := kafka.NewProducer(&c)
	for ; err != nil; client, err = kafka.NewProducer(&c) {
		switch {
		case leaveOut(c, "batch.size", err):
			c["message.max.bytes"] = brokersLimit
			if o.BatchSize > 0 {
				unmapped.Add("batch_size", "%d, with no more than 10000 records: batch.size came with 1.5", brokersLimit)
			}
		case leaveOut(c, "retry.backoff.max.ms", err):
		default: // it has connected to nothing yet
			return nil, &clients.Refused{Err: err}
		}
	}
	return client, nil
}

// leaveOut takes a property out, if an error says that there is no such thing.
func leaveOut(c kafka.ConfigMap, property string, err error) bool {
	if _, set := c[property]; !set || !strings.Contains(err.Error(), fmt.Sprintf("No such configuration property: %q", property)) {
		return false
	}
	delete(c, property)
	return true
}

// describe says what an open producer promises.
func describe(o clients.Options, unmapped golang.Unmapped) clients.Info {
	info := clients.Info{Library: name, Version: golang.Version(module), Deadline: deadline(o), Unmapped: unmapped}
	switch {
	case o.Idempotence:
		info.OrderPromised = true
		info.OrderWhy = "enable.idempotence: messages are produced in the order of the Produce calls, by sequence numbers"
	case o.InFlight == 1:
		info.OrderPromised = true
		info.OrderWhy = "max.in.flight.requests.per.connection 1: a retry cannot be overtaken"
	default:
		info.OrderWhy = "more than one request in flight without idempotence: a retry may be overtaken"
	}
	return info
}

// deadline is when a record is answered at the latest: soon after its delivery
// timeout, which librdkafka looks at every second; sooner on a healthy cluster,
// after one request that runs into its timeout and a reconnect, whose backoff
// grows to 10 s.
func deadline(o clients.Options) time.Duration {
	request, delivery := defaultTimeout, defaultDelivery
	if o.RequestTimeout > 0 {
		request = o.RequestTimeout
	}
	if o.DeliveryTimeout > 0 {
		delivery = o.DeliveryTimeout
	}
	return min(delivery+10*time.Second, 2*request+20*time.Second) + o.Linger
}
