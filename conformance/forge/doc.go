// Package forge makes a broker that breaks a promise, as a testing aid: a suite
// that never met a broken broker has not shown that it would notice one.
//
// It stands before a cluster that keeps its promises (kfake, or Kafka in
// containers): every connection goes through a proxy in memory that takes
// Produce requests and their answers apart, from version 3 to 13, breaks exactly
// one promise, and passes every other request on byte for byte. What brokers
// stored is noted from their answers, for all connections of a cluster together.
//
// It knows nothing of cases and verdicts, and only tests may import it.
package forge
