package checker

// Cause names what a diagnosis comes down to, without the numbers of this very
// run: two runs show the same anomaly when guarantee, kind and cause are equal.
// The fault that brought it about is no part of it, nor whether the brokers were
// Kafka's or kfake: the blame says that.
type Cause string

// The causes. Those that several kinds share say the same of each.
const (
	// CauseUnexplained: the run does not show how it came about.
	CauseUnexplained Cause = "unexplained"

	// CauseWithoutIdempotence: without idempotence a broker cannot know a retry.
	CauseWithoutIdempotence Cause = "without-idempotence"
	// CauseOvertakenInFlight: without idempotence and with several requests in flight a retry is overtaken.
	CauseOvertakenInFlight Cause = "overtaken-in-flight"
	// CauseNotTurnedOn: idempotence was asked for and the client sent no producer id.
	CauseNotTurnedOn Cause = "idempotence-not-turned-on"
	// CauseAcksBelowAll: with acks below all a record can be lost with its leader.
	CauseAcksBelowAll Cause = "acks-below-all"
	// CauseUncleanElection: a replica without the record was elected, as configured.
	CauseUncleanElection Cause = "unclean-election"
	// CauseDeleted: the scenario deleted the topic.
	CauseDeleted Cause = "deleted-on-purpose"

	// CauseSentAgainAfterAck: without idempotence, the client sent again what it knew to be stored.
	CauseSentAgainAfterAck Cause = "sent-again-after-ack"
	// CauseRestampedAfterAck: the client gave a new sequence to what it knew to be stored.
	CauseRestampedAfterAck Cause = "restamped-after-ack"
	// CauseRestampedAfterRefusal: the client took the refusal of a retry for a loss, though no broker had been touched, and gave the record a new sequence.
	CauseRestampedAfterRefusal Cause = "restamped-after-refusal"
	// CauseRestampedUndecided: the client gave a new sequence to a record that may have been stored under the old one.
	CauseRestampedUndecided Cause = "restamped-while-undecided"
	// CauseRestampedRefused: the client gave a new sequence to a record whose attempts were all certainly refused, and both stand in the log.
	CauseRestampedRefused Cause = "restamped-when-refused"

	// CauseForgotRestart: a leader that started again no longer knew a batch and refused a retry; the client numbered anew what it had no answer for.
	CauseForgotRestart Cause = "broker-forgot-restart"
	// CauseForgotFault: after another fault on brokers the leader no longer knew a batch and refused its retry; the client numbered it anew.
	CauseForgotFault Cause = "broker-forgot-fault"
	// CauseForgotExpiry: the broker had forgotten a producer id that was idle too long, and took a retry for a new batch.
	CauseForgotExpiry Cause = "broker-forgot-expiry"
	// CauseStoredAgainRestart: a leader that started again no longer knew a batch and took its retry for a new one.
	CauseStoredAgainRestart Cause = "stored-again-restart"
	// CauseStoredAgainFault: after another fault on brokers the leader no longer knew a batch and took its retry for a new one.
	CauseStoredAgainFault Cause = "stored-again-fault"
	// CauseStoredAgainNewLeader: a new leader did not know a batch that the one before it had stored.
	CauseStoredAgainNewLeader Cause = "stored-again-new-leader"
	// CauseStoredAgainWindow: a retry came behind more batches than a broker remembers.
	CauseStoredAgainWindow Cause = "stored-again-window"
	// CauseNotDeduplicated: a broker stored a retry that it had to recognize.
	CauseNotDeduplicated Cause = "not-deduplicated"

	// CauseSequenceReused: the client used one sequence for different records, and the broker took one for a retry of the other.
	CauseSequenceReused Cause = "sequence-reused"
	// CauseSequenceLeftOut: the client left a sequence out, with no error before.
	CauseSequenceLeftOut Cause = "sequence-left-out"
	// CauseSequenceSteppedBack: the client stepped back to a sequence that it had never sent, with no error before.
	CauseSequenceSteppedBack Cause = "sequence-stepped-back"
	// CauseRetryCutDifferently: the client cut the records of a retry into other batches, with no error before.
	CauseRetryCutDifferently Cause = "retry-cut-differently"
	// CauseIdempotentAcksBelowAll: the client sent a batch with a producer id and acks below all.
	CauseIdempotentAcksBelowAll Cause = "idempotent-with-acks-below-all"
	// CauseMoreThanFive: the client had more requests with producer ids in flight than a broker remembers batches.
	CauseMoreThanFive Cause = "more-than-five-in-flight"
	// CauseMoreThanTold: the client had more requests in flight than it was told to have.
	CauseMoreThanTold Cause = "more-in-flight-than-told"
	// CauseGaveUpOutOfTurn: the client gave up a batch that was refused only because it had sent it before its turn.
	CauseGaveUpOutOfTurn Cause = "gave-up-out-of-turn"
	// CauseNoBackoff: the client sent a refused batch again without the pause that it was told to make.
	CauseNoBackoff Cause = "no-backoff"

	// CauseAckedUnsent: the client reported success for what it had not sent.
	CauseAckedUnsent Cause = "acked-unsent"
	// CauseAckMadeUp: the client reported success for what no broker had acknowledged.
	CauseAckMadeUp Cause = "ack-made-up"
	// CauseOffsetMadeUp: the client reported an offset that no broker had given.
	CauseOffsetMadeUp Cause = "offset-made-up"
	// CauseSentElsewhere: the client sent a record to another partition than it was given for.
	CauseSentElsewhere Cause = "sent-elsewhere"
	// CauseFailedUndecided: the client reported as failed what may have been stored.
	CauseFailedUndecided Cause = "failed-while-undecided"
	// CauseReorderedInCall: the client reordered records that were handed over in one call.
	CauseReorderedInCall Cause = "reordered-in-call"
	// CauseSentOnUnsettled: without idempotence, the client sent on before an earlier record was settled, where it promises order.
	CauseSentOnUnsettled Cause = "sent-on-unsettled"
	// CauseNumberedOutOfOrder: the client gave its sequences in another order than it was given the records.
	CauseNumberedOutOfOrder Cause = "numbered-out-of-order"

	// CauseNeverSent: the client did not send what it was given.
	CauseNeverSent Cause = "never-sent"
	// CauseAnswerKept: the client got the answer and did not report it.
	CauseAnswerKept Cause = "answer-not-reported"
	// CauseNotTriedAgain: the client did not try again after the faults had healed.
	CauseNotTriedAgain Cause = "not-tried-again"

	// CauseLostByBroker: a record that a broker had acknowledged was lost by it or in replication.
	CauseLostByBroker Cause = "lost-by-broker"
	// CauseAckContradictsLog: a broker acknowledged a record at an offset where the log has another, or none.
	CauseAckContradictsLog Cause = "ack-contradicts-log"
	// CauseRetryAckedElsewhere: a broker acknowledged a retry at another offset than the first time, where it does not stand.
	CauseRetryAckedElsewhere Cause = "retry-acked-elsewhere"
	// CauseRefusedAndStored: a broker refused every attempt and stored one.
	CauseRefusedAndStored Cause = "refused-and-stored"
	// CauseStoredBeforeAcked: a broker put a later append before one that was acknowledged.
	CauseStoredBeforeAcked Cause = "stored-before-acked"
	// CauseStoredOutOfSequence: a broker stored a lower sequence behind a higher one.
	CauseStoredOutOfSequence Cause = "stored-out-of-sequence"
	// CauseProducerIDTwice: brokers gave one producer id to two producers.
	CauseProducerIDTwice Cause = "producer-id-given-twice"
	// CauseNoProduceAnswer: a broker answered with a code that is none for produce requests.
	CauseNoProduceAnswer Cause = "no-produce-answer"
	// CauseAnswerAboutReplicas: a broker spoke of in-sync replicas to a request that does not ask for them.
	CauseAnswerAboutReplicas Cause = "answer-about-replicas"
	// CauseAnswerAboutSequences: a broker spoke of producer state to a batch without a producer id.
	CauseAnswerAboutSequences Cause = "answer-about-sequences"
	// CauseAnswerAboutTransactions: a broker spoke of transactions to a batch without a producer id.
	CauseAnswerAboutTransactions Cause = "answer-about-transactions"

	// CauseDamaged: a record was damaged before its batch was sealed.
	CauseDamaged Cause = "damaged-before-sealed"
	// CauseOtherWriter: something else than this run writes to the topic.
	CauseOtherWriter Cause = "other-writer"
	// CauseNobodySent: a record is in the form of this run, and no op tells of it.
	CauseNobodySent Cause = "nobody-sent"
	// CauseForged: the harness forged answers, so that nothing can be held against a broker.
	CauseForged Cause = "answers-forged"
)

// CauseMeaning explains one cause.
type CauseMeaning struct {
	Cause   Cause
	Meaning string // one sentence, without its full stop
}

// Causes lists them all, with explanations: first what is configured or a limit,
// then what is the client's, then the brokers'.
func Causes() []CauseMeaning {
	return []CauseMeaning{
		{CauseUnexplained, "the run does not show how it came about"},
		{CauseWithoutIdempotence, "without idempotence a broker cannot know a retry"},
		{CauseOvertakenInFlight, "without idempotence and with several requests in flight a retry is overtaken"},
		{CauseNotTurnedOn, "idempotence was asked for and the client sent no producer id"},
		{CauseAcksBelowAll, "with acks below all a record can be lost with its leader"},
		{CauseUncleanElection, "a replica without the record was elected, as configured"},
		{CauseDeleted, "the scenario deleted the topic"},
		{CauseSentAgainAfterAck, "without idempotence, the client sent again what it knew to be stored"},
		{CauseRestampedAfterAck, "the client gave a new sequence to what it knew to be stored"},
		{CauseRestampedAfterRefusal, "the client took the refusal of a retry for a loss, though no broker had been touched, and gave the record a new sequence"},
		{CauseRestampedUndecided, "the client gave a new sequence to a record that may have been stored under the old one"},
		{CauseRestampedRefused, "the client gave a new sequence to a record whose attempts were all certainly refused, and both stand in the log"},
		{CauseForgotRestart, "a leader that started again no longer knew a batch and refused a retry; the client numbered anew what it had no answer for"},
		{CauseForgotFault, "after another fault on brokers the leader no longer knew a batch and refused its retry; the client numbered it anew"},
		{CauseForgotExpiry, "the broker had forgotten a producer id that was idle too long, and took a retry for a new batch"},
		{CauseStoredAgainRestart, "a leader that started again no longer knew a batch and took its retry for a new one"},
		{CauseStoredAgainFault, "after another fault on brokers the leader no longer knew a batch and took its retry for a new one"},
		{CauseStoredAgainNewLeader, "a new leader did not know a batch that the one before it had stored"},
		{CauseStoredAgainWindow, "a retry came behind more batches than a broker remembers"},
		{CauseNotDeduplicated, "a broker stored a retry that it had to recognize"},
		{CauseSequenceReused, "the client used one sequence for different records, and the broker took one for a retry of the other"},
		{CauseSequenceLeftOut, "the client left a sequence out, with no error before"},
		{CauseSequenceSteppedBack, "the client stepped back to a sequence that it had never sent, with no error before"},
		{CauseRetryCutDifferently, "the client cut the records of a retry into other batches, with no error before"},
		{CauseIdempotentAcksBelowAll, "the client sent a batch with a producer id and acks below all"},
		{CauseMoreThanFive, "the client had more requests with producer ids in flight than a broker remembers batches"},
		{CauseMoreThanTold, "the client had more requests in flight than it was told to have"},
		{CauseGaveUpOutOfTurn, "the client gave up a batch that was refused only because it had sent it before its turn"},
		{CauseNoBackoff, "the client sent a refused batch again without the pause that it was told to make"},
		{CauseAckedUnsent, "the client reported success for what it had not sent"},
		{CauseAckMadeUp, "the client reported success for what no broker had acknowledged"},
		{CauseOffsetMadeUp, "the client reported an offset that no broker had given"},
		{CauseSentElsewhere, "the client sent a record to another partition than it was given for"},
		{CauseFailedUndecided, "the client reported as failed what may have been stored"},
		{CauseReorderedInCall, "the client reordered records that were handed over in one call"},
		{CauseSentOnUnsettled, "without idempotence, the client sent on before an earlier record was settled, where it promises order"},
		{CauseNumberedOutOfOrder, "the client gave its sequences in another order than it was given the records"},
		{CauseNeverSent, "the client did not send what it was given"},
		{CauseAnswerKept, "the client got the answer and did not report it"},
		{CauseNotTriedAgain, "the client did not try again after the faults had healed"},
		{CauseLostByBroker, "a record that a broker had acknowledged was lost by it or in replication"},
		{CauseAckContradictsLog, "a broker acknowledged a record at an offset where the log has another, or none"},
		{CauseRetryAckedElsewhere, "a broker acknowledged a retry at another offset than the first time, where it does not stand"},
		{CauseRefusedAndStored, "a broker refused every attempt and stored one"},
		{CauseStoredBeforeAcked, "a broker put a later append before one that was acknowledged"},
		{CauseStoredOutOfSequence, "a broker stored a lower sequence behind a higher one"},
		{CauseProducerIDTwice, "brokers gave one producer id to two producers"},
		{CauseNoProduceAnswer, "a broker answered with a code that is none for produce requests"},
		{CauseAnswerAboutReplicas, "a broker spoke of in-sync replicas to a request that does not ask for them"},
		{CauseAnswerAboutSequences, "a broker spoke of producer state to a batch without a producer id"},
		{CauseAnswerAboutTransactions, "a broker spoke of transactions to a batch without a producer id"},
		{CauseDamaged, "a record was damaged before its batch was sealed"},
		{CauseOtherWriter, "something else than this run writes to the topic"},
		{CauseNobodySent, "a record is in the form of this run, and no op tells of it"},
		{CauseForged, "the harness forged answers, so that nothing can be held against a broker"},
	}
}
