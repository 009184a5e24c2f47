package drivertest

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func answerCases() []Case {
	return []Case{
		{Name: "answers", Why: "every record gets one answer, and an ack says where the record stands", run: answers},
		{Name: "not-before", Why: "an ack that comes before the broker's is no proof of anything", run: notBefore},
		{Name: "lone", Why: "a driver that waits for more before it answers makes a client look slow", run: lone},
		{Name: "does-not-wait", Why: "calls that overlap are what is under test: a command must not wait for the answers to the ones before", run: doesNotWait},
	}
}

// mixed makes n records, one partition after the other, in commands of several
// sizes, and hands each command to send.
func mixed(d *driven, n, size int, send func(...driver.Record) error) error {
	sizes := []int{1, 1, 2, 5, 10, 31}
	for at, i := 0, 0; at < n; i++ {
		var command []driver.Record
		for range min(sizes[i%len(sizes)], n-at) {
			command = append(command, d.values(1, int32(at)%Brokers, size)...)
			at++
		}
		if err := send(command...); err != nil {
			return err
		}
	}
	return nil
}

// orderly flushes, closes, and verifies, as a good run of any driver ends.
func (t *trial) orderly(ctx context.Context, d *driven, limit time.Duration) error {
	if err := d.allAcked(ctx, limit); err != nil {
		return t.told(d, err)
	}
	if err := d.flush(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	if err := t.verify(ctx, true); err != nil {
		return err
	}
	return t.told(d, t.inOrder(ctx, d))
}

func answers(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := mixed(d, 1000, 100, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
		return t.told(d, err)
	}
	return t.orderly(ctx, d, toAnswer)
}

// hold has the broker append and not answer, until release is called.
func (t *trial) hold() (release func()) {
	held := make(chan struct{})
	t.broker.Obey(func(Request) Reply { return Reply{Hold: held} })
	released := false
	return func() {
		if !released {
			released = true
			t.broker.Obey(nil)
			close(held)
		}
	}
}

// arrived waits until n produce requests have come.
func (t *trial) arrived(ctx context.Context, d *driven, n int) error {
	for deadline := time.Now().Add(toAnswer); len(t.broker.Requests()) < n; time.Sleep(5 * time.Millisecond) {
		if d.isOver() {
			return t.told(d, d.unasked())
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return t.told(d, broken(ruleWait, "%s after the records were sent, %d produce requests have come to the broker, of %d at least", toAnswer, len(t.broker.Requests()), n))
		}
	}
	return nil
}

func notBefore(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	release := t.hold()
	defer release()
	if err := d.send(ctx, append(d.values(2, 0, 0), d.values(1, 1, 0)...)...); err != nil {
		return t.told(d, err)
	}
	if err := t.arrived(ctx, d, 1); err != nil {
		return err
	}
	if d.until(ctx, aWhile, func() bool { return d.left < len(d.order) }) {
		return t.told(d, broken(ruleReported, "a record was answered, and the broker has not answered anything yet"))
	}
	release()
	return t.orderly(ctx, d, toAnswer)
}

// toLone is how long the answer to a lone record may take: a library may linger,
// by default, for some time.
const toLone = 5 * time.Second

func lone(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for i := range 3 {
		if err := d.send(ctx, d.values(1, int32(i)%Brokers, 0)...); err != nil {
			return t.told(d, err)
		}
		began := time.Now()
		if !d.until(ctx, toLone, func() bool { return d.left == 0 }) {
			return t.told(d, d.late(ruleSoon, "a lone record has no answer after %s", time.Since(began).Round(100*time.Millisecond)))
		}
	}
	return t.orderly(ctx, d, toAnswer)
}

func doesNotWait(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	// Both brokers are known to the client before one of them is slow.
	if err := d.ackedBy(ctx, Brokers); err != nil {
		return t.told(d, err)
	}
	held := make(chan struct{})
	t.broker.Obey(func(r Request) Reply {
		if r.Batches[0].Partition == 0 {
			return Reply{Hold: held}
		}
		return Reply{}
	})
	before := len(t.broker.Requests())
	err = d.send(ctx, d.values(1, 0, 0)...)
	if err == nil {
		err = t.arrived(ctx, d, before+1)
	}
	if err == nil {
		err = d.send(ctx, d.values(1, 1, 0)...)
	}
	if err == nil && !d.until(ctx, toLone, func() bool { return d.left == 1 }) {
		err = d.late(ruleWait, "while a record to one broker is unanswered, a later one to another broker has no answer after %s", toLone)
	}
	t.broker.Obey(nil)
	close(held)
	if err != nil {
		return t.told(d, err)
	}
	return t.orderly(ctx, d, toAnswer)
}
