package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// pollEvery is the pause between two looks at something that is waited for.
	pollEvery = 25 * time.Millisecond
	// askPatience is how long a broker may take over a metadata request before
	// it counts as not answering.
	askPatience = 2 * time.Second
	// askGrace is how long the other brokers may take once the first has
	// answered, where any answer will do. A paused broker never answers.
	askGrace = 150 * time.Millisecond
)

// Admin asks a cluster of any kind what the harness must know, and creates its
// topics, past the proxies. Every call ends when its context does; one that
// waits for something says in its error what it last saw.
//
// It trusts no cache: each question goes to the brokers again, since the
// answers are wanted while leaders are being killed. It is safe for use by
// several goroutines.
type Admin struct {
	cluster Cluster
	shared  *kgo.Client           // all brokers are its seeds
	adm     *kadm.Client          // on shared
	single  map[int32]*kgo.Client // one broker each, so that a dead one is not replaced by another
	own     *ownTopics            // nil: every topic of the cluster counts
}

// NewAdmin returns an Admin for a running cluster. Close it before the cluster.
func NewAdmin(c Cluster) (*Admin, error) {
	a := &Admin{cluster: c, single: map[int32]*kgo.Client{}}
	var seeds []string
	for _, b := range c.Brokers() {
		client, err := newClient(c, b.Advertised)
		if err != nil {
			a.Close()
			return nil, fmt.Errorf("admin client of broker %d: %w", b.ID, err)
		}
		a.single[b.ID] = client
		seeds = append(seeds, b.Advertised)
	}
	client, err := newClient(c, seeds...)
	if err != nil {
		a.Close()
		return nil, fmt.Errorf("admin client: %w", err)
	}
	a.shared, a.adm = client, kadm.NewClient(client)
	return a, nil
}

func newClient(c Cluster, seeds ...string) (*kgo.Client, error) {
	return kgo.NewClient(
		kgo.ClientID("idemcheck-admin"),
		kgo.SeedBrokers(seeds...),
		kgo.Dialer(func(ctx context.Context, _, address string) (net.Conn, error) {
			return c.Dial(ctx, address)
		}),
		kgo.DialTimeout(3*time.Second),
		kgo.RequestTimeoutOverhead(5*time.Second),
		kgo.MetadataMinAge(10*time.Millisecond),
		kgo.MetadataMaxAge(time.Second),
		kgo.RetryBackoffFn(func(int) time.Duration { return 50 * time.Millisecond }),
		kgo.DisableClientMetrics(),
	)
}

// Close ends the connections. It is safe to call twice.
func (a *Admin) Close() {
	for _, client := range a.single {
		client.Close()
	}
	if a.shared != nil {
		a.shared.Close()
	}
}

// send asks one broker, by id, once.
func (a *Admin) send(ctx context.Context, broker int32, req kmsg.Request) (kmsg.Response, error) {
	client, ok := a.single[broker]
	if !ok {
		return nil, fmt.Errorf("broker %d is not one of the cluster's", broker)
	}
	return client.SeedBrokers()[0].Request(ctx, req)
}

// answer is one broker's view of the cluster.
type answer struct {
	broker int32
	view   *kmsg.MetadataResponse
	err    error
}

// ask asks every broker for its view of the named topics, or of all topics
// when topics is nil. Answers come in the order of the cluster's brokers; one
// that did not answer in time has an error. With all false, brokers that are
// much slower than the first are not waited for.
func (a *Admin) ask(ctx context.Context, all bool, topics ...string) []answer {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	brokers := a.cluster.Brokers()
	type numbered struct {
		at int
		answer
	}
	arrived := make(chan numbered, len(brokers))
	for i, b := range brokers {
		go func() {
			view, err := a.askOne(ctx, b.ID, topics)
			arrived <- numbered{i, answer{broker: b.ID, view: view, err: err}}
		}()
	}
	answers := make([]answer, len(brokers))
	for i, b := range brokers {
		answers[i] = answer{broker: b.ID, err: fmt.Errorf("broker %d did not answer", b.ID)}
	}
	var grace <-chan time.Time
	for range brokers {
		select {
		case got := <-arrived:
			answers[got.at] = got.answer
			if got.err == nil && !all && grace == nil {
				grace = time.After(askGrace)
			}
		case <-grace:
			return answers
		}
	}
	return answers
}

func (a *Admin) askOne(ctx context.Context, broker int32, topics []string) (*kmsg.MetadataResponse, error) {
	req := kmsg.NewPtrMetadataRequest()
	if topics != nil {
		req.Topics = []kmsg.MetadataRequestTopic{} // none is not all
	}
	for _, name := range topics {
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, topic)
	}
	resp, err := a.send(ctx, broker, req)
	if isStale(err) && ctx.Err() == nil {
		// The connection was one from before the broker's last restart.
		resp, err = a.send(ctx, broker, req)
	}
	if err != nil {
		return nil, fmt.Errorf("broker %d does not answer: %w", broker, err)
	}
	return resp.(*kmsg.MetadataResponse), nil
}

// isStale says whether an error may come from an old connection alone.
func isStale(err error) bool {
	return err != nil && kgo.IsRetryableBrokerErr(err)
}

// partition finds the newest view that any broker has of one partition: the
// one with the highest leader epoch, since a broker that was paused or cut off
// still tells what it knew before.
func (a *Admin) partition(ctx context.Context, topic string, partition int32) (kmsg.MetadataResponseTopicPartition, error) {
	var (
		best  kmsg.MetadataResponseTopicPartition
		found bool
	)
	views, last := a.views(ctx, topic)
	for _, seen := range views {
		for _, p := range seen.Partitions {
			if p.Partition == partition && (!found || p.LeaderEpoch > best.LeaderEpoch) {
				best, found = p, true
			}
		}
		if !found {
			last = fmt.Errorf("topic %s has no partition %d", topic, partition)
		}
	}
	if !found {
		return best, fmt.Errorf("metadata of %s/%d: %w", topic, partition, last)
	}
	return best, nil
}

// views returns what every live broker knows of one topic, and the last error of
// those that could not say.
func (a *Admin) views(ctx context.Context, topic string) (views []*kmsg.MetadataResponseTopic, last error) {
	for _, got := range a.ask(ctx, false, topic) {
		if got.err != nil {
			last = got.err
			continue
		}
		seen, err := findTopic(got.view, topic)
		if err != nil {
			last = err
			continue
		}
		views = append(views, seen)
	}
	return views, last
}

// findTopic picks one topic out of a metadata answer.
func findTopic(view *kmsg.MetadataResponse, topic string) (*kmsg.MetadataResponseTopic, error) {
	for i := range view.Topics {
		t := &view.Topics[i]
		if t.Topic == nil || *t.Topic != topic {
			continue
		}
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return nil, fmt.Errorf("topic %s: %w", topic, err)
		}
		return t, nil
	}
	return nil, fmt.Errorf("topic %s is not in the broker's answer", topic)
}

// Leader returns the broker that leads a partition, and its leader epoch, as
// the best informed broker sees it. A partition without a leader is an error.
func (a *Admin) Leader(ctx context.Context, topic string, partition int32) (broker int32, epoch int32, err error) {
	p, err := a.partition(ctx, topic, partition)
	if err != nil {
		return -1, -1, err
	}
	if p.Leader < 0 {
		return -1, p.LeaderEpoch, fmt.Errorf("%s/%d has no leader: %w", topic, partition, kerr.LeaderNotAvailable)
	}
	return p.Leader, p.LeaderEpoch, nil
}

// WaitLeader waits until a broker other than not leads the partition, and
// returns it. With not -1 any leader will do.
func (a *Admin) WaitLeader(ctx context.Context, topic string, partition int32, not int32) (int32, error) {
	leader := int32(-1)
	err := poll(ctx, func() (err error) {
		leader, _, err = a.Leader(ctx, topic, partition)
		if err == nil && leader == not {
			return fmt.Errorf("broker %d still leads", leader)
		}
		return err
	})
	if err != nil {
		return -1, fmt.Errorf("waiting for a new leader of %s/%d: %w", topic, partition, err)
	}
	return leader, nil
}

// errFinal marks an error that waiting will not mend.
type errFinal struct{ error }

func (e errFinal) Unwrap() error { return e.error }

// poll calls look until it returns nil or an errFinal, or the context ends;
// then the error holds both why the context ended and what was last seen.
func poll(ctx context.Context, look func() error) error {
	var last error
	for {
		err := look()
		if err == nil {
			return nil
		}
		var final errFinal
		if errors.As(err, &final) {
			return final.error
		}
		if last == nil || ctx.Err() == nil {
			last = err // an error after the end of the context would only say that it ended
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last seen: %w", context.Cause(ctx), last)
		case <-time.After(pollEvery):
		}
	}
}
