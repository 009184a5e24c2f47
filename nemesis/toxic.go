package nemesis

import (
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Faults that are toxiproxy's own toxics.
const (
	Bandwidth = "bandwidth"
	Latency   = "latency"
)

func toxicFaults() []Kind {
	return []Kind{
		{Name: Bandwidth, Family: OnLink, lasting: true, role: "link", targets: []string{"broker"}, knobs: []string{"rate"},
			Explain: "the links carry no more than rate KiB/s",
			check:   checkRate, beside: (*Nemesis).toxic},
		{Name: Latency, Family: OnLink, lasting: true, role: "link", targets: []string{"broker"}, knobs: []string{"delay"},
			Explain: "everything to the client is delay late",
			check:   checkDelay, beside: (*Nemesis).toxic},
	}
}

func checkRate(spec history.FaultSpec, complain complain) {
	if spec.Rate <= 0 {
		complain("rate", "%s needs a rate in KiB/s, like 64", spec.Fault)
	}
}

func checkDelay(spec history.FaultSpec, complain complain) {
	if spec.Delay < time.Millisecond {
		complain("delay", "%s needs a delay of 1ms or more, like 500ms", spec.Fault)
	}
}

// toxic puts one of toxiproxy's own toxics on the links until healed: on one
// broker's when the plan names one, else on all.
func (n *Nemesis) toxic(f *fault) error {
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
	return err
}
