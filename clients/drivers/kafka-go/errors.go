//go:build ignore

package main

import (
	"errors"
	"io"

	"github.com/segmentio/kafka-go"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/drivers/golang"
)

// neverWritten says whether an error that WriteMessages returned for the whole
// call proves that none of its messages was put into a batch.
func neverWritten(err error) bool {
	// The sizes are looked at before anything else: one message that is too large
	// ends the call (Writer.WriteMessages in writer.go).
	var large kafka.MessageTooLargeError
	if errors.As(err, &large) {
		return true
	}
	// The Writer was closed when the call began (the same, Writer.enter). What a
	// batch runs into comes in WriteErrors.
	return errors.Is(err, io.ErrClosedPipe)
}

// failure is the result of a message that was not written, as far as is known.
func failure(err error) clients.Result {
	r := golang.Unknown(err)
	var temporary interface{ Temporary() bool }
	r.Retriable = errors.As(err, &temporary) && temporary.Temporary()
	var code kafka.Error
	if errors.As(err, &code) {
		r.Class, r.Code = golang.CodeName(int16(code)), int16(code)
	}
	return r
}
