package forge

import (
	"io"
)

// Break is a promise that is broken, and how. Its zero value breaks none.
type Break struct {
	Name string
	How  string // in a line

	// asked may answer a batch in the broker's place, or have another one sent on.
	asked func(*partition, *batch)
	// answered may change what the broker said, or have something else stored.
	answered func(*partition, *batch)
	// write puts an answer to Produce on the wire, in place of its frame; after
	// an error the connection is closed.
	write func(to io.Writer, frame []byte) error
}

// Nothing breaks no promise: a control for the proxy itself.
var Nothing = Break{Name: "nothing", How: "keeps every promise that the cluster behind it keeps"}

// Promises are the breaks of what a broker promises about repetitions, order and
// epochs: every one is to be a failure of the cases that are about it, and of no
// others.
func Promises() []Break {
	return []Break{
		NeverDeduplicates, ByFirstSequence, KeepsOneBatch, WindowOfPartition, IgnoresProducer, IgnoresEpoch,
		ForgetsAtLeaderChange, ComparesContent,
		WrongOffset, NoOffset, WrongCode, RaisesEpochOnRefusal, StoresRefused, DropsBatches, ChangesRecords,
	}
}

// BadInput are the breaks of the protocol itself: whatever comes, a run must end
// in time, and say of every case why it failed.
func BadInput() []Break {
	return []Break{ClosesConnections, AnswersGarbage, AnswersAnotherProtocol, CutsAnswers, AnswersAnother, NeverAnswers}
}
