package external

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/cluster"
)

// Isolate implements cluster.Isolator. That packets between brokers vanish
// cannot be seen from outside, so a hook that does nothing is found out by what
// does not follow, which a scenario's coverage counts; that the broker still
// answers the harness can be seen, and is.
func (e *Cluster) Isolate(ctx context.Context, cut cluster.Cut) (heal func(context.Context) error, err error) {
	b, peers, err := e.apart(cut)
	if err != nil {
		return nil, fmt.Errorf("isolate broker %d: %w", cut.Broker, err)
	}
	more := []string{"PEERS=" + strings.Trim(fmt.Sprint(peers), "[]"), "WAY=" + way(cut)}
	healed := false
	heal = func(ctx context.Context) error {
		if healed {
			return nil
		}
		if err := e.call(ctx, "heal", e.config.Hooks.Heal, b, more...); err != nil {
			return fmt.Errorf("heal broker %d: %w", b.ID, err)
		}
		healed = true
		return nil
	}
	err = e.call(ctx, "isolate", e.config.Hooks.Isolate, b, more...)
	if err == nil {
		err = e.await(ctx, "isolate", b, true)
	}
	if err != nil {
		// It may have taken effect in part.
		undo, cancel := context.WithTimeout(context.WithoutCancel(ctx), effectLimit)
		defer cancel()
		return nil, errors.Join(fmt.Errorf("isolate broker %d: %w", b.ID, err), heal(undo))
	}
	return heal, nil
}

// apart finds the broker of a cut and its peers. A cut that cuts nothing would
// be a fault that never was.
func (e *Cluster) apart(cut cluster.Cut) (b cluster.Broker, peers []int32, err error) {
	if b, err = e.broker(cut.Broker); err != nil {
		return b, nil, err
	}
	if !cut.In && !cut.Out {
		return b, nil, errors.New("neither way is to be cut")
	}
	for _, other := range e.brokers {
		if other.ID != b.ID && (cut.Peers == nil || slices.Contains(cut.Peers, other.ID)) {
			peers = append(peers, other.ID)
		}
	}
	for _, id := range cut.Peers {
		if _, err := e.broker(id); err != nil {
			return b, nil, fmt.Errorf("from broker %d: %w", id, err)
		}
	}
	if len(peers) == 0 {
		return b, nil, errors.New("there is no other broker")
	}
	return b, peers, nil
}

func way(cut cluster.Cut) string {
	switch {
	case cut.In && cut.Out:
		return "both"
	case cut.In:
		return "in"
	}
	return "out"
}
