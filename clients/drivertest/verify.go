package drivertest

import (
	"context"
	"fmt"

	"github.com/idemcheck/idemcheck/clients/driver"
)

// place is where a record is in the log.
type place struct {
	topic     string
	partition int32
	Stored
}

// contents is what the logs hold, by content.
type contents struct {
	all    []place
	places map[string][]int // by key and value: where in all
}

// whole is what tells records apart.
func whole(key, value []byte) string {
	if key == nil {
		return "-" + string(value)
	}
	return fmt.Sprintf("%d %s%s", len(key), key, value)
}

func (r *record) whole() string {
	if r.Key == "" {
		return whole(nil, []byte(r.Value))
	}
	return whole([]byte(r.Key), []byte(r.Value))
}

// stored reads the logs of all topics of the case.
func (t *trial) stored(ctx context.Context) (contents, error) {
	c := contents{places: make(map[string][]int)}
	for _, topic := range t.topics {
		for partition := range topic.partitions {
			log, err := t.broker.Log(ctx, topic.name, partition)
			if err != nil {
				return c, err
			}
			for _, s := range log {
				key := whole(s.Key, s.Value)
				c.places[key] = append(c.places[key], len(c.all))
				c.all = append(c.all, place{topic.name, partition, s})
			}
		}
	}
	return c, nil
}

// of lists where a record is.
func (c contents) of(r *record) (found []place) {
	for _, at := range c.places[r.whole()] {
		found = append(found, c.all[at])
	}
	return found
}

// verify compares every answer with the logs. undisturbed says that the broker
// has answered everything at once, so that nothing may be there twice.
func (t *trial) verify(ctx context.Context, undisturbed bool) error {
	c, err := t.stored(ctx)
	if err != nil {
		return err
	}
	sent := make(map[string]*record)
	for _, d := range t.drivers {
		for _, r := range d.sentRecords() {
			sent[r.whole()] = r
		}
	}
	for _, p := range c.all {
		if sent[whole(p.Key, p.Value)] == nil {
			return t.told(t.drivers[0], c.foreign(p, sent))
		}
	}
	for _, d := range t.drivers {
		for _, r := range d.sentRecords() {
			if err := compare(r, c.of(r), undisturbed, d.options.Acks == "0"); err != nil {
				return t.told(d, err)
			}
		}
	}
	return nil
}

// sentRecords are the records that a driver was sent, with their answers as
// they are now.
func (d *driven) sentRecords() []*record {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]*record, len(d.order))
	for i, r := range d.order {
		now := *r
		all[i] = &now
	}
	return all
}

// foreign describes a stored record that is none of those that were sent: by the
// ack that names its place, if there is one.
func (c contents) foreign(p place, sent map[string]*record) error {
	where := fmt.Sprintf("%s/%d, offset %d", p.topic, p.partition, p.Offset)
	for _, r := range sent {
		if r.acked == nil || r.Topic != p.topic || r.Partition != p.partition || r.acked.Offset != p.Offset {
			continue
		}
		switch {
		case r.Value != string(p.Value):
			return broken(ruleBytes, "record %d was acked at %s, and what stands there was never sent so: a value of %d bytes, %s", r.ID, where, len(p.Value), shorten(p.Value))
		case r.Key == "":
			return broken(ruleNoKey, "record %d was sent without a key, and stands at %s with the key %q", r.ID, where, p.Key)
		}
		return broken(ruleBytes, "record %d was sent with the key %q, and stands at %s with %q", r.ID, r.Key, where, p.Key)
	}
	return broken(ruleBytes, "the log holds a record (%s) that was never sent so: a value of %d bytes, %s", where, len(p.Value), shorten(p.Value))
}

// compare compares the answer of one record with where it is. unconfirmed says
// that no broker answers, so that an ack proves nothing.
func compare(r *record, found []place, undisturbed, unconfirmed bool) error {
	for _, p := range found {
		if p.topic != r.Topic || p.partition != r.Partition {
			return broken(rulePartition, "record %d was sent to %s/%d, and stands in %s/%d", r.ID, r.Topic, r.Partition, p.topic, p.partition)
		}
	}
	switch {
	case undisturbed && len(found) > 1:
		return broken(ruleHide, "record %d stands in the log %d times, and the broker has answered everything", r.ID, len(found))
	case r.failed != nil && r.failed.Appended == driver.AppendedNever && len(found) > 0:
		return broken(ruleNever, "record %d was answered with %s and appended: never, and stands in the log at offset %d", r.ID, r.failed.Class, found[0].Offset)
	case r.acked == nil, unconfirmed:
		return nil
	case len(found) == 0:
		return broken(ruleReported, "record %d was acked (%s/%d, offset %d), and the log does not hold it", r.ID, r.Topic, r.Partition, r.acked.Offset)
	case r.acked.Offset == -1:
		return nil // the library does not tell
	}
	for _, p := range found {
		if p.Offset == r.acked.Offset {
			return nil
		}
	}
	return broken(ruleReported, "record %d was acked at offset %d of %s/%d, and stands at offset %d", r.ID, r.acked.Offset, r.Topic, r.Partition, found[0].Offset)
}

// inOrder compares the order in the logs with the order in which a driver was
// sent the records, as far as its library promises any.
func (t *trial) inOrder(ctx context.Context, d *driven) error {
	promise := d.ready.Order
	if promise == nil || !promise.Promised && !promise.InCall {
		return nil
	}
	c, err := t.stored(ctx)
	if err != nil {
		return err
	}
	latest := make(map[string]*record) // by topic and partition
	offsets := make(map[*record]int64)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.order {
		found := c.of(r)
		if len(found) == 0 {
			continue
		}
		offsets[r] = found[0].Offset
		lane := fmt.Sprintf("%s/%d", r.Topic, r.Partition)
		before := latest[lane]
		latest[lane] = r
		if before == nil || offsets[before] < offsets[r] {
			continue
		}
		if before.call == r.call {
			return broken(ruleInCall, "records %d and %d came in one command, and stand in %s at offsets %d and %d", before.ID, r.ID, lane, offsets[before], offsets[r])
		}
		if promise.Promised {
			return broken(ruleOrder, "record %d came before record %d, and they stand in %s at offsets %d and %d", before.ID, r.ID, lane, offsets[before], offsets[r])
		}
	}
	return nil
}
