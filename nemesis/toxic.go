package nemesis

import (
	"errors"
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// toxic puts one of toxiproxy's own toxics on the links until healed: on one
// broker's when the plan names one, else on all.
func (n *Nemesis) toxic(f *fault) {
	kind, stream, attributes := "latency", "downstream", map[string]any{"latency": f.plan.Delay.Milliseconds()}
	if f.plan.Fault == Bandwidth {
		kind, stream, attributes = "bandwidth", "upstream", map[string]any{"rate": f.plan.Rate}
	}
	var removes []func() error
	var err error
	for i := range n.env.Cluster.Brokers() {
		if f.plan.Target.Broker != history.Any && int(f.plan.Target.Broker) != i {
			continue
		}
		remove, addErr := n.env.Links.AddToxic(i, kind, stream, attributes)
		if addErr != nil {
			err = errors.Join(err, fmt.Errorf("link of broker %d: %w", i, addErr))
			continue
		}
		removes = append(removes, remove)
	}
	n.began(f, fmt.Sprintf("links of %d brokers", len(removes)))
	if err == nil {
		n.lasts(f)
	}
	for _, remove := range removes {
		err = errors.Join(err, remove())
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.finish(f, err)
}
