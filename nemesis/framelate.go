package nemesis

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/idemcheck/idemcheck/history"
	"github.com/idemcheck/idemcheck/proxy"
)

// LateRequest is the zombie write.
const LateRequest = "late-request"

// lateLimit is how long a request is held when its sender never moves on.
const lateLimit = 10 * time.Second

func lateFaults() []Kind {
	return []Kind{
		{Name: LateRequest, Family: OnLink, role: "link", targets: everywhere[:], knobs: []string{"delay", "batches"},
			Explain: "a produce request, and what follows it on its connection, is held until its sender has moved on and stored its records over another connection, or a producer that follows it has stored some (and as many further batches as batches says, after delay at the latest): then the broker gets it, the zombie write",
			check:   checkLate, onRequest: (*Nemesis).lateRequest},
	}
}

func checkLate(spec history.FaultSpec, complain complain) {
	checkWait(fmt.Sprintf("none for %s", lateLimit), spec, complain)
	checkBatches(spec, complain)
}

// late is a produce request that is held on its way to the broker.
type late struct {
	conn     int64
	producer int32
	batches  []lateBatch
	moved    chan struct{} // closed when its sender has moved on
	followed int64         // batches that a producer which follows its sender has stored
	has      bool          // it has
	detail   string
	codes    map[int16]int // what the broker said to what came late, by batch
}

type lateBatch struct {
	batch   proxy.Batch
	stored  bool  // by way of another connection
	further int64 // batches behind it that were stored as well
}

func (n *Nemesis) lateRequest(f *fault, e *proxy.Exchange, producer int32, _ int) proxy.Decision {
	n.start(f, connection(e, producer))
	f.hitAll(e)
	f.late = &late{conn: e.Conn, producer: producer, moved: make(chan struct{}), codes: make(map[int16]int)}
	for _, b := range e.Batches {
		f.late.batches = append(f.late.batches, lateBatch{batch: b})
	}
	n.busy++
	n.work.Add(1)
	release := make(chan struct{})
	go n.letGo(f, release)
	return proxy.Decision{Verb: proxy.Hold, Fault: f.plan.ID, Release: release}
}

// letGo releases a late request once its sender has moved on.
func (n *Nemesis) letGo(f *fault, release chan struct{}) {
	defer n.work.Done()
	limit := f.plan.Delay
	if limit == 0 {
		limit = lateLimit
	}
	began := time.Now()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	why := ""
	select {
	case <-f.late.moved:
		why = "its records had been stored by way of another connection"
		if f.late.followed > 0 {
			why = "the producer that follows its sender had stored records"
		}
		if f.plan.Batches > 0 {
			why += fmt.Sprintf(", and %d further batches", f.plan.Batches)
		}
	case <-timer.C:
		why = "its sender had not moved on by then"
	case <-n.healAll:
		why = "everything was healed, and its sender had not moved on by then"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	f.late.detail = fmt.Sprintf("let go after %s: %s", time.Since(began).Round(10*time.Millisecond), why)
	f.event.Detail = f.late.detail
	close(release)
	n.busy--
	n.finish(f, nil)
}

// stored tells late requests of an answer that a broker gave. Called with mu held.
func (n *Nemesis) stored(producer int32, e *proxy.Exchange) {
	for _, f := range n.faults {
		if l := f.late; l != nil && f.state == active && !l.has && l.producer == producer && l.conn != e.Conn && l.take(e, f.plan.Batches) {
			l.has = true
			close(l.moved)
		}
	}
}

// take says whether the sender has moved on with what an answer tells of, or is
// followed by another process of its producer, which has.
func (l *late) take(e *proxy.Exchange, further int64) bool {
	for _, b := range e.Batches {
		if own := l.batches[0].batch.Process; b.Error == 0 && b.First >= 0 && own >= 0 && b.Process > own {
			l.followed++
		}
	}
	if l.followed > further {
		return true
	}
	moved := true
	for i := range l.batches {
		held := &l.batches[i]
		for _, b := range e.Batches {
			if b.Error != 0 || b.Topic != held.batch.Topic || b.Partition != held.batch.Partition || b.Process != held.batch.Process || b.First < 0 {
				continue
			}
			switch {
			case b.First <= held.batch.Last && held.batch.First <= b.Last:
				held.stored = true
			case b.First > held.batch.Last && held.stored:
				held.further++
			}
		}
		moved = moved && held.stored && held.further >= further
	}
	return moved
}

// came notes what the broker said to requests that came late, whose sender
// has left. Called with mu held.
func (f *fault) came(e *proxy.Exchange) {
	for _, b := range e.Batches {
		f.late.codes[b.Error]++
	}
	var said []string
	for _, code := range slices.Sorted(maps.Keys(f.late.codes)) {
		said = append(said, fmt.Sprintf("%d to %d", code, f.late.codes[code]))
	}
	f.event.Detail = f.late.detail + "; the broker answered, by code and batches: " + strings.Join(said, ", ")
}
