//go:build ignore

package main

import (
	"errors"

	"github.com/IBM/sarama"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// neverSent says whether an error proves that no request carried the record.
// Everything else is unknown, also what sounds definite: ErrMessageSizeTooLarge
// is what old versions say before they send and what brokers answer,
// ErrShuttingDown is also given to batches that were sent before.
func neverSent(err error) bool {
	// The partitioner runs before a record's first attempt only, and its record
	// goes no further (topicProducer.partitionMessage in async_producer.go).
	if errors.Is(err, sarama.ErrInvalidPartition) {
		return true
	}
	// Of a record, the dispatcher alone says this, when it is larger than
	// Producer.MaxMessageBytes, which is as true of the first attempt as of any
	// (asyncProducer.dispatcher in async_producer.go).
	var refused sarama.ConfigurationError
	return errors.As(err, &refused)
}

// named are errors whose type says nothing.
var named = map[error]string{
	sarama.ErrOutOfBrokers:       "ErrOutOfBrokers",
	sarama.ErrClosedClient:       "ErrClosedClient",
	sarama.ErrIncompleteResponse: "ErrIncompleteResponse",
	sarama.ErrInvalidPartition:   "ErrInvalidPartition",
	sarama.ErrAlreadyConnected:   "ErrAlreadyConnected",
	sarama.ErrNotConnected:       "ErrNotConnected",
	sarama.ErrShuttingDown:       "ErrShuttingDown",
}

// result says what came of a record that failed. sarama calls no error
// retriable: it has retried what it means to.
func result(err error) clients.Result {
	r := golang.Unknown(err)
	if neverSent(err) {
		r.Outcome = outcome.Failed
	}
	var code sarama.KError
	if errors.As(err, &code) {
		r.Class, r.Code = golang.CodeName(int16(code)), int16(code)
		return r
	}
	for known, class := range named {
		if errors.Is(err, known) {
			r.Class = class
		}
	}
	return r
}
