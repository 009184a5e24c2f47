package nemesis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/idemcheck/idemcheck/history"
)

// Faults on producers.
const (
	KillProducer    = "kill-producer"
	PauseProducer   = "pause-producer"
	RestartProducer = "restart-producer"
	SecondProducer  = "second-producer"
)

func producerFaults() []Kind {
	targets := []string{"producer"}
	return []Kind{
		{Name: KillProducer, Family: OnProducer, Process: true, role: "producer", targets: targets,
			Explain: "SIGKILL of a producer's process; a new process, with an identity of its own, goes on with what is still to be sent",
			beside:  (*Nemesis).killProducer},
		{Name: PauseProducer, Family: OnProducer, Process: true, lasting: true, role: "producer", targets: targets,
			Explain: "SIGSTOP of a producer's process, SIGCONT when healed: its requests and deliveries time out while it stands still",
			beside:  (*Nemesis).pauseProducer},
		{Name: RestartProducer, Family: OnProducer, role: "producer", targets: targets, knobs: []string{"how"},
			Explain: "a producer is closed at once, with what it has in flight (how: graceful flushes first), and opened again as a new process",
			check:   checkHowToClose, beside: (*Nemesis).restartProducer},
		{Name: SecondProducer, Family: OnProducer, Transactional: true, role: "producer", targets: targets,
			Explain: "another instance is opened with a producer's transactional id and goes on in its place; the first one sends on until it is fenced",
			beside:  (*Nemesis).secondProducer},
	}
}

func checkHowToClose(spec history.FaultSpec, complain complain) {
	if !slices.Contains([]string{"", "graceful", "abrupt"}, spec.How) {
		complain("how", "how %q: want graceful or abrupt", spec.How)
	}
}

// String says who it is.
func (i Instance) String() string {
	if i.PID == 0 {
		return fmt.Sprintf("process %d (%s)", i.Process, i.ClientID)
	}
	return fmt.Sprintf("process %d (%s, pid %d)", i.Process, i.ClientID, i.PID)
}

// producer is the index of the producer that the fault is done to, and who it
// is in words.
func (n *Nemesis) producer(f *fault) (index int, target string) {
	index = int(f.plan.Target.Producer)
	return index, fmt.Sprintf("producer %d: %s", index, n.env.Producers.Current(index))
}

// killProducer is in force from the old process's end until the new one is open.
func (n *Nemesis) killProducer(f *fault) error {
	return n.turnover(f, n.env.Producers.Kill)
}

func (n *Nemesis) restartProducer(f *fault) error {
	return n.turnover(f, func(ctx context.Context, producer int, ended func(string, int64)) (Instance, error) {
		return n.env.Producers.Restart(ctx, producer, f.plan.How == "graceful", ended)
	})
}

type endAndReplace func(ctx context.Context, producer int, ended func(how string, unanswered int64)) (Instance, error)

func (n *Nemesis) turnover(f *fault, do endAndReplace) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	index, target := n.producer(f)
	began := time.Now()
	next, err := do(ctx, index, func(how string, unanswered int64) {
		n.began(f, target)
		n.detail(f, "%s after %s, %d records unanswered", how, time.Since(began).Round(time.Millisecond), unanswered)
		n.mu.Lock()
		defer n.mu.Unlock()
		f.event.Hits.Records = unanswered
	})
	if err != nil {
		return fmt.Errorf("producer %d: %w", index, err)
	}
	n.detail(f, "%s goes on after %s", next, time.Since(began).Round(time.Millisecond))
	return nil
}

// pauseProducer keeps the process from doing anything until healed, and lets it
// go on whatever happened in between.
func (n *Nemesis) pauseProducer(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	index, target := n.producer(f)
	if err := n.env.Producers.Pause(ctx, index); err != nil {
		// It may stand still all the same.
		_ = n.env.Producers.Resume(ctx, index)
		return fmt.Errorf("producer %d: %w", index, err)
	}
	began := time.Now()
	n.began(f, target)
	n.lasts(f)
	ctx, cancel = context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := n.env.Producers.Resume(ctx, index); err != nil {
		return fmt.Errorf("producer %d: %w", index, err)
	}
	n.detail(f, "stood still for %s", time.Since(began).Round(10*time.Millisecond))
	return nil
}

// secondProducer is over as soon as the second instance is open: by then the
// coordinator has raised the epoch, and the first is a zombie (KIP-98).
func (n *Nemesis) secondProducer(f *fault) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	index, target := n.producer(f)
	began := time.Now()
	next, err := n.env.Producers.Second(ctx, index)
	if err != nil {
		return fmt.Errorf("producer %d: %w", index, err)
	}
	n.began(f, target)
	n.detail(f, "%s has taken over after %s", next, time.Since(began).Round(time.Millisecond))
	return nil
}
