package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Shopify/toxiproxy/v2"
)

// changeLimit is how long a change of toxics waits for a link that is stuck in
// a peer that does not read. toxiproxy itself loses bytes after five seconds.
const changeLimit = 2 * time.Second

// AddToxic adds a toxic behind the Kafka toxic, for all connections of the
// broker at index. stream is "upstream" (requests) or "downstream" (answers).
// latency, bandwidth and slow_close are toxiproxy's own, with its attributes.
// slicer (size in bytes, delay in microseconds) and jitter (most, in
// microseconds) are ours, since toxiproxy's draw from the global random source:
// their attribute seed says what they draw. Toxics that lose bytes (timeout,
// limit_data, reset_peer) are not taken: the journal would call passed what was
// dropped.
//
// A change needs every link to pause for a moment. A link that cannot, because
// its peer has not read for two seconds, has its connection closed.
func (f *Fleet) AddToxic(index int, kind, stream string, attributes map[string]any) (remove func() error, err error) {
	registered := kind
	switch kind {
	case "latency", "bandwidth", "slow_close":
	case "slicer":
		registered = slicerToxicType
	case "jitter":
		registered = jitterToxicType
	default:
		return nil, fmt.Errorf("add toxic %q: the proxy knows latency, jitter, bandwidth, slicer and slow_close; close connections or hold answers to lose bytes", kind)
	}
	if stream != "upstream" && stream != "downstream" {
		return nil, fmt.Errorf("add toxic %q: stream is upstream or downstream, not %q", kind, stream)
	}
	if attributes == nil {
		attributes = map[string]any{}
	}
	l := f.lanes[index]
	l.toxicMu.Lock()
	defer l.toxicMu.Unlock()
	l.serial++
	name := fmt.Sprintf("%s-%d", kind, l.serial)
	text, err := json.Marshal(map[string]any{
		"name": name, "type": registered, "stream": stream, "toxicity": 1.0, "attributes": attributes,
	})
	if err != nil {
		return nil, fmt.Errorf("add toxic %q: attributes: %w", kind, err)
	}
	err = l.change(func() error {
		_, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(text))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("add toxic %q to broker %d: %w", kind, l.broker.Load(), err)
	}
	l.toxics[name] = true
	return func() error {
		l.toxicMu.Lock()
		defer l.toxicMu.Unlock()
		return l.removeToxic(name)
	}, nil
}

// removeToxic removes one toxic under toxicMu; nothing happens if it is gone.
func (l *lane) removeToxic(name string) error {
	if !l.toxics[name] {
		return nil
	}
	delete(l.toxics, name)
	err := l.change(func() error { return l.proxy.Toxics.RemoveToxic(context.Background(), name) })
	if err != nil && !errors.Is(err, toxiproxy.ErrToxicNotFound) {
		return fmt.Errorf("remove toxic %s from broker %d: %w", name, l.broker.Load(), err)
	}
	return nil
}

func (l *lane) removeToxics() error {
	l.toxicMu.Lock()
	defer l.toxicMu.Unlock()
	var err error
	for name := range l.toxics {
		err = errors.Join(err, l.removeToxic(name))
	}
	return err
}

// change runs a change of toxics, and closes the connections that keep it from
// finishing.
func (l *lane) change(do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	timer := time.NewTimer(changeLimit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	for _, c := range l.snapshot() {
		if c.stuck() {
			c.force("closed by the harness: its peer did not read while toxics were changed")
		}
	}
	return <-done
}
