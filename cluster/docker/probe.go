package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/idemcheck/idemcheck/cluster"
)

const (
	probeEvery = 50 * time.Millisecond
	// probeTime is how long one attempt may take, dial and answers.
	probeTime = 2 * time.Second
)

// errNotReady is why a context ends that limits how long brokers may take.
var errNotReady = errors.New("brokers are not ready")

// limitReady limits a context to the time that brokers may take to get ready.
func (c *Cluster) limitReady(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, c.config.Ready, fmt.Errorf("%w after %s", errNotReady, c.config.Ready))
}

// waitAnswer waits until a broker answers ApiVersions and Metadata. With brokers
// above 0 it must also see so many, itself included, and give out producer
// ids. It watches the container meanwhile:
// one that exits is an error at once.
func (c *Cluster) waitAnswer(ctx context.Context, b *broker, brokers int) error {
	l := b.current()
	var last error
	for {
		err := c.probe(ctx, b, brokers)
		if err == nil {
			return nil
		}
		var slow net.Error
		if last == nil || ctx.Err() == nil && !(errors.As(err, &slow) && slow.Timeout()) {
			last = err // a time-out may come from the end of the context alone, and says less
		}
		select {
		case <-l.ended:
			return c.explainEnd(ctx, b, "exited instead of serving")
		default:
		}
		select {
		case <-l.ended:
			return c.explainEnd(ctx, b, "exited instead of serving")
		case <-ctx.Done():
			cause := context.Cause(ctx)
			if !errors.Is(cause, errNotReady) {
				return cause // the caller's own reason, or another broker's failure
			}
			return fmt.Errorf("broker %d: %w: %w (is %s an image of Kafka? is the machine overloaded?); %s", b.id, cause, last, b.imageName(), lastLines(c.tail(ctx, b)))
		case <-time.After(probeEvery):
		}
	}
}

// probe asks a broker once.
func (c *Cluster) probe(ctx context.Context, b *broker, brokers int) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	conn, err := c.dial(ctx, b)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := closeAfter(ctx, conn)
	defer stop()

	asked := kmsg.NewPtrApiVersionsRequest() // version 0: every broker knows it
	answer, err := cluster.Exchange(conn, asked)
	if err != nil {
		return fmt.Errorf("broker %d: ApiVersions: %w", b.id, err)
	}
	versions := answer.(*kmsg.ApiVersionsResponse)
	if err := kerr.ErrorForCode(versions.ErrorCode); err != nil {
		return fmt.Errorf("broker %d: ApiVersions: %w", b.id, err)
	}
	metadata := kmsg.NewPtrMetadataRequest()
	metadata.Version = 4
	metadata.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
	answer, err = cluster.Exchange(conn, metadata)
	if err != nil {
		return fmt.Errorf("broker %d: Metadata: %w", b.id, err)
	}
	if seen := len(answer.(*kmsg.MetadataResponse).Brokers); seen < brokers {
		return fmt.Errorf("broker %d sees %d of %d brokers", b.id, seen, brokers)
	}
	if brokers == 0 {
		return nil
	}
	// A broker's first producer id makes it fetch a block of them from the
	// controller, and is refused until then: asked for here, no client loses
	// its retry backoff to that.
	producer := kmsg.NewPtrInitProducerIDRequest()
	producer.Version = min(1, newest(versions, producer.Key())) // 1 came with 2.0
	producer.TransactionTimeoutMillis = 60_000
	answer, err = cluster.Exchange(conn, producer)
	if err == nil {
		err = kerr.ErrorForCode(answer.(*kmsg.InitProducerIDResponse).ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("broker %d: InitProducerId: %w", b.id, err)
	}
	return nil
}

// closeAfter lets whatever waits for the connection fail when the context ends.
func closeAfter(ctx context.Context, conn net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
}

// newest is the newest version of a request that a broker knows; 0 when it
// does not know the request.
func newest(versions *kmsg.ApiVersionsResponse, key int16) int16 {
	for _, api := range versions.ApiKeys {
		if api.ApiKey == key {
			return api.MaxVersion
		}
	}
	return 0
}
