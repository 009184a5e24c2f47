package checker

import (
	"fmt"
	"strconv"
)

// Counter describes one coverage counter. Scenarios name counters under
// "cover:" (the least a run must reach to prove anything) and under an expected
// count.
type Counter struct {
	Name    string
	Meaning string
}

// Names of the coverage counters that other code refers to.
const (
	covSent              = "sent"
	covAcked             = "acked"
	covFailed            = "failed"
	covUnknown           = "unknown"
	covUnanswered        = "unanswered"
	covAckedAfterFault   = "acked_after_fault"
	covAppendedRecords   = "appended_records"
	covDuplicatesInLog   = "duplicates_in_log"
	covUnackedAppended   = "unacked_appended"
	covMessages          = "messages"
	covMessagesTwice     = "messages_twice"
	covMessagesPartial   = "messages_partial"
	covHiddenRecords     = "hidden_records"
	covProcessed         = "processed"
	covProcessedTwice    = "processed_twice"
	covProcessedNever    = "processed_never"
	covFaultsFired       = "faults_fired"
	covBatches           = "batches"
	covAnswers           = "answers"
	covDroppedAcks       = "dropped_acks"
	covDroppedAckRecords = "dropped_ack_records"
	covDroppedAnswers    = "dropped_answers"
	covHeldAcks          = "held_acks"
	covHeldDelivered     = "held_delivered"
	covForgedAnswers     = "forged_answers"
	covWithheld          = "withheld_requests"
	covRequestsCut       = "cut_requests"
	covHeldRequests      = "held_requests"
	covLateRequests      = "late_requests"
	covZombieBatches     = "zombie_batches"
	covZombieAppended    = "zombie_appended"
	covZombieFenced      = "zombie_fenced"
	covSequenceResets    = "sequence_resets"
	covRetries           = "retries"
	covRetryRecords      = "retry_records"
	covDeduplicated      = "deduplicated"
	covRestamped         = "restamped"
	covEpochBumps        = "epoch_bumps"
	covProducerIDs       = "producer_ids"
	covLeaderChanges     = "leader_changes"
	covConnections       = "connections"
	covReconnects        = "reconnects"
	covDisconnects       = "disconnects"
	covNotKafka          = "not_kafka"
	covHidden            = "hidden_apis"
	covMaxInFlight       = "max_in_flight"
	covDeletedRecords    = "deleted_records"
	covTrimmedRecords    = "trimmed_records"
	covIdempotentBatches = "idempotent_batches"
	covSequences         = "sequences"
	covSequencesFrom0    = "sequences_from_0"
	covAcksAllBatches    = "acks_all_batches"
	covMostAttempts      = "most_attempts"
	covLeastGap          = "least_gap_ms"
	covMostGap           = "most_gap_ms"
	covAcksNone          = "acks_none_batches"
	covRefused           = "refused"
	// covAnswersPrefix is followed by the error code.
	covAnswersPrefix = "answers_"
)

// Counters lists every coverage counter with a line of explanation. All but
// "answers_CODE" are in every verdict, zero or not.
func Counters() []Counter {
	return []Counter{
		{covSent, "records handed to clients"},
		{covAcked, "records whose client reported success"},
		{covFailed, "records that were certainly never appended"},
		{covUnknown, "records that may or may not be in the log"},
		{covUnanswered, "records whose client never called back"},
		{covAckedAfterFault, "acked records whose acknowledgement came after the first fault took effect"},
		{covAppendedRecords, "this run's intact records in the final read, every copy counted"},
		{covDuplicatesInLog, "copies after the first in the final read"},
		{covUnackedAppended, "records in the log whose outcome is unknown"},
		{covMessages, "different messages (workload.messages) that one who reads committed transactions only sees in the logs"},
		{covMessagesTwice, "records among those that carry a message which stands in their partition before them"},
		{covMessagesPartial, "those messages that were spread over partitions and of which the logs show some records and not all"},
		{covHiddenRecords, "records that carry a message and that he does not see: of transactions that were aborted or left open"},
		{covProcessed, "records that the run's consumer processed, every time counted"},
		{covProcessedTwice, "those of them that it had processed before"},
		{covProcessedNever, "records that it did not process, though one who reads committed transactions only sees them in the logs"},
		{covFaultsFired, "planned faults that took effect, each counted once"},
		{covBatches, "batches in produce requests that arrived from clients"},
		{covAnswers, "answers to batches, forged ones included"},
		{covDroppedAcks, "batches appended (answered NONE by the broker, or an error such as 6, 7 or 20 with an offset) of which the client was told no success"},
		{covDroppedAckRecords, "records in those batches: appended records whose acknowledgement was lost; a record counts each time"},
		{covDroppedAnswers, "answers of any code that did not reach the client"},
		{covHeldAcks, "successful answers that were held back for a while, or for ever"},
		{covHeldDelivered, "held answers that were delivered in the end"},
		{covForgedAnswers, "answers made up or altered by the proxy"},
		{covWithheld, "batches that the proxy kept from the broker"},
		{covRequestsCut, "batches whose connection was closed before the broker got them"},
		{covHeldRequests, "batches in requests that were held back on their way to the broker, for a while or for ever"},
		{covLateRequests, "batches that reached the broker after their records had been sent again on another connection"},
		{covZombieBatches, "batches that reached the broker after another instance of their producer had been given its producer id, and that it appended or refused for that"},
		{covZombieAppended, "those of them that it appended"},
		{covZombieFenced, "those of them that it refused for what has become of their producer: codes 47, 48, 49 and 90"},
		{covSequenceResets, "partitions in which a producer that follows another began with sequence 0"},
		{covRetries, "batches that brought records already seen on the wire"},
		{covRetryRecords, "records in those batches"},
		{covDeduplicated, "retries that the broker suppressed: same producer id, epoch and sequence answered again with the base offset that it was appended at"},
		{covRestamped, "retries under another producer id, epoch or sequence than before"},
		{covEpochBumps, "times a producer id went on with a higher epoch"},
		{covProducerIDs, "different producer ids on the wire"},
		{covLeaderChanges, "times another broker than before acknowledged batches of a partition"},
		{covConnections, "client connections through the proxies"},
		{covReconnects, "connections that carried produce requests of a client to a broker which it had been connected to before"},
		{covDisconnects, "client connections that ended"},
		{covNotKafka, "connections that carried bytes which are not Kafka frames"},
		{covHidden, "times the proxy kept an API from a client: left it out of a list, or ended the connection that it was asked for on"},
		{covMaxInFlight, "most produce requests seen in flight on one connection"},
		{covIdempotentBatches, "batches that carried a producer id"},
		{covSequences, "producer ids in partitions: each has a sequence of its own"},
		{covSequencesFrom0, "those of them whose first batch on the wire had sequence 0"},
		{covAcksAllBatches, "batches in requests that asked for acks=all"},
		{covAcksNone, "batches in requests that asked for no acknowledgement, acks=0"},
		{covRefused, "1 when the client refused what it was asked: it would not open with it, or took no record; then nothing was sent"},
		{covMostAttempts, "most times in a row that a client sent one batch to a partition"},
		{covLeastGap, "shortest time between two of those, in ms; 0 where no batch was sent twice in a row"},
		{covMostGap, "longest time between two of those, in ms"},
		{covDeletedRecords, "records that brokers acknowledged on a topic which a fault then deleted; they are in no log"},
		{covTrimmedRecords, "records that a fault deleted from the head of a log; they were read before, and are judged like all others"},
		{covAnswersPrefix + "CODE", "answers with that error code (answers_0, answers_45, ...), as they left for the client"},
	}
}

// KnownCounter says whether name is a coverage counter, "answers_45" and its
// like included.
func KnownCounter(name string) bool {
	for _, c := range Counters() {
		if c.Name == name && name != covAnswersPrefix+"CODE" {
			return true
		}
	}
	if len(name) <= len(covAnswersPrefix) || name[:len(covAnswersPrefix)] != covAnswersPrefix {
		return false
	}
	_, err := strconv.ParseInt(name[len(covAnswersPrefix):], 10, 16)
	return err == nil
}

// newCoverage holds every counter at zero, so that a verdict says "0" where
// nothing was seen.
func newCoverage() map[string]int64 {
	coverage := make(map[string]int64)
	for _, c := range Counters() {
		if c.Name != covAnswersPrefix+"CODE" {
			coverage[c.Name] = 0
		}
	}
	return coverage
}

// answersCounter names the counter of one error code.
func answersCounter(code int16) string { return fmt.Sprintf("%s%d", covAnswersPrefix, code) }
