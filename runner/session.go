package runner

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/cluster/docker"
	"github.com/idemcheck/idemcheck/cluster/embedded"
	"github.com/idemcheck/idemcheck/cluster/external"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/proxy"
	"github.com/idemcheck/idemcheck/suites"
)

// Session runs scenarios one after the other. Those whose requirements are
// equal share a cluster, on topics of their own; the cluster is checked to be
// whole in between. A Session must be closed.
type Session struct {
	config       Config
	site         *site                 // nil when none is up
	imageVersion *history.KafkaVersion // of Config.Image, once it was asked for
	found        *external.Cluster     // the user's, once it was looked for
	programs     map[string]program    // drivers, by library and version
}

// site is a running cluster with the proxies in front of it.
type site struct {
	key     string
	cluster cluster.Cluster
	admin   *cluster.Admin
	fleet   *proxy.Fleet
	took    time.Duration // from nothing to whole
	outside bool          // the cluster is the user's
	// keepTopics: a run's topics stay there
	keepTopics bool
}

// NewSession prepares a session. No cluster is started before the first run.
func NewSession(c Config) *Session {
	if c.Watch == nil {
		c.Watch = func(Status) {}
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Libraries == nil {
		c.Libraries = libraries()
	}
	if c.Drivers == nil {
		c.Drivers = drivers()
	}
	if c.Consumer == nil {
		c.Consumer = consumer()
	}
	return &Session{config: c, programs: make(map[string]program)}
}

// Can says whether the chosen kind of cluster can run a scenario; if not the
// error is a *Skipped that says why.
func (s *Session) Can(sc suites.Scenario) error {
	if s.config.Cluster == external.Kind {
		return s.canOutside(sc)
	}
	if sc.Cluster.Kind != "any" && sc.Cluster.Kind != s.config.Cluster {
		return &Skipped{fmt.Sprintf("needs --cluster %s, and this is %s", sc.Cluster.Kind, s.config.Cluster)}
	}
	needs, err := nemesis.Needs(sc.Faults())
	if err != nil {
		return err
	}
	has, who := s.capabilities(sc)
	for _, need := range needs {
		if !slices.Contains(has, need) {
			why := fmt.Sprintf("needs a cluster with %q, and %s has none", need, who)
			if lack := docker.DiskLack(); need == cluster.CanDisk && s.config.Cluster == docker.Kind && lack != nil {
				why += ": " + lack.Error()
			}
			return &Skipped{why}
		}
	}
	return s.canRunOn(sc)
}

// ensure brings up the cluster that a scenario needs, or checks that the one
// that is up is whole. A cluster that is not whole, or not the one that was
// started any more, is replaced.
func (s *Session) ensure(ctx context.Context, sc suites.Scenario) (*site, error) {
	if s.site != nil && s.site.key == key(sc) && s.site.cluster.Facts().Upgraded == "" && !s.site.outside { // the user's may have changed meanwhile
		check, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		err := s.site.admin.WaitWhole(check)
		if err == nil || ctx.Err() != nil {
			return s.site, ctx.Err()
		}
		s.config.Progress(fmt.Sprintf("the cluster is not whole after the last scenario (%v): starting another", err))
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	began := time.Now()
	up, err := s.start(ctx, sc)
	if err != nil {
		return nil, err
	}
	up.took = time.Since(began)
	s.site = up
	s.config.Progress(fmt.Sprintf("%d brokers ready after %s", len(up.cluster.Brokers()), up.took.Round(100*time.Millisecond)))
	return up, nil
}

// start opens the proxies first, so that the brokers can advertise them.
func (s *Session) start(ctx context.Context, sc suites.Scenario) (up *site, err error) {
	if s.config.Cluster == external.Kind {
		return s.startOutside(ctx, sc)
	}
	up = &site{key: key(sc)}
	defer func() {
		if err != nil {
			err = errors.Join(err, up.close())
		}
	}()
	if up.fleet, err = proxy.Listen(sc.Cluster.Brokers); err != nil {
		return up, err
	}
	if up.cluster, err = s.launch(ctx, sc, up.fleet.Addresses()); err != nil {
		up.cluster = nil
		return up, err
	}
	up.serve()
	if up.admin, err = cluster.NewAdmin(up.cluster); err != nil {
		return up, err
	}
	return up, up.admin.WaitWhole(ctx)
}

// serve lets the proxies accept and forward.
func (up *site) serve() {
	for i, b := range up.cluster.Brokers() {
		up.fleet.Serve(i, b.ID, func(ctx context.Context) (net.Conn, error) { return up.cluster.Dial(ctx, b.Advertised) })
	}
}

func (s *Session) launch(ctx context.Context, sc suites.Scenario, advertised []string) (cluster.Cluster, error) {
	switch s.config.Cluster {
	case embedded.Kind:
		return embedded.Start(embedded.Config{Advertised: advertised, Config: sc.Cluster.Config})
	case docker.Kind:
		return docker.Start(ctx, docker.Config{
			Kafka: s.kafka(sc), Image: s.config.Image, Upgrades: upgrades(sc), Brokers: sc.Cluster.Brokers,
			Advertised: advertised, Config: sc.Cluster.Config, Progress: s.config.Progress, Disks: needsDisks(sc),
		})
	}
	return nil, fmt.Errorf("unknown kind of cluster %q (there are embedded, docker, external)", s.config.Cluster)
}

// Close ends the cluster that is up, if any.
func (s *Session) Close() error {
	if s.found != nil {
		_ = s.found.Close(context.Background()) // ends nothing but connections
		s.found = nil
	}
	if s.site == nil {
		return nil
	}
	up := s.site
	s.site = nil
	return up.close()
}

// closeLimit is how long ending a cluster may take.
const closeLimit = 60 * time.Second

func (up *site) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	var err error
	if up.admin != nil {
		up.admin.Close()
	}
	if up.cluster != nil {
		err = up.cluster.Close(ctx)
	}
	if up.fleet != nil {
		err = errors.Join(err, up.fleet.Close())
	}
	return err
}

// Compare orders scenarios by the cluster they need, so that those with equal
// requirements can be run one after the other.
func Compare(a, b suites.Scenario) int { return strings.Compare(key(a), key(b)) }
