// Package drivers holds the source of the driver programs, a folder for each
// client library, in that library's language. They are no part of this binary:
// clients/provision builds them, each against the version asked for. A file in
// Go says "ignore" to our own build.
package drivers

import "embed"

// Source is the driver programs' source, a folder by library.
//
//go:embed franz-go kafka-clients rdkafka
//go:embed aiokafka confluent-kafka-python kafka-python python
//go:embed kafkajs platformatic-kafka node
var Source embed.FS
