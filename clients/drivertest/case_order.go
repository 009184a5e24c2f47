package drivertest

import (
	"context"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func orderCases() []Case {
	return []Case{
		{Name: "order", Why: "records sent one after the other are handed over in that order, or the library is blamed for the driver", run: order},
		{Name: "order-in-call", Why: "the records of one command are one call of the library, in their order", run: orderInCall},
	}
}

func order(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if o := d.ready.Order; o == nil || !o.Promised {
		return notApplicable("the library promises no order of calls: %s", why(d))
	}
	for i := range 400 {
		if err := d.send(ctx, d.values(1, int32(i/2)%Brokers, 0)...); err != nil {
			return t.told(d, err)
		}
	}
	return t.orderly(ctx, d, toAnswer)
}

func orderInCall(ctx context.Context, t *trial) error {
	d, err := t.open(ctx)
	if err != nil {
		return err
	}
	if o := d.ready.Order; o == nil || !o.Promised && !o.InCall {
		return notApplicable("the library promises no order within a call: %s", why(d))
	}
	for range 20 {
		var command []driver.Record
		for i := range 20 {
			command = append(command, d.values(1, int32(i)%Brokers, 0)...)
		}
		if err := d.send(ctx, command...); err != nil {
			return t.told(d, err)
		}
	}
	return t.orderly(ctx, d, toAnswer)
}

func why(d *driven) string {
	if d.ready.Order == nil {
		return "ready says nothing of order"
	}
	return d.ready.Order.Why
}
