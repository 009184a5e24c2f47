// Package driver is the driver's side of the protocol by which a client library
// runs in a process of its own: one JSON object a line, commands in, events out.
// PROTOCOL.md describes it, for any language; the types here are its messages,
// and Serve is a driver program for whatever implements clients.Library.
package driver

import (
	"encoding/json"
	"time"

	"github.com/idemcheck/idemcheck/clients"
)

// Version is the newest version of the protocol that this package speaks.
// Options.Protocol says which one an open command needs.
const Version = 2

// Commands, from the harness to a driver.
const (
	Open   = "open"
	Send   = "send"
	Flush  = "flush"
	Begin  = "begin"
	Commit = "commit"
	Abort  = "abort"
	Close  = "close"
)

// Events, from a driver to the harness.
const (
	Ready   = "ready"
	Ack     = "ack"
	Error   = "error"
	Flushed = "flushed"
	Done    = "done"
	Fatal   = "fatal"
	Closed  = "closed"
)

// AppendedNever is the one value of Failure.Appended that proves something.
const AppendedNever = "never"

// ClassUnsupported is the class of a fatal event that says that the library has
// no such thing as the option it names.
const ClassUnsupported = "unsupported"

// OptionProtocol is the option of such an event where it is the version of the
// protocol that the driver does not speak.
const OptionProtocol = "protocol"

// ClassRefused is the class of a fatal event whose message is the library's own
// sentence: it refuses the options.
const ClassRefused = "refused"

// Command is one line to a driver.
type Command struct {
	Command string `json:"command"`
	ID      int64  `json:"id,omitempty"` // flush, begin, commit, abort
	// send
	Records []Record `json:"records,omitempty"`
	// open
	Protocol  int      `json:"protocol,omitempty"`
	Bootstrap []string `json:"bootstrap,omitempty"`
	Options   *Options `json:"options,omitempty"`
}

// Record is one record to send.
type Record struct {
	ID        int64  `json:"id"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Key       string `json:"key,omitempty"` // UTF-8; left out for none
	Value     string `json:"value"`         // UTF-8
}

// Options are a client's options. What is left out keeps the library's default.
type Options struct {
	ClientID             string `json:"client_id"`
	Idempotence          bool   `json:"idempotence"`
	Defaults             bool   `json:"-"` // idempotence is left out
	Acks                 string `json:"acks,omitempty"`
	Literal              bool   `json:"literal,omitempty"`
	InFlight             int    `json:"in_flight,omitempty"`
	LingerMS             int64  `json:"linger_ms,omitempty"`
	BatchSize            int    `json:"batch_size,omitempty"`
	Compression          string `json:"compression,omitempty"`
	Retries              int    `json:"retries,omitempty"`
	NoRetries            bool   `json:"no_retries,omitempty"`
	RetryBackoffMS       int64  `json:"retry_backoff_ms,omitempty"`
	RequestTimeoutMS     int64  `json:"request_timeout_ms,omitempty"`
	DeliveryTimeoutMS    int64  `json:"delivery_timeout_ms,omitempty"`
	MetadataMaxAgeMS     int64  `json:"metadata_max_age_ms,omitempty"`
	TransactionalID      string `json:"transactional_id,omitempty"`
	TransactionTimeoutMS int64  `json:"transaction_timeout_ms,omitempty"`
}

// Event is one line from a driver.
type Event struct {
	Event string `json:"event"`
	ID    int64  `json:"id,omitempty"` // flushed, done
	// ready
	Protocol   int                `json:"protocol,omitempty"`
	Library    string             `json:"library,omitempty"`
	Version    string             `json:"version,omitempty"`
	Order      *Order             `json:"order,omitempty"`
	DeadlineMS int64              `json:"deadline_ms,omitempty"`
	Unmapped   []clients.Unmapped `json:"unmapped,omitempty"`
	// ack
	Acks []Acked `json:"acks,omitempty"`
	// error
	Errors []Failure `json:"errors,omitempty"`
	// fatal
	Class   string `json:"class,omitempty"`
	Option  string `json:"option,omitempty"` // with class unsupported
	Message string `json:"message,omitempty"`
}

// Order is what the library promises about the order of sends.
type Order struct {
	Promised bool   `json:"promised"`          // of sends made one after the other
	InCall   bool   `json:"in_call,omitempty"` // of the records of one send command
	Why      string `json:"why"`
}

// Acked is one record that the library reported as written.
type Acked struct {
	ID        int64 `json:"id"`
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"` // -1 when the library does not say
}

// Failure is one record, or one command, that the library reported as failed.
type Failure struct {
	ID        int64  `json:"id"`
	Class     string `json:"class,omitempty"`
	Code      int16  `json:"code,omitempty"` // Kafka's, 0 for none
	Retriable bool   `json:"retriable,omitempty"`
	Fenced    bool   `json:"fenced,omitempty"`   // another instance has the transactional id
	Appended  string `json:"appended,omitempty"` // "never" when that is certain on every attempt
	Message   string `json:"message"`
}

// plain is Options without methods.
type plain Options

// said is how Options stand in a line: idempotence may be missing.
type said struct {
	plain
	Idempotence *bool `json:"idempotence,omitempty"`
}

// MarshalJSON leaves idempotence out where nothing is said of it.
func (o Options) MarshalJSON() ([]byte, error) {
	s := said{plain: plain(o)}
	if !o.Defaults {
		s.Idempotence = &o.Idempotence
	}
	return json.Marshal(s)
}

// UnmarshalJSON takes a missing idempotence for one of which nothing is said.
func (o *Options) UnmarshalJSON(text []byte) error {
	var s said
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	*o = Options(s.plain)
	if o.Defaults = s.Idempotence == nil; !o.Defaults {
		o.Idempotence = *s.Idempotence
	}
	return nil
}

// Protocol is the least version of the protocol that has all that these options
// say. A driver of version 1 would take idempotence that is left out for false,
// and would pass over the options that came with version 2.
func (o *Options) Protocol() int {
	if o.Defaults || o.Acks == "" || o.NoRetries || o.Literal {
		return 2
	}
	return 1
}

// FromOptions writes options down for a driver.
func FromOptions(o clients.Options) *Options {
	if o.Acks == "" && !o.Defaults {
		o.Acks = "all"
	}
	return &Options{
		ClientID: o.ClientID, Idempotence: o.Idempotence, Defaults: o.Defaults, Literal: o.Literal, Acks: o.Acks,
		InFlight: o.InFlight, LingerMS: o.Linger.Milliseconds(),
		BatchSize: o.BatchSize, Compression: o.Compression, Retries: o.Retries, NoRetries: o.NoRetries, RetryBackoffMS: o.RetryBackoff.Milliseconds(),
		RequestTimeoutMS: o.RequestTimeout.Milliseconds(), DeliveryTimeoutMS: o.DeliveryTimeout.Milliseconds(),
		MetadataMaxAgeMS: o.MetadataMaxAge.Milliseconds(), TransactionalID: o.TransactionalID,
		TransactionTimeoutMS: o.TransactionTimeout.Milliseconds(),
	}
}

// ToOptions reads them.
func (o *Options) ToOptions() clients.Options {
	ms := func(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
	return clients.Options{
		ClientID: o.ClientID, Idempotence: o.Idempotence, Defaults: o.Defaults, Literal: o.Literal, Acks: o.Acks,
		InFlight: o.InFlight, Linger: ms(o.LingerMS),
		BatchSize: o.BatchSize, Compression: o.Compression, Retries: o.Retries, NoRetries: o.NoRetries, RetryBackoff: ms(o.RetryBackoffMS),
		RequestTimeout: ms(o.RequestTimeoutMS), DeliveryTimeout: ms(o.DeliveryTimeoutMS),
		MetadataMaxAge: ms(o.MetadataMaxAgeMS), TransactionalID: o.TransactionalID,
		TransactionTimeout: ms(o.TransactionTimeoutMS),
	}
}
