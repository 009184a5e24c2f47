package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/idemcheck/idemcheck/history"
)

// Steps is what happened on the wire of a run, and the faults that struck: a
// line for each produce batch in the order in which they came, with what came of
// it and of its answer, and a line for each fault in front of the first batch
// that it touched. What differs from one time to the next though nothing else
// does is left out: times, connections, correlation ids, what clients ask
// besides (metadata), and whether a batch was still sent on a connection that
// was cut already. Producer ids, which brokers give as they like, are numbered as
// they appear. Two runs of one plan that did the same have equal steps.
func Steps(run *history.Run) ([]string, error) {
	s := newStepper(run)
	for e, err := range run.Wire() {
		if err != nil {
			return nil, err
		}
		s.add(e)
	}
	return s.lines(), nil
}

// StepsOf is Steps of one producer on one partition, faults left out: with
// several producers that is what is the same every time.
func StepsOf(run *history.Run, producer int, tp history.TopicPartition) ([]string, error) {
	s := newStepper(run)
	s.faults = nil
	for e, err := range run.Wire() {
		if err != nil {
			return nil, err
		}
		if e.Topic == tp.Topic && e.Partition == tp.Partition && s.producerOf(e) == producer {
			s.add(e)
		}
	}
	return s.lines(), nil
}

// step is one line: a batch, and what came of it.
type step struct {
	at    int64 // of its request
	rank  int   // among those of one request, which clients put in any order
	parts []string
}

// batchKey names one batch of one request.
type batchKey struct {
	conn        int64
	correlation int32
	topic       string
	partition   int32
}

type stepper struct {
	run       *history.Run
	topics    map[string]int // place in the manifest
	producers map[string]int // by client id
	pids      map[int64]int  // in order of appearance, from 1
	faults    []history.FaultEvent
	struck    map[int32]int64 // fault -> when the first batch that it touched came
	steps     []*step
	requests  map[batchKey]*step
}

func newStepper(run *history.Run) *stepper {
	s := &stepper{
		run: run, topics: make(map[string]int), producers: make(map[string]int), pids: make(map[int64]int),
		faults: run.Faults, struck: make(map[int32]int64), requests: make(map[batchKey]*step),
	}
	for i, t := range run.Manifest.Topics {
		s.topics[t.Name] = i
	}
	for _, p := range run.Manifest.Processes {
		s.producers[p.ClientID] = p.Producer
	}
	return s
}

func (s *stepper) producerOf(e history.WireEvent) int {
	if p, ok := s.producers[e.ClientID]; ok {
		return p
	}
	return -1
}

func (s *stepper) add(e history.WireEvent) {
	key := batchKey{e.Conn, e.Correlation, e.Topic, e.Partition}
	switch e.Kind {
	case history.WireRequest:
		if e.Action != history.ActionDropped {
			st := &step{at: e.At, rank: 1 + s.topics[e.Topic]<<20 + int(e.Partition), parts: []string{fmt.Sprintf("%s to broker %d: %s%s", s.batch(e), e.Broker, e.Action, by(e.Fault))}}
			whole := batchKey{conn: e.Conn, correlation: e.Correlation}
			if first := s.requests[whole]; first != nil {
				st.at = first.at
			} else {
				s.requests[whole] = st
			}
			s.requests[key] = st
			s.steps = append(s.steps, st)
		}
	case history.WireDelivery:
		s.more(key, "then "+fate(e)+by(e.Fault))
	case history.WireAnswer:
		s.more(key, "answer "+codeWords(e)+" "+fate(e)+by(e.Fault))
	case history.WireRelease:
		s.more(key, "then "+fate(e))
	case history.WireInitProducerID:
		s.steps = append(s.steps, &step{at: e.At, parts: []string{fmt.Sprintf("producer %d is given %s: code %d", s.producerOf(e), s.id(e), e.Error)}})
	case history.WireConnect, history.WireDisconnect, history.WireNotKafka, history.WireMetadata, history.WireHidden:
		return
	}
	if st := s.requests[key]; st != nil && e.Fault != history.NoFault && e.Action != history.ActionDropped {
		if _, known := s.struck[e.Fault]; !known {
			s.struck[e.Fault] = st.at
		}
	}
}

// more adds what came of a batch later on.
func (s *stepper) more(key batchKey, text string) {
	if st := s.requests[key]; st != nil {
		st.parts = append(st.parts, text)
	}
}

func fate(e history.WireEvent) string {
	if e.Action == history.ActionDropped {
		return "lost"
	}
	return e.Action.String()
}

// batch names a batch: whose, where to, its sequence, and the records in it.
func (s *stepper) batch(e history.WireEvent) string {
	where := fmt.Sprintf("topic %d/%d", s.topics[e.Topic], e.Partition)
	return fmt.Sprintf("producer %d %s, %s, records %d..%d", s.producerOf(e), where, s.stamp(e), e.First, e.Last)
}

func (s *stepper) stamp(e history.WireEvent) string {
	if e.ProducerID < 0 {
		return "no producer id"
	}
	return fmt.Sprintf("%s seq %d", s.id(e), e.BaseSequence)
}

func (s *stepper) id(e history.WireEvent) string {
	if e.ProducerID < 0 {
		return "no producer id"
	}
	if s.pids[e.ProducerID] == 0 {
		s.pids[e.ProducerID] = len(s.pids) + 1
	}
	return fmt.Sprintf("id #%d epoch %d", s.pids[e.ProducerID], e.Epoch)
}

// lines puts the faults between what the wire saw.
func (s *stepper) lines() []string {
	var all []*step
	put := func(at int64, f history.FaultEvent, what string) {
		all = append(all, &step{at: at, parts: []string{fmt.Sprintf("fault %d %s %s", f.ID, f.Fault, what)}})
	}
	for _, f := range s.faults {
		switch {
		case f.Status == history.FaultStarted:
			at, touched := s.struck[f.ID]
			if !touched {
				at = f.At
			}
			put(at, f, "strikes, at "+f.Trigger)
		case f.Status == history.FaultNeverFired:
			put(history.Forever, f, "never fired")
		case f.Status == history.FaultEnded && f.HealAsked > 0:
			put(f.HealAsked, f, "is healed")
		}
	}
	all = append(all, s.steps...) // behind the faults of the same moment
	slices.SortStableFunc(all, func(a, b *step) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
	lines := make([]string, len(all))
	for i, st := range all {
		lines[i] = clean(strings.Join(st.parts, "; "))
	}
	return lines
}

func by(fault int32) string {
	if fault == history.NoFault {
		return ""
	}
	return fmt.Sprintf(" by fault %d", fault)
}
