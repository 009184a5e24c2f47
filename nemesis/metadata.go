package nemesis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// Faults in what clients are told of topics and leaders.
const (
	HideLeader = "hide-leader"
	HideTopic  = "hide-topic"
)

// leaderNotAvailable is the code for a partition whose leader a broker does not
// know (Kafka's LEADER_NOT_AVAILABLE).
const leaderNotAvailable = 5

func metadataFaults() []Kind {
	return []Kind{
		{Name: HideLeader, Family: OnLink, forges: true, role: "link", targets: []string{"partition", "producer"}, knobs: []string{"how"},
			Explain: "one Metadata answer says that a partition has no leader (how: none), or names the leader before (how: old), as a broker would that lags behind",
			check:   checkHideLeader, onMetadata: (*Nemesis).hideLeader},
		{Name: HideTopic, Family: OnLink, forges: true, role: "link", targets: []string{"producer"},
			Explain:    "one Metadata answer says UNKNOWN_TOPIC_OR_PARTITION, as a broker would that has not heard of the topic",
			onMetadata: (*Nemesis).hideTopic},
	}
}

func checkHideLeader(spec history.FaultSpec, complain complain) {
	if !slices.Contains([]string{"", "none", "old"}, spec.How) {
		complain("how", "how %q: want none or old", spec.How)
	}
}

// led is a leader that a broker named.
type led struct{ leader, epoch int32 }

// place is one partition.
type place struct {
	topic     string
	partition int32
}

// OnMetadata implements proxy.MetadataControl: it remembers who led what, and
// lets the first ready fault that takes hold of Metadata answers strike.
func (n *Nemesis) OnMetadata(m *proxy.Metadata) (fault int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.remember(m)
	producer := n.env.Producer(m.ClientID)
	if !n.armed || n.healing || producer == history.Any {
		return history.NoFault
	}
	for _, f := range n.faults {
		if f.state != ready || f.kind.onMetadata == nil {
			continue
		}
		wanted := aim(f.plan)
		if wanted.Producer == history.Any && f.mark != nil {
			wanted.Producer = f.mark.producer // whose traffic brought the trigger
		}
		if !matches(wanted.Producer, producer) {
			continue
		}
		if !n.room(f) {
			n.barred(f)
			continue
		}
		if what := f.kind.onMetadata(n, f, m, wanted.Partition); what != "" {
			n.start(f, fmt.Sprintf("connection %d of producer %d to broker %d", m.Conn, producer, m.Broker))
			f.event.Detail = fmt.Sprintf("metadata answer %d: %s", m.Correlation, what)
			n.finish(f, nil)
			return f.plan.ID
		}
	}
	return history.NoFault
}

// remember keeps the leaders that a broker named, oldest first. Called with mu held.
func (n *Nemesis) remember(m *proxy.Metadata) {
	for i := range m.Topics {
		t := &m.Topics[i]
		if t.Error != 0 || !slices.Contains(n.env.Topics, t.Name) {
			continue
		}
		for _, p := range t.Partitions {
			at := place{t.Name, p.Partition}
			now, known := led{p.Leader, p.LeaderEpoch}, n.leaders[at]
			if p.Error == 0 && p.Leader >= 0 && !slices.Contains(known, now) {
				n.leaders[at] = append(known, now)
			}
		}
	}
}

// hideTopic makes the run's topics unknown in an answer that names them.
func (n *Nemesis) hideTopic(_ *fault, m *proxy.Metadata, _ int32) string {
	var what []string
	for i := range m.Topics {
		if t := &m.Topics[i]; t.Error == 0 && slices.Contains(n.env.Topics, t.Name) {
			t.Unknown = true
			what = append(what, "topic "+t.Name+" is not there")
		}
	}
	return strings.Join(what, ", ")
}

// hideLeader takes the leader away from the partitions that are meant, or names
// the one before.
func (n *Nemesis) hideLeader(f *fault, m *proxy.Metadata, partition int32) string {
	var what []string
	for i := range m.Topics {
		t := &m.Topics[i]
		if t.Error != 0 || !slices.Contains(n.env.Topics, t.Name) {
			continue
		}
		for k := range t.Partitions {
			p := &t.Partitions[k]
			if p.Error != 0 || p.Leader < 0 || !matches(partition, p.Partition) {
				continue
			}
			if f.plan.How != "old" {
				what = append(what, fmt.Sprintf("%s/%d has no leader (it is %d)", t.Name, p.Partition, p.Leader))
				p.Error, p.Leader = leaderNotAvailable, -1
				continue
			}
			if old, ok := n.leaderBefore(place{t.Name, p.Partition}, led{p.Leader, p.LeaderEpoch}); ok {
				what = append(what, fmt.Sprintf("%s/%d is led by %d under leader epoch %d (it is %d under %d)",
					t.Name, p.Partition, old.leader, old.epoch, p.Leader, p.LeaderEpoch))
				p.Leader, p.LeaderEpoch = old.leader, old.epoch
			}
		}
	}
	return strings.Join(what, ", ")
}

// leaderBefore is the last leader that brokers named before the one of now and
// that is another. Called with mu held.
func (n *Nemesis) leaderBefore(at place, now led) (before led, ok bool) {
	for _, l := range n.leaders[at] {
		if l.leader != now.leader && l.epoch <= now.epoch && (!ok || l.epoch >= before.epoch) {
			before, ok = l, true
		}
	}
	return before, ok
}
