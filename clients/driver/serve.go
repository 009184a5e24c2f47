package driver

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history/outcome"
)

// Serve is a driver program for a library that is at hand in Go: it takes
// commands from in and gives events on out until it is closed, or until in ends
// because the harness is gone. The error is what a person finds in the
// driver's log; the harness is told of it as well where it still listens.
func Serve(library clients.Library, in io.Reader, out io.Writer) error {
	life, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	d := &driver{library: library, life: life, events: newEvents(out, cancel), unanswered: make(map[int64]struct{})}
	commands := make(chan Command, readAhead)
	go d.listen(in, commands, cancel)
	err := d.serve(commands)
	if err != nil {
		fatal := Event{Event: Fatal, Class: "driver", Message: err.Error()}
		if lacks := (*clients.Unsupported)(nil); errors.As(err, &lacks) {
			fatal.Class, fatal.Option, fatal.Message = ClassUnsupported, lacks.Option, lacks.Why
		}
		if refused := (*clients.Refused)(nil); errors.As(err, &refused) {
			fatal.Class, fatal.Message = ClassRefused, refused.Error()
		}
		d.events.add(fatal)
	}
	return errors.Join(err, d.events.close())
}

// errAlone ends everything: nobody gives commands any more.
var errAlone = errors.New("standard input ended without a close command: the harness is gone")

// openLimit is how long a client may take to connect; the harness has a limit
// of its own.
const openLimit = 30 * time.Second

// readAhead is how many commands may wait for the one that is carried out.
const readAhead = 64

// driver is one producer being driven.
type driver struct {
	library  clients.Library
	life     context.Context
	events   *events
	producer clients.Producer

	mu         sync.Mutex
	unanswered map[int64]struct{} // records without an answer; nil once they were given up
}

// listen reads commands ahead, so that the end of the input is seen while a
// command is carried out.
func (d *driver) listen(in io.Reader, commands chan<- Command, cancel context.CancelCauseFunc) {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		line, err := ReadLine(r)
		if err != nil {
			cancel(errAlone)
			return
		}
		c, err := ParseCommand(line)
		if err != nil {
			cancel(fmt.Errorf("a line of standard input is no command of the protocol: %w", err))
			return
		}
		select {
		case commands <- c:
		case <-d.life.Done():
			return
		}
		if c.Command == Close {
			return
		}
	}
}

func (d *driver) serve(commands <-chan Command) error {
	for {
		c, ok := d.next(commands)
		if !ok {
			return context.Cause(d.life)
		}
		switch {
		case c.Command == Open && d.producer == nil:
			if err := d.open(c); err != nil {
				return err
			}
		case c.Command == Open:
			return errors.New("a second open command: a driver has one producer")
		case d.producer == nil:
			return fmt.Errorf("command %q before open", c.Command)
		case c.Command == Close:
			return d.close()
		default:
			if err := d.do(c); err != nil {
				return err
			}
		}
	}
}

// next waits for a command. Those that came before the input ended come first.
func (d *driver) next(commands <-chan Command) (c Command, ok bool) {
	select {
	case c := <-commands:
		return c, true
	default:
	}
	select {
	case c := <-commands:
		return c, true
	case <-d.life.Done():
	}
	select {
	case c := <-commands:
		return c, true
	default:
		return c, false
	}
}

func (d *driver) open(c Command) error {
	if c.Protocol < 1 || c.Protocol > Version {
		return &clients.Unsupported{Option: OptionProtocol, Why: fmt.Sprintf("the open asks for version %d of the protocol: this driver speaks 1 to %d", c.Protocol, Version)}
	}
	if c.Options == nil {
		return errors.New("open has no options")
	}
	if c.Protocol == 1 && (c.Options.Defaults || c.Options.Acks == "") {
		return errors.New("open lacks idempotence or acks, which may be left out from version 2 of the protocol on")
	}
	ctx, cancel := context.WithTimeout(d.life, openLimit)
	defer cancel()
	producer, err := d.library.Open(ctx, c.Bootstrap, c.Options.ToOptions())
	if err != nil {
		return err
	}
	d.producer = producer
	info := producer.Info()
	d.events.add(Event{
		Event: Ready, Protocol: c.Protocol, Library: info.Library, Version: info.Version,
		Order:      &Order{info.OrderPromised, info.OrderInCall, info.OrderWhy},
		DeadlineMS: info.Deadline.Milliseconds(), Unmapped: info.Unmapped,
	})
	return nil
}

// do carries out a command of an open producer, and returns when it is done.
func (d *driver) do(c Command) error {
	transactional, _ := d.producer.(clients.Transactional)
	switch c.Command {
	case Send:
		d.send(c.Records)
		return nil
	case Flush:
		d.reply(c.ID, Flushed, d.producer.Flush(d.life))
		return nil
	case Begin, Commit, Abort:
		if transactional == nil {
			d.reply(c.ID, Done, errors.New("the producer was opened without a transactional id"))
			return nil
		}
	}
	switch c.Command {
	case Begin:
		d.reply(c.ID, Done, transactional.Begin(d.life))
	case Commit:
		d.reply(c.ID, Done, transactional.Commit(d.life))
	case Abort:
		d.reply(c.ID, Done, transactional.Abort(d.life))
	default:
		return fmt.Errorf("there is no command %q", c.Command)
	}
	return nil
}

// send hands records over: in one call of the library, if it has one for
// several.
func (d *driver) send(records []Record) {
	d.mu.Lock()
	for _, r := range records {
		d.unanswered[r.ID] = struct{}{}
	}
	d.mu.Unlock()
	if batcher, ok := d.producer.(clients.Batcher); ok && len(records) > 1 {
		all := make([]clients.Record, len(records))
		for i, r := range records {
			all[i] = toRecord(r)
		}
		batcher.SendAll(d.life, all, func(i int, result clients.Result) { d.answer(records[i], result) })
		return
	}
	for _, r := range records {
		d.producer.Send(d.life, toRecord(r), func(result clients.Result) { d.answer(r, result) })
	}
}

func toRecord(r Record) clients.Record {
	to := clients.Record{Topic: r.Topic, Partition: r.Partition, Value: []byte(r.Value)}
	if r.Key != "" {
		to.Key = []byte(r.Key)
	}
	return to
}

// answer passes on what the library said, also twice if it says so twice.
func (d *driver) answer(r Record, result clients.Result) {
	d.mu.Lock()
	given := d.unanswered == nil
	delete(d.unanswered, r.ID)
	d.mu.Unlock()
	if given {
		return
	}
	if result.Outcome == outcome.Acked {
		d.events.ack(Acked{r.ID, r.Partition, result.Offset})
		return
	}
	f := Failure{ID: r.ID, Class: result.Class, Code: result.Code, Retriable: result.Retriable, Message: result.Error}
	if result.Outcome == outcome.Failed {
		f.Appended = AppendedNever
	}
	d.events.fail(f)
}

func (d *driver) reply(id int64, done string, err error) {
	if err == nil {
		d.events.add(Event{Event: done, ID: id})
		return
	}
	d.events.fail(Failure{ID: id, Fenced: errors.Is(err, clients.ErrFenced), Message: err.Error()})
}

// closeGrace is how long a library may take to close. Some wait for every answer
// and have no other way to close: they end with the process.
const closeGrace = 3 * time.Second

// close ends the producer, and answers what that leaves unanswered.
func (d *driver) close() error {
	ctx, cancel := context.WithTimeout(d.life, closeGrace)
	defer cancel()
	if err := d.producer.Close(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	d.mu.Lock()
	left := d.unanswered
	d.unanswered = nil
	d.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(left)) {
		d.events.fail(Failure{ID: id, Class: "closed", Message: "closed before the library had an answer"})
	}
	d.events.add(Event{Event: Closed})
	return nil
}
