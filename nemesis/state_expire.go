package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
)

const (
	expiration = "producer.id.expiration.ms"
	// longestExpiration is how long expiry may take to be worth waiting for.
	// Kafka's own default is a day.
	longestExpiration = time.Minute
	// listLimit is how long the leader may take to know a producer id at all.
	listLimit = 5 * time.Second
	// lookEvery is the pause between two looks at what the leader remembers.
	lookEvery = 50 * time.Millisecond
)

// expireProducerIDs waits until the leader of a partition has forgotten every
// producer id that it remembers now. That is up to the producers: they must be
// idle there, which is for the scenario to arrange (a slow rate, a long backoff,
// a silent link). The fault takes effect when they are forgotten, and is over
// with that.
//
// Kafka holds the wall clock against the largest timestamp of the producer's
// last batch, and looks every producer.id.expiration.check.interval.ms (both
// can be set from Kafka 3.4 on, KIP-854).
func (n *Nemesis) expireProducerIDs(f *fault) error {
	topic, partition := n.topic(f), f.plan.Target.Partition
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	leader, known, err := n.knownProducers(ctx, topic, partition)
	if err != nil {
		return err
	}
	after, err := n.expiresAfter(ctx, leader)
	if err != nil {
		return err
	}
	began, last := time.Now(), known
	for patience := 3*after + 20*time.Second; ; {
		_, now, err := n.env.State.Producers(ctx, topic, partition)
		if err != nil {
			return err
		}
		left := slices.DeleteFunc(now, func(p cluster.ProducerState) bool { return !listed(known, p.ID) })
		if len(left) == 0 {
			break
		}
		last = left
		switch {
		case n.ending():
			return errUnfired
		case time.Since(began) > patience:
			return fmt.Errorf("%s/%d: broker %d still remembers %s after %s, where ids expire after %s: were they idle?",
				topic, partition, leader, told(left), patience, after)
		}
		time.Sleep(lookEvery)
	}
	n.began(f, fmt.Sprintf("producer ids of %s/%d on broker %d, its leader", topic, partition, leader))
	n.detail(f, "DescribeProducers listed %s; none of them %s later, %s after the last batch (%s is %s)", told(known),
		time.Since(began).Round(10*time.Millisecond), time.Since(lastOf(last)).Round(10*time.Millisecond), expiration, after)
	return nil
}

// knownProducers waits until the leader remembers at least one producer id.
func (n *Nemesis) knownProducers(ctx context.Context, topic string, partition int32) (leader int32, known []cluster.ProducerState, err error) {
	for began := time.Now(); ; time.Sleep(lookEvery) {
		leader, known, err = n.env.State.Producers(ctx, topic, partition)
		switch {
		case err != nil || len(known) > 0:
			return leader, known, err
		case n.ending():
			return leader, nil, errUnfired
		case time.Since(began) > listLimit:
			return leader, nil, fmt.Errorf("%s/%d: its leader, broker %d, remembers no producer id that could expire (is idempotence on?)", topic, partition, leader)
		}
	}
}

// expiresAfter asks a broker how long it remembers an idle producer id.
func (n *Nemesis) expiresAfter(ctx context.Context, broker int32) (time.Duration, error) {
	config, err := n.env.State.BrokerProperties(ctx, broker, expiration)
	if err != nil {
		return 0, err
	}
	ms, err := strconv.ParseInt(config[expiration].Value, 10, 64)
	switch after := time.Duration(ms) * time.Millisecond; {
	case err != nil:
		return 0, errors.New("the brokers do not tell " + expiration + ": it needs Kafka 3.4 or newer")
	case after > longestExpiration:
		return 0, fmt.Errorf("producer ids expire after %s here: set %s, and producer.id.expiration.check.interval.ms, to a few seconds in the scenario's cluster config", after, expiration)
	default:
		return after, nil
	}
}

func listed(all []cluster.ProducerState, id int64) bool {
	return slices.ContainsFunc(all, func(p cluster.ProducerState) bool { return p.ID == id })
}

// lastOf is when the last of the producers' batches was made.
func lastOf(all []cluster.ProducerState) time.Time {
	var ms int64
	for _, p := range all {
		ms = max(ms, p.LastTimestamp)
	}
	return time.UnixMilli(ms)
}

// told names producer ids with what is remembered of them.
func told(all []cluster.ProducerState) string {
	var words []string
	for _, p := range all {
		words = append(words, fmt.Sprintf("producer id %d (epoch %d, last sequence %d)", p.ID, p.Epoch, p.LastSequence))
	}
	return strings.Join(words, ", ")
}
