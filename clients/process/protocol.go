package process

import (
	"time"

	"github.com/idemcheck/idemcheck/clients"
)

// Version is the version of the protocol that this package speaks. PROTOCOL.md
// describes it; the types below are its messages.
const Version = 1

// Commands, from the harness to a driver.
const (
	cmdOpen   = "open"
	cmdSend   = "send"
	cmdFlush  = "flush"
	cmdBegin  = "begin"
	cmdCommit = "commit"
	cmdAbort  = "abort"
	cmdClose  = "close"
)

// Events, from a driver to the harness.
const (
	evReady   = "ready"
	evAck     = "ack"
	evError   = "error"
	evFlushed = "flushed"
	evDone    = "done"
	evFatal   = "fatal"
	evClosed  = "closed"
)

// appendedNever is the one value of failure.Appended that proves something.
const appendedNever = "never"

// command is one line to a driver.
type command struct {
	Command string `json:"command"`
	ID      int64  `json:"id,omitempty"` // flush, begin, commit, abort
	// send
	Records []record `json:"records,omitempty"`
	// open
	Protocol  int      `json:"protocol,omitempty"`
	Bootstrap []string `json:"bootstrap,omitempty"`
	Options   *options `json:"options,omitempty"`
}

// record is one record to send.
type record struct {
	ID        int64  `json:"id"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Value     string `json:"value"`
}

// options are a client's options. What is left out keeps the library's default.
type options struct {
	ClientID             string `json:"client_id"`
	Idempotence          bool   `json:"idempotence"`
	Acks                 string `json:"acks"`
	InFlight             int    `json:"in_flight,omitempty"`
	LingerMS             int64  `json:"linger_ms,omitempty"`
	BatchBytes           int    `json:"batch_bytes,omitempty"`
	Compression          string `json:"compression,omitempty"`
	Retries              int    `json:"retries,omitempty"`
	RetryBackoffMS       int64  `json:"retry_backoff_ms,omitempty"`
	RequestTimeoutMS     int64  `json:"request_timeout_ms,omitempty"`
	DeliveryTimeoutMS    int64  `json:"delivery_timeout_ms,omitempty"`
	MetadataMaxAgeMS     int64  `json:"metadata_max_age_ms,omitempty"`
	TransactionalID      string `json:"transactional_id,omitempty"`
	TransactionTimeoutMS int64  `json:"transaction_timeout_ms,omitempty"`
}

// event is one line from a driver.
type event struct {
	Event string `json:"event"`
	ID    int64  `json:"id,omitempty"` // flushed, done
	// ready
	Protocol   int    `json:"protocol,omitempty"`
	Library    string `json:"library,omitempty"`
	Version    string `json:"version,omitempty"`
	Order      *order `json:"order,omitempty"`
	DeadlineMS int64  `json:"deadline_ms,omitempty"`
	// ack
	Acks []ack `json:"acks,omitempty"`
	// error
	Errors []failure `json:"errors,omitempty"`
	// fatal
	Class   string `json:"class,omitempty"`
	Message string `json:"message,omitempty"`
}

// order is what the library promises about the order of sends.
type order struct {
	Promised bool   `json:"promised"`
	Why      string `json:"why"`
}

// ack is one record that the library reported as written.
type ack struct {
	ID        int64 `json:"id"`
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"` // -1 when the library does not say
}

// failure is one record, or one command, that the library reported as failed.
type failure struct {
	ID        int64  `json:"id"`
	Class     string `json:"class,omitempty"`
	Code      int16  `json:"code,omitempty"` // Kafka's, 0 for none
	Retriable bool   `json:"retriable,omitempty"`
	Fenced    bool   `json:"fenced,omitempty"`   // another instance has the transactional id
	Appended  string `json:"appended,omitempty"` // "never" when that is certain on every attempt
	Message   string `json:"message"`
}

func toOptions(o clients.Options) *options {
	return &options{
		ClientID: o.ClientID, Idempotence: o.Idempotence, Acks: o.Acks, InFlight: o.InFlight, LingerMS: o.Linger.Milliseconds(),
		BatchBytes: o.BatchBytes, Compression: o.Compression, Retries: o.Retries, RetryBackoffMS: o.RetryBackoff.Milliseconds(),
		RequestTimeoutMS: o.RequestTimeout.Milliseconds(), DeliveryTimeoutMS: o.DeliveryTimeout.Milliseconds(),
		MetadataMaxAgeMS: o.MetadataMaxAge.Milliseconds(), TransactionalID: o.TransactionalID,
		TransactionTimeoutMS: o.TransactionTimeout.Milliseconds(),
	}
}

func fromOptions(o *options) clients.Options {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return clients.Options{
		ClientID: o.ClientID, Idempotence: o.Idempotence, Acks: o.Acks, InFlight: o.InFlight, Linger: ms(o.LingerMS),
		BatchBytes: o.BatchBytes, Compression: o.Compression, Retries: o.Retries, RetryBackoff: ms(o.RetryBackoffMS),
		RequestTimeout: ms(o.RequestTimeoutMS), DeliveryTimeout: ms(o.DeliveryTimeoutMS),
		MetadataMaxAge: ms(o.MetadataMaxAgeMS), TransactionalID: o.TransactionalID,
		TransactionTimeout: ms(o.TransactionTimeoutMS),
	}
}
