package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/proxy"
	"github.com/idemcheck/idemcheck/suites"
)

// findLimit is how long it may take to find the brokers of an external cluster.
const findLimit = 60 * time.Second

// Outside is the user's cluster that scenarios are to run on.
type Outside struct {
	external.Config
	KeepTopics bool // leave the topics of a run there when it ends
}

// outside finds the external cluster, once.
func (s *Session) outside(ctx context.Context) (*external.Cluster, error) {
	if s.found == nil {
		ctx, cancel := context.WithTimeoutCause(ctx, findLimit, fmt.Errorf("it took longer than %s", findLimit))
		defer cancel()
		found, err := external.Find(ctx, s.config.Outside.Config)
		if err != nil {
			return nil, err
		}
		s.found = found
	}
	return s.found, nil
}

// canOutside says whether a scenario can run on the user's cluster. One for
// docker wants a real broker, and this is one: what else it needs are
// capabilities and properties.
func (s *Session) canOutside(sc suites.Scenario) error {
	if sc.Cluster.Kind != "any" && sc.Cluster.Kind != "docker" {
		return &Skipped{fmt.Sprintf("needs --cluster %s, and this is %s", sc.Cluster.Kind, s.config.Cluster)}
	}
	c, err := s.outside(context.Background())
	if err != nil {
		return err
	}
	brokers := len(c.Brokers())
	if sc.Topics.Replication > brokers {
		return &Skipped{fmt.Sprintf("needs %d brokers for its replication, and the cluster has %d", sc.Topics.Replication, brokers)}
	}
	for _, f := range sc.Faults() {
		if at := f.Target.Broker.Index(); at != history.Any && int(at) >= brokers {
			return &Skipped{fmt.Sprintf("%s is for broker %d, and the cluster has %d, counted from 0", f.Fault, at, brokers)}
		}
	}
	needs, err := nemesis.Needs(sc.Faults())
	if err != nil {
		return err
	}
	for _, need := range needs {
		if c.Has(need) {
			continue
		}
		if missing := s.config.Outside.Hooks.Missing(need); len(missing) > 0 {
			return &Skipped{fmt.Sprintf("needs a cluster with %q: --hooks has no %s", need, strings.Join(missing, ", "))}
		}
		return &Skipped{fmt.Sprintf("needs a cluster with %q, and %s has none", need, external.Kind)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), findLimit)
	defer cancel()
	unlike, err := c.Unlike(ctx, sc.Cluster.Config)
	switch {
	case err != nil:
		return &Skipped{fmt.Sprintf("needs broker properties that could not be looked up: %v", err)}
	case unlike != "":
		return &Skipped{"needs the broker property " + unlike}
	}
	return nil
}

// startOutside puts proxies in front of the user's brokers, as they are now.
// The proxies say in every answer that they are the brokers.
func (s *Session) startOutside(ctx context.Context, sc suites.Scenario) (up *site, err error) {
	up = &site{key: key(sc), keepTopics: s.config.Outside.KeepTopics}
	defer func() {
		if err != nil {
			err = errors.Join(err, up.close())
		}
	}()
	ctx, cancel := context.WithTimeoutCause(ctx, findLimit, fmt.Errorf("it took longer than %s", findLimit))
	defer cancel()
	c, err := external.Find(ctx, s.config.Outside.Config)
	if err != nil {
		return up, err
	}
	up.cluster, up.outside = c, true
	brokers := c.Brokers()
	if up.fleet, err = proxy.Listen(len(brokers)); err != nil {
		return up, err
	}
	proxies := make(map[int32]string, len(brokers))
	for i, b := range brokers {
		proxies[b.ID] = up.fleet.Addresses()[i]
	}
	if err = up.fleet.Advertise(proxies); err != nil {
		return up, err
	}
	up.serve()
	if up.admin, err = cluster.NewAdmin(c); err != nil {
		return up, err
	}
	up.admin.OwnTopicsOnly()
	return up, up.admin.WaitWhole(ctx)
}

// dropTopics deletes what a run created on a cluster that is not ours,
// whatever became of the run: its log has been read, and the user's disks must
// not fill up. Topics of a broken run are deleted too.
func (r *run) dropTopics() error {
	if r.site == nil || !r.site.outside || r.site.keepTopics {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var err error
	for _, name := range slices.Sorted(slices.Values(r.site.admin.OwnTopics())) {
		err = errors.Join(err, r.site.admin.DeleteTopic(ctx, name))
	}
	if err != nil {
		return &Broken{phaseRead, fmt.Errorf("a topic of the run is still on the cluster: %w", err)}
	}
	return nil
}
