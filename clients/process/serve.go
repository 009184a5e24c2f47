package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/history"
)

// Serve is a driver program for a library that is at hand in Go: it takes
// commands from in and gives events on out until it is closed, or until in ends
// because the harness is gone. The error is what a person finds in the
// driver's log; the harness is told of it as well where it still listens.
func Serve(library clients.Library, in io.Reader, out io.Writer) error {
	life, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	d := &driver{library: library, life: life, events: newEvents(out, cancel)}
	commands := make(chan command)
	go d.listen(in, commands, cancel)
	err := d.serve(commands)
	if err != nil {
		d.events.add(event{Event: evFatal, Class: "driver", Message: err.Error()})
	}
	return errors.Join(err, d.events.close())
}

// errAlone ends everything: nobody gives commands any more.
var errAlone = errors.New("standard input ended without a close command: the harness is gone")

// openLimit is how long a client may take to connect; the harness has a limit
// of its own.
const openLimit = 30 * time.Second

// driver is one producer being driven.
type driver struct {
	library  clients.Library
	life     context.Context
	events   *events
	producer clients.Producer
}

// listen reads commands ahead, so that the end of the input is seen while a
// command is carried out.
func (d *driver) listen(in io.Reader, commands chan<- command, cancel context.CancelCauseFunc) {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			cancel(errAlone)
			return
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			cancel(fmt.Errorf("a line of standard input is no command of the protocol: %w", err))
			return
		}
		select {
		case commands <- c:
		case <-d.life.Done():
			return
		}
		if c.Command == cmdClose {
			return
		}
	}
}

func (d *driver) serve(commands <-chan command) error {
	for {
		var c command
		select {
		case c = <-commands:
		case <-d.life.Done():
			return context.Cause(d.life)
		}
		switch {
		case c.Command == cmdOpen && d.producer == nil:
			if err := d.open(c); err != nil {
				return err
			}
		case c.Command == cmdOpen:
			return errors.New("a second open command: a driver has one producer")
		case d.producer == nil:
			return fmt.Errorf("command %q before open", c.Command)
		case c.Command == cmdClose:
			return d.close()
		default:
			if err := d.do(c); err != nil {
				return err
			}
		}
	}
}

func (d *driver) open(c command) error {
	if c.Protocol != Version {
		return fmt.Errorf("the harness speaks version %d of the protocol: this driver speaks %d", c.Protocol, Version)
	}
	if c.Options == nil {
		return errors.New("open has no options")
	}
	ctx, cancel := context.WithTimeout(d.life, openLimit)
	defer cancel()
	producer, err := d.library.Open(ctx, c.Bootstrap, fromOptions(c.Options))
	if err != nil {
		return err
	}
	d.producer = producer
	info := producer.Info()
	d.events.add(event{
		Event: evReady, Protocol: Version, Library: info.Library, Version: info.Version,
		Order: &order{info.OrderPromised, info.OrderWhy}, DeadlineMS: info.Deadline.Milliseconds(),
	})
	return nil
}

// do carries out a command of an open producer, and returns when it is done.
func (d *driver) do(c command) error {
	transactional, _ := d.producer.(clients.Transactional)
	switch c.Command {
	case cmdSend:
		for _, r := range c.Records {
			d.send(r)
		}
		return nil
	case cmdFlush:
		d.reply(c.ID, evFlushed, d.producer.Flush(d.life))
		return nil
	case cmdBegin, cmdCommit, cmdAbort:
		if transactional == nil {
			d.reply(c.ID, evDone, errors.New("the producer was opened without a transactional id"))
			return nil
		}
	}
	switch c.Command {
	case cmdBegin:
		d.reply(c.ID, evDone, transactional.Begin(d.life))
	case cmdCommit:
		d.reply(c.ID, evDone, transactional.Commit(d.life))
	case cmdAbort:
		d.reply(c.ID, evDone, transactional.Abort(d.life))
	default:
		return fmt.Errorf("there is no command %q", c.Command)
	}
	return nil
}

func (d *driver) send(r record) {
	to := clients.Record{Topic: r.Topic, Partition: r.Partition, Value: []byte(r.Value)}
	d.producer.Send(d.life, to, func(result clients.Result) {
		if result.Outcome == history.Acked {
			d.events.ack(ack{r.ID, r.Partition, result.Offset})
			return
		}
		f := failure{ID: r.ID, Class: result.Class, Code: result.Code, Retriable: result.Retriable, Message: result.Error}
		if result.Outcome == history.Failed {
			f.Appended = appendedNever
		}
		d.events.fail(f)
	})
}

func (d *driver) reply(id int64, done string, err error) {
	if err == nil {
		d.events.add(event{Event: done, ID: id})
		return
	}
	d.events.fail(failure{ID: id, Fenced: errors.Is(err, clients.ErrFenced), Message: err.Error()})
}

// close ends the producer. The harness sets the limit: it kills a driver that
// takes too long.
func (d *driver) close() error {
	if err := d.producer.Close(d.life); err != nil {
		return err
	}
	d.events.add(event{Event: evClosed})
	return nil
}
