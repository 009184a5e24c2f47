package golang

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/clients"
)

// LargestRecord is what a driver has its library take, bytes: a value of
// 1 MiB, which the protocol allows, and a key. It is as little more as that
// takes, since several libraries have one setting for this and for a batch of
// many records, and brokers refuse batches above 1 MiB unless told otherwise.
const LargestRecord = 1<<20 + 512

// Check refuses values that make no sense to any library. What a library makes
// of those that do is for its driver.
func Check(o clients.Options) error {
	if !slices.Contains([]string{"", "all", "1", "0"}, o.Acks) {
		return fmt.Errorf("acks %q: want all, 1 or 0", o.Acks)
	}
	if !slices.Contains([]string{"", "none", "gzip", "snappy", "lz4", "zstd"}, o.Compression) {
		return fmt.Errorf("compression %q: want none, gzip, snappy, lz4 or zstd", o.Compression)
	}
	if o.TransactionalID != "" && !o.Idempotence && !o.Literal {
		return fmt.Errorf("transactional_id %q: transactions need idempotence", o.TransactionalID)
	}
	if o.Retries < -1 {
		return fmt.Errorf("retries %d: want -1 or more", o.Retries)
	}
	if o.Retries != 0 && o.NoRetries {
		return fmt.Errorf("retries %d and no_retries: want one of them", o.Retries)
	}
	for name, value := range map[string]int{"in_flight": o.InFlight, "batch_size": o.BatchSize} {
		if value < 0 {
			return fmt.Errorf("%s %d: want 0 or more", name, value)
		}
	}
	for name, value := range map[string]time.Duration{
		"linger": o.Linger, "retry_backoff": o.RetryBackoff, "request_timeout": o.RequestTimeout, "delivery_timeout": o.DeliveryTimeout,
		"metadata_max_age": o.MetadataMaxAge, "transaction_timeout": o.TransactionTimeout,
	} {
		if value < 0 {
			return fmt.Errorf("%s %s: want 0 or more", name, value)
		}
	}
	return nil
}

// Unmapped gathers the options that are not in force as they were asked for.
type Unmapped []clients.Unmapped

// Add says of an option what is in force instead.
func (u *Unmapped) Add(option, instead string, args ...any) {
	*u = append(*u, clients.Unmapped{Option: option, Why: fmt.Sprintf(instead, args...)})
}

// SetField sets a field that not every version of a library has, by its name
// with dots, in the struct that of points to. It says whether the field is there.
func SetField(of any, name string, value any) bool {
	field := reflect.ValueOf(of).Elem()
	for part := range strings.SplitSeq(name, ".") {
		if field = field.FieldByName(part); !field.IsValid() {
			return false
		}
	}
	field.Set(reflect.ValueOf(value))
	return true
}
