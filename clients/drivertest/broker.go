package drivertest

import "context"

// Brokers is how many brokers a Broker has. With two, one can keep silent while
// the other answers.
const Brokers = 2

// Broker is the small cluster that one case is tested on. It does what a case
// decides for each produce request, and remembers what came.
type Broker interface {
	// Bootstrap lists the addresses that a driver is given.
	Bootstrap() []string
	// Topic makes a topic that takes values of 1 MiB. Partition p is led by
	// broker p modulo Brokers.
	Topic(ctx context.Context, name string, partitions int) error
	// Log reads what a partition holds, in order, without control records.
	Log(ctx context.Context, topic string, partition int32) ([]Stored, error)
	// Obey has decide asked about every produce request from now on, as it
	// arrives; nil lets everything pass. decide must not block.
	Obey(decide func(Request) Reply)
	// Requests lists the produce requests that have arrived so far.
	Requests() []Request
	// Mute lets nothing pass any more in either direction, without closing any
	// connection.
	Mute()
	// Vanish closes all connections and all ports until back is called.
	Vanish() (back func() error, err error)
	// Close ends it.
	Close() error
}

// Request is one produce request.
type Request struct {
	Conn     int64 // the connection that it came on
	ClientID string
	Acks     int16
	Batches  []Batch
}

// Batch is one partition's share of a request.
type Batch struct {
	Topic      string
	Partition  int32
	ProducerID int64 // -1 for none
	Records    int
}

// Reply is what becomes of a request. The zero value: it is appended and
// answered.
type Reply struct {
	Code   int16           // what is answered for each of its batches, 0 for the broker's own answer
	Append bool            // with a code: the batches are appended all the same, else they are not
	Lose   bool            // the batches are appended, and the connection is closed in place of the answer
	Hold   <-chan struct{} // the batches are appended, and the answer waits until this is closed
}

// Stored is one record in a log.
type Stored struct {
	Offset      int64
	Key         []byte // nil for none
	Value       []byte
	Compression string // of its batch: none, gzip, snappy, lz4, zstd
	Txn         Txn
}

// Txn is how the transaction stands that a record belongs to.
type Txn uint8

const (
	NoTxn     Txn = iota // it belongs to none
	Open                 // neither committed nor aborted
	Committed            // a reader of committed records sees it
	Aborted              // no such reader sees it
)
