package workloads

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/idemcheck/idemcheck/history"
)

// A message is what an application means to send once: a number, the same
// whoever sends it and as often as it is sent. A record names who sends it and
// is unique for ever; its message stands in its key. So one message may stand in
// the log several times where no record does.

// checkMessages refuses what goes with no numbering of messages.
func checkMessages(spec history.WorkloadSpec) error {
	switch spec.Messages {
	case "":
		if spec.Resend {
			return fmt.Errorf("resend true: it goes with messages, like messages: %s", history.MessageRecords)
		}
		return nil
	case history.MessageRecords:
	case history.MessageSpread:
		if spec.Producers != 1 {
			return fmt.Errorf("messages %s: want one producer, not %d", spec.Messages, spec.Producers)
		}
	default:
		return fmt.Errorf("messages %q: want %s or %s, or leave it out", spec.Messages, history.MessageRecords, history.MessageSpread)
	}
	switch {
	case spec.Batch > 1:
		return fmt.Errorf("messages %s: they are sent record by record, not %d in a call", spec.Messages, spec.Batch)
	case spec.Resend && (spec.Outstanding > 0 || spec.Burst > 0 || spec.Step || Transactional(spec.Name)):
		return fmt.Errorf("resend true: it goes with neither outstanding, burst, step nor transactions")
	}
	return nil
}

// checkWhole wants transactions of whole messages.
func checkWhole(plan history.WorkloadPlan) error {
	if plan.Messages != history.MessageSpread {
		return nil
	}
	if n := len(plan.Partitions[0].Partitions); plan.Transaction%n != 0 {
		return fmt.Errorf("transaction %d: want whole messages, each of %d records", plan.Transaction, n)
	}
	return nil
}

// letter is a message on its way to one partition.
type letter struct {
	message int64 // 0 for none
	lane    history.TopicPartition
}

// key is what a record has as its key; nil for none.
func (l letter) key() []byte {
	if l.message == 0 {
		return nil
	}
	return history.AppendMessage(nil, l.message)
}

// kept are the letters that were handed over and not acknowledged; nil where
// they are not sent again.
type kept struct{ of *letters }

type letters struct {
	mu   sync.Mutex
	open map[letter]struct{}
}

func newKept(plan history.WorkloadPlan) kept {
	if !plan.Resend {
		return kept{}
	}
	return kept{&letters{open: make(map[letter]struct{})}}
}

func (k kept) put(l letter) {
	if k.of != nil && l.message > 0 {
		k.of.mu.Lock()
		defer k.of.mu.Unlock()
		k.of.open[l] = struct{}{}
	}
}

func (k kept) drop(l letter) {
	if k.of != nil {
		k.of.mu.Lock()
		defer k.of.mu.Unlock()
		delete(k.of.open, l)
	}
}

// all lists them, by message.
func (k kept) all() []letter {
	if k.of == nil {
		return nil
	}
	k.of.mu.Lock()
	defer k.of.mu.Unlock()
	var all []letter
	for l := range k.of.open {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b letter) int {
		return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.lane.Topic, b.lane.Topic), cmp.Compare(a.lane.Partition, b.lane.Partition))
	})
	return all
}

// message is the number of the message whose record is next; 0 where messages
// are not numbered.
func (s *sender) message() int64 {
	switch s.env.Plan.Messages {
	case history.MessageRecords:
		return int64(s.turn) + 1
	case history.MessageSpread:
		return int64(s.turn/len(s.lanes)) + 1
	}
	return 0
}

// midMessage says whether a message was begun and is not sent whole yet.
func (s *sender) midMessage() bool {
	return s.env.Plan.Messages == history.MessageSpread && s.turn%len(s.lanes) > 0
}

// wholeMessage lets what is missing of a message that was begun be: who begins
// anew knows nothing of it.
func (s *sender) wholeMessage() {
	if s.midMessage() {
		s.turn += len(s.lanes) - s.turn%len(s.lanes)
	}
}

// follow is called with the producer that is to have the next record. One that
// follows another sends again what was not acknowledged, and begins a message of
// its own.
func (s *sender) follow(producer Producer) {
	before := s.process
	s.process = producer.Process
	if before < 0 || before == producer.Process {
		return
	}
	s.wholeMessage()
	for _, l := range s.kept.all() {
		s.handTo(producer, l)
		s.env.Called(s.index)
	}
}
