package history

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Errors of Recorder.End.
var (
	// ErrAnsweredTwice: the ticket was ended before. It is counted.
	ErrAnsweredTwice = errors.New("op was answered twice")
	// ErrGivenUp: the answer came after GiveUp or GiveUpOn. It is counted as late.
	ErrGivenUp = errors.New("op was answered after it had been given up")
)

// Counts says how far a run has come.
type Counts struct {
	Calls         int64 // ops begun
	Acked         int64
	Failed        int64
	Unknown       int64 // given up ones among them
	Pending       int64
	AnsweredTwice int64
	Late          int64 // answers that came after GiveUp
}

// Recorder takes down ops and wire events while they happen. Its methods may
// be called from any goroutine; only calls for one process in one partition
// ever wait for each other.
type Recorder struct {
	w    *Writer
	base time.Time

	mu        sync.Mutex // taken to add a process
	processes atomic.Pointer[map[int32]*recorded]

	err atomic.Pointer[error] // the first write error
}

// recorded holds the lanes of one process.
type recorded struct {
	mu    sync.Mutex
	lanes map[TopicPartition]*lane
}

// NewRecorder returns a recorder that writes to w and counts time from base,
// which must have a monotonic reading (as from time.Now).
func NewRecorder(w *Writer, base time.Time) *Recorder {
	r := &Recorder{w: w, base: base}
	r.processes.Store(&map[int32]*recorded{})
	w.addSource(r.handOver)
	return r
}

// Now returns the time in ns since the base.
func (r *Recorder) Now() int64 { return int64(time.Since(r.base)) }

// Ticket stands for one op under way. It belongs to the Recorder that gave it.
type Ticket struct {
	Number int64 // the record's number
	lane   *lane
}

// Begin takes the call time of an op and gives it the next number of its
// process in its partition. Call it just before the record is handed to the
// client.
func (r *Recorder) Begin(process int32, tp TopicPartition) Ticket {
	l := r.lane(process, tp)
	return Ticket{Number: l.begin(r, 1), lane: l}
}

// BeginCall is Begin for n records that are handed over in one call. They share
// a call time, which no other call of their lane has.
func (r *Recorder) BeginCall(process int32, tp TopicPartition, n int) []Ticket {
	l := r.lane(process, tp)
	first := l.begin(r, n)
	tickets := make([]Ticket, n)
	for i := range tickets {
		tickets[i] = Ticket{Number: first + int64(i), lane: l}
	}
	return tickets
}

func (r *Recorder) lane(process int32, tp TopicPartition) *lane {
	p := (*r.processes.Load())[process]
	if p == nil {
		p = r.add(process)
	}
	p.mu.Lock()
	l := p.lanes[tp]
	if l == nil {
		l = &lane{key: laneKey{tp.Topic, tp.Partition, process}}
		p.lanes[tp] = l
	}
	p.mu.Unlock()
	return l
}

// add makes room for a new process.
func (r *Recorder) add(process int32) *recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := *r.processes.Load()
	if p := old[process]; p != nil {
		return p
	}
	grown := maps.Clone(old)
	p := &recorded{lanes: make(map[TopicPartition]*lane)}
	grown[process] = p
	r.processes.Store(&grown)
	return p
}

// End takes the return time of an op and what the client said. offset counts
// only when the op was acked. The error is ErrAnsweredTwice or ErrGivenUp for
// an op that is not pending any more, else a write error.
func (r *Recorder) End(t Ticket, outcome Outcome, offset int64, errText string) error {
	if t.lane == nil {
		return errors.New("end op: the ticket is not from Begin")
	}
	if outcome == Pending || outcome > Unknown {
		return fmt.Errorf("end op: impossible outcome %d", uint8(outcome))
	}
	if outcome != Acked {
		offset = NoOffset
	}
	err := t.lane.end(r, t.Number, outcome, offset, oneLine(errText))
	if err == nil || errors.Is(err, ErrAnsweredTwice) || errors.Is(err, ErrGivenUp) {
		return err
	}
	r.keep(err)
	return err
}

// oneLine turns line breaks into spaces.
func oneLine(text string) string {
	if !strings.ContainsAny(text, "\r\n") {
		return text
	}
	return strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c == '\r' || c == '\n' }), " ")
}

// Wire takes down a wire event, stamped with the time of the call unless it has
// one. It waits for the disk only when several parts are queued up.
func (r *Recorder) Wire(e WireEvent) {
	if e.At == 0 {
		e.At = r.Now()
	}
	if err := r.w.Wire(e); err != nil {
		r.keep(err)
	}
}

// keep remembers the first write error.
func (r *Recorder) keep(err error) { r.err.CompareAndSwap(nil, &err) }

// Err returns the first error met while writing, or nil.
func (r *Recorder) Err() error {
	if err := r.err.Load(); err != nil {
		return *err
	}
	return r.w.failed()
}

// Counts adds up what was recorded so far.
func (r *Recorder) Counts() Counts {
	var sum Counts
	r.each(sum.add)
	return sum
}

// GiveUp makes every pending op unknown, never answered, for the given reason,
// and returns how many there were.
func (r *Recorder) GiveUp(reason string) int {
	n := 0
	r.each(func(l *lane) { n += r.giveUpLane(l, Forever, reason) })
	return n
}

// GiveUpOn makes every pending op of one process unknown, for the given reason,
// and returns how many there were. It is for a process that the harness has
// ended itself: from now on no answer can come, so their return time is now.
// Ops that are begun later stay pending.
func (r *Recorder) GiveUpOn(process int32, reason string) int {
	p := (*r.processes.Load())[process]
	if p == nil {
		return 0
	}
	n := 0
	for _, l := range p.all() {
		n += r.giveUpLane(l, r.Now(), reason)
	}
	return n
}

func (r *Recorder) giveUpLane(l *lane, ret int64, reason string) int {
	n, err := l.giveUp(r, ret, oneLine(reason))
	if err != nil {
		r.keep(err)
	}
	return n
}

// handOver gives the writer every op that is finished and not held back, or,
// the last time, every op.
func (r *Recorder) handOver(last bool) {
	r.each(func(l *lane) {
		if err := l.handOver(r, last); err != nil {
			r.keep(err)
		}
	})
}

// each calls f for every lane there is.
func (r *Recorder) each(f func(*lane)) {
	for _, p := range *r.processes.Load() {
		for _, l := range p.all() {
			f(l)
		}
	}
}

// all lists the lanes there are.
func (p *recorded) all() []*lane {
	p.mu.Lock()
	defer p.mu.Unlock()
	lanes := make([]*lane, 0, len(p.lanes))
	for _, l := range p.lanes {
		lanes = append(lanes, l)
	}
	return lanes
}
