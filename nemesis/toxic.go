package nemesis

import (
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Faults that are toxics on the links.
const (
	Bandwidth = "bandwidth"
	Jitter    = "jitter"
	Latency   = "latency"
	Slicer    = "slicer"
)

func toxicFaults() []Kind {
	return []Kind{
		{Name: Bandwidth, Family: OnLink, lasting: true, role: "link", targets: []string{"broker"}, knobs: []string{"rate"},
			Explain: "the links carry no more than rate KiB/s",
			check:   checkRate, beside: (*Nemesis).toxic},
		{Name: Jitter, Family: OnLink, lasting: true, draws: true, role: "link", targets: []string{"broker"}, knobs: []string{"delay"},
			Explain: "everything, both ways, is late by a drawn time up to delay, and nothing overtakes",
			check:   checkDelay, beside: (*Nemesis).toxic},
		{Name: Latency, Family: OnLink, lasting: true, role: "link", targets: []string{"broker"}, knobs: []string{"delay"},
			Explain: "everything to the client is delay late",
			check:   checkDelay, beside: (*Nemesis).toxic},
		{Name: Slicer, Family: OnLink, lasting: true, draws: true, role: "link", targets: []string{"broker"}, knobs: []string{"size", "delay"},
			Explain: "everything, both ways, goes in slices of a drawn size, size bytes in the mean, with delay between them",
			check:   checkSlices, beside: (*Nemesis).toxic},
	}
}

func checkSlices(spec history.FaultSpec, complain complain) {
	if spec.Size < 1 || spec.Size > 1<<20 {
		complain("size", "%s needs the bytes of a slice, 1 to %d, like 64", spec.Fault, 1<<20)
	}
	if spec.Delay < 0 || spec.Delay > time.Second {
		complain("delay", "delay %s between slices: want 0 to 1s, like 500us", spec.Delay)
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

// dose is a toxic with its attributes, and the directions it is given in.
type dose struct {
	kind       string
	streams    []string
	attributes map[string]any
}

func doseOf(plan history.PlannedFault) dose {
	both := []string{"upstream", "downstream"}
	switch plan.Fault {
	case Bandwidth:
		return dose{"bandwidth", both[:1], map[string]any{"rate": plan.Rate}}
	case Jitter:
		return dose{"jitter", both, map[string]any{"most": plan.Delay.Microseconds(), "seed": plan.Seed}}
	case Latency:
		return dose{"latency", both[1:], map[string]any{"latency": plan.Delay.Milliseconds()}}
	case Slicer:
		return dose{"slicer", both, map[string]any{"size": plan.Size, "delay": plan.Delay.Microseconds(), "seed": plan.Seed}}
	}
	panic("nemesis: " + plan.Fault + " is no toxic")
}

// toxic puts a toxic on the links until healed: on one broker's when the plan
// names one, else on all.
func (n *Nemesis) toxic(f *fault) error {
	d := doseOf(f.plan)
	var removes []func() error
	var err error
	links := n.links(f)
	for _, i := range links {
		for _, stream := range d.streams {
			remove, addErr := n.env.Links.AddToxic(i, d.kind, stream, d.attributes)
			if addErr != nil {
				err = errors.Join(err, fmt.Errorf("link of broker %d: %w", i, addErr))
				continue
			}
			removes = append(removes, remove)
		}
	}
	n.began(f, fmt.Sprintf("links of %d brokers", len(links)))
	if err == nil {
		n.lasts(f)
	}
	for _, remove := range removes {
		err = errors.Join(err, remove())
	}
	return err
}
