package checker

import "fmt"

// codeName returns "45 (OUT_OF_ORDER_SEQUENCE_NUMBER)": the number, and the
// name that the Kafka protocol gives it.
func codeName(code int16) string {
	if code == 0 {
		return "NONE"
	}
	if name := errorNames(code); name != "" {
		return fmt.Sprintf("%d (%s)", code, name)
	}
	return fmt.Sprintf("%d", code)
}

// errorNames names the error codes that produce requests are answered with
// (Kafka protocol guide, error codes).
func errorNames(code int16) string {
	switch code {
	case -1:
		return "UNKNOWN_SERVER_ERROR"
	case 2:
		return "CORRUPT_MESSAGE"
	case 3:
		return "UNKNOWN_TOPIC_OR_PARTITION"
	case 5:
		return "LEADER_NOT_AVAILABLE"
	case 6:
		return "NOT_LEADER_OR_FOLLOWER"
	case 7:
		return "REQUEST_TIMED_OUT"
	case 10:
		return "MESSAGE_TOO_LARGE"
	case 17:
		return "INVALID_TOPIC_EXCEPTION"
	case 18:
		return "RECORD_LIST_TOO_LARGE"
	case 19:
		return "NOT_ENOUGH_REPLICAS"
	case 20:
		return "NOT_ENOUGH_REPLICAS_AFTER_APPEND"
	case 21:
		return "INVALID_REQUIRED_ACKS"
	case 29:
		return "TOPIC_AUTHORIZATION_FAILED"
	case 32:
		return "INVALID_TIMESTAMP"
	case 42:
		return "INVALID_REQUEST"
	case 45:
		return "OUT_OF_ORDER_SEQUENCE_NUMBER"
	case 46:
		return "DUPLICATE_SEQUENCE_NUMBER"
	case 47:
		return "INVALID_PRODUCER_EPOCH"
	case 48:
		return "INVALID_TXN_STATE"
	case 56:
		return "KAFKA_STORAGE_ERROR"
	case 59:
		return "UNKNOWN_PRODUCER_ID"
	case 87:
		return "INVALID_RECORD"
	case 90:
		return "PRODUCER_FENCED"
	case 100:
		return "UNKNOWN_TOPIC_ID"
	}
	return ""
}
