// Package proxy is the link between a producer and a broker: our own accept
// loop and dial, toxiproxy's toxic links carrying the bytes, a Kafka-aware pair
// of toxics that splits the stream into frames, asks a Control what to do with
// each produce request and answer, and writes the wire journal.
//
// It knows nothing of clusters, plans or producers.
package proxy
