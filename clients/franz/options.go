package franz

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/idemcheck/idemcheck/clients"
)

const (
	// maxBuffered is how many records a producer may hold unanswered: franz-go's own default.
	maxBuffered = 10000
	// defaultTimeout is franz-go's 10 s for the broker plus 10 s of its own.
	defaultTimeout = 20 * time.Second
	// leastMetadataAge replaces the default of 5 s, with which a client stalls
	// that long after a first answer was cut.
	leastMetadataAge = 100 * time.Millisecond
)

func requestTimeout(o clients.Options) time.Duration {
	if o.RequestTimeout > 0 {
		return o.RequestTimeout
	}
	return defaultTimeout
}

func inFlight(o clients.Options) int {
	if o.InFlight > 0 {
		return o.InFlight
	}
	return 1 // franz-go's default without idempotence
}

// translate maps the common vocabulary to franz-go's options. What is left
// zero keeps franz-go's default.
func translate(o clients.Options) ([]kgo.Opt, error) {
	if err := inRange(o); err != nil {
		return nil, err
	}
	half := requestTimeout(o) / 2
	if half < 100*time.Millisecond {
		return nil, fmt.Errorf("request_timeout %s is below 200ms, the least that franz-go takes (100ms for the broker, 100ms of its own)", o.RequestTimeout)
	}
	opts := []kgo.Opt{
		kgo.ClientID(o.ClientID),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(maxBuffered),
		kgo.MetadataMinAge(leastMetadataAge),
		kgo.ProduceRequestTimeout(half),
		kgo.RequestTimeoutOverhead(half),
		kgo.ProducerLinger(o.Linger),
	}
	if o.Acks != "" {
		acks, err := acks(o.Acks)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.RequiredAcks(acks))
	}
	if o.Idempotence || o.Defaults { // then the number is fixed, which kgo says itself to who asks for another
		if o.Literal && o.InFlight > 0 {
			opts = append(opts, kgo.MaxProduceRequestsInflightPerBroker(o.InFlight))
		}
	} else {
		opts = append(opts, kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(inFlight(o)))
	}
	codec, err := compression(o.Compression)
	if err != nil {
		return nil, err
	}
	opts = append(opts, kgo.ProducerBatchCompression(codec))
	if o.BatchSize > 0 {
		opts = append(opts, kgo.ProducerBatchMaxBytes(int32(o.BatchSize)))
	}
	if o.Retries > 0 || o.NoRetries {
		opts = append(opts, kgo.RecordRetries(o.Retries))
	}
	if o.RetryBackoff > 0 {
		backoff := o.RetryBackoff
		opts = append(opts, kgo.RetryBackoffFn(func(int) time.Duration { return backoff }))
	}
	if o.DeliveryTimeout > 0 {
		opts = append(opts, kgo.RecordDeliveryTimeout(o.DeliveryTimeout))
	}
	if o.TransactionalID != "" {
		opts = append(opts, kgo.TransactionalID(o.TransactionalID))
	}
	if o.TransactionTimeout > 0 {
		opts = append(opts, kgo.TransactionTimeout(o.TransactionTimeout))
	}
	if o.MetadataMaxAge > 0 {
		opts = append(opts, kgo.MetadataMaxAge(o.MetadataMaxAge))
	}
	return opts, nil
}

// inRange refuses numbers and times that franz-go would take for something
// else. Zero is its default.
func inRange(o clients.Options) error {
	for _, n := range []struct {
		name  string
		value int
		least int // unless 0
		most  int
	}{
		{"in_flight", o.InFlight, 1, 10_000}, {"batch_size", o.BatchSize, 512, 100 << 20}, {"retries", o.Retries, -1, 1 << 30},
	} {
		if n.value != 0 && (n.value < n.least || n.value > n.most) {
			return fmt.Errorf("%s %d: want %d to %d, or 0 for the default of %s", n.name, n.value, n.least, n.most, Name)
		}
	}
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration // unless 0
		most  time.Duration
	}{
		{"linger", o.Linger, 0, time.Minute}, {"retry_backoff", o.RetryBackoff, 0, time.Hour},
		{"request_timeout", o.RequestTimeout, 0, 30 * time.Minute},
		{"delivery_timeout", o.DeliveryTimeout, time.Second, 24 * time.Hour},
		{"metadata_max_age", o.MetadataMaxAge, leastMetadataAge, time.Hour},
	} {
		if d.value != 0 && (d.value < d.least || d.value > d.most) {
			return fmt.Errorf("%s %s: want %s to %s, or 0 for the default of %s", d.name, d.value, d.least, d.most, Name)
		}
	}
	return nil
}

// acks are kgo's words for them. What goes with idempotence kgo says itself.
func acks(name string) (kgo.Acks, error) {
	switch name {
	case "all":
		return kgo.AllISRAcks(), nil
	case "1":
		return kgo.LeaderAck(), nil
	case "0":
		return kgo.NoAck(), nil
	}
	return kgo.Acks{}, fmt.Errorf("acks %q: want all, 1 or 0", name)
}

func compression(name string) (kgo.CompressionCodec, error) {
	switch name {
	case "", "none":
		return kgo.NoCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	case "snappy":
		return kgo.SnappyCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("compression %q: want none, gzip, snappy, lz4 or zstd", name)
}
