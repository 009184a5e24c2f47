package conformance

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Target is the cluster that cases are held on.
type Target struct {
	Cluster cluster.Cluster
	Admin   *cluster.Admin
	// As is the version of Kafka whose rules the brokers are held to. Its zero
	// value has it found out from the APIs that they offer.
	As history.KafkaVersion
	// Exact: the brokers are that version of Kafka; an answer that another version
	// would be right to give is a failure, and not merely non-strict.
	Exact bool
	// KeepTopics leaves the topics of cases behind.
	KeepTopics bool
	Prefix     string // of the names of topics and transactional ids
	// ExpiryCheck is how often the brokers look for idle producer ids, on a cluster
	// that is ours to have them forgotten; 0 on any other.
	ExpiryCheck time.Duration

	settled time.Duration // see settles; 0 where a log does not show at once what it holds

	apis map[int32]map[int16]span // by broker and API
}

// ExpiryCheck is how often brokers with BrokerConfig look for idle producer ids.
const ExpiryCheck = 250 * time.Millisecond

// BrokerConfig is how brokers of ours are configured for the cases: they forget
// idle producer ids, and clean their logs, soon.
func BrokerConfig() map[string]string {
	return map[string]string{
		expirationCheck:          fmt.Sprint(ExpiryCheck.Milliseconds()),
		"log.cleaner.backoff.ms": "250",
	}
}

// span is the versions of an API that a broker offers.
type span struct{ min, max int16 }

// patience is how long a broker may take over one answer.
const patience = 8 * time.Second

// learn asks every broker for its APIs, and finds out which Kafka's rules apply.
// An error says that no broker speaks Kafka.
func (t *Target) learn(ctx context.Context) error {
	t.apis = make(map[int32]map[int16]span)
	var errs []error
	var guess string
	for _, b := range t.Cluster.Brokers() {
		resp, err := t.versions(ctx, b)
		if err != nil {
			errs = append(errs, fmt.Errorf("broker %d (%s): %w", b.ID, b.Advertised, err))
			continue
		}
		offers := make(map[int16]span)
		for _, k := range resp.ApiKeys {
			offers[k.ApiKey] = span{k.MinVersion, k.MaxVersion}
		}
		t.apis[b.ID] = offers
		if guess == "" {
			guess = guessVersion(resp)
		}
	}
	if len(t.apis) == 0 {
		return errors.Join(errs...)
	}
	if t.As.String() == "" {
		v, err := history.ParseKafkaVersion(guess)
		if err != nil {
			return err
		}
		t.As = v
	}
	return nil
}

// versions asks one broker, in the newest version of ApiVersions first: a broker
// that does not know it answers 35 in version 0, or closes the connection.
func (t *Target) versions(ctx context.Context, b cluster.Broker) (*kmsg.ApiVersionsResponse, error) {
	var last error
	for _, version := range []int16{3, 0} {
		req := kmsg.NewPtrApiVersionsRequest()
		req.Version, req.ClientSoftwareName, req.ClientSoftwareVersion = version, "idemcheck", "1"
		w, err := dialWire(ctx, func(ctx context.Context) (net.Conn, error) { return t.Cluster.Dial(ctx, b.Advertised) }, b.ID)
		if err != nil {
			return nil, err
		}
		frame, err := w.send(req, 0, patience)
		var resp kmsg.Response
		if err == nil {
			resp, _, err = w.receive(req, frame.Correlation, time.Now(), patience)
		}
		w.close()
		if err == nil && resp.(*kmsg.ApiVersionsResponse).ErrorCode == 0 {
			return resp.(*kmsg.ApiVersionsResponse), nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("ApiVersions is answered %s", codeName(resp.(*kmsg.ApiVersionsResponse).ErrorCode))
		}
	}
	return nil, last
}

// guessVersion is the newest release of Kafka all of whose versions of the
// requests that cases are made of a broker offers, as "4.3.0".
func guessVersion(resp *kmsg.ApiVersionsResponse) string {
	has := kversion.FromApiVersionsResponse(resp)
	for _, known := range kversion.VersionStrings() { // newest first
		release := kversion.FromString(known)
		if release == nil {
			continue
		}
		fits := true
		for _, key := range []kmsg.Key{kmsg.Produce, kmsg.Fetch, kmsg.Metadata, kmsg.ListOffsets, kmsg.InitProducerID} {
			offered, _ := has.LookupMaxKeyVersion(int16(key))
			wanted, ok := release.LookupMaxKeyVersion(int16(key))
			fits = fits && (!ok || offered >= wanted)
		}
		if text := strings.TrimPrefix(known, "v") + ".0"; fits {
			return text
		}
	}
	return oldest
}

// oldest is the first version that knows producer ids.
const oldest = "0.11.0.0"

// offers is the newest version of an API that a broker and kmsg both know.
func (t *Target) offers(broker int32, req kmsg.Request) (int16, bool) {
	s, ok := t.apis[broker][req.Key()]
	if !ok || s.min > req.MaxVersion() {
		return 0, false
	}
	return min(s.max, req.MaxVersion()), true
}

// produceVersions are the versions of Produce from first on that every broker
// offers, by rising number.
func (t *Target) produceVersions(first int16) (versions []int16) {
	for v := first; v <= new(kmsg.ProduceRequest).MaxVersion(); v++ {
		everywhere := true
		for _, apis := range t.apis {
			s, ok := apis[int16(kmsg.Produce)]
			everywhere = everywhere && ok && s.min <= v && v <= s.max
		}
		if everywhere {
			versions = append(versions, v)
		}
	}
	return versions
}

// lacks says what a need the cluster does not meet, in words; empty when it does.
func (t *Target) lacks(n need) string {
	if have := len(t.Cluster.Brokers()); have < n.brokers {
		return fmt.Sprintf("it needs %d brokers, and there are %d", n.brokers, have)
	}
	for _, c := range n.can {
		if !t.Cluster.Has(c) {
			return fmt.Sprintf("it needs a cluster with %s: %s", c, wayOut(c))
		}
	}
	return ""
}

// wayOut says what gives a cluster a capability.
func wayOut(c cluster.Capability) string {
	switch c {
	case cluster.CanPower:
		return "on your own cluster, give commands that kill, stop, start and pause brokers (--hooks)"
	case cluster.CanReplicate:
		return "real brokers"
	}
	return "this one can't"
}

// settles is how long something may take to show on the brokers, that much unless
// the target knows better.
func (t *Target) settles(limit time.Duration) time.Duration {
	if t.settled > 0 {
		return t.settled
	}
	return limit
}

// replication is how many replicas a topic has where a case does not say.
func (t *Target) replication() int { return min(3, len(t.Cluster.Brokers())) }

// broker finds a broker by id.
func (t *Target) broker(id int32) (cluster.Broker, error) {
	all := t.Cluster.Brokers()
	i := slices.IndexFunc(all, func(b cluster.Broker) bool { return b.ID == id })
	if i < 0 {
		return cluster.Broker{}, fmt.Errorf("broker %d is not one of the cluster's", id)
	}
	return all[i], nil
}
