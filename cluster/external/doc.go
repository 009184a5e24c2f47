// Package external is a Kafka cluster that the user already has: found by
// bootstrap addresses, never started or ended here. Its brokers advertise
// addresses of their own, so the proxies rewrite what clients are told.
//
// Whatever security the cluster wants is dealt with while dialling. A
// connection that Dial returns has finished TLS and SASL: plain Kafka frames go
// over it from then on, so producers speak to the proxies without either, and
// secrets stay in this package.
//
// Commands of the user's ("hooks") make faults on brokers possible. The package
// knows nothing of proxies, producers, plans or verdicts.
package external
