package drivertest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
)

func openingCases() []Case {
	return []Case{
		{Name: "ready", Why: "a run takes library, version, order and deadline from ready, and a newer idemcheck may send more than this one", run: ready},
		{Name: "version", Why: "a driver that speaks another version of the protocol must say so instead of guessing", run: version},
		{Name: "nonsense", Why: "a scenario with a value that nobody can mean must not run with another one", run: nonsense},
		{Name: "client-id", Why: "faults are aimed at a producer by its client id on the wire", run: clientID},
		{Name: "idempotence", Why: "idempotence that was asked for shows as a producer id on the wire, or the verdict is about something else", run: idempotence(true)},
		{Name: "no-idempotence", Why: "controls need a producer that is not idempotent, also where the library's default is another", run: idempotence(false)},
		{Name: "acks-all", Why: "acks all must go over the wire as -1", run: acks("all", -1)},
		{Name: "acks-1", Why: "acks 1 must go over the wire as 1", run: acks("1", 1)},
		{Name: "acks-0", Why: "acks 0 must go over the wire as 0, and no broker answers it", run: acks("0", 0)},
		{Name: "defaults", Why: "what a library does by itself is seen only where nothing is said to it, in version 2 of the protocol", run: defaults},
		{Name: "refused", Why: "a configuration that the library refuses is a finding about it, and one that the driver puts right is not", run: refusedOptions},
	}
}

// ready opens a producer with fields that no driver knows, and looks at every
// field of the answer.
func ready(ctx context.Context, t *trial) error {
	if err := t.topic(ctx, "t", Brokers); err != nil {
		return err
	}
	d, err := t.start("ready-0")
	if err != nil {
		return err
	}
	options, err := json.Marshal(t.options(d))
	if err != nil {
		return err
	}
	bootstrap, err := json.Marshal(t.broker.Bootstrap())
	if err != nil {
		return err
	}
	ev, err := d.opensBy(ctx, fmt.Appendf(nil, `{"later":{"a":[1,null]},"command":"open","protocol":1,"bootstrap":%s,"options":%s,"also":"this"}`, bootstrap, options))
	if err != nil {
		return t.told(d, err)
	}
	if ev.Event != driver.Ready {
		return t.told(d, broken(ruleIgnore, "open with fields that no driver knows is answered with %s: %s", ev.Event, ev.Message))
	}
	if err := wellFormed(ev, 1, d.firstLine()); err != nil {
		return t.told(d, err)
	}
	r := d.values(1, 0, 0)
	text, err := json.Marshal(r[0])
	if err != nil {
		return err
	}
	line := fmt.Appendf(nil, `{"command":"send","later":true,"records":[{"later":"x",%s]}`, text[1:])
	if err := d.sendBy(ctx, line, r...); err != nil {
		return t.told(d, err)
	}
	if err := d.answered(ctx, toAnswer); err != nil {
		return t.told(d, broken(ruleIgnore, "a send command with fields that no driver knows is not carried out: %v", err))
	}
	if err := d.close(ctx); err != nil {
		return t.told(d, err)
	}
	return t.verify(ctx, true)
}

// wellFormed looks at a ready event, the answer to an open command in a version
// of the protocol.
func wellFormed(ev driver.Event, protocol int, line []byte) error {
	var there struct {
		Order *struct {
			Promised *bool `json:"promised"`
		} `json:"order"`
	}
	_ = json.Unmarshal(line, &there) // it was read before, as an event
	switch {
	case ev.Protocol != protocol:
		return broken(ruleReady, "ready says protocol %d: want %d", ev.Protocol, protocol)
	case ev.Library == "":
		return broken(ruleReady, "ready has no library")
	case ev.Version == "":
		return broken(ruleReady, "ready has no version")
	case there.Order == nil || there.Order.Promised == nil:
		return broken(ruleReady, "ready does not say whether order is promised")
	case ev.Order.Why == "":
		return broken(ruleReady, "ready does not say why order is promised, or why not")
	case ev.DeadlineMS <= 0:
		return broken(ruleReady, "ready has deadline_ms %d: want how long the library may take over one record", ev.DeadlineMS)
	}
	for _, u := range ev.Unmapped {
		if !vocabulary(u.Option) {
			return broken(ruleReady, "ready lists the unmapped option %q, which is no option", u.Option)
		}
		if u.Why == "" {
			return broken(ruleReady, "ready lists the unmapped option %s without saying why", u.Option)
		}
	}
	return nil
}

// vocabulary says whether there is an option of that name.
func vocabulary(name string) bool {
	text, _ := json.Marshal(driver.Options{ // every one, so that none is left out
		Acks: "x", Literal: true, NoRetries: true, InFlight: 1, LingerMS: 1, BatchSize: 1, Compression: "x", Retries: 1, RetryBackoffMS: 1, RequestTimeoutMS: 1, DeliveryTimeoutMS: 1,
		MetadataMaxAgeMS: 1, TransactionalID: "x", TransactionTimeoutMS: 1,
	})
	var all map[string]any
	_ = json.Unmarshal(text, &all)
	for known := range all {
		if sameOption(known, name) {
			return true
		}
	}
	return false
}

// refuses opens with what must not be opened.
func refuses(ctx context.Context, t *trial, r rule, line string) (driver.Event, error) {
	d, err := t.start(t.name + "-0")
	if err != nil {
		return driver.Event{}, err
	}
	ev, err := d.opensBy(ctx, []byte(line))
	if err != nil {
		return ev, t.told(d, err)
	}
	if ev.Event != driver.Fatal {
		return ev, t.told(d, broken(r, "open is answered with %s", ev.Event))
	}
	if ev.Message == "" {
		return ev, t.told(d, broken(ruleFatal, "fatal has no message"))
	}
	if !d.until(ctx, toClose, d.isOver) {
		return ev, t.told(d, broken(ruleFatal, "it has not ended %s after fatal", toClose))
	}
	return ev, nil
}

func version(ctx context.Context, t *trial) error {
	ev, err := refuses(ctx, t, ruleVersion, `{"command":"open","protocol":99,"bootstrap":["127.0.0.1:1"],"options":{"client_id":"c","idempotence":false,"acks":"all"}}`)
	if err == nil && (ev.Class != driver.ClassUnsupported || ev.Option != driver.OptionProtocol) {
		return t.told(t.drivers[0], broken(ruleVersion, "version 99 is answered with class %q, option %q: what needs a version that the driver lacks would end in an error", ev.Class, ev.Option))
	}
	return err
}

func nonsense(ctx context.Context, t *trial) error {
	line := driver.AppendCommand(nil, driver.Command{Command: driver.Open, Protocol: 1, Bootstrap: t.broker.Bootstrap(),
		Options: &driver.Options{ClientID: "c", Acks: "most"}})
	ev, err := refuses(ctx, t, ruleNonsense, string(line))
	if err == nil && ev.Class == driver.ClassUnsupported {
		return t.told(t.drivers[0], broken(ruleUnsupported, "acks \"most\" is answered with class unsupported: scenarios would be skipped without a word"))
	}
	return err
}

// sendsAround opens a producer, sends some records to each partition, and
// returns the produce requests that carried them.
func sendsAround(ctx context.Context, t *trial, change func(*driver.Options)) (*driven, []Request, error) {
	d, err := t.openWith(ctx, change)
	if err != nil {
		return nil, nil, err
	}
	const each = 3
	for range each { // one after the other, so that they are batches of their own
		for p := range int32(Brokers) {
			if err := d.send(ctx, d.values(1, p, 0)...); err != nil {
				return d, nil, t.told(d, err)
			}
		}
		if err := d.answered(ctx, toAnswer); err != nil {
			return d, nil, t.told(d, err)
		}
	}
	// With acks 0 the answers may come before the records have arrived.
	stored := 0
	for deadline := time.Now().Add(toAnswer); stored < each*Brokers && time.Now().Before(deadline) && ctx.Err() == nil; {
		c, err := t.stored(ctx)
		if err != nil {
			return d, nil, err
		}
		stored = len(c.all)
	}
	if stored == 0 {
		return d, nil, t.told(d, broken(ruleReported, "everything is answered, and nothing has come to the broker"))
	}
	if err := d.close(ctx); err != nil {
		return d, nil, t.told(d, err)
	}
	return d, t.broker.Requests(), t.verify(ctx, true)
}

func clientID(ctx context.Context, t *trial) error {
	const asked = "Some.client_7-x"
	d, requests, err := sendsAround(ctx, t, func(o *driver.Options) { o.ClientID = asked })
	if err != nil {
		return err
	}
	for _, r := range requests {
		if r.ClientID != asked {
			return t.told(d, broken(ruleClientID, "client_id %q was asked for, and %q is on the wire", asked, r.ClientID))
		}
	}
	return nil
}

func idempotence(asked bool) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		d, requests, err := sendsAround(ctx, t, func(o *driver.Options) { o.Idempotence = asked })
		if err != nil {
			return err
		}
		if why := whyUnmapped(*d.ready, "idempotence"); why != "" {
			if asked {
				return t.told(d, broken(ruleOption, "idempotence was asked for, and is listed in unmapped (%s): nothing can stand in for it", why))
			}
			t.note("idempotence cannot be turned off: %s", why)
			return nil
		}
		for _, r := range requests {
			for _, b := range r.Batches {
				if (b.ProducerID >= 0) != asked {
					return t.told(d, broken(ruleOption, "idempotence: %t was asked for, and a batch on the wire has producer id %d", asked, b.ProducerID))
				}
			}
		}
		return nil
	}
}

func acks(asked string, onWire int16) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		d, requests, err := sendsAround(ctx, t, func(o *driver.Options) {
			o.Acks, o.Idempotence = asked, o.Idempotence && asked == "all"
		})
		if err != nil {
			return err
		}
		if why := whyUnmapped(*d.ready, "acks"); why != "" {
			return notApplicable("acks %s is not in force: %s", asked, why)
		}
		for _, r := range requests {
			if r.Acks != onWire {
				return t.told(d, broken(ruleOption, "acks %s was asked for, and a request on the wire has acks %d", asked, r.Acks))
			}
		}
		for _, r := range d.sentRecords() {
			if asked == "0" && r.acked != nil && r.acked.Offset != -1 {
				return t.told(d, broken(ruleUnconfirmed, "record %d was acked with acks 0, at offset %d", r.ID, r.acked.Offset))
			}
		}
		return nil
	}
}
