//go:build ignore

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/IBM/sarama"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

// manyRetries stands for no limit: sarama makes room for each of them.
const manyRetries = 10_000

var acks = map[string]sarama.RequiredAcks{
	"all": sarama.WaitForAll, "1": sarama.WaitForLocal, "0": sarama.NoResponse,
}

var codecs = map[string]sarama.CompressionCodec{
	"": sarama.CompressionNone, "none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

// configure maps the common vocabulary to sarama's configuration. Combinations
// that sarama itself refuses, such as idempotence and acks 1, are left to it.
func configure(o clients.Options) (*sarama.Config, golang.Unmapped, error) {
	if err := golang.Check(o); err != nil {
		return nil, nil, err
	}
	var unmapped golang.Unmapped
	c := sarama.NewConfig()
	c.ClientID = o.ClientID
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Producer.Return.Successes, c.Producer.Return.Errors = true, true
	if o.Acks != "" { // else sarama's own: WaitForLocal
		c.Producer.RequiredAcks = acks[o.Acks]
	}
	c.Producer.Idempotent = o.Idempotence
	c.Producer.Compression = codecs[o.Compression]
	if o.InFlight > 0 {
		c.Net.MaxOpenRequests = o.InFlight
	}
	if o.Idempotence {
		least(c, sarama.V0_11_0_0)
		// Without it set to 1 sarama refuses the configuration, its own default too.
		if !o.Literal || o.InFlight == 0 {
			if o.InFlight > 1 {
				unmapped.Add("in_flight", "1: an idempotent sarama producer takes no other Net.MaxOpenRequests")
			}
			c.Net.MaxOpenRequests = 1
		}
	}
	if o.Compression == "zstd" {
		least(c, sarama.V2_1_0_0)
	}
	batches(c, o.BatchSize)
	if o.Linger > 0 {
		c.Producer.Flush.Frequency = o.Linger
	}
	switch {
	case o.NoRetries:
		c.Producer.Retry.Max = 0
	case o.Retries > 0:
		c.Producer.Retry.Max = o.Retries
	case o.Retries < 0:
		c.Producer.Retry.Max = manyRetries
		unmapped.Add("retries", "%d: sarama has no value for no limit", manyRetries)
	}
	if o.RetryBackoff > 0 {
		c.Producer.Retry.Backoff = o.RetryBackoff
	}
	if o.RequestTimeout > 0 {
		// sarama compares these three with a socket timeout, and the last with the
		// request timeout that other clients tell the broker.
		c.Net.DialTimeout, c.Net.ReadTimeout, c.Net.WriteTimeout = o.RequestTimeout, o.RequestTimeout, o.RequestTimeout
		c.Producer.Timeout = o.RequestTimeout
	}
	if o.DeliveryTimeout > 0 {
		unmapped.Add("delivery_timeout", "none: attempts end by their timeouts, a record by the number of retries (%d)", c.Producer.Retry.Max)
	}
	if o.MetadataMaxAge > 0 {
		c.Metadata.RefreshFrequency = o.MetadataMaxAge
	}
	if err := transact(c, o); err != nil {
		return nil, nil, err
	}
	return c, unmapped, nil
}

// least raises the protocol version that sarama speaks, if its default is below.
func least(c *sarama.Config, version sarama.KafkaVersion) {
	if !c.Version.IsAtLeast(version) {
		c.Version = version
	}
}

// batches sets the one limit that sarama has for a batch and for a record: what
// is larger than a batch may be is refused. Left alone it would be too small
// for a value of 1 MiB.
func batches(c *sarama.Config, size int) {
	if size > 0 {
		c.Producer.MaxMessageBytes = size
		return
	}
	fmt.Fprintf(os.Stderr, "Producer.MaxMessageBytes is %d instead of %d, so that a value may have 1 MiB\n", golang.LargestRecord, c.Producer.MaxMessageBytes)
	c.Producer.MaxMessageBytes = golang.LargestRecord
}

// describe says what an open producer promises.
func describe(o clients.Options, c *sarama.Config, unmapped golang.Unmapped) clients.Info {
	info := clients.Info{
		Library: name, Version: golang.Version(module), Unmapped: unmapped,
		// One request that runs into its timeout just before healing, and the next
		// try. It is also as long as a breaker of sarama's stays open (10 s).
		Deadline: 2*c.Net.ReadTimeout + 10*time.Second + c.Producer.Retry.Backoff + c.Producer.Flush.Frequency,
	}
	switch {
	case o.Idempotence:
		info.OrderPromised = true
		info.OrderWhy = "Producer.Idempotent: stricter ordering by Net.MaxOpenRequests 1 and sequence numbers"
	case c.Net.MaxOpenRequests == 1:
		info.OrderPromised = true
		info.OrderWhy = "Net.MaxOpenRequests 1: a retry cannot be overtaken"
	default:
		info.OrderWhy = fmt.Sprintf("Net.MaxOpenRequests %d without idempotence: sarama's documentation says that order is not guaranteed", c.Net.MaxOpenRequests)
	}
	return info
}
