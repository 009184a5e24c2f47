package drivertest

import (
	"context"
	"errors"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func loadCases() []Case {
	return []Case{
		{Name: "many", Why: "100,000 records in a row are handed over, and each is answered", Large: true, run: many(0)},
		{Name: "slow-reader", Why: "idemcheck may be slow to read: a driver that loses answers meanwhile loses evidence", Large: true, run: many(3 * time.Second)},
		{Name: "back-pressure", Why: "a broker that does not answer must not fill the driver's memory without end", Large: true, run: backPressure},
		{Name: "two", Why: "two producers are two processes: nothing of theirs may be shared", run: two},
		{Name: "stop", Why: "a driver may be stopped and continued at any time, and goes on", run: stop},
	}
}

const manyRecords = 100_000

// many sends many records, and does not read events for some time.
func many(deaf time.Duration) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		d, err := t.open(ctx)
		if err != nil {
			return err
		}
		if deaf > 0 {
			d.pauseReading(true)
			timer := time.AfterFunc(deaf, func() { d.pauseReading(false) })
			defer timer.Stop()
		}
		if err := mixed(d, manyRecords, 100, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
			return t.told(d, err)
		}
		return t.orderly(ctx, d, toAnswer)
	}
}

const (
	// pressure is how much is sent at most to a driver whose broker does not
	// answer, in values of this size.
	pressure     = 64 << 20
	pressureSize = 64 << 10
	// pressureTime is how long the broker does not answer. Clients take a request
	// for lost after ten seconds at the soonest, by default.
	pressureTime = 7 * time.Second
	// stillness is how long a driver that takes no more is watched.
	stillness = 2 * time.Second
)

func backPressure(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	release := t.hold()
	defer release()
	began := time.Now()
	moved, enough, sent := make(chan struct{}, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		for n := range pressure / pressureSize {
			select {
			case <-enough:
				sent <- nil
				return
			default:
			}
			if err := d.send(ctx, d.values(1, int32(n)%Brokers, pressureSize)...); err != nil {
				sent <- err
				return
			}
			select {
			case moved <- struct{}{}:
			default:
			}
		}
		sent <- nil
	}()
	most, err := d.watch(ctx, began, moved, sent)
	close(enough)
	release()
	if errors.Is(err, errStillSending) {
		err = <-sent
	}
	if err != nil {
		return t.told(d, err)
	}
	d.mu.Lock()
	took := len(d.order) * pressureSize >> 20
	d.mu.Unlock()
	if most > 0 {
		t.note("it took %d MiB while the broker did not answer, and had %d MiB resident at most", took, most>>20)
	}
	if most > t.suite.memory() {
		return t.told(d, broken(ruleReadAhead, "it took %d MiB while the broker did not answer, and had %d MiB resident: it is to stop reading while the library takes no more", took, most>>20))
	}
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if err := d.flush(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, false)
}

// errStillSending: the sender waits for the driver.
var errStillSending = errors.New("the driver takes no more")

// watch looks at a driver's memory until everything is sent, or nothing has
// moved for a while, or time is up.
func (d *driven) watch(ctx context.Context, began time.Time, moved <-chan struct{}, sent <-chan error) (most int64, err error) {
	look := func() {
		if used, known := d.child.Memory(); known {
			most = max(most, used)
		}
	}
	defer look()
	every := time.NewTicker(100 * time.Millisecond)
	defer every.Stop()
	for last := time.Now(); ; {
		select {
		case <-moved:
			last = time.Now()
		case err := <-sent:
			return most, err
		case now := <-every.C:
			look()
			if now.Sub(began) > pressureTime || now.Sub(last) > stillness {
				return most, errStillSending
			}
		case <-ctx.Done():
			return most, ctx.Err()
		}
	}
}

func two(ctx context.Context, t *trial) error {
	var both [2]*driven
	for i := range both {
		d, err := t.open(ctx)
		if err != nil {
			return err
		}
		both[i] = d
	}
	for range 100 {
		for _, d := range both {
			if err := d.send(ctx, append(d.values(2, 0, 0), d.values(1, 1, 0)...)...); err != nil {
				return t.told(d, err)
			}
		}
	}
	for _, d := range both {
		if err := d.allAcked(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
		if err := d.close(ctx); err != nil {
			return t.told(d, err)
		}
	}
	ids := make(map[int64]string)
	for _, r := range t.broker.Requests() {
		for _, b := range r.Batches {
			if owner, ok := ids[b.ProducerID]; b.ProducerID >= 0 && ok && owner != r.ClientID {
				return t.told(both[0], broken(ruleUnasked, "two drivers' producers share the producer id %d", b.ProducerID))
			}
			ids[b.ProducerID] = r.ClientID
		}
	}
	return t.verify(ctx, true)
}

func stop(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := mixed(d, 200, 0, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
		return t.told(d, err)
	}
	if err := d.child.Pause(ctx); err != nil {
		return t.told(d, d.late(ruleStop, "it cannot be stopped: %v", err))
	}
	written := make(chan error, 1)
	go func() {
		written <- mixed(d, 2000, 200, func(r ...driver.Record) error { return d.send(ctx, r...) })
	}()
	pass(ctx, 1500*time.Millisecond)
	err = d.child.Resume()
	if failed := <-written; failed != nil {
		return t.told(d, failed)
	}
	if err != nil {
		return err
	}
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, broken(ruleStop, "stopped for a while and continued: %v", err))
	}
	return t.orderly(ctx, d, toAnswer)
}
