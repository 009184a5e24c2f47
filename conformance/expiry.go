package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/conformance/matrix"
)

const (
	expiration      = "producer.id.expiration.ms"
	expirationCheck = "producer.id.expiration.check.interval.ms"
	// briefly is how long ids are kept in these cases.
	briefly = 2 * time.Second
)

func expiryCases() []Case {
	group := func(number int, name, promise, source string, converse func(*talk)) Case {
		return Case{Case: matrix.Case{Number: number, Name: name, Group: "expiry", Promise: promise, Source: source},
			needs: needs(1, cluster.CanExpire), alone: true, converse: func(t *talk) { t.expiring(func() { converse(t) }) }}
	}
	return []Case{
		group(36, "idle-id", "a producer id that was idle for producer.id.expiration.ms is forgotten, and a repetition of its batch is stored again: a documented limit",
			"KIP-854; producer.id.expiration.ms", func(t *talk) {
				to, p := t.topic(), t.producer()
				b := p.at(0, 1)
				t.appends(to, b)
				t.remembers(to, p.id, true)
				t.idle()
				t.remembers(to, p.id, false)
				t.produce(to, b, always(appended()))
			}),
		group(37, "back-dated", "idleness counts from the timestamp of the last batch, so that a back-dated one is forgotten early",
			"ProducerStateManager.isProducerExpired: lastTimestamp of the batch", func(t *talk) {
				to, p := t.topic(), t.producer()
				b := p.at(0, 1).with(func(b *batch) { b.time = time.Now().Add(-time.Hour).UnixMilli() })
				fresh := t.producer().at(0, 1).with(func(b *batch) { b.time = time.Now().Add(time.Hour).UnixMilli() })
				t.appends(to, b)
				at := t.appends(to, fresh)
				t.pause(briefly / 2)
				t.remembers(to, p.id, false)
				t.produce(to, b, always(appended()))
				t.idle()
				t.repeats(to, fresh, at)
			}),
		group(38, "back-dated-log-append-time", "with message.timestamp.type=LogAppendTime the producer's timestamp does not count",
			"LogValidator: the timestamp of the batch is the broker's", func(t *talk) {
				to, p := t.topicWith("message.timestamp.type", "LogAppendTime"), t.producer()
				b := p.at(0, 1).with(func(b *batch) { b.time = time.Now().Add(-time.Hour).UnixMilli() })
				at := t.appends(to, b)
				t.pause(briefly / 2)
				t.remembers(to, p.id, true)
				t.repeats(to, b, at)
			}),
	}
}

// idle waits until an id that was in use is forgotten.
func (t *talk) idle() {
	t.pause(briefly + t.checks + time.Second)
	t.done(fmt.Sprintf("wait %s", briefly+t.checks+time.Second), fmt.Sprintf("%s is %s", expiration, briefly))
}

// expiring has brokers forget idle producer ids soon (dynamic from 3.5 on,
// KAFKA-14455), and as before afterwards. That is a property of the whole cluster:
// with a cluster of somebody's own, every idle producer there would pay for it.
func (t *talk) expiring(meanwhile func()) {
	if t.on.ExpiryCheck == 0 {
		t.stop(matrix.NotApplicable, "it would change %s for the whole cluster, and needs brokers that look for idle producer ids often (%s, which can't be changed while they run)", expiration, expirationCheck)
	}
	t.checks = t.on.ExpiryCheck
	broker := t.anyBroker()
	if err := t.alterBrokers(broker, expiration, fmt.Sprint(briefly.Milliseconds())); err != nil {
		t.stop(matrix.NotApplicable, "%s can't be changed while the brokers run: %v", expiration, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), patience)
		defer cancel()
		before := t.ctx
		t.ctx = ctx
		t.hangUpAll() // they may be closed, with the context that is over
		if err := t.alterBrokers(t.anyBroker(), expiration, ""); err != nil {
			t.settle(matrix.Error, fmt.Sprintf("%s could not be set back: %v", expiration, err))
		}
		t.hangUpAll() // they end with a context that nobody else has
		t.ctx = before
	}()
	t.pause(500 * time.Millisecond) // until every broker has heard of it
	meanwhile()
}

// alterBrokers sets a dynamic property of all brokers; an empty value takes it
// away again.
func (t *talk) alterBrokers(broker int32, name, value string) error {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	t.newest(broker, req)
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType = kmsg.ConfigResourceTypeBroker
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Op = name, kmsg.IncrementalAlterConfigOpDelete
	if value != "" {
		c.Op, c.Value = kmsg.IncrementalAlterConfigOpSet, &value
	}
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	resp, _, err := t.ask(broker, req)
	if err != nil {
		return err
	}
	for _, r := range resp.(*kmsg.IncrementalAlterConfigsResponse).Resources {
		if r.ErrorCode != 0 {
			why := ""
			if r.ErrorMessage != nil {
				why = ": " + *r.ErrorMessage
			}
			return fmt.Errorf("%s%s", codeName(r.ErrorCode), why)
		}
	}
	return nil
}
