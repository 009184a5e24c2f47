package drivertest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/internal/child"
)

// driven is a driver program under test, and what it was told and has said.
type driven struct {
	trial *trial
	name  string // the client id
	child *child.Child
	over  chan struct{} // closed when it has ended and everything it wrote is read
	news  chan struct{} // one slot: something has changed

	mu      sync.Mutex // guards what follows
	gate    chan struct{}
	ready   *driver.Event // the first event
	first   []byte        // the line that it came in
	options driver.Options
	last    int64 // id
	calls   int   // send commands
	records map[int64]*record
	order   []*record // as they were sent
	left    int       // records without an answer
	answer  time.Time // when the last one came
	asked   map[int64]*question
	heard   int  // events
	closing bool // close was sent
	closed  bool
	killed  bool // what it says from now on is cut short by us
	sent    []string
	came    []string
}

// record is a record that was sent, and its answer.
type record struct {
	driver.Record
	call   int // the command that it came in
	acked  *driver.Acked
	failed *driver.Failure
	heard  int // which event the answer came with
}

func (r *record) answered() bool { return r.acked != nil || r.failed != nil }

// question is a command with an id, and the reply to it.
type question struct {
	command string
	done    bool            // flushed or done came
	failed  *driver.Failure // error came
	heard   int
}

func newDriven(t *trial, name string, program *child.Child) *driven {
	d := &driven{
		trial: t, name: name, child: program, over: make(chan struct{}), news: make(chan struct{}, 1),
		records: make(map[int64]*record), asked: make(map[int64]*question),
	}
	go d.read()
	return d
}

// recent is how many lines each way are shown with a finding.
const recent = 4

func keep(lines []string, line string) []string {
	if len(lines) == recent {
		lines = lines[:copy(lines, lines[1:])]
	}
	return append(lines, line)
}

func (d *driven) recently() (sent, came []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.sent...), append([]string(nil), d.came...)
}

// changed tells whoever waits.
func (d *driven) changed() {
	select {
	case d.news <- struct{}{}:
	default:
	}
}

// until waits until met, which is called with the lock held; false when the
// driver is over, or ctx or the limit ends, before.
func (d *driven) until(ctx context.Context, limit time.Duration, met func() bool) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		d.mu.Lock()
		ok := met()
		d.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-d.news:
		case <-d.over:
			d.mu.Lock()
			defer d.mu.Unlock()
			return met()
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

func (d *driven) isOver() bool {
	select {
	case <-d.over:
		return true
	default:
		return false
	}
}

// unasked says how the driver ended without being asked to.
func (d *driven) unasked() error {
	return broken(ruleUnasked, "it has ended by itself: %s", d.child.State)
}

// late is a breach for something that did not come in time, or the driver's end
// if that is why.
func (d *driven) late(r rule, format string, args ...any) error {
	if d.isOver() {
		return d.unasked()
	}
	return broken(r, format, args...)
}

func (d *driven) firstLine() []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first
}

// transactional says whether it was opened with a transactional id.
func (d *driven) transactional() bool { return d.options.TransactionalID != "" }

// opens sends an open command and waits for the first event.
func (d *driven) opens(ctx context.Context, o driver.Options) (driver.Event, error) {
	d.options = o
	return d.opensBy(ctx, driver.AppendCommand(nil, driver.Command{
		Command: driver.Open, Protocol: o.Protocol(), Bootstrap: d.trial.broker.Bootstrap(), Options: &o,
	}))
}

// opensBy does so with a line of one's own.
func (d *driven) opensBy(ctx context.Context, line []byte) (driver.Event, error) {
	if err := d.write(ctx, line); err != nil {
		return driver.Event{}, err
	}
	if !d.until(ctx, toOpen, func() bool { return d.ready != nil }) {
		return driver.Event{}, d.late(ruleFirst, "%s after open there is neither ready nor fatal", toOpen)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return *d.ready, nil
}

// write writes one line. A driver that does not read it before ctx ends is
// broken, and can be told nothing more.
func (d *driven) write(ctx context.Context, line []byte) error {
	d.mu.Lock()
	d.sent = keep(d.sent, shorten(line))
	d.mu.Unlock()
	deadline, _ := ctx.Deadline() // none is the zero time, which is no deadline for a file either
	if err := d.child.Stdin.SetWriteDeadline(deadline); err != nil {
		return fmt.Errorf("write to the driver: %w", err)
	}
	_, err := d.child.Stdin.Write(append(line, '\n'))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return broken(ruleReadAhead, "it does not read its standard input any more")
	}
	select { // it may be ending
	case <-d.over:
		return d.unasked()
	case <-time.After(toNotice):
		return broken(ruleGone, "it has closed its standard input, and lives on")
	}
}

// kill ends the driver, if it has not ended, and waits until all is read.
func (d *driven) kill() {
	d.mu.Lock()
	d.killed = true
	d.mu.Unlock()
	d.pauseReading(false)
	d.strays()
	d.child.End()
	<-d.over
	d.child.Stdin.Close()
	d.child.Stdout.Close()
}

// strays ends processes that have left the driver's group, and tells of them. It
// finds them while the driver lives, as its children and theirs.
func (d *driven) strays() {
	if d.isOver() {
		return
	}
	strays := d.child.Strays()
	if len(strays) == 0 {
		return
	}
	_ = d.trial.told(d, broken(ruleGroup, "it has started processes in groups of their own: %v", strays))
	for _, pid := range strays {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
	}
}

// deafen closes our end of the driver's standard output.
func (d *driven) deafen() error {
	d.mu.Lock()
	d.killed = true // what is cut off is cut off by us
	d.mu.Unlock()
	return d.child.Stdout.Close()
}

// pauseReading stops reading the driver's events, or goes on with it.
func (d *driven) pauseReading(pause bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case pause && d.gate == nil:
		d.gate = make(chan struct{})
	case !pause && d.gate != nil:
		close(d.gate)
		d.gate = nil
	}
}
