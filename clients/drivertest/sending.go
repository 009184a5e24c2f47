package drivertest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

// values makes n records for a partition of topic t, each with a value of its
// own of at least size bytes.
func (d *driven) values(n int, partition int32, size int) []driver.Record {
	all := make([]driver.Record, n)
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range all {
		d.last++
		value := fmt.Sprintf("%s record %d ", d.name, d.last)
		if short := size - len(value); short > 0 {
			value += strings.Repeat("x", short)
		}
		all[i] = driver.Record{ID: d.last, Topic: "t", Partition: partition, Value: value}
	}
	return all
}

// to makes a record for another topic.
func (d *driven) to(topic string) driver.Record {
	r := d.values(1, 0, 0)[0]
	r.Topic = topic
	return r
}

// send sends records in one command.
func (d *driven) send(ctx context.Context, records ...driver.Record) error {
	return d.sendBy(ctx, driver.AppendCommand(nil, driver.Command{Command: driver.Send, Records: records}), records...)
}

// sendBy sends records in a line of one's own.
func (d *driven) sendBy(ctx context.Context, line []byte, records ...driver.Record) error {
	d.mu.Lock()
	d.calls++
	for _, r := range records {
		sent := &record{Record: r, call: d.calls}
		d.records[r.ID] = sent
		d.order = append(d.order, sent)
		d.left++
	}
	d.mu.Unlock()
	return d.write(ctx, line)
}

// answered waits until every record has an answer. The limit is for how long none
// comes.
func (d *driven) answered(ctx context.Context, limit time.Duration) error {
	for before := -1; ; {
		left := 0
		if !d.until(ctx, limit, func() bool { left = d.left; return left == 0 || left != before }) {
			return d.late(ruleOnce, "%s", d.unanswered())
		}
		if left == 0 {
			return nil
		}
		before = left
	}
}

// unanswered says how many records have no answer.
func (d *driven) unanswered() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.order {
		if !r.answered() {
			ago := "none has one"
			if !d.answer.IsZero() {
				ago = fmt.Sprintf("the last answer came %s ago", time.Since(d.answer).Round(100*time.Millisecond))
			}
			return fmt.Sprintf("%d of %d records have no answer, record %d for example; %s", d.left, len(d.order), r.ID, ago)
		}
	}
	return "every record has its answer"
}

// failures are the records that were answered with an error.
func (d *driven) failures() (failed []*record) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.order {
		if r.failed != nil {
			failed = append(failed, r)
		}
	}
	return failed
}

// noFailure is an error unless the library has reported success for all: then
// the broker has done nothing that it could not.
func (d *driven) noFailure() error {
	failed := d.failures()
	if len(failed) == 0 {
		return nil
	}
	f := failed[0].failed
	return broken(ruleReported, "%d records failed on a broker that takes all of them, record %d by %s (code %d): %s", len(failed), f.ID, f.Class, f.Code, f.Message)
}

// allAcked waits until everything is acked.
func (d *driven) allAcked(ctx context.Context, limit time.Duration) error {
	if err := d.answered(ctx, limit); err != nil {
		return err
	}
	return d.noFailure()
}

// ackedBy sends one record to each of the first brokers and waits until all are
// acked: then the client knows what it has to know of them.
func (d *driven) ackedBy(ctx context.Context, brokers int32) error {
	for p := range brokers {
		if err := d.send(ctx, d.values(1, p, 0)...); err != nil {
			return err
		}
	}
	return d.allAcked(ctx, toAnswer)
}

// ask sends a command with an id.
func (d *driven) ask(ctx context.Context, command string) (id int64, err error) {
	d.mu.Lock()
	d.last++
	id = d.last
	d.asked[id] = &question{command: command}
	d.mu.Unlock()
	return id, d.write(ctx, driver.AppendCommand(nil, driver.Command{Command: command, ID: id}))
}

// replied waits for the reply to a command.
func (d *driven) replied(ctx context.Context, id int64, limit time.Duration) (question, error) {
	q := func() question {
		d.mu.Lock()
		defer d.mu.Unlock()
		return *d.asked[id]
	}
	if d.until(ctx, limit, func() bool { return d.asked[id].done || d.asked[id].failed != nil }) {
		return q(), nil
	}
	r := ruleTxn
	if q().command == driver.Flush {
		r = ruleFlush
	}
	return q(), d.late(r, "%s after %s (id %d) there is no reply to it", limit, q().command, id)
}

// does sends a command with an id, and waits until it has succeeded.
func (d *driven) does(ctx context.Context, command string) (question, error) {
	id, err := d.ask(ctx, command)
	if err != nil {
		return question{}, err
	}
	q, err := d.replied(ctx, id, toAnswer)
	if err != nil {
		return q, err
	}
	if q.failed != nil {
		return q, broken(ruleTxn, "%s failed on a broker that has nothing against it: %s: %s", command, q.failed.Class, q.failed.Message)
	}
	return q, nil
}

// flush sends a flush command and waits for the end of it.
func (d *driven) flush(ctx context.Context, limit time.Duration) error {
	id, err := d.ask(ctx, driver.Flush)
	if err != nil {
		return err
	}
	return d.flushed(ctx, id, limit)
}

// flushed waits for the end of a flush, and looks at what came before it.
func (d *driven) flushed(ctx context.Context, id int64, limit time.Duration) error {
	q, err := d.replied(ctx, id, limit)
	switch {
	case err != nil:
		return err
	case q.failed != nil:
		return broken(ruleFlush, "flush failed: %s: %s", q.failed.Class, q.failed.Message)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.order {
		if r.ID < id && (!r.answered() || r.heard >= q.heard) {
			return broken(ruleFlush, "flushed came before the answer of record %d, which was sent before the flush", r.ID)
		}
	}
	return nil
}

// close sends close, and waits for everything that belongs to a driver's end.
func (d *driven) close(ctx context.Context) error {
	d.strays()
	d.mu.Lock()
	d.closing = true
	d.mu.Unlock()
	began := time.Now()
	if err := d.write(ctx, driver.AppendCommand(nil, driver.Command{Command: driver.Close})); err != nil {
		return err
	}
	over := d.until(ctx, toClose, d.isOver)
	d.mu.Lock()
	closed, left := d.closed, d.left
	d.mu.Unlock()
	switch {
	case !over && closed:
		return broken(ruleClose, "it has not ended %s after close, though it said closed", time.Since(began).Round(100*time.Millisecond))
	case !over:
		return broken(ruleClose, "it is not closed %s after close; %s", time.Since(began).Round(100*time.Millisecond), d.unanswered())
	case left > 0:
		return broken(ruleOnce, "it has ended, and %s", d.unanswered())
	case !closed:
		return broken(ruleClose, "it has ended without closed: %s", d.child.State)
	case !d.child.State.Success():
		return broken(ruleClose, "it was closed, and ended with %s", d.child.State)
	}
	return nil
}
