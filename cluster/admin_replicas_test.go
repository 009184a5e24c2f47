package cluster

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestReplicasAreTheOnesOfTheNewestView(t *testing.T) {
	f, admin := startFake(t, 3)
	createTopic(t, admin, "t", 1)
	ctx := within(t, 10*time.Second)
	before, err := admin.Replicas(ctx, "t", 0)
	if err != nil || before.Leader < 0 || !slices.Contains(before.InSync, before.Leader) {
		t.Fatalf("%s, %v", before, err)
	}
	next := (before.Leader + 1) % 3
	f.MoveTopicPartition("t", 0, next)
	after, err := admin.WaitReplicas(ctx, "t", 0, "another leader", func(r Replicas) bool { return r.Leader == next })
	if err != nil || after.Epoch <= before.Epoch {
		t.Errorf("after %s: %s, %v", before, after, err)
	}
	if view, err := admin.ViewOf(ctx, next, "t", 0); err != nil || view.Leader != next {
		t.Errorf("broker %d says %s, %v", next, view, err)
	}
	if _, err := admin.ViewOf(ctx, next, "t", 7); err == nil || !strings.Contains(err.Error(), "knows no t/7") {
		t.Errorf("a partition that is not there: %v", err)
	}
	_, err = admin.WaitReplicas(within(t, 200*time.Millisecond), "t", 0, "a miracle", func(Replicas) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "waiting for a miracle of t/0") || !strings.Contains(err.Error(), "leader") {
		t.Errorf("waiting in vain: %v", err)
	}
}

func TestTheBrokersThatABrokerSees(t *testing.T) {
	_, admin := startFake(t, 3)
	if alive, err := admin.Sees(within(t, 5*time.Second), 1); err != nil || !slices.Equal(alive, []int32{0, 1, 2}) {
		t.Errorf("%v, %v", alive, err)
	}
}

func TestABrokerThatOthersSeeIsNotGone(t *testing.T) {
	_, admin := startFake(t, 2)
	if err := admin.WaitGone(within(t, 200*time.Millisecond), 1); err == nil || !strings.Contains(err.Error(), "broker 0 sees [0 1]") {
		t.Errorf("%v", err)
	}
	if err := admin.WaitGone(within(t, 5*time.Second), 7); err != nil {
		t.Errorf("a broker that never was: %v", err)
	}
}

func TestATopicsConfigurationIsTheOneInForce(t *testing.T) {
	_, admin := startFake(t, 1)
	createTopic(t, admin, "t", 1)
	ctx := within(t, 5*time.Second)
	if v, err := admin.TopicConfig(ctx, "t", "retention.ms"); err != nil || v != "-1" {
		t.Errorf("%q, %v", v, err)
	}
	if _, err := admin.TopicConfig(ctx, "t", "no.such.property"); err == nil {
		t.Error("a property that is not there has a value")
	}
	if _, err := admin.TopicConfig(ctx, "u", "retention.ms"); err == nil {
		t.Error("a topic that is not there has a configuration")
	}
}

// The controller of a KRaft cluster is the leader of the quorum, whatever
// Metadata names; without a quorum it is the one in Metadata.
func TestTheActiveControllerIsTheLeaderOfTheQuorum(t *testing.T) {
	f, admin := startFake(t, 3)
	ctx := within(t, 10*time.Second)
	named, epoch, err := admin.Controller(ctx)
	if err != nil || named < 0 || epoch != -1 {
		t.Errorf("without a quorum: %d, %d, %v", named, epoch, err)
	}
	f.ControlKey(18, func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key := range int16(60) {
			one := kmsg.NewApiVersionsResponseApiKey()
			if k := kmsg.RequestForKey(key); k != nil {
				one.ApiKey, one.MaxVersion = key, k.MaxVersion()
				resp.ApiKeys = append(resp.ApiKeys, one)
			}
		}
		return resp, nil, true
	})
	asked := int32(0)
	f.ControlKey(describeQuorum, func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeQuorumResponse)
		topic := kmsg.NewDescribeQuorumResponseTopic()
		topic.Topic = metadataLog
		p := kmsg.NewDescribeQuorumResponseTopicPartition()
		if asked++; asked%2 == 0 {
			p.LeaderID, p.LeaderEpoch = 2, 9
		} else {
			p.LeaderID, p.LeaderEpoch = 1, 8 // what one knew that was paused
		}
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	fresh, err := NewAdmin(f)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fresh.Close)
	if broker, epoch, err := fresh.WaitController(ctx, 1); err != nil || broker != 2 || epoch != 9 {
		t.Errorf("%d, %d, %v", broker, epoch, err)
	}
}

func TestAnElectionThatNobodyAgreesToIsAnError(t *testing.T) {
	f, admin := startFake(t, 1)
	createTopic(t, admin, "t", 1)
	f.ControlKey(43, func(req kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		resp := req.ResponseKind().(*kmsg.ElectLeadersResponse)
		topic := kmsg.NewElectLeadersResponseTopic()
		topic.Topic = "t"
		p := kmsg.NewElectLeadersResponseTopicPartition()
		p.ErrorCode = kerr.EligibleLeadersNotAvailable.Code
		topic.Partitions = append(topic.Partitions, p)
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	if err := admin.ElectUnclean(within(t, 5*time.Second), "t", 0); err == nil || !strings.Contains(err.Error(), "unclean election for t/0") {
		t.Errorf("%v", err)
	}
}
