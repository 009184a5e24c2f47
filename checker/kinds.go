package checker

// Kind names a sort of anomaly. Scenarios write it after "expect: violation:".
type Kind string

// The kinds, by the guarantee that finds them (see guarantees).
const (
	// Duplicate: one identity stands at two offsets; counted are the copies after the first.
	Duplicate Kind = "duplicate"
	// Lost: an acked record is not in the log.
	Lost Kind = "lost"

	// Corrupt: a record of this run whose checksum does not match.
	Corrupt Kind = "corrupt"
	// Foreign: a record that is not in our form, or of another run.
	Foreign Kind = "foreign"
	// Misplaced: a record that stands in another topic or partition than it was sent to.
	Misplaced Kind = "misplaced"
	// Unsent: a record in our form that nobody sent.
	Unsent Kind = "unsent"
	// WrongOffset: a record acked at an offset where it does not stand, though it stands elsewhere.
	WrongOffset Kind = "wrong-offset"

	// FailedVisible: a record whose outcome is failed is in the log.
	FailedVisible Kind = "failed-visible"
	// Reorder: a record stands after one that its producer sent later.
	Reorder Kind = "reorder"
	// StaleOrder: a record acked before another was sent stands after it.
	StaleOrder Kind = "stale-order"
	// Stuck: an op was not answered within its client's deadline after the last fault had healed.
	Stuck Kind = "stuck"

	// SequenceReuse: other records under a producer id, epoch and sequence already used.
	SequenceReuse Kind = "sequence-reuse"
	// ChangedBatch: a retry that cuts the same records and sequences into other batches, with no refusal before it.
	ChangedBatch Kind = "changed-batch"
	// SequenceGap: a sequence left out on one connection with no error before it.
	SequenceGap Kind = "sequence-gap"
	// SequenceBack: a step back to a sequence that was never sent, with no error before it.
	SequenceBack Kind = "sequence-back"
	// NoProducerID: idempotence was asked for, and batches carry no producer id.
	NoProducerID Kind = "no-producer-id"
	// WrongAcks: a batch with a producer id in a request with acks other than all.
	WrongAcks Kind = "wrong-acks"
	// TooManyInFlight: more than five requests with producer ids in flight on one connection, or more than the client was told to have.
	TooManyInFlight Kind = "too-many-in-flight"
	// DroppedBatch: a batch refused for its sequence and given up, though it was the client's own sending on that put it out of order.
	DroppedBatch Kind = "dropped-batch"
	// EarlyRetry: a batch sent again sooner than the client was told to wait.
	EarlyRetry Kind = "early-retry"

	// DoubleAppend: one producer id, epoch and sequence appended twice within the broker's window.
	DoubleAppend Kind = "double-append"
	// WrongDuplicateOffset: a retry acknowledged at another offset than the first time, where it does not stand.
	WrongDuplicateOffset Kind = "wrong-duplicate-offset"
	// AckContradictsLog: the broker acknowledged records at an offset where others stand, or none.
	AckContradictsLog Kind = "ack-contradicts-log"
	// ImpossibleAnswer: an error code that no correct broker gives to such a batch.
	ImpossibleAnswer Kind = "impossible-answer"
	// SharedProducerID: two producers were given one producer id.
	SharedProducerID Kind = "shared-producer-id"
)

// implied says which other kinds an expected one brings along, so that a
// scenario that expects the one is not failed for the other. Everything not
// listed here counts against the run.
func implied(expected Kind) []Kind {
	switch expected {
	case Duplicate:
		// A broker that does not deduplicate shows it on the wire as well.
		return []Kind{DoubleAppend}
	case DoubleAppend:
		return []Kind{Duplicate}
	case Lost:
		// A record that the broker acknowledged and that is gone is the same finding from the broker's side.
		return []Kind{AckContradictsLog}
	case AckContradictsLog:
		return []Kind{Lost, WrongOffset}
	case WrongOffset:
		return []Kind{AckContradictsLog, WrongDuplicateOffset}
	case WrongDuplicateOffset:
		return []Kind{WrongOffset, AckContradictsLog}
	case Corrupt, Misplaced:
		// The record that was damaged or went astray is missing where it belongs.
		return []Kind{Lost, AckContradictsLog}
	case Reorder:
		// Only within one process: see Judge's expectation.
		return []Kind{StaleOrder}
	case StaleOrder:
		return []Kind{Reorder}
	case SequenceReuse:
		// The broker drops the second batch as a duplicate, rightly, and
		// acknowledges it at the first one's offset.
		return []Kind{Lost, AckContradictsLog}
	}
	return nil
}
