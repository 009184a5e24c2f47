package drivertest

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func flushCases() []Case {
	return []Case{
		{Name: "flush", Why: "flushed says that everything sent before is answered, and idemcheck relies on it", run: flush},
		{Name: "flush-idle", Why: "a flush with nothing to wait for is done at once, and its id comes back", run: flushIdle},
	}
}

func flush(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	release := t.hold()
	defer release()
	if err := mixed(d, 10, 0, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
		return t.told(d, err)
	}
	if err := t.arrived(ctx, d, 1); err != nil {
		return err
	}
	id, err := d.ask(ctx, driver.Flush)
	if err != nil {
		return t.told(d, err)
	}
	if d.until(ctx, aWhile, func() bool { return d.asked[id].done }) {
		return t.told(d, broken(ruleFlush, "flushed came while the broker holds back its answers: %s", d.unanswered()))
	}
	release()
	if err := d.flushed(ctx, id, toAnswer); err != nil {
		return t.told(d, err)
	}
	return t.orderly(ctx, d, toAnswer)
}

// toIdle is how long a flush may take that has nothing to wait for.
const toIdle = 3 * time.Second

func flushIdle(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		if err := d.flush(ctx, toIdle); err != nil {
			return t.told(d, err)
		}
	}
	if err := d.send(ctx, d.values(3, 0, 0)...); err != nil {
		return t.told(d, err)
	}
	if err := d.allAcked(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if err := d.flush(ctx, toIdle); err != nil {
		return t.told(d, err)
	}
	return t.orderly(ctx, d, toAnswer)
}
