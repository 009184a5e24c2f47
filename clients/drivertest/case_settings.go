package drivertest

import (
	"context"
	"fmt"
	"strings"

	"github.com/idemcheck/idemcheck/clients/driver"
)

// opensNewer opens with options that need version 2 of the protocol.
func (t *trial) opensNewer(ctx context.Context, o driver.Options) (*driven, driver.Event, error) {
	d, err := t.start(fmt.Sprintf("%s-%d", t.name, len(t.drivers)))
	if err != nil {
		return nil, driver.Event{}, err
	}
	o.ClientID = d.name
	ev, err := d.opens(ctx, o)
	switch {
	case err != nil:
	case ev.Event == driver.Ready:
		err = wellFormed(ev, o.Protocol(), d.firstLine())
	case ev.Message == "":
		err = broken(ruleFatal, "fatal has no message")
	}
	return d, ev, t.told(d, err)
}

// speaksNewer makes a case not applicable to a driver that answers fatal to
// version 2 as such, which it may.
func (t *trial) speaksNewer(ctx context.Context) error {
	_, ev, err := t.opensNewer(ctx, driver.Options{Defaults: true})
	if err == nil && ev.Event == driver.Fatal && strings.Contains(ev.Message, "protocol") {
		return notApplicable("the driver speaks version 1 of the protocol only: %s", ev.Message)
	}
	return err
}

// defaults opens with neither idempotence nor acks. What the library then does
// is its own affair, and noted.
func defaults(ctx context.Context, t *trial) error {
	if err := t.topic(ctx, "t", Brokers); err != nil {
		return err
	}
	if err := t.speaksNewer(ctx); err != nil {
		return err
	}
	d, ev, err := t.opensNewer(ctx, driver.Options{Defaults: true})
	if err != nil {
		return err
	}
	if ev.Event == driver.Fatal {
		return t.told(d, broken(ruleUnsaid, "it cannot open a producer with nothing but a client id: %s", ev.Message))
	}
	if err := d.send(ctx, d.values(5, 0, 0)...); err != nil {
		return t.told(d, err)
	}
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	requests := t.broker.Requests()
	if len(requests) == 0 { // with acks 0 the answers may come before the records have arrived
		return t.told(d, d.close(ctx))
	}
	first := requests[0]
	for _, b := range first.Batches {
		t.note("by default: acks %d, producer id %d", first.Acks, b.ProducerID)
	}
	for _, s := range d.sentRecords() {
		if first.Acks == 0 && s.acked != nil && s.acked.Offset != -1 { // success is known to nobody then
			return t.told(d, broken(ruleUnconfirmed, "record %d was acked at offset %d, and its request has acks 0", s.ID, s.acked.Offset))
		}
	}
	return t.told(d, d.close(ctx))
}

// refusedOptions asks for idempotence with acks 1, which Kafka's own client refuses
// (KIP-679). Whatever the library says to it: it is the library's word that
// comes, and acks 1 with a producer id that is on the wire.
func refusedOptions(ctx context.Context, t *trial) error {
	if err := t.topic(ctx, "t", Brokers); err != nil {
		return err
	}
	if err := t.speaksNewer(ctx); err != nil {
		return err
	}
	d, ev, err := t.opensNewer(ctx, driver.Options{Idempotence: true, Acks: "1", Literal: true})
	if err != nil {
		return err
	}
	if ev.Event == driver.Fatal {
		if lacks(ev, "idempotence") {
			return notApplicable("the library has no idempotence: %s", ev.Message)
		}
		if ev.Class != driver.ClassRefused {
			return t.told(d, broken(ruleRefused, "idempotence with acks 1 is answered with fatal, without class refused: %s", ev.Message))
		}
		t.note("idempotence with acks 1 is refused: %s", ev.Message)
		if !d.until(ctx, toClose, d.isOver) {
			return t.told(d, broken(ruleFatal, "it has not ended %s after fatal", toClose))
		}
		return nil
	}
	if unmapped(ev, "acks") {
		return t.told(d, broken(ruleRefused, "acks 1 is listed in unmapped (%s), though literal was asked for: what the library says to it cannot be seen", whyUnmapped(ev, "acks")))
	}
	if err := d.send(ctx, d.values(1, 0, 0)...); err != nil {
		return t.told(d, err)
	}
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, err)
	}
	if requests := t.broker.Requests(); len(requests) > 0 {
		t.note("with idempotence and acks 1 a request has acks %d", requests[0].Acks)
	}
	if r := d.sentRecords(); len(t.broker.Requests()) == 0 && len(r) > 0 && r[0].failed != nil {
		t.note("idempotence with acks 1 is refused at the record: %s", r[0].failed.Message)
	}
	return t.told(d, d.close(ctx))
}
