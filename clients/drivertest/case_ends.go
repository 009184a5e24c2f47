package drivertest

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func endCases() []Case {
	return []Case{
		{Name: "input-ends", Why: "when idemcheck is killed its drivers must not stay behind", run: inputEnds(false)},
		{Name: "input-ends-busy", Why: "nor when they are in the middle of sending to brokers that say nothing", run: inputEnds(true)},
		{Name: "output-ends", Why: "a driver that nobody listens to any more must not stay behind either", run: outputEnds},
		{Name: "noise", Why: "libraries write warnings: standard output is for events, whatever happens to topics and brokers", run: noise},
		{Name: "nobody-there", Why: "a bootstrap address where nobody listens makes libraries write most of all", run: nobodyThere},
	}
}

// leaves waits until the driver has ended by itself, with all that it started.
func (t *trial) leaves(ctx context.Context, d *driven, after string) error {
	if !d.until(ctx, toNotice, d.isOver) {
		return t.told(d, broken(ruleGone, "%s after %s it lives on", toNotice, after))
	}
	if left := d.child.Left; len(left) > 0 {
		return t.told(d, broken(ruleGone, "it has ended after %s, and processes that it started live on: %v", after, left))
	}
	return nil
}

func inputEnds(busy bool) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		d, err := t.open(ctx)
		if err != nil {
			return err
		}
		if err := d.send(ctx, append(d.values(2, 0, 0), d.values(2, 1, 0)...)...); err != nil {
			return t.told(d, err)
		}
		if err := d.allAcked(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
		if busy {
			t.broker.Mute()
			if err := mixed(d, 50, 0, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
				return t.told(d, err)
			}
		}
		d.strays()
		if err := d.child.Stdin.Close(); err != nil {
			return err
		}
		if err := t.leaves(ctx, d, "the end of its standard input"); err != nil {
			return err
		}
		return t.verify(ctx, true)
	}
}

func outputEnds(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := d.ackedBy(ctx, 1); err != nil {
		return t.told(d, err)
	}
	d.strays()
	if err := d.deafen(); err != nil {
		return err
	}
	// It notices when it has something to say.
	for began := time.Now(); time.Since(began) < toNotice && !ended(d) && ctx.Err() == nil; pass(ctx, 100*time.Millisecond) {
		_ = d.send(ctx, d.values(1, 0, 0)...) // it may end meanwhile
	}
	if !ended(d) {
		return t.told(d, broken(ruleGone, "%s after the end of whoever reads its standard output it lives on, though it had something to say", toNotice))
	}
	return nil
}

func ended(d *driven) bool {
	select {
	case <-d.child.Exited:
		return true
	default:
		return false
	}
}

// noise sends to a topic that is not there, and lets the brokers go and come
// back. What the library makes of it is its own affair; that it is written to
// standard output is not.
func noise(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if err := d.ackedBy(ctx, 1); err != nil {
		return t.told(d, err)
	}
	back, err := t.broker.Vanish()
	if err != nil {
		return err
	}
	if err := mixed(d, 20, 0, func(r ...driver.Record) error { return d.send(ctx, r...) }); err != nil {
		return t.told(d, err)
	}
	pass(ctx, 2*time.Second)
	if err := back(); err != nil {
		return err
	}
	// A library may wait for a topic, and take nothing more meanwhile.
	if err := d.send(ctx, d.to("there-is-no-such-topic")); err != nil {
		return t.told(d, err)
	}
	pass(ctx, 3*time.Second)
	if d.isOver() {
		return t.told(d, d.unasked())
	}
	return nil
}

func nobodyThere(ctx context.Context, t *trial) error {
	d, err := t.start("nobody-there-0")
	if err != nil {
		return err
	}
	o := t.options(d)
	err = d.write(ctx, driver.AppendCommand(nil, driver.Command{
		Command: driver.Open, Protocol: driver.Version, Bootstrap: []string{"127.0.0.1:1"}, Options: &o,
	}))
	if err != nil {
		return t.told(d, err)
	}
	const toWatch = 4 * time.Second
	if d.until(ctx, toWatch, func() bool { return d.ready != nil }) {
		pass(ctx, time.Second)
	}
	d.mu.Lock()
	answered := d.ready
	d.mu.Unlock()
	if d.isOver() && answered == nil {
		return t.told(d, d.unasked())
	}
	return nil
}
