package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeQuorum is the number of the DescribeQuorum request, which brokers of
// a KRaft cluster have, and those of a ZooKeeper cluster have not.
const describeQuorum = 55

// metadataLog is the topic, of one partition, that the controllers keep.
const metadataLog = "__cluster_metadata"

// controller is whom one broker holds for the active controller.
type controller struct {
	broker, epoch int32
	err           error
}

// Controller returns the active controller, and its epoch. In a KRaft cluster
// that is the leader of the metadata log, as DescribeQuorum tells it: the
// controller that Metadata names there is any live broker, since all of them
// forward what is for the controller. In a ZooKeeper cluster Metadata tells
// the truth, without an epoch (-1).
func (a *Admin) Controller(ctx context.Context) (broker, epoch int32, err error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	brokers := a.cluster.Brokers()
	arrived := make(chan controller, len(brokers))
	for _, b := range brokers {
		go func() { arrived <- a.controllerOf(ctx, b.ID) }()
	}
	best := controller{-1, -1, errors.New("no broker answered")}
	var grace <-chan time.Time
	for waiting := len(brokers); waiting > 0; waiting-- {
		select {
		case got := <-arrived:
			switch {
			case got.err == nil && (best.err != nil || got.epoch > best.epoch):
				// One that was paused or cut off still tells what it knew before.
				best = got
				if grace == nil {
					grace = time.After(askGrace)
				}
			case best.err != nil:
				best.err = got.err
			}
		case <-grace:
			waiting = 1
		}
	}
	if best.err != nil {
		return -1, -1, fmt.Errorf("who is the active controller: %w", best.err)
	}
	return best.broker, best.epoch, nil
}

// WaitController waits until a broker other than not is the active controller,
// and returns it with its epoch. With not -1 any will do.
func (a *Admin) WaitController(ctx context.Context, not int32) (broker, epoch int32, err error) {
	err = poll(ctx, func() (err error) {
		broker, epoch, err = a.Controller(ctx)
		if err == nil && broker == not {
			return fmt.Errorf("broker %d still is", broker)
		}
		return err
	})
	if err != nil {
		return -1, -1, fmt.Errorf("waiting for a new active controller: %w", err)
	}
	return broker, epoch, nil
}

func (a *Admin) controllerOf(ctx context.Context, broker int32) controller {
	fail := func(err error) controller { return controller{-1, -1, fmt.Errorf("broker %d: %w", broker, err)} }
	versions := kmsg.NewPtrApiVersionsRequest()
	versions.ClientSoftwareName, versions.ClientSoftwareVersion = "idemcheck-admin", "0" // empty ones are refused
	resp, err := a.again(ctx, broker, versions)
	if err == nil {
		err = kerr.ErrorForCode(resp.(*kmsg.ApiVersionsResponse).ErrorCode)
	}
	if err != nil {
		return fail(err)
	}
	keys := resp.(*kmsg.ApiVersionsResponse).ApiKeys
	if !slices.ContainsFunc(keys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == describeQuorum }) {
		view, err := a.askOne(ctx, broker, []string{})
		if err == nil && view.ControllerID < 0 {
			err = errors.New("it knows no controller")
		}
		if err != nil {
			return fail(err)
		}
		return controller{view.ControllerID, -1, nil}
	}
	req := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = metadataLog
	topic.Partitions = append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, topic)
	if resp, err = a.again(ctx, broker, req); err != nil {
		return fail(err)
	}
	quorum := resp.(*kmsg.DescribeQuorumResponse)
	if err := kerr.ErrorForCode(quorum.ErrorCode); err != nil {
		return fail(err)
	}
	if len(quorum.Topics) != 1 || len(quorum.Topics[0].Partitions) != 1 {
		return fail(errors.New("DescribeQuorum tells nothing of " + metadataLog))
	}
	p := quorum.Topics[0].Partitions[0]
	if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
		return fail(err)
	}
	if p.LeaderID < 0 {
		return fail(errors.New("the quorum has no leader"))
	}
	return controller{p.LeaderID, p.LeaderEpoch, nil}
}

// again asks one broker, a second time when the connection was one from before
// its last restart.
func (a *Admin) again(ctx context.Context, broker int32, req kmsg.Request) (kmsg.Response, error) {
	resp, err := a.send(ctx, broker, req)
	if isStale(err) && ctx.Err() == nil {
		resp, err = a.send(ctx, broker, req)
	}
	return resp, err
}
