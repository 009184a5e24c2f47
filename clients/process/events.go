package process

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/idemcheck/idemcheck/clients"
	"github.com/idemcheck/idemcheck/clients/driver"
	"github.com/idemcheck/idemcheck/history"
)

func millis(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// afterOutput is how long a driver may live on once its standard output has
// ended.
const afterOutput = 5 * time.Second

// read takes the driver's events until it ends, and then calls back what it
// left unanswered.
func (p *producer) read() {
	fault := p.events(newLines(p.child.Stdout))
	if fault == nil {
		fault = p.silence()
	}
	if fault != nil {
		p.child.End() // it talks nonsense, and is not to go on
	}
	p.child.Wait()
	p.child.Stdout.Close()
	p.conclude(fault)
}

// silence waits for the end of a driver whose output has ended. One that lives
// on can be told things, and tells nothing: that is an error, unless it is being
// ended anyway, by someone who has a limit of their own.
func (p *producer) silence() error {
	select {
	case <-p.child.Exited:
		return nil
	case <-time.After(afterOutput):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.expected {
		return nil
	}
	return fmt.Errorf("its standard output has ended, and it lives on after %s", afterOutput)
}

// events takes events until the output ends; the error is what is wrong with
// one of them.
func (p *producer) events(l *lines) error {
	for {
		line, err := l.next()
		if errors.Is(err, errTooLong) {
			return fmt.Errorf("line %d of its standard output is longer than %d MiB: %s", l.count, longestLine>>20, shown(line))
		}
		if err != nil {
			// A line without an end was cut off with the driver.
			return nil
		}
		ev, err := driver.ParseEvent(line)
		if err != nil {
			return fmt.Errorf("line %d of its standard output is no event of the protocol: %w: %s", l.count, err, shown(line))
		}
		if err := p.take(ev, l.count == 1); err != nil {
			return fmt.Errorf("line %d of its standard output: %w: %s", l.count, err, shown(line))
		}
	}
}

// take does what one event says.
func (p *producer) take(ev driver.Event, first bool) error {
	if first {
		if ev.Event != driver.Ready && ev.Event != driver.Fatal {
			return errors.New("its first event is neither ready nor fatal")
		}
		p.ready <- ev
		return nil
	}
	if p.said() {
		return fmt.Errorf("event %q after closed", ev.Event)
	}
	switch ev.Event {
	case driver.Ack:
		for _, a := range ev.Acks {
			if err := p.acked(a); err != nil {
				return err
			}
		}
	case driver.Error:
		for _, f := range ev.Errors {
			if err := p.failed(f); err != nil {
				return err
			}
		}
	case driver.Flushed, driver.Done:
		return p.reply(ev.ID, ev.Event, driver.Failure{})
	case driver.Fatal:
		// The library says that it cannot go on. Its records are answered one by
		// one all the same.
	case driver.Closed:
		p.mark(func() { p.closed = true })
	case driver.Ready:
		return errors.New("a second ready event")
	default:
		return fmt.Errorf("there is no event %q", ev.Event)
	}
	return nil
}

func (p *producer) acked(a driver.Acked) error {
	p.mu.Lock()
	s, known := p.pending[a.ID]
	if known && s.partition == a.Partition {
		delete(p.pending, a.ID)
	}
	p.mu.Unlock()
	switch {
	case !known:
		return fmt.Errorf("ack of %d, which is no record without an answer", a.ID)
	case s.partition != a.Partition:
		return fmt.Errorf("record %d was sent to partition %d and acked in partition %d", a.ID, s.partition, a.Partition)
	case a.Offset < 0:
		s.done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "sent, and the library says no offset"})
	default:
		s.done(clients.Result{Outcome: history.Acked, Offset: a.Offset})
	}
	return nil
}

func (p *producer) failed(f driver.Failure) error {
	if f.Message == "" {
		f.Message = "no message"
	}
	outcome := history.Unknown
	if f.Appended == driver.AppendedNever {
		outcome = history.Failed
	}
	r := clients.Result{Outcome: outcome, Offset: history.NoOffset, Error: inWords(f), Class: f.Class, Code: f.Code, Retriable: f.Retriable}
	if p.answer(f.ID, r) {
		return nil
	}
	return p.reply(f.ID, driver.Error, f)
}

// reply hands the answer to a command on. That nobody waits for it any more is
// no news: its context may have ended.
func (p *producer) reply(id int64, event string, f driver.Failure) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	q, ok := p.asked[id]
	switch {
	case id < 1 || id > p.nextID:
		return fmt.Errorf("answer to %d, which was never asked", id)
	case !ok:
		return fmt.Errorf("answer to %d, which is nothing without an answer", id)
	case event == driver.Flushed && q.command != driver.Flush, event == driver.Done && q.command == driver.Flush:
		return fmt.Errorf("%d is a %s command, and the answer to it is %s", id, q.command, event)
	}
	delete(p.asked, id)
	q.reply <- f
	return nil
}

func (p *producer) said() (closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// inWords says an error in a line.
func inWords(f driver.Failure) string {
	switch {
	case f.Class == "" && f.Code == 0:
		return f.Message
	case f.Code == 0:
		return fmt.Sprintf("%s: %s", f.Class, f.Message)
	}
	return fmt.Sprintf("%s (%d): %s", f.Class, f.Code, f.Message)
}

// conclude calls back what the driver left unanswered, and reports an end that
// nobody asked for.
func (p *producer) conclude(fault error) {
	p.mu.Lock()
	left, opened, unasked := p.pending, p.open, !p.expected
	p.pending = make(map[int64]sent) // nothing is added once end is set
	switch {
	case fault != nil:
		p.end = fmt.Errorf("driver (pid %d): %w", p.PID(), fault)
	case unasked:
		p.end = fmt.Errorf("driver (pid %d) ended by itself: %s%s", p.PID(), p.child.State, p.lastLines())
	default:
		p.end = fmt.Errorf("driver (pid %d) has ended: %s", p.PID(), p.child.State)
	}
	end := p.end
	p.mu.Unlock()
	for _, s := range left {
		s.done(clients.Result{Outcome: history.Unknown, Offset: history.NoOffset, Error: "never answered: " + firstLine(end)})
	}
	// Whoever is told may close the producer: that must find it over.
	close(p.over)
	if opened && (unasked || fault != nil) && p.broken != nil {
		p.broken(end)
	}
}

func firstLine(err error) string {
	line, _, _ := bytes.Cut([]byte(err.Error()), []byte("\n"))
	return string(line)
}
