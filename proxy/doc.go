// Package proxy is the link between a producer and a broker: our own accept
// loop and dial, toxiproxy's toxic links carrying the bytes, a Kafka-aware pair
// of toxics that splits the stream into frames, asks a Control what to do with
// each produce request and answer, and writes the wire journal.
//
// It knows nothing of clusters, plans or producers.
//
// # What passes and what waits
//
// A frame leaves in the very chunks it came in, so that passing it alters
// nothing. Produce requests and the answers to Produce, InitProducerId and
// Metadata are seen whole before any of them goes on; everything else streams
// through. Bytes that are no Kafka frames pass both ways from then on, and the
// journal says so once per connection; so does a produce request of a version
// that the library does not know.
//
// # How a connection ends
//
// The client's socket is closed at once when the client left, and after
// everything that was passed before when an answer or a request was cut. It is
// closed with RST if nothing was ever written to it (clients such as franz-go
// do not try again after a clean end before the first answer), else with FIN.
// The broker's socket stays open until it has given the produce answers that it
// still owes, for a second at most: they are journaled as dropped, so that a
// judge knows what was appended. Answers that passed into a link and never
// reached the client's socket are journaled by a WireRelease that says dropped.
//
// # Where rows go beyond the plain case
//
// A WireRelease is forged where the client was told something else than the
// broker said. A batch that a Refuse withheld has history.NeverAsked as its
// Error in the Exchange that OnAnswer sees. A request that arrives on a cut
// connection, or after its broker has gone, is journaled as dropped and no
// Control is asked. A request that was held back has two rows for each batch: a
// WireRequest when it came, and a WireDelivery when it went on or was given up;
// the Control is asked when it goes on, unless it is the one who holds it, or
// the client has left. A decision that does not fit (Rewrite on a request, Refuse
// on an answer, Refuse of no batch) passes.
package proxy
