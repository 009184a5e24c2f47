package nemesis

import (
	"errors"
	"fmt"

	"github.com/idemcheck/idemcheck/history"
)

// Faults on connections as such.
const (
	Refuse = "refuse"
	Reset  = "reset"
)

func connectionFaults() []Kind {
	return []Kind{
		{Name: Refuse, Family: OnLink, lasting: true, role: "link", targets: []string{"broker"},
			Explain: "new connections are refused, as by a host on which nothing listens (open ones go on: reset them as well); until healed",
			beside:  (*Nemesis).refuseConnections},
		{Name: Reset, Family: OnLink, role: "link", targets: []string{"broker", "producer"},
			Explain: "the clients' open connections end with RST",
			beside:  (*Nemesis).resetConnections},
	}
}

// links lists the brokers, by index, whose links a fault is done to: the one
// that the plan names, else all.
func (n *Nemesis) links(f *fault) []int {
	var links []int
	for i := range n.env.Cluster.Brokers() {
		if f.plan.Target.Broker == history.Any || int(f.plan.Target.Broker) == i {
			links = append(links, i)
		}
	}
	return links
}

func (n *Nemesis) refuseConnections(f *fault) error {
	var allows []func() error
	var err error
	for _, i := range n.links(f) {
		allow, refuseErr := n.env.Links.Refuse(i)
		if refuseErr != nil {
			err = errors.Join(err, fmt.Errorf("link of broker %d: %w", i, refuseErr))
			continue
		}
		allows = append(allows, allow)
	}
	n.began(f, fmt.Sprintf("links of %d brokers", len(allows)))
	if err == nil {
		n.lasts(f)
	}
	for _, allow := range allows {
		err = errors.Join(err, allow())
	}
	return err
}

func (n *Nemesis) resetConnections(f *fault) error {
	var match func(string) bool
	whose := "all clients"
	if f.plan.Target.Producer != history.Any {
		match, whose = n.only(f.plan.Target.Producer), fmt.Sprintf("producer %d", f.plan.Target.Producer)
	}
	links := n.links(f)
	n.began(f, fmt.Sprintf("connections of %s to %d brokers", whose, len(links)))
	count := 0
	for _, i := range links {
		count += n.env.Links.Reset(i, f.plan.ID, match)
	}
	n.detail(f, "%d connections reset", count)
	return nil
}
