package drivertest

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func closeCases() []Case {
	return []Case{
		{Name: "close", Why: "close ends a producer at once, with records on their way: each gets its answer, then closed, then nothing", run: closeUnanswered},
		{Name: "close-mute", Why: "a driver must end also when its brokers say nothing any more, or every run would wait for it", run: closeMute},
	}
}

// closeUnanswered closes while the broker, which has everything, holds back its
// answers.
func closeUnanswered(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	release := t.hold()
	defer release()
	if err := mixed(d, 50, 0, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
		return t.told(d, err)
	}
	if err := t.arrived(ctx, d, 1); err != nil {
		return err
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, true)
}

func closeMute(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := d.ackedBy(ctx, Brokers); err != nil {
		return t.told(d, err)
	}
	t.broker.Mute()
	if err := mixed(d, 50, 0, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
		return t.told(d, err)
	}
	pass(ctx, 300*time.Millisecond) // they may be on their way
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, true)
}

// pass lets time pass.
func pass(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
