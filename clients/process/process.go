// Package process runs a client library in a process of its own: a driver
// program that takes commands and gives events, one JSON object a line
// (clients/driver/PROTOCOL.md). It knows nothing of what the driver is written
// in.
package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/clients/internal/child"
	"github.com/idemcheck/idemcheck/history"
)

// Library opens producers, each in a driver process of its own.
type Library struct {
	Command []string // the driver program and its arguments
	Log     string   // file that its standard error is appended to, its first 64 MiB
	// Broken, when not nil, is told when a driver does what no driver may do:
	// it ends unasked, or writes what is no event. It is called once.
	Broken func(error)
}

// Open implements clients.Library: it starts a driver and has it open a
// producer. The error has the driver's last lines.
func (l Library) Open(ctx context.Context, bootstrap []string, o clients.Options) (clients.Producer, error) {
	program, err := child.Start(child.Config{Command: l.Command, Log: l.Log})
	if err != nil {
		return nil, fmt.Errorf("open producer %s: %w", o.ClientID, err)
	}
	p := &producer{
		child: program, broken: l.Broken, lines: make(chan []byte, queued), ready: make(chan driver.Event, 1),
		closing: make(chan struct{}), over: make(chan struct{}), pending: make(map[int64]sent), asked: make(map[int64]question),
	}
	go p.write()
	go p.read()
	options := driver.FromOptions(o)
	if err := p.begin(ctx, driver.Command{Command: driver.Open, Protocol: options.Protocol(), Bootstrap: bootstrap, Options: options}); err != nil {
		p.mark(func() { p.expected = true })
		program.End()
		<-p.over
		return nil, fmt.Errorf("open producer %s: %w", o.ClientID, err)
	}
	if o.TransactionalID != "" {
		return transactional{p}, nil
	}
	return p, nil
}

// queued is how many lines may wait for a driver that does not read. The pipe
// holds some more. Then Send blocks, as a client does whose buffer is full.
const queued = 64

// producer is the harness's end of the pipes.
type producer struct {
	child   *child.Child
	info    clients.Info
	broken  func(error)
	lines   chan []byte
	ready   chan driver.Event
	closing chan struct{} // closed when the close command is queued: nothing follows it
	over    chan struct{} // closed when the driver has ended and everything is called back

	mu       sync.Mutex // guards what follows
	nextID   int64
	open     bool // it is ready for records
	pending  map[int64]sent
	asked    map[int64]question // commands without an answer
	expected bool               // it is ended by us
	leaving  bool               // the close command is queued
	closed   bool               // it said that it is closed
	end      error              // why it is over; nil while it is not
}

// question is a command without an answer. Whoever asked may have given up.
type question struct {
	command string
	reply   chan driver.Failure // has room for the answer
}

// sent is a record without an answer.
type sent struct {
	partition int32
	done      func(clients.Result)
}

func (p *producer) mark(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *producer) Info() clients.Info { return p.info }

// PID implements clients.Process.
func (p *producer) PID() int { return p.child.PID }

// begin waits for the driver to be ready.
func (p *producer) begin(ctx context.Context, c driver.Command) error {
	p.queue(ctx, c)
	select {
	case ev := <-p.ready:
		return p.introduce(ev, c.Protocol)
	case <-p.over:
		return p.end
	case <-ctx.Done():
		return fmt.Errorf("driver (pid %d) is not ready: %w%s", p.PID(), ctx.Err(), p.lastLines())
	}
}

// introduce takes the first event. The driver answers in the version of the
// protocol in which it was asked.
func (p *producer) introduce(ev driver.Event, protocol int) error {
	switch {
	case ev.Event == driver.Fatal && ev.Class == driver.ClassRefused:
		return &clients.Refused{Err: errors.New(ev.Message)}
	case ev.Event == driver.Fatal && ev.Class == driver.ClassUnsupported:
		return &clients.Unsupported{Option: ev.Option, Why: ev.Message}
	case ev.Event == driver.Fatal:
		return fmt.Errorf("driver (pid %d): %s%s", p.PID(), inWords(driver.Failure{Class: ev.Class, Message: ev.Message}), p.lastLines())
	case ev.Protocol < protocol && ev.Protocol > 0:
		return &clients.Unsupported{Option: driver.OptionProtocol, Why: fmt.Sprintf("the driver answers in version %d of the driver protocol, and what it is asked needs %d", ev.Protocol, protocol)}
	case ev.Protocol != protocol:
		return fmt.Errorf("driver (pid %d) speaks version %d of the protocol: want %d", p.PID(), ev.Protocol, protocol)
	case ev.Order == nil || ev.Library == "":
		return fmt.Errorf("driver (pid %d): its ready event lacks library or order", p.PID())
	}
	p.info = clients.Info{
		Library: ev.Library, Version: ev.Version, OrderPromised: ev.Order.Promised, OrderInCall: ev.Order.Promised || ev.Order.InCall,
		OrderWhy: ev.Order.Why, Deadline: millis(ev.DeadlineMS), Unmapped: ev.Unmapped,
	}
	p.mark(func() { p.open = true })
	return nil
}

func (p *producer) lastLines() string {
	if tail := p.child.Tail(); tail != "" {
		return "; its last lines: " + tail
	}
	return ""
}

// queue hands a line to the writer; false when the driver is over or ctx ends.
func (p *producer) queue(ctx context.Context, c driver.Command) bool {
	select {
	case p.lines <- append(driver.AppendCommand(make([]byte, 0, room(c)), c), '\n'):
		return true
	case <-p.over:
	case <-ctx.Done():
	}
	return false
}

// room is about how long a command is as a line.
func room(c driver.Command) int {
	n := 64
	for _, r := range c.Records {
		n += 64 + len(r.Topic) + len(r.Key) + len(r.Value)
	}
	return n
}

// write passes lines to the driver, many at once where they are there. It ends
// after the close command, or with the driver.
func (p *producer) write() {
	defer p.child.Stdin.Close()
	w := bufio.NewWriterSize(p.child.Stdin, 64<<10)
	for {
		select {
		case line := <-p.lines:
			_, _ = w.Write(line) // that the driver is gone is seen where its events are read
			if len(p.lines) == 0 {
				_ = w.Flush()
			}
			continue
		case <-p.over:
			return
		case <-p.closing:
		}
		if len(p.lines) == 0 {
			_ = w.Flush()
			return
		}
	}
}

// Send implements clients.Producer.
func (p *producer) Send(ctx context.Context, r clients.Record, done func(clients.Result)) {
	p.SendAll(ctx, []clients.Record{r}, func(_ int, result clients.Result) { done(result) })
}

// SendAll implements clients.Batcher: one command, one call of the library.
func (p *producer) SendAll(ctx context.Context, records []clients.Record, done func(int, clients.Result)) {
	all := make([]driver.Record, len(records))
	p.mu.Lock()
	over := p.end != nil
	for i, r := range records {
		if over {
			break
		}
		p.nextID++
		all[i] = driver.Record{ID: p.nextID, Topic: r.Topic, Partition: r.Partition, Key: string(r.Key), Value: string(r.Value)}
		p.pending[p.nextID] = sent{r.Partition, func(result clients.Result) { done(i, result) }}
	}
	p.mu.Unlock()
	switch {
	case over:
		for i := range records {
			done(i, neverSent)
		}
	case !p.queue(ctx, driver.Command{Command: driver.Send, Records: all}):
		for _, r := range all {
			p.answer(r.ID, neverSent)
		}
	}
}

// neverSent is the answer to a record that did not leave the harness.
var neverSent = clients.Result{
	Outcome: history.Failed, Offset: history.NoOffset, Error: "never handed to the driver, which was gone or did not read",
}

// answer calls a record back, unless it was before.
func (p *producer) answer(id int64, r clients.Result) (known bool) {
	p.mu.Lock()
	s, known := p.pending[id]
	delete(p.pending, id)
	p.mu.Unlock()
	if known {
		s.done(r)
	}
	return known
}

// ask sends a command and waits for the reply to it.
func (p *producer) ask(ctx context.Context, name string) error {
	reply := make(chan driver.Failure, 1)
	p.mu.Lock()
	p.nextID++
	id := p.nextID
	p.asked[id] = question{name, reply}
	p.mu.Unlock()
	p.queue(ctx, driver.Command{Command: name, ID: id})
	select {
	case f := <-reply:
		switch {
		case f.Fenced:
			return fmt.Errorf("%s: %w (%s)", name, clients.ErrFenced, inWords(f))
		case f.Message != "":
			return fmt.Errorf("%s: %s", name, inWords(f))
		}
		return nil
	case <-p.over:
		return fmt.Errorf("%s: %w", name, p.end)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", name, ctx.Err())
	}
}

// Flush implements clients.Producer.
func (p *producer) Flush(ctx context.Context) error { return p.ask(ctx, driver.Flush) }

// Close implements clients.Producer. A driver that does not end in time is
// killed.
func (p *producer) Close(ctx context.Context) error {
	first := false
	p.mark(func() { first, p.expected, p.leaving = !p.leaving, true, true })
	if first && p.queue(ctx, driver.Command{Command: driver.Close}) {
		close(p.closing)
	}
	select {
	case <-p.over:
	case <-ctx.Done():
		p.child.End()
		<-p.over
		return fmt.Errorf("close: driver (pid %d) did not end in time and was killed%s", p.PID(), p.lastLines())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed || !p.child.State.Success() {
		return fmt.Errorf("close: driver (pid %d) ended with %s%s", p.PID(), p.child.State, p.lastLines())
	}
	return nil
}

// Kill implements clients.Process.
func (p *producer) Kill(ctx context.Context) (how string, err error) {
	p.mark(func() { p.expected = true })
	if err := p.child.Signal(syscall.SIGKILL); err != nil {
		return "", fmt.Errorf("kill driver (pid %d): %w", p.PID(), err)
	}
	select {
	case <-p.over:
		return p.child.State.String(), nil
	case <-ctx.Done():
		return "", fmt.Errorf("kill driver (pid %d): %w", p.PID(), ctx.Err())
	}
}

// Pause implements clients.Process.
func (p *producer) Pause(ctx context.Context) error {
	if err := p.child.Pause(ctx); err != nil {
		return fmt.Errorf("pause driver (pid %d): %w", p.PID(), err)
	}
	return nil
}

// Resume implements clients.Process.
func (p *producer) Resume(context.Context) error {
	if err := p.child.Resume(); err != nil {
		return fmt.Errorf("resume driver (pid %d): %w", p.PID(), err)
	}
	return nil
}

// transactional is a producer with a transactional id.
type transactional struct{ *producer }

func (p transactional) Begin(ctx context.Context) error  { return p.ask(ctx, driver.Begin) }
func (p transactional) Commit(ctx context.Context) error { return p.ask(ctx, driver.Commit) }
func (p transactional) Abort(ctx context.Context) error  { return p.ask(ctx, driver.Abort) }

var (
	_ clients.Process       = (*producer)(nil)
	_ clients.Batcher       = (*producer)(nil)
	_ clients.Transactional = transactional{}
	_ clients.Process       = transactional{}
)
