package drivertest

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func optionCases() []Case {
	taken := func(name string, change func(*driver.Options)) Case {
		return Case{Name: "option-" + name, Why: name + " is taken, or it is said that it is not", run: option(name, change, sendsSome)}
	}
	cases := []Case{
		{Name: "option-in_flight", Why: "more requests in flight than were asked for are another experiment",
			run: option("in_flight", func(o *driver.Options) { o.InFlight, o.Idempotence = 2, false }, inFlight(2))},
		{Name: "option-in_flight-idempotent", Why: "a fixed number in flight, as some libraries have with idempotence, is to be said",
			run: option("in_flight", func(o *driver.Options) { o.InFlight = 1 }, inFlight(1))},
		{Name: "option-retries", Why: "a library that tries more often than it was told makes another experiment",
			run: option("retries", func(o *driver.Options) { o.Retries, o.RetryBackoffMS, o.Idempotence = 2, 50, false }, retries(2))},
		{Name: "option-no_retries", Why: "retries 0 is the library's default, so that no retry at all has an option of its own, in version 2 of the protocol",
			run: option("no_retries", func(o *driver.Options) { o.NoRetries, o.Idempotence = true, false }, retries(0))},
		{Name: "option-request_timeout_ms", Why: "scenarios are timed by when a client takes a request for lost",
			run: option("request_timeout_ms", func(o *driver.Options) { o.RequestTimeoutMS, o.Idempotence = 2000, false }, requestTimeout(2*time.Second))},
		{Name: "option-delivery_timeout_ms", Why: "scenarios are timed by when a client gives a record up",
			run: option("delivery_timeout_ms", func(o *driver.Options) {
				o.DeliveryTimeoutMS, o.RequestTimeoutMS, o.Idempotence = 3000, 1000, false
			}, deliveryTimeout(3*time.Second))},
	}
	for _, codec := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		cases = append(cases, Case{Name: "option-compression-" + codec, Why: "batches are compressed as was asked, which their headers say",
			run: option("compression", func(o *driver.Options) { o.Compression = codec }, compression(codec))})
	}
	return append(cases,
		taken("linger_ms", func(o *driver.Options) { o.LingerMS = 50 }),
		taken("batch_size", func(o *driver.Options) { o.BatchSize = 16384 }),
		taken("retry_backoff_ms", func(o *driver.Options) { o.RetryBackoffMS = 200 }),
		taken("metadata_max_age_ms", func(o *driver.Options) { o.MetadataMaxAgeMS = 2000 }),
		taken("transaction_timeout_ms", func(o *driver.Options) {
			o.TransactionalID, o.TransactionTimeoutMS, o.Idempotence = "drivertest", 30_000, true
		}),
	)
}

// option opens with one more option than usual. An option that is not in force
// need not be seen in what follows; one that the library has no such thing as
// leaves nothing to test.
func option(name string, change func(*driver.Options), then func(context.Context, *trial, *driven) error) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		if err := t.topic(ctx, "t", Brokers); err != nil {
			return err
		}
		d, err := t.start(t.name + "-0")
		if err != nil {
			return err
		}
		o := t.options(d)
		change(&o)
		ev, err := d.opens(ctx, o)
		if err != nil {
			return t.told(d, err)
		}
		if ev.Event == driver.Fatal {
			if o.Protocol() > 1 {
				if err := t.speaksNewer(ctx); err != nil {
					return err
				}
			}
			if ev.Class != driver.ClassUnsupported {
				return t.told(d, broken(ruleOption, "%s is answered with fatal, without class unsupported: %s", describe(o), ev.Message))
			}
			if !vocabulary(ev.Option) {
				return t.told(d, broken(ruleOption, "fatal with class unsupported names the option %q, which is no option", ev.Option))
			}
			return notApplicable("the library has no %s: %s", ev.Option, ev.Message)
		}
		if why := whyUnmapped(ev, name); why != "" {
			t.note("%s is not in force: %s", name, why)
			then = sendsSome
		}
		return then(ctx, t, d)
	}
}

// sendsSome is for options that cannot be seen from outside.
func sendsSome(ctx context.Context, t *trial, d *driven) error {
	if d.transactional() {
		return t.told(d, d.close(ctx))
	}
	if err := d.send(ctx, d.values(5, 0, 0)...); err != nil {
		return t.told(d, err)
	}
	return t.orderly(ctx, d, toAnswer)
}

func inFlight(most int) func(context.Context, *trial, *driven) error {
	return func(ctx context.Context, t *trial, d *driven) error {
		// Some libraries have one request in flight until the first is answered.
		if err := d.ackedBy(ctx, 1); err != nil {
			return t.told(d, err)
		}
		before := len(t.broker.Requests())
		release := t.hold()
		defer release()
		for range 20 { // apart, so that they are requests of their own
			if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
				return t.told(d, err)
			}
			pass(ctx, 30*time.Millisecond)
		}
		if err := t.arrived(ctx, d, before+1); err != nil {
			return err
		}
		pass(ctx, aWhile)
		outstanding := make(map[int64]int)
		for _, r := range t.broker.Requests()[before:] {
			if outstanding[r.Conn]++; outstanding[r.Conn] > most {
				return t.told(d, broken(ruleOption, "in_flight %d was asked for, and %d requests are unanswered on one connection", most, outstanding[r.Conn]))
			}
		}
		release()
		return t.orderly(ctx, d, toAnswer)
	}
}

func compression(codec string) func(context.Context, *trial, *driven) error {
	return func(ctx context.Context, t *trial, d *driven) error {
		if err := d.send(ctx, d.values(30, 0, 1000)...); err != nil {
			return t.told(d, err)
		}
		if err := t.orderly(ctx, d, toAnswer); err != nil {
			return err
		}
		c, err := t.stored(ctx)
		if err != nil {
			return err
		}
		found := false
		for _, p := range c.all {
			found = found || p.Compression == codec
			// A batch that would not become smaller may go as it is.
			if p.Compression != codec && p.Compression != "none" {
				return t.told(d, broken(ruleOption, "compression %s was asked for, and a batch is compressed by %s", codec, p.Compression))
			}
		}
		if !found {
			return t.told(d, broken(ruleOption, "compression %s was asked for, and no batch is compressed", codec))
		}
		return nil
	}
}

// retries has the broker answer every attempt with what may be tried again. Not
// with code 6: some libraries do not count what a change of leader costs.
func retries(most int) func(context.Context, *trial, *driven) error {
	return func(ctx context.Context, t *trial, d *driven) error {
		t.broker.Obey(func(Request) Reply { return Reply{Code: notEnoughReplicas} })
		if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
			return t.told(d, err)
		}
		gaveUp := d.until(ctx, toGiveUp, func() bool { return d.left == 0 })
		attempts := len(t.broker.Requests())
		t.broker.Obey(nil)
		switch {
		case !gaveUp && d.isOver():
			return t.told(d, d.unasked())
		case !gaveUp:
			return t.told(d, broken(ruleOption, "retries %d was asked for, and after %d attempts in %s it tries on", most, attempts, toGiveUp))
		case attempts > most+1:
			return t.told(d, broken(ruleOption, "retries %d was asked for, and there were %d attempts", most, attempts))
		case attempts < most+1:
			t.note("after code %d it made %d attempts of %d", notEnoughReplicas, attempts, most+1)
		}
		return t.told(d, d.close(ctx))
	}
}

func requestTimeout(asked time.Duration) func(context.Context, *trial, *driven) error {
	return func(ctx context.Context, t *trial, d *driven) error {
		if err := d.ackedBy(ctx, 1); err != nil { // so that all is known
			return t.told(d, err)
		}
		before := len(t.broker.Requests())
		release := t.hold()
		defer release()
		if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
			return t.told(d, err)
		}
		if err := t.arrived(ctx, d, before+1); err != nil {
			return err
		}
		began := time.Now()
		acted := false
		for !acted && time.Since(began) < asked+margin && ctx.Err() == nil && !d.isOver() {
			acted = d.until(ctx, 50*time.Millisecond, func() bool { return d.left == 0 }) || len(t.broker.Requests()) > before+1
		}
		took := time.Since(began)
		switch {
		case d.isOver():
			return t.told(d, d.unasked())
		case !acted:
			return t.told(d, broken(ruleOption, "a request timeout of %s was asked for, and %s after a request that is not answered it has neither tried again nor given up", asked, took.Round(100*time.Millisecond)))
		case took < asked/2:
			return t.told(d, broken(ruleOption, "a request timeout of %s was asked for, and after %s it took the request for lost", asked, took.Round(100*time.Millisecond)))
		}
		release()
		if err := d.answered(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
		if err := d.close(ctx); err != nil {
			return t.told(d, err)
		}
		return t.verify(ctx, false)
	}
}

// margin is how much later than asked a library may act: it pauses, connects
// again, or looks at its clock now and then.
const margin = 7 * time.Second

func deliveryTimeout(asked time.Duration) func(context.Context, *trial, *driven) error {
	return func(ctx context.Context, t *trial, d *driven) error {
		release := t.hold()
		defer release()
		if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
			return t.told(d, err)
		}
		if err := t.arrived(ctx, d, 1); err != nil {
			return err
		}
		if !d.until(ctx, asked+margin, func() bool { return d.left == 0 }) {
			return t.told(d, d.late(ruleOption, "a delivery timeout of %s was asked for, and %s after a request that is never answered the record has no answer", asked, asked+margin))
		}
		release()
		if err := d.close(ctx); err != nil {
			return t.told(d, err)
		}
		return t.verify(ctx, false)
	}
}
