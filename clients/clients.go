// Package clients is a producer of any library, seen by a workload. The
// adapters live in subpackages: clients/franz runs in process, clients/process
// has a driver program run any other.
//
// An adapter never retries on its own, never hides an error, and maps errors
// to outcomes by a table that defaults to unknown. It knows nothing of
// clusters, proxies or faults.
//
// This package, clients/driver and clients/franz lean on the standard library
// and the client library only: they are also built into driver programs, each
// with its own version of a library (clients/provision).
package clients

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history/outcome"
)

// Options is the vocabulary that scenarios use for every library. A zero value
// leaves the library's own default in force.
type Options struct {
	ClientID    string
	Idempotence bool
	// Defaults: nothing is said of idempotence (Idempotence is false then), so
	// that the library's own default holds, whatever it makes of the rest.
	Defaults bool
	// Literal: everything is handed to the library as it stands here, also what a
	// driver otherwise puts right for it, and the library may refuse it.
	Literal         bool
	Acks            string // all, 1, 0; empty: all, and with Defaults not said
	InFlight        int    // produce requests in flight per broker
	Linger          time.Duration
	BatchSize       int    // most bytes in a batch
	Compression     string // none, gzip, snappy, lz4, zstd
	Retries         int    // attempts after the first; -1 is without limit
	NoRetries       bool   // one attempt, no other: what Retries cannot say, whose 0 is the default
	RetryBackoff    time.Duration
	RequestTimeout  time.Duration // client side: give up waiting for an answer
	DeliveryTimeout time.Duration
	MetadataMaxAge  time.Duration
	// TransactionalID makes the producer a Transactional one. TransactionTimeout
	// is how long the coordinator leaves a transaction open.
	TransactionalID    string
	TransactionTimeout time.Duration
}

// Record is one record to send.
type Record struct {
	Topic     string
	Partition int32
	Key       []byte // nil for none
	Value     []byte
}

// Result is what the client reported for one record.
type Result struct {
	Outcome outcome.Outcome // acked, failed or unknown
	Offset  int64           // outcome.NoOffset unless acked
	Error   string          // one line; empty when acked
	// Class names the error as the library or Kafka does (a type, an error
	// code's name), Code is Kafka's, 0 when there is none, and Retriable says
	// what the library thinks of it. All may be empty.
	Class     string
	Code      int16
	Retriable bool
}

// Info is what an opened producer says of itself.
type Info struct {
	Library string
	Version string // as the library reports it
	// OrderPromised says whether the API promises that Sends made one after the
	// other to one partition land in that order, given these options; OrderInCall
	// whether it promises that for the records of one SendAll only. OrderWhy says
	// on what grounds.
	OrderPromised bool
	OrderInCall   bool
	OrderWhy      string
	// Deadline is how long the client may take over one record on a healthy
	// cluster before it must have called back.
	Deadline time.Duration
	// Unmapped lists the options that were asked for and are not in force as
	// they were asked.
	Unmapped []Unmapped
}

// Unmapped is an option that the library has no place for, or takes another
// value of: what it was asked for is not in force, and the run goes on.
type Unmapped struct {
	Option string `json:"option"` // its name in the vocabulary: delivery_timeout
	Why    string `json:"why"`    // what is in force instead, in a few words
}

// Producer is one producer instance. Send, Flush and Close are called from one
// goroutine; callbacks come from any.
type Producer interface {
	Info() Info
	// Send hands over one record. It may block while the client's buffer is
	// full. done is called exactly once, unless the client hangs.
	Send(ctx context.Context, r Record, done func(Result))
	// Flush waits until everything sent was answered, or ctx ends.
	Flush(ctx context.Context) error
	// Close ends the producer. What is still unanswered is called back first.
	Close(ctx context.Context) error
}

// Batcher is a Producer whose library takes several records in one call. done
// is called exactly once for each record, by its index.
type Batcher interface {
	Producer
	SendAll(ctx context.Context, records []Record, done func(i int, r Result))
}

// Transactional is a Producer that was opened with a transactional id. Its
// methods are called from the goroutine that calls Send.
type Transactional interface {
	Producer
	Begin(ctx context.Context) error
	// Commit and Abort end the transaction, after everything sent in it was
	// answered. They fail with ErrFenced when another instance has taken over;
	// after any other error of Commit, Abort is to be called.
	Commit(ctx context.Context) error
	Abort(ctx context.Context) error
}

// ErrFenced is the error of a producer whose transactional id another instance
// has taken over (KIP-98, KIP-447). It can do nothing more but close.
var ErrFenced = errors.New("fenced: another producer has taken over this transactional id")

// Unsupported is the error of Open when a library has no such thing as an
// option asks for and nothing can stand in for it: idempotence, transactions.
type Unsupported struct {
	Option string // its name in the vocabulary: idempotence
	Why    string
}

// Error names the option and says why.
func (u *Unsupported) Error() string { return fmt.Sprintf("%s: %s", u.Option, u.Why) }

// Refused is the error of Open when the library itself refuses the options that
// it was given. A driver never makes it up: what it cannot pass on is Unsupported
// or Unmapped.
type Refused struct{ Err error }

// Error is the library's own sentence.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap gives the library's error.
func (r *Refused) Unwrap() error { return r.Err }

// Process is a Producer that runs in a process of its own, which can be done
// to what is done to processes. Its methods may be called from any goroutine.
type Process interface {
	Producer
	PID() int
	// Kill ends the process with SIGKILL and waits for its end. Every answer
	// that it had given by then is called back first; then everything that it
	// left unanswered is called back as unknown. how says how it ended, from its
	// wait status: "signal: killed".
	Kill(ctx context.Context) (how string, err error)
	// Pause stops the process with SIGSTOP and returns when it stands still.
	Pause(ctx context.Context) error
	// Resume lets it go on, with SIGCONT. It does nothing to one that runs.
	Resume(ctx context.Context) error
}

// Library opens producers.
type Library interface {
	// Open connects a new producer to the bootstrap addresses.
	Open(ctx context.Context, bootstrap []string, o Options) (Producer, error)
}
