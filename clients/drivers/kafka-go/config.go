//go:build ignore

package main

import (
	"fmt"
	"log"
	"math"
	"os"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

// The Writer's own defaults.
const (
	defaultTimeout = 10 * time.Second // ReadTimeout, WriteTimeout
	defaultLinger  = time.Second      // BatchTimeout
)

// orderWhy: the documentation says nothing about order. Its maintainers took it
// for a bug that a call with more messages than a batch holds mixed them up, and
// 0.4.18 was the first that "maintains messaging order across batches"
// (partitionWriter in writer.go).
const orderWhy = "calls of WriteMessages overlap, which promises nothing; within a call a partition's batches are to be written one after the other, attempts included (kafka-go issue 686, a bug up to 0.4.17)"

var acks = map[string]kafka.RequiredAcks{"all": kafka.RequireAll, "1": kafka.RequireOne, "0": kafka.RequireNone}

var codecs = map[string]kafka.Compression{
	"": 0, "none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd,
}

// configure maps the common vocabulary to a Writer.
func configure(bootstrap []string, o clients.Options) (*kafka.Writer, clients.Info, error) {
	lacks := ""
	switch {
	case o.Idempotence:
		lacks = "idempotence"
	case o.TransactionalID != "":
		lacks = "transactional_id"
	}
	if lacks != "" {
		return nil, clients.Info{}, &clients.Unsupported{Option: lacks, Why: "kafka-go's Writer has no producer id"}
	}
	if err := golang.Check(o); err != nil {
		return nil, clients.Info{}, err
	}
	var unmapped golang.Unmapped
	w := &kafka.Writer{
		Addr:         kafka.TCP(bootstrap...),
		RequiredAcks: acks[o.Acks], // not said: 0, RequireNone, as in a Writer of which nothing is set
		Compression:  codecs[o.Compression],
		Transport:    &kafka.Transport{ClientID: o.ClientID, MetadataTTL: o.MetadataMaxAge},
		BatchTimeout: o.Linger,         // 0: a second. A batch that is full does not wait.
		ReadTimeout:  o.RequestTimeout, // 0: ten seconds
		WriteTimeout: o.RequestTimeout,
		ErrorLogger:  log.New(os.Stderr, "kafka-go ", log.LstdFlags|log.Lmicroseconds),
	}
	batches(w, o.BatchSize)
	attempts(w, o, &unmapped)
	if o.InFlight > 1 {
		unmapped.Add("in_flight", "one request at a time on a connection, as many connections as there are requests at a time")
	}
	if o.DeliveryTimeout > 0 {
		unmapped.Add("delivery_timeout", "none: an attempt ends by WriteTimeout, a record by MaxAttempts")
	}
	info := clients.Info{
		Library: name, Version: golang.Version(module), Unmapped: unmapped, OrderInCall: true,
		OrderWhy: orderWhy,
	}
	// One request that runs into its timeout just before healing, and the next try.
	info.Deadline = 2*either(o.RequestTimeout, defaultTimeout) + 10*time.Second + either(o.Linger, defaultLinger) + o.RetryBackoff
	return w, info, nil
}

// batches sets BatchBytes, the one limit that a Writer has for a batch and for a
// message: what is larger is refused. Left alone, at 1 MiB, it would be too
// small for a value of 1 MiB. BatchSize, a number of messages, stays at 100.
func batches(w *kafka.Writer, size int) {
	if w.BatchBytes = int64(size); size == 0 {
		fmt.Fprintf(os.Stderr, "BatchBytes is %d instead of %d, so that a value may have 1 MiB\n", golang.LargestRecord, 1<<20)
		w.BatchBytes = golang.LargestRecord
	}
}

// attempts sets how often a batch is tried, and the pauses in between.
func attempts(w *kafka.Writer, o clients.Options, unmapped *golang.Unmapped) {
	switch {
	case o.NoRetries:
		w.MaxAttempts = 1
	case o.Retries > 0:
		w.MaxAttempts = o.Retries + 1
	case o.Retries < 0:
		w.MaxAttempts = math.MaxInt32
		unmapped.Add("retries", "%d attempts: kafka-go has no value for no limit", w.MaxAttempts)
	}
	if o.RetryBackoff > 0 && !(golang.SetField(w, "WriteBackoffMin", o.RetryBackoff) && golang.SetField(w, "WriteBackoffMax", o.RetryBackoff)) {
		unmapped.Add("retry_backoff", "100 ms, growing to 1 s, fixed in this version")
	}
}

func either(given, instead time.Duration) time.Duration {
	if given > 0 {
		return given
	}
	return instead
}
