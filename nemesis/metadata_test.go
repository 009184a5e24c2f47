package nemesis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// metadata is an answer to a producer about topic t with two partitions.
func metadata(producer int, leader, epoch int32) *proxy.Metadata {
	return &proxy.Metadata{
		Broker: 12, Conn: 100 + int64(producer), Correlation: 9, ClientID: fmt.Sprintf("p%d", producer),
		Topics: []proxy.MetadataTopic{
			{Name: "another", Partitions: []proxy.MetadataPartition{{Partition: 0, Leader: 10}}},
			{Name: "t", Partitions: []proxy.MetadataPartition{
				{Partition: 0, Leader: leader, LeaderEpoch: epoch}, {Partition: 1, Leader: 10, LeaderEpoch: 1},
			}},
		},
	}
}

func TestAMetadataFaultWaitsForTheNextAnswerToItsProducer(t *testing.T) {
	w := newWorld()
	n := begin(t, w, narrowed(planned(HideTopic, history.TriggerAcks, 1), 1, history.Any))
	var fr frames
	before := metadata(1, 10, 1)
	if id := n.OnMetadata(before); id != history.NoFault || before.Topics[1].Unknown {
		t.Errorf("struck before its trigger: %d", id)
	}
	n.OnAnswer(fr.next(1, 0))
	other, stranger := metadata(0, 10, 1), metadata(1, 10, 1)
	stranger.ClientID = "somebody"
	if n.OnMetadata(other) != history.NoFault || n.OnMetadata(stranger) != history.NoFault {
		t.Error("struck another client")
	}
	m := metadata(1, 10, 1)
	if id := n.OnMetadata(m); id != 0 || !m.Topics[1].Unknown || m.Topics[0].Unknown {
		t.Errorf("fault %d, %+v", id, m.Topics)
	}
	if n.OnMetadata(metadata(1, 10, 1)) != history.NoFault {
		t.Error("struck twice")
	}
	n.Heal()
	n.Report()
	lines := w.journal(0)
	if len(lines) != 2 || !lines[1].Forged || lines[1].Detail != "metadata answer 9: topic t is not there" ||
		lines[0].Target != "connection 101 of producer 1 to broker 12" {
		t.Errorf("journal %+v", lines)
	}
}

func TestAnyProducerIsTheOneThatBroughtTheTrigger(t *testing.T) {
	n := begin(t, newWorld(), planned(HideTopic, history.TriggerAcks, 1))
	var fr frames
	n.OnAnswer(fr.next(2, 0))
	if n.OnMetadata(metadata(1, 10, 1)) != history.NoFault || n.OnMetadata(metadata(2, 10, 1)) != 0 {
		t.Error("struck the wrong producer")
	}
}

func TestHideLeaderTakesTheLeaderAwayOfThePartitionThatIsMeant(t *testing.T) {
	f := planned(HideLeader, history.TriggerAcks, 1)
	f.Target.Partition = 0
	n := begin(t, newWorld(), f)
	var fr frames
	n.OnAnswer(fr.next(0, 0))
	m := metadata(0, 11, 4)
	if n.OnMetadata(m) != 0 {
		t.Fatal("it did not strike")
	}
	want := []proxy.MetadataPartition{{Partition: 0, Error: 5, Leader: -1, LeaderEpoch: 4}, {Partition: 1, Leader: 10, LeaderEpoch: 1}}
	if got := m.Topics[1].Partitions; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v", got)
	}
}

func TestHideLeaderOldNamesTheLeaderBeforeUnderItsOwnEpoch(t *testing.T) {
	w := newWorld()
	f := planned(HideLeader, history.TriggerAcks, 1)
	f.How = "old"
	n := begin(t, w, f)
	var fr frames
	n.OnMetadata(metadata(0, 10, 1))
	n.OnAnswer(fr.next(0, 0))
	if n.OnMetadata(metadata(0, 10, 1)) != history.NoFault {
		t.Error("struck where no other leader is known")
	}
	n.OnMetadata(metadata(1, 12, 2)) // another client may be told first
	m := metadata(0, 11, 5)
	if n.OnMetadata(m) != 0 {
		t.Fatal("it did not strike")
	}
	if p := m.Topics[1].Partitions[0]; p.Leader != 12 || p.LeaderEpoch != 2 || p.Error != 0 {
		t.Errorf("%+v", p)
	}
	n.Heal()
	n.Report()
	if d := w.journal(0)[1].Detail; !strings.Contains(d, "t/0 is led by 12 under leader epoch 2 (it is 11 under 5)") {
		t.Errorf("detail %q", d)
	}
}

func TestAnOldLeaderIsNeverOneThatABrokerWillOnlyNameLater(t *testing.T) {
	f := planned(HideLeader, history.TriggerAcks, 1)
	f.How = "old"
	n := begin(t, newWorld(), f)
	var fr frames
	n.OnMetadata(metadata(1, 12, 9)) // a newer view than the answer to come
	n.OnAnswer(fr.next(0, 0))
	if n.OnMetadata(metadata(0, 11, 5)) != history.NoFault {
		t.Error("named a newer leader as the one before")
	}
}
