package golang

import (
	"errors"
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// Acked is the result of a record that the library reported as written. An
// offset below 0 is one that it does not tell.
func Acked(offset int64) clients.Result {
	return clients.Result{Outcome: outcome.Acked, Offset: max(offset, outcome.NoOffset)}
}

// Unconfirmed is the result of a record that was sent with acks 0: libraries
// report success for it, though no broker confirms anything.
func Unconfirmed() clients.Result {
	return clients.Result{Outcome: outcome.Unknown, Offset: outcome.NoOffset, Error: "acks 0: sent, and no broker confirms it"}
}

// Unknown is the result of a record whose error proves nothing. A driver that
// knows the error better than by its type says so in what it gets.
func Unknown(err error) clients.Result {
	return clients.Result{Outcome: outcome.Unknown, Offset: outcome.NoOffset, Error: line(err), Class: kind(err)}
}

// Never is the result of a record that the library never put into a request.
func Never(err error) clients.Result {
	r := Unknown(err)
	r.Outcome = outcome.Failed
	return r
}

// line is an error in one line.
func line(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// kind is the type of the innermost error, empty for one that is a text only.
func kind(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	if class := fmt.Sprintf("%T", err); class != "*errors.errorString" {
		return class
	}
	return ""
}

// CodeName is Kafka's name of an error code, or its number.
func CodeName(code int16) string {
	switch {
	case code == -1:
		return "UNKNOWN_SERVER_ERROR"
	case code >= 0 && int(code) < len(codeNames):
		return codeNames[code]
	}
	return fmt.Sprint(code)
}

// Fenced says whether an error code means that another instance has taken the
// transactional id over. INVALID_PRODUCER_EPOCH is what brokers answered for
// that before PRODUCER_FENCED (KIP-588), and still answer to produce requests.
func Fenced(code int16) bool {
	const invalidProducerEpoch, producerFenced = 47, 90
	return code == invalidProducerEpoch || code == producerFenced
}

// codeNames are the names of the codes from 0 (Kafka protocol guide, error codes).
var codeNames = strings.Fields(`NONE
OFFSET_OUT_OF_RANGE CORRUPT_MESSAGE UNKNOWN_TOPIC_OR_PARTITION INVALID_FETCH_SIZE LEADER_NOT_AVAILABLE
NOT_LEADER_OR_FOLLOWER REQUEST_TIMED_OUT BROKER_NOT_AVAILABLE REPLICA_NOT_AVAILABLE MESSAGE_TOO_LARGE
STALE_CONTROLLER_EPOCH OFFSET_METADATA_TOO_LARGE NETWORK_EXCEPTION COORDINATOR_LOAD_IN_PROGRESS COORDINATOR_NOT_AVAILABLE
NOT_COORDINATOR INVALID_TOPIC_EXCEPTION RECORD_LIST_TOO_LARGE NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND
INVALID_REQUIRED_ACKS ILLEGAL_GENERATION INCONSISTENT_GROUP_PROTOCOL INVALID_GROUP_ID UNKNOWN_MEMBER_ID
INVALID_SESSION_TIMEOUT REBALANCE_IN_PROGRESS INVALID_COMMIT_OFFSET_SIZE TOPIC_AUTHORIZATION_FAILED GROUP_AUTHORIZATION_FAILED
CLUSTER_AUTHORIZATION_FAILED INVALID_TIMESTAMP UNSUPPORTED_SASL_MECHANISM ILLEGAL_SASL_STATE UNSUPPORTED_VERSION
TOPIC_ALREADY_EXISTS INVALID_PARTITIONS INVALID_REPLICATION_FACTOR INVALID_REPLICA_ASSIGNMENT INVALID_CONFIG
NOT_CONTROLLER INVALID_REQUEST UNSUPPORTED_FOR_MESSAGE_FORMAT POLICY_VIOLATION OUT_OF_ORDER_SEQUENCE_NUMBER
DUPLICATE_SEQUENCE_NUMBER INVALID_PRODUCER_EPOCH INVALID_TXN_STATE INVALID_PRODUCER_ID_MAPPING INVALID_TRANSACTION_TIMEOUT
CONCURRENT_TRANSACTIONS TRANSACTION_COORDINATOR_FENCED TRANSACTIONAL_ID_AUTHORIZATION_FAILED SECURITY_DISABLED OPERATION_NOT_ATTEMPTED
KAFKA_STORAGE_ERROR LOG_DIR_NOT_FOUND SASL_AUTHENTICATION_FAILED UNKNOWN_PRODUCER_ID REASSIGNMENT_IN_PROGRESS
DELEGATION_TOKEN_AUTH_DISABLED DELEGATION_TOKEN_NOT_FOUND DELEGATION_TOKEN_OWNER_MISMATCH DELEGATION_TOKEN_REQUEST_NOT_ALLOWED DELEGATION_TOKEN_AUTHORIZATION_FAILED
DELEGATION_TOKEN_EXPIRED INVALID_PRINCIPAL_TYPE NON_EMPTY_GROUP GROUP_ID_NOT_FOUND FETCH_SESSION_ID_NOT_FOUND
INVALID_FETCH_SESSION_EPOCH LISTENER_NOT_FOUND TOPIC_DELETION_DISABLED FENCED_LEADER_EPOCH UNKNOWN_LEADER_EPOCH
UNSUPPORTED_COMPRESSION_TYPE STALE_BROKER_EPOCH OFFSET_NOT_AVAILABLE MEMBER_ID_REQUIRED PREFERRED_LEADER_NOT_AVAILABLE
GROUP_MAX_SIZE_REACHED FENCED_INSTANCE_ID ELIGIBLE_LEADERS_NOT_AVAILABLE ELECTION_NOT_NEEDED NO_REASSIGNMENT_IN_PROGRESS
GROUP_SUBSCRIBED_TO_TOPIC INVALID_RECORD UNSTABLE_OFFSET_COMMIT THROTTLING_QUOTA_EXCEEDED PRODUCER_FENCED`)
