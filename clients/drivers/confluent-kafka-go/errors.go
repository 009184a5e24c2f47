//go:build ignore

package main

import (
	"errors"

	"github.com/confluentinc/confluent-kafka-go/v2/kafka"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// errClosed is why a record has no report.
var errClosed = errors.New("closed before there was a delivery report")

// code is librdkafka's number of an error: Kafka's own codes, and below -1 those
// of the client itself.
func code(err error) kafka.ErrorCode {
	var e kafka.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// refused is the result of a record that Produce returned an error for. It is
// certain, whatever the error: "Returns an error if message could not be
// enqueued" (Produce in kafka/producer.go), since rd_kafka_producev either puts
// the message into its queue and reports delivery later, or returns the error
// and has forgotten it (RD_KAFKA_MSG_F_COPY).
func refused(err error) clients.Result {
	r := result(err)
	r.Outcome = outcome.Failed
	return r
}

// result says what came of a record by its delivery report. No error in one is
// certain: the Go library does not pass on librdkafka's message status, and
// without it also "purged in queue" and "message timed out" may be about a
// message that was sent before.
func result(err error) clients.Result {
	r := golang.Unknown(err)
	var e kafka.Error
	if !errors.As(err, &e) {
		return r
	}
	r.Retriable = e.IsRetriable()
	if e.Code() < -1 {
		r.Class = e.Code().String() // "Local: Message timed out"
		return r
	}
	r.Code = int16(e.Code())
	r.Class = golang.CodeName(r.Code)
	return r
}
