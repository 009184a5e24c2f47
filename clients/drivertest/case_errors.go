package drivertest

import (
	"context"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func errorCases() []Case {
	return []Case{
		{Name: "refused-10", Why: "a record that the broker finds too large is one error, in the library's words, and never certain not to be in the log", run: refused(messageTooLarge)},
		{Name: "refused-29", Why: "so is a record that the broker lets nobody write", run: refused(unauthorized)},
		{Name: "refused-87", Why: "so is a record that the broker finds invalid", run: refused(invalidRecord)},
		{Name: "refused-45", Why: "a sequence that the broker refuses ends some idempotent producers for good, and every record is answered all the same", run: refusedSequence},
		{Name: "retriable", Why: "what a library may try again ends in an ack, or in an error that says that it may be tried again", run: retriable},
		{Name: "lost-answer", Why: "a record whose answer was lost may be in the log, whatever the library makes of it", run: lostAnswer},
		{Name: "flush-errors", Why: "a record that failed is answered, so flush does not wait for it, and does not fail", run: flushErrors},
	}
}

// Error codes of the Kafka protocol.
const (
	notLeader         = 6
	timedOut          = 7
	messageTooLarge   = 10
	notEnoughReplicas = 19
	unauthorized      = 29
	outOfOrder        = 45
	invalidRecord     = 87
)

// refused has the broker refuse every record to one topic.
func refused(code int16) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		if err := t.refuse(ctx, code); err != nil {
			return err
		}
		d, err := t.open(ctx)
		if err != nil {
			return err
		}
		r := d.to("refused")
		if err := d.send(ctx, r); err != nil {
			return t.told(d, err)
		}
		if err := d.answered(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
		if err := refusal(d.records[r.ID], code); err != nil {
			return t.told(d, err)
		}
		// The library may have given up for good. Its records are answered all the same.
		if err := d.send(ctx, d.values(2, 0, 0)...); err != nil {
			return t.told(d, err)
		}
		if err := d.answered(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
		if err := d.close(ctx); err != nil {
			return t.told(d, err)
		}
		return t.verify(ctx, true)
	}
}

// refusedSequence has the broker refuse the sequence of the first batch, once.
// Some libraries number it anew, some report an error and go on, and to some it
// is fatal.
func refusedSequence(ctx context.Context, t *trial) error {
	if !t.suite.about.Idempotent {
		return notApplicable("the library has no idempotence")
	}
	refused := false
	t.broker.Obey(func(Request) Reply {
		if refused {
			return Reply{}
		}
		refused = true
		return Reply{Code: outOfOrder}
	})
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		if err := d.send(ctx, d.values(2, 0, 0)...); err != nil {
			return t.told(d, err)
		}
		if err := d.answered(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, true)
}

// refuse makes a topic, refused, to which the broker lets no record.
func (t *trial) refuse(ctx context.Context, code int16) error {
	t.broker.Obey(func(r Request) Reply {
		if r.Batches[0].Topic == "refused" {
			return Reply{Code: code}
		}
		return Reply{}
	})
	if err := t.topic(ctx, "refused", 1); err != nil {
		return err
	}
	return t.topic(ctx, "t", Brokers)
}

// refusal looks at the answer of a record that the broker has refused.
func refusal(r *record, code int16) error {
	if r.acked != nil {
		return broken(ruleHide, "the broker refused record %d with code %d, and it was acked", r.ID, code)
	}
	f := r.failed
	switch {
	case f.Appended == driver.AppendedNever:
		return broken(ruleNever, "the broker refused record %d with code %d, so its request had gone out, and the error says appended: never", r.ID, code)
	case f.Class == "" || f.Message == "":
		return broken(ruleError, "the broker refused record %d with code %d, and the error has class %q and message %q", r.ID, code, f.Class, f.Message)
	case f.Code != 0 && f.Code != code:
		return broken(ruleError, "the broker refused record %d with code %d, and the error has code %d", r.ID, code, f.Code)
	case f.Retriable:
		return broken(ruleError, "the broker refused record %d with code %d, which no library tries again, and the error says retriable", r.ID, code)
	}
	return nil
}

func retriable(ctx context.Context, t *trial) error {
	codes := map[string]Reply{"retriable-6": {Code: notLeader}, "retriable-7": {Code: timedOut, Append: true}}
	for name := range codes {
		if err := t.topic(ctx, name, 1); err != nil {
			return err
		}
	}
	once := make(map[string]bool)
	t.broker.Obey(func(r Request) Reply {
		name := r.Batches[0].Topic
		if once[name] {
			return Reply{}
		}
		once[name] = true
		return codes[name]
	})
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for name, reply := range codes {
		r := d.to(name)
		if err := d.send(ctx, r); err != nil {
			return t.told(d, err)
		}
		if err := d.answered(ctx, toAnswer); err != nil {
			return t.told(d, err)
		}
		switch f := d.records[r.ID].failed; {
		case f == nil:
		case f.Appended == driver.AppendedNever:
			return t.told(d, broken(ruleNever, "the broker answered record %d with code %d, so its request had gone out, and the error says appended: never", r.ID, reply.Code))
		case !f.Retriable:
			return t.told(d, broken(ruleError, "the broker answered record %d with code %d, which may be tried again, and the error (%s: %s) does not say retriable", r.ID, reply.Code, f.Class, f.Message))
		default:
			t.note("the library does not try again by itself after code %d", reply.Code)
		}
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, false)
}

// toGiveUp is how long a broker loses its answers when a library should give up
// after three seconds. Some never do, and that is their right.
const toGiveUp = 8 * time.Second

func lostAnswer(ctx context.Context, t *trial) error {
	t.broker.Obey(func(Request) Reply { return Reply{Lose: true} })
	d, err := t.openWith(ctx, func(o *driver.Options) {
		o.Retries, o.RetryBackoffMS, o.RequestTimeoutMS, o.DeliveryTimeoutMS = 1, 100, 1500, 3000
	})
	if err != nil {
		return err
	}
	if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
		return t.told(d, err)
	}
	if err := t.arrived(ctx, d, 1); err != nil {
		return err
	}
	gaveUp := d.until(ctx, toGiveUp, func() bool { return d.left == 0 })
	if gaveUp && len(d.failures()) == 0 {
		return t.told(d, broken(ruleHide, "a record was acked, and no answer of the broker's has ever arrived"))
	}
	t.broker.Obey(nil)
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, false)
}

func flushErrors(ctx context.Context, t *trial) error {
	if err := t.refuse(ctx, invalidRecord); err != nil {
		return err
	}
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	for range 3 {
		if err := d.send(ctx, d.to("refused")); err != nil {
			return t.told(d, err)
		}
	}
	if err := d.flush(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, true)
}
