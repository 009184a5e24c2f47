package nemesis

import (
	"fmt"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Nemesis carries out one plan. It implements proxy.Control.
type Nemesis struct {
	env     Env
	healAll chan struct{} // closed by Heal
	work    sync.WaitGroup
	turn    chan struct{}           // a token: faults that are to be alone take turns
	turns   map[int32]chan struct{} // a token for each producer: faults on it take turns
	configs chan struct{}           // a token: changes of properties take turns

	mu       sync.Mutex
	armed    bool
	healing  bool
	reported bool
	faults   []*fault
	tally    tally
	kept     map[appended]struct{} // counted as unacked
	door     []*fault              // beside the traffic, waiting for room
	changed  chan struct{}         // closed, and made anew, when there may be room
	sent     bool                  // every record was sent and answered
	leaders  map[place][]led       // that brokers named, oldest first
	busy     int                   // faults under way that will end by themselves
	progress int64                 // rises with everything that could bring a trigger nearer
	broken   error
}

// state of a fault.
type state uint8

const (
	waiting state = iota
	ready         // the trigger came; the fault strikes at the next fitting frame
	active        // in force
	over
)

// exchange names one batch of a produce request.
type exchange struct {
	conn        int64
	correlation int32
	producer    int32
	partition   int32
	batch       int // its place in the request
}

// fault is one planned fault on its way.
type fault struct {
	plan    history.PlannedFault
	kind    Kind
	state   state
	fired   bool      // it took effect
	mark    *exchange // strike this request, or its answer; nil: the next that fits
	trigger string    // as it came, in words
	asked   int64     // when it came
	waited  int64     // for how long it was not its turn after that
	// admitted: there is room for it. atWork: its turn has come as well.
	admitted, atWork bool
	held             bool // it is in force, and waits for its heal

	event history.FaultEvent
	ended chan struct{} // closed when over
	holds int32         // black hole: index of the broker whose answers it keeps back, or -1
	from  int32         // black hole: the producer that it keeps them from
	late  *late         // late request: what is held
	row   *row          // answer-error: the batches that are answered so
}

// New makes a Nemesis for a plan. Nothing happens before Arm. It fails on a
// plan that Draw cannot have made, and on one that the cluster cannot carry out.
func New(plan []history.PlannedFault, env Env) (*Nemesis, error) {
	n := &Nemesis{env: env, healAll: make(chan struct{}), turn: make(chan struct{}, 1), configs: make(chan struct{}, 1), turns: make(map[int32]chan struct{}), changed: make(chan struct{}), tally: newTally(), kept: make(map[appended]struct{}), leaders: make(map[place][]led)}
	shape := Shape{Topics: len(env.Topics), Partitions: boundless, Producers: boundless, Brokers: len(env.Cluster.Brokers())}
	for i, p := range plan {
		kind, err := sound(plan, i, shape)
		if err == nil {
			err = able(kind, env)
		}
		if err != nil {
			return nil, fmt.Errorf("planned fault %d: %w", i, err)
		}
		if kind.role == "producer" {
			n.turns[p.Target.Producer] = make(chan struct{}, 1)
		}
		n.faults = append(n.faults, &fault{plan: p, kind: kind, ended: make(chan struct{}), holds: -1})
	}
	return n, nil
}

// Arm starts the counting: the warm-up is over.
func (n *Nemesis) Arm() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.armed = true
}

// Fired counts the faults that have struck so far, of all that are planned.
func (n *Nemesis) Fired() (fired, planned int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, f := range n.faults {
		if f.fired {
			fired++
		}
	}
	return fired, len(n.faults)
}

// Active names the faults in force.
func (n *Nemesis) Active() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var names []string
	for _, f := range n.faults {
		if f.state == active {
			names = append(names, f.plan.Fault)
		}
	}
	return names
}

// Err is the first fault that could not be carried out or healed.
func (n *Nemesis) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.broken
}

// start puts a fault in force and writes it down. Called with mu held.
func (n *Nemesis) start(f *fault, target string) {
	f.state, f.fired = active, true
	f.event = history.FaultEvent{
		ID: f.plan.ID, Fault: f.plan.Fault, Status: history.FaultStarted,
		At: n.env.Now(), Trigger: f.trigger, Target: target, Forged: f.kind.forges, Asked: f.asked, Waited: f.waited,
	}
	n.env.Record(f.event)
	n.progress++
	n.follow(history.TriggerFaultStart, f)
}

// finish ends a fault. Its last line is written by Report, when the counts are
// final. Called with mu held.
func (n *Nemesis) finish(f *fault, err error) {
	if !f.fired { // it failed before it took effect
		f.event = history.FaultEvent{ID: f.plan.ID, Fault: f.plan.Fault, Trigger: f.trigger, Asked: f.asked, Waited: f.waited}
	}
	f.event.At = n.env.Now()
	f.event.Status = history.FaultEnded
	if err != nil {
		f.event.Status = history.FaultBroken
		f.event.Error = err.Error()
		if n.broken == nil {
			n.broken = fmt.Errorf("fault %d (%s): %w", f.plan.ID, f.plan.Fault, err)
		}
	}
	f.state = over
	n.leave(f)
	close(f.ended)
	n.progress++
	n.follow(history.TriggerFaultEnd, f)
}

// follow lets faults strike that wait for this one. Called with mu held.
func (n *Nemesis) follow(kind history.TriggerKind, cause *fault) {
	for _, f := range n.faults {
		if f.state == waiting && f.plan.Trigger.Kind == kind && f.plan.Trigger.Count == int64(cause.plan.ID) {
			n.pull(f, fmt.Sprintf("%s of fault %d (%s)", kind, cause.plan.ID, cause.plan.Fault), nil)
		}
	}
}

// pull is called when a fault's trigger came. Called with mu held.
func (n *Nemesis) pull(f *fault, trigger string, mark *exchange) {
	if n.healing {
		return
	}
	f.state, f.trigger, f.mark, f.asked = ready, trigger, mark, n.env.Now()
	if f.kind.beside != nil {
		n.work.Add(1)
		go n.strike(f)
	}
}

// lasts waits until a lasting fault is to be healed. Meanwhile the fault is not
// busy, unless it will end by itself.
func (n *Nemesis) lasts(f *fault) {
	n.mu.Lock()
	f.held = true
	n.mu.Unlock()
	n.count(-1)
	defer n.count(+1)
	var after <-chan time.Time
	if f.plan.HealIn > 0 {
		n.count(+1)
		defer n.count(-1)
		timer := time.NewTimer(f.plan.HealIn)
		defer timer.Stop()
		after = timer.C
	}
	var other <-chan struct{}
	if f.plan.HealAt != nil {
		other = n.faults[f.plan.HealAt.Count].ended
	}
	select {
	case <-after:
	case <-other:
	case <-n.healAll:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	f.event.HealAsked = n.env.Now()
	f.held = false
}
