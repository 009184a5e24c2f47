package external

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Kind is what the command line calls this cluster.
const Kind = "external"

// Config says which cluster.
type Config struct {
	Bootstrap []string  // host:port
	Security  *Security // nil is PLAINTEXT
	Hooks     *Hooks    // nil: nothing can be done to brokers
	Progress  func(string)
}

// Cluster is the user's cluster as it was found.
type Cluster struct {
	config  Config
	brokers []cluster.Broker
	kafka   string
	admin   *cluster.Admin
}

var (
	_ cluster.Cluster  = (*Cluster)(nil)
	_ cluster.Power    = (*Cluster)(nil)
	_ cluster.Isolator = (*Cluster)(nil)
	_ cluster.Mover    = (*Cluster)(nil)
)

// Find looks the cluster's brokers up and connects to each of them once. It
// changes nothing. It fails when no bootstrap address answers, or a broker does
// not at the address that it advertises; every address is given ten seconds.
func Find(ctx context.Context, c Config) (*Cluster, error) {
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	if c.Security == nil {
		c.Security = &Security{protocol: "PLAINTEXT"}
	}
	if len(c.Bootstrap) == 0 {
		return nil, errors.New("external cluster: no bootstrap address: want --bootstrap HOST:PORT, or bootstrap.servers in the client config")
	}
	for _, address := range c.Bootstrap {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			return nil, fmt.Errorf("external cluster: bootstrap address %q: want HOST:PORT", address)
		}
	}
	e := &Cluster{config: c}
	var failed error
	for _, address := range c.Bootstrap {
		err := e.discover(ctx, address)
		if err == nil {
			failed = nil
			break
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return nil, fmt.Errorf("external cluster: no bootstrap address leads to it: %w", failed)
	}
	for _, b := range e.brokers {
		if err := e.probe(ctx, b.Advertised); err != nil {
			return nil, fmt.Errorf("external cluster: broker %d cannot be reached at the address that it advertises: %w", b.ID, err)
		}
	}
	var err error
	if e.admin, err = cluster.NewAdmin(e); err != nil {
		return nil, err
	}
	return e, nil
}

// discover asks one address for the cluster's brokers and versions.
func (e *Cluster) discover(ctx context.Context, address string) error {
	conn, is, err := e.config.Security.dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(dialLimit))
	versions := kmsg.NewPtrApiVersionsRequest() // version 0: every broker knows it
	answer, err := cluster.Exchange(conn, versions)
	if err != nil {
		return fmt.Errorf("%s: ApiVersions: %w", address, e.explain(err))
	}
	offered := answer.(*kmsg.ApiVersionsResponse)
	if err := kerr.ErrorForCode(offered.ErrorCode); err != nil {
		return fmt.Errorf("%s: ApiVersions: %w", address, err)
	}
	e.kafka = "like Kafka " + kversion.FromApiVersionsResponse(offered).VersionGuess()
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version = 4
	metadata.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
	answer, err = cluster.Exchange(conn, metadata)
	if err != nil {
		return fmt.Errorf("%s: Metadata: %w", address, err)
	}
	e.brokers = nil
	for _, b := range answer.(*kmsg.MetadataResponse).Brokers {
		e.brokers = append(e.brokers, cluster.Broker{ID: b.NodeID, Advertised: net.JoinHostPort(b.Host, strconv.Itoa(int(b.Port)))})
	}
	if len(e.brokers) == 0 {
		return fmt.Errorf("%s: it names no brokers", address)
	}
	slices.SortFunc(e.brokers, func(a, b cluster.Broker) int { return cmp.Compare(a.ID, b.ID) })
	if is.lifetime > 0 {
		e.config.Progress(fmt.Sprintf("the brokers end a SASL session after %s (connections.max.reauth.ms): idemcheck does not renew one, "+
			"so a connection that lasts longer is closed by its broker at its next request, and shows as a reconnect", is.lifetime))
	}
	return nil
}

// explain says what a first request that went wrong mostly means.
func (e *Cluster) explain(err error) error {
	var closed net.Error
	switch {
	case errors.As(err, &closed) && closed.Timeout():
		return fmt.Errorf("no answer within %s (is it a Kafka listener that speaks %s?)", dialLimit, e.config.Security)
	case refusesCertificate(err):
		return e.config.Security.explainRefusal(err)
	case errors.Is(err, cluster.ErrNotKafka):
		return fmt.Errorf("%w (is it a Kafka listener that speaks %s?)", err, e.config.Security)
	}
	wants := "TLS or SASL"
	if e.config.Security.tls != nil {
		wants = "SASL, or a client's certificate (ssl.keystore.location)"
	}
	return fmt.Errorf("%w (does this listener want %s? idemcheck spoke %s; --client-config says how)", err, wants, e.config.Security)
}

// probe connects to an address and asks for ApiVersions.
func (e *Cluster) probe(ctx context.Context, address string) error {
	conn, _, err := e.config.Security.dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline := time.Now().Add(dialLimit)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	_ = conn.SetDeadline(deadline)
	answer, err := cluster.Exchange(conn, kmsg.NewPtrApiVersionsRequest())
	if err == nil {
		err = kerr.ErrorForCode(answer.(*kmsg.ApiVersionsResponse).ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("%s: ApiVersions: %w", address, err)
	}
	return nil
}

// Facts implements cluster.Cluster. It names no host and no user.
func (e *Cluster) Facts() history.ClusterFacts {
	facts := history.ClusterFacts{Kind: Kind, Kafka: e.kafka}
	for _, b := range e.brokers {
		facts.Brokers = append(facts.Brokers, b.ID)
	}
	return facts
}

// Brokers implements cluster.Cluster. Advertised is the broker's own address:
// the proxies tell clients theirs in its place.
func (e *Cluster) Brokers() []cluster.Broker { return e.brokers }

// Dial implements cluster.Cluster. What it returns has done TLS and SASL.
func (e *Cluster) Dial(ctx context.Context, advertised string) (net.Conn, error) {
	conn, _, err := e.config.Security.dial(ctx, advertised)
	return conn, err
}

// Has implements cluster.Cluster.
func (e *Cluster) Has(c cluster.Capability) bool { return slices.Contains(e.Capabilities(), c) }

// Capabilities lists what can be done with the cluster: what its own APIs
// offer, and what there are hooks for.
func (e *Cluster) Capabilities() []cluster.Capability {
	can := []cluster.Capability{cluster.CanReplicate, cluster.CanConfigure, cluster.CanExpire}
	can = append(can, e.config.Hooks.capabilities()...)
	if len(e.brokers) == 1 { // there is nobody to lead in its place, or to be cut off from
		return slices.DeleteFunc(can, func(c cluster.Capability) bool { return c == cluster.CanIsolate })
	}
	return append(can, cluster.CanMoveLeader)
}

// MoveLeader implements cluster.Mover.
func (e *Cluster) MoveLeader(ctx context.Context, topic string, partition int32) (int32, error) {
	return e.admin.MoveLeader(ctx, topic, partition)
}

// Unlike names a wanted broker property that does not hold; empty when all do.
// They are the user's to set.
func (e *Cluster) Unlike(ctx context.Context, wanted map[string]string) (string, error) {
	if len(wanted) == 0 {
		return "", nil
	}
	return e.admin.UnlikeConfig(ctx, wanted)
}

// Logs implements cluster.Cluster: there are none to be had, which is said.
func (e *Cluster) Logs(_ context.Context, dir string) error {
	const text = "The brokers of an external cluster keep their logs themselves; idemcheck cannot read them.\n"
	if err := os.WriteFile(filepath.Join(dir, "README"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("say that there are no broker logs: %w", err)
	}
	return nil
}

// Close implements cluster.Cluster. The cluster itself stays as it is.
func (e *Cluster) Close(context.Context) error {
	if e.admin != nil {
		e.admin.Close()
	}
	return nil
}
