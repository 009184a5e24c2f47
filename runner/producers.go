package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/nemesis"
	"github.com/idemcheck/idemcheck/workloads"
)

// roster keeps every producer instance of a run, and carries out what faults do
// to them. An instance is a process of its own in the run's history: none is
// ever used again.
type roster struct {
	run    *run
	prefix string // of client ids

	mu    sync.Mutex // guards what follows
	seats []*workloads.Seat
	now   []int       // by producer: its latest instance
	all   []*instance // by process
}

// instance is one producer instance, from its opening to its end.
type instance struct {
	about    history.Process
	producer clients.Producer
	over     bool // closed, or ended by a fault
}

func newRoster(r *run) *roster { return &roster{run: r, prefix: "idemcheck-" + r.manifest.Run + "-"} }

// clientID names the nth instance of a producer, from 1: idemcheck-RUN-0,
// idemcheck-RUN-0-2, ...
func (o *roster) clientID(producer, nth int) string {
	if nth == 1 {
		return fmt.Sprintf("%s%d", o.prefix, producer)
	}
	return fmt.Sprintf("%s%d-%d", o.prefix, producer, nth)
}

// producerOf is whose client id it is; history.Any when it is none of this run.
func (o *roster) producerOf(clientID string) int32 {
	rest, ours := strings.CutPrefix(clientID, o.prefix)
	if !ours {
		return history.Any
	}
	number, _, _ := strings.Cut(rest, "-")
	producer, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return history.Any
	}
	return int32(producer)
}

// errRefused is of an instance whose library refused the options, where the
// scenario takes that for evidence.
var errRefused = errors.New("the library refused the options of the producer")

// openAll opens the first instance of every producer. When one is refused the
// rest are not opened: nothing will be sent.
func (o *roster) openAll(ctx context.Context) error {
	for producer := range o.run.scenario.Workload.Producers {
		opened, err := o.open(ctx, producer)
		if errors.Is(err, errRefused) {
			o.run.refused = true
			return nil
		}
		if err != nil {
			return err
		}
		o.mu.Lock()
		o.seats = append(o.seats, workloads.NewSeat(opened))
		o.mu.Unlock()
	}
	return nil
}

// open opens one more instance of a producer.
func (o *roster) open(ctx context.Context, producer int) (workloads.Producer, error) {
	o.mu.Lock()
	nth := 1
	for _, i := range o.all {
		if i.about.Producer == producer {
			nth++
		}
	}
	o.mu.Unlock() // one instance of a producer is opened at a time
	client, about, err := o.run.openOne(ctx, producer, o.clientID(producer, nth))
	if err != nil {
		return workloads.Producer{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	about.ID = int32(len(o.all))
	o.all = append(o.all, &instance{about: about, producer: client, over: about.Refused != ""})
	if nth == 1 {
		o.now = append(o.now, int(about.ID))
	} else {
		o.now[producer] = int(about.ID)
	}
	if about.Refused != "" {
		return workloads.Producer{}, errRefused
	}
	return workloads.Producer{Process: about.ID, Producer: client}, nil
}

// processes lists all instances so far, for the manifest.
func (o *roster) processes() []history.Process {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []history.Process
	for _, i := range o.all {
		all = append(all, i.about)
	}
	return all
}

// closeAll ends what still is open, and notes what every instance was handed.
// A client that does not close in time is left behind. No fault may be under
// way any more.
func (o *roster) closeAll() {
	o.mu.Lock()
	all := slices.Clone(o.all)
	o.mu.Unlock()
	var closing sync.WaitGroup
	for _, i := range all {
		if i.over {
			continue
		}
		closing.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), closeClient)
			defer cancel()
			_ = i.producer.Close(ctx) // what it did not answer was given up already
		})
	}
	closing.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, i := range o.all {
		i.about.Sent = o.run.recorder.Sent(i.about.ID)
		if !i.over {
			i.over, i.about.Closed = true, o.run.recorder.Now()
		}
	}
}

// current is the latest instance of a producer.
func (o *roster) current(producer int) *instance {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all[o.now[producer]]
}

// Current implements nemesis.Producers.
func (o *roster) Current(producer int) nemesis.Instance { return o.current(producer).name() }

func (i *instance) name() nemesis.Instance {
	return nemesis.Instance{Process: i.about.ID, ClientID: i.about.ClientID, PID: i.about.PID}
}

// process is the producer's process, if it has one of its own.
func (i *instance) process() (clients.Process, error) {
	if p, ok := i.producer.(clients.Process); ok {
		return p, nil
	}
	return nil, errors.New("it runs inside this process (give its client process: true)")
}

// Kill implements nemesis.Producers. The sender may stand in the middle of a
// Send; with the process gone, that returns, and the seat can be taken.
func (o *roster) Kill(ctx context.Context, producer int, ended func(string, int64)) (nemesis.Instance, error) {
	old := o.current(producer)
	process, err := old.process()
	if err != nil {
		return nemesis.Instance{}, err
	}
	before := o.run.recorder.CountsOf(old.about.ID).Unknown
	how, err := process.Kill(ctx)
	if err != nil {
		return nemesis.Instance{}, err
	}
	return o.replace(ctx, producer, func() {
		ended(how, o.giveUp(old, how, "its process was killed")-before)
	})
}

// Restart implements nemesis.Producers. The sender stands still meanwhile, as
// an application does that restarts its producer.
func (o *roster) Restart(ctx context.Context, producer int, gently bool, ended func(string, int64)) (nemesis.Instance, error) {
	old := o.current(producer)
	var failed error
	opened, err := o.replace(ctx, producer, func() {
		within, cancel := context.WithTimeout(ctx, 2*closeClient)
		defer cancel()
		if gently {
			_ = old.producer.Flush(within) // what stays unanswered is counted below
		}
		before := o.run.recorder.CountsOf(old.about.ID).Unknown
		failed = old.producer.Close(within)
		ended("closed", o.giveUp(old, "closed", "it was closed")-before)
	})
	return opened, errors.Join(failed, err)
}

// giveUp notes the end of an instance, and returns how many of its records are
// unknown now.
func (o *roster) giveUp(old *instance, how, why string) int64 {
	o.run.recorder.GiveUpOn(old.about.ID, "never answered: "+why)
	o.mu.Lock()
	defer o.mu.Unlock()
	old.over, old.about.End, old.about.Closed = true, how, o.run.recorder.Now()
	return o.run.recorder.CountsOf(old.about.ID).Unknown
}

// replace has the seat while the old instance ends and a new one is opened.
func (o *roster) replace(ctx context.Context, producer int, end func()) (nemesis.Instance, error) {
	o.mu.Lock()
	seat := o.seats[producer]
	o.mu.Unlock()
	if _, err := seat.Take(ctx); err != nil {
		return nemesis.Instance{}, err
	}
	defer seat.Give()
	end()
	next, err := o.open(ctx, producer)
	if err != nil {
		return nemesis.Instance{}, err
	}
	seat.Change(next)
	return o.Current(producer), nil
}

// Pause implements nemesis.Producers.
func (o *roster) Pause(ctx context.Context, producer int) error {
	process, err := o.current(producer).process()
	if err != nil {
		return err
	}
	return process.Pause(ctx)
}

// Resume implements nemesis.Producers.
func (o *roster) Resume(ctx context.Context, producer int) error {
	process, err := o.current(producer).process()
	if err != nil {
		return err
	}
	return process.Resume(ctx)
}

// Second implements nemesis.Producers.
func (o *roster) Second(ctx context.Context, producer int) (nemesis.Instance, error) {
	if o.current(producer).about.TransactionalID == "" {
		return nemesis.Instance{}, errors.New("it has no transactional id (set options.transactional_id)")
	}
	o.mu.Lock()
	seat := o.seats[producer]
	o.mu.Unlock()
	if _, err := seat.Take(ctx); err != nil {
		return nemesis.Instance{}, err
	}
	defer seat.Give()
	next, err := o.open(ctx, producer)
	if err != nil {
		return nemesis.Instance{}, err
	}
	seat.Second(next)
	return o.Current(producer), nil
}

var _ nemesis.Producers = (*roster)(nil)
