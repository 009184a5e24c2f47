package checker

import (
	"iter"

	"github.com/idemcheck/idemcheck/history"
)

// opCursor walks the ops of one process in one partition, in number order. The
// block is reused by the next call; the end is io.EOF.
type opCursor interface {
	Next() (*history.OpBlock, error)
	Close() error
}

// logCursor walks the final read of one partition, in offset order.
type logCursor interface {
	Next() (*history.LogBlock, error)
	Close() error
}

// rows is what the judges read: a run directory, or in tests a run in memory.
// Its methods are called from several goroutines at once.
type rows interface {
	Lanes(tp history.TopicPartition) []int32 // processes with ops there, rising
	Ops(tp history.TopicPartition, process int32) opCursor
	Log(tp history.TopicPartition) logCursor
	AllLog() iter.Seq2[history.LogRecord, error] // within a partition in offset order
	Processed() iter.Seq2[history.Processed, error]
	Wire() iter.Seq2[history.WireEvent, error]
	FindOp(process int32, tp history.TopicPartition, number int64) (history.Op, bool, error)
	FindLog(tp history.TopicPartition, offset int64) (history.LogRecord, bool, error)
}
