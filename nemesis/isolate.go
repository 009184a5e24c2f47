package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/cluster"
	"github.com/idemcheck/idemcheck/history"
)

// Faults that cut a broker off without ending it: silence, and no connection
// is closed or refused.
const (
	IsolateBroker = "isolate-broker"
	IsolateLeader = "isolate-leader"
	Split         = "split"
)

func isolateFaults() []Kind {
	isolate := []cluster.Capability{cluster.CanIsolate}
	return []Kind{
		{Name: IsolateBroker, Family: OnBroker, Needs: isolate, lasting: true, alone: true, role: "broker", targets: []string{"broker"}, knobs: []string{"from", "way"},
			Explain: "silence between a broker and others (from: brokers, clients or both; way: in, out or both, as the broker sees it)",
			check:   checkIsolation, beside: (*Nemesis).isolate},
		{Name: IsolateLeader, Family: OnBroker, Needs: isolate, lasting: true, alone: true, role: "leader", targets: []string{"partition"}, knobs: []string{"from", "way"},
			Explain: "silence between the broker that leads a partition and others (from: brokers, clients or both; way: in, out or both, as the broker sees it)",
			check:   checkIsolation, beside: (*Nemesis).isolate},
		{Name: Split, Family: OnBroker, Needs: isolate, lasting: true, alone: true, role: "broker", targets: []string{"broker"}, knobs: []string{"way"},
			Explain: "the brokers in two halves that don't hear each other: the target and as many after it as are fewer than half, against the rest (way: in, out or both, as the smaller half sees it)",
			check:   checkIsolation, beside: (*Nemesis).split},
	}
}

func checkIsolation(spec history.FaultSpec, complain complain) {
	if !slices.Contains([]string{"", "brokers", "clients", "both"}, spec.From) {
		complain("from", "from %q: want brokers, clients or both", spec.From)
	}
	if !slices.Contains([]string{"", "in", "out", "both"}, spec.Way) {
		complain("way", "way %q: want in, out or both", spec.Way)
	}
}

// ways says which packets are lost, as the broker sees it.
func ways(k history.Knobs) (in, out bool, words string) {
	switch k.Way {
	case "", "both":
		return true, true, "both ways"
	case "in":
		return true, false, "towards it"
	case "out":
		return false, true, "from it"
	}
	panic(fmt.Sprintf("nemesis: impossible way %q", k.Way))
}

// cuts are silences in force, or disks that are spoilt; heal ends them all, the last first.
type cuts []func(context.Context) error

func (c cuts) heal() error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var err error
	for _, end := range slices.Backward(c) {
		err = errors.Join(err, end(ctx))
	}
	return err
}

// isolate cuts one broker off until healed, and notes who took over, and what
// the broker itself believes meanwhile.
func (n *Nemesis) isolate(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	broker, target, err := n.victim(ctx, f)
	if err != nil {
		return err
	}
	in, out, way := ways(f.plan.Knobs)
	from := f.plan.From
	var inForce cuts
	if from != "clients" {
		end, err := n.env.Cluster.(cluster.Isolator).Isolate(ctx, cluster.Cut{Broker: broker, In: in, Out: out})
		if err != nil {
			return err
		}
		inForce = append(inForce, end)
		target += ", from the other brokers"
	}
	if from == "clients" || from == "both" {
		end := n.env.Links.Silence(int(n.indexOf(broker)), f.plan.ID, out, in, nil)
		inForce = append(inForce, func(context.Context) error { end(); return nil })
		target += ", from clients"
	}
	n.began(f, target+", "+way)
	switch {
	case from == "clients":
	case f.kind.role == "broker":
		n.missed(ctx, f, broker)
	case n.env.Replication > 1 && n.takeover(ctx, f, broker):
		n.believes(ctx, f, broker)
	}
	n.lasts(f)
	return n.reunite(f, inForce)
}

// split cuts one half of the brokers off from the other until healed.
func (n *Nemesis) split(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	less, more := n.halves(f.plan.Target.Broker)
	in, out, way := ways(f.plan.Knobs)
	var inForce cuts
	for _, broker := range less {
		end, err := n.env.Cluster.(cluster.Isolator).Isolate(ctx, cluster.Cut{Broker: broker, Peers: more, In: in, Out: out})
		if err != nil {
			return errors.Join(err, inForce.heal())
		}
		inForce = append(inForce, end)
	}
	if f.plan.Way == "in" || f.plan.Way == "out" {
		way = strings.ReplaceAll(way, "it", "the first")
	}
	n.began(f, fmt.Sprintf("brokers %v from %v, %s", less, more, way))
	n.missed(ctx, f, less...)
	n.lasts(f)
	return n.reunite(f, inForce)
}

// halves are the brokers from the one at this index on, as many as are fewer
// than half (of two: one), and the others.
func (n *Nemesis) halves(first int32) (less, more []int32) {
	brokers := n.env.Cluster.Brokers()
	size := max(1, (len(brokers)-1)/2)
	for i := range brokers {
		b := brokers[(int(first)+i)%len(brokers)]
		if i < size {
			less = append(less, b.ID)
		} else {
			more = append(more, b.ID)
		}
	}
	slices.Sort(less)
	slices.Sort(more)
	return less, more
}

// reunite ends what cut brokers off and waits for the cluster to be whole.
func (n *Nemesis) reunite(f *fault, inForce cuts) error {
	if err := inForce.heal(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return n.whole(ctx, f)
}

// believes notes what a leader that is cut off itself says, while another one
// leads.
func (n *Nemesis) believes(ctx context.Context, f *fault, broker int32) {
	topic, partition := n.env.Topics[f.plan.Target.Topic], f.plan.Target.Partition
	view, err := n.env.Replicas.ViewOf(ctx, broker, topic, partition)
	if err != nil {
		return // it may be too busy looking for the others
	}
	if view.Leader == broker {
		n.detail(f, "cut off, broker %d itself still says: %s", broker, view)
	}
}
