// Package conformance holds a broker to what Kafka promises about idempotent
// producers, on the wire: short conversations over plain connections, each with
// the answers and the log that are expected, by Kafka version.
//
// It frames requests itself, since a client library would mend what is to be
// seen: it retries, renumbers, and rewrites acks. It knows a cluster, to reach
// brokers past any proxy and to restart them, and nothing of clients, faults or
// scenarios. What a run came to is data: see conformance/matrix.
package conformance
