package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Names of the small files of a run directory.
const (
	manifestName = "manifest.json"
	planName     = "plan.json"
	faultsName   = "faults.jsonl"
)

// WriterOptions tune a Writer. The zero value is right for every run.
type WriterOptions struct {
	PartRows  int           // rows after which a part file is finished; 0 is 262144
	PartEvery time.Duration // time after which a part file is finished; 0 is 10 s
}

// queuedParts is how many closed parts may wait for the disk. A producer of
// rows that is further ahead has to wait.
const queuedParts = 4

// ErrClosed is returned when a closed Writer is written to.
var ErrClosed = errors.New("run directory is closed")

// Writer writes a run directory. Its methods may be called from any goroutine.
//
// Rows are collected in memory and written by a goroutine of the Writer, a
// part file at a time, so a killed harness loses at most the open parts, and
// what a Recorder still holds back. The first error is kept, and returned from
// then on.
type Writer struct {
	dir  string
	ops  *collector[Op]
	log  *collector[LogRecord]
	wire *collector[WireEvent]

	jobs    chan partJob
	written chan struct{} // closed when the last job is done
	stop    chan struct{} // ends the clock
	ticked  chan struct{} // closed when the clock has ended

	saving sync.Mutex // one manifest is saved at a time

	err atomic.Pointer[error] // the first error of writing a part

	mu      sync.Mutex // guards what follows
	files   []File
	closed  bool
	sources []func(last bool) // hand over what they hold back

	faultMu   sync.Mutex // guards the journals of lines
	faults    *os.File
	faultRows int64

	processed     *os.File // nil before its first line
	processedRows int64
}

// Create makes a run directory and writes its manifest and plan. dir must be
// absent or empty. The manifest says that the run broke in its first phase
// until another is saved.
func Create(dir string, m *Manifest, p *Plan, o WriterOptions) (*Writer, error) {
	if m == nil || p == nil {
		return nil, errors.New("create run directory: a manifest and a plan are needed")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if len(entries) > 0 {
		return nil, fmt.Errorf("create run directory %s: it is not empty (it holds %s); choose a folder that does not exist yet", dir, entries[0].Name())
	}
	if o.PartRows <= 0 {
		o.PartRows = 1 << 18
	}
	if o.PartEvery <= 0 {
		o.PartEvery = 10 * time.Second
	}
	w := &Writer{
		dir:     dir,
		ops:     newCollector(opsTable, o.PartRows, opColumns(), func(o *Op) int64 { return o.Number }),
		log:     newCollector(logTable, o.PartRows, logColumns(), func(r *LogRecord) int64 { return r.Offset }),
		wire:    newCollector(wireTable, o.PartRows, wireColumns(), func(e *WireEvent) int64 { return e.At }),
		jobs:    make(chan partJob, queuedParts),
		written: make(chan struct{}),
		stop:    make(chan struct{}),
		ticked:  make(chan struct{}),
	}
	m.Ended, m.EndedIn = EndedBroken, "prepare"
	if p.Schema == 0 {
		p.Schema = PlanSchema
	}
	if err := saveJSON(filepath.Join(dir, planName), p); err != nil {
		return nil, err
	}
	listed, err := sumFile(dir, planName) // so that an altered plan is noticed
	if err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	w.files = append(w.files, listed)
	if err := w.SaveManifest(m); err != nil {
		return nil, err
	}
	w.faults, err = os.OpenFile(filepath.Join(dir, faultsName), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create fault journal: %w", err)
	}
	go w.writeParts()
	go w.tick(o.PartEvery)
	return w, nil
}

// writeParts writes closed parts until there are no more. After an error the
// remaining parts are given up, so that nobody waits for a broken disk.
func (w *Writer) writeParts() {
	defer close(w.written)
	for job := range w.jobs {
		if w.failed() != nil {
			continue
		}
		file, err := job(w.dir)
		if err != nil {
			w.err.CompareAndSwap(nil, &err)
			continue
		}
		w.mu.Lock()
		w.files = append(w.files, file)
		w.mu.Unlock()
	}
}

// tick finishes the open parts every so often.
func (w *Writer) tick(every time.Duration) {
	defer close(w.ticked)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-w.stop:
			return
		case <-ticker.C:
			w.rotate(false)
		}
	}
}

// rotate asks the sources for what they have, then closes the open parts; when
// last is true for ever.
func (w *Writer) rotate(last bool) {
	w.mu.Lock()
	sources := w.sources
	w.mu.Unlock()
	for _, source := range sources {
		source(last)
	}
	w.ops.rotate(w.enqueue, last)
	w.log.rotate(w.enqueue, last)
	w.wire.rotate(w.enqueue, last)
}

func (w *Writer) enqueue(job partJob) { w.jobs <- job }

// failed returns the first error of writing part files.
func (w *Writer) failed() error {
	if err := w.err.Load(); err != nil {
		return *err
	}
	return nil
}

// put adds rows to a table.
func put[R any](w *Writer, to *collector[R], key laneKey, n int, fill func([]R)) error {
	if err := w.failed(); err != nil {
		return err
	}
	if err := to.add(key, w.enqueue, n, fill); err != nil {
		return fmt.Errorf("write to %s: %w", w.dir, err)
	}
	return nil
}

// addSource registers a function that hands over rows held back elsewhere. It
// is called before parts are finished by the clock, and with last set before
// the Writer closes: then it must hand over everything.
func (w *Writer) addSource(source func(last bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sources = append(w.sources[:len(w.sources):len(w.sources)], source)
}

// Op writes one op.
func (w *Writer) Op(op Op) error {
	if op.Outcome > Unknown {
		return fmt.Errorf("write op: impossible outcome %d", uint8(op.Outcome))
	}
	return put(w, w.ops, laneKey{op.Topic, op.Partition, op.Process}, 1, func(to []Op) { to[0] = op })
}

// Log writes one record of the final read.
func (w *Writer) Log(r LogRecord) error {
	if r.Standing > Misplaced {
		return fmt.Errorf("write log record: impossible standing %d", uint8(r.Standing))
	}
	return put(w, w.log, laneKey{Topic: r.Topic, Partition: r.Partition}, 1, func(to []LogRecord) { to[0] = r })
}

// Wire writes one wire event.
func (w *Writer) Wire(e WireEvent) error {
	if e.Kind < WireRequest || e.Kind > WireHidden {
		return fmt.Errorf("write wire event: impossible kind %d", uint8(e.Kind))
	}
	if e.Action < ActionPassed || e.Action > ActionForged {
		return fmt.Errorf("write wire event: impossible action %d", uint8(e.Action))
	}
	return put(w, w.wire, laneKey{}, 1, func(to []WireEvent) { to[0] = e })
}

// Fault appends one line to the fault journal, at once.
func (w *Writer) Fault(e FaultEvent) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write fault %d: %w", e.ID, err)
	}
	w.faultMu.Lock()
	defer w.faultMu.Unlock()
	if w.faults == nil {
		return fmt.Errorf("write fault %d: %w", e.ID, ErrClosed)
	}
	if _, err := w.faults.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write fault %d: %w", e.ID, err)
	}
	w.faultRows++
	return nil
}
