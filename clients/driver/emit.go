package driver

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"
)

// events writes a driver's events from a goroutine of its own, so that no
// callback of a client waits for a harness that is slow to read. Answers that
// come together share a line.
type events struct {
	out    *bufio.Writer
	cancel context.CancelCauseFunc // told when nobody reads any more
	done   chan struct{}

	mu     sync.Mutex // guards what follows
	news   *sync.Cond // that queue or ending has changed
	queue  []Event
	ending bool
	err    error
}

func newEvents(out io.Writer, cancel context.CancelCauseFunc) *events {
	e := &events{out: bufio.NewWriterSize(out, 64<<10), cancel: cancel, done: make(chan struct{})}
	e.news = sync.NewCond(&e.mu)
	go e.write()
	return e
}

// mostInLine is how many answers a line holds at most.
const mostInLine = 500

func (e *events) add(ev Event) { e.change(func() { e.queue = append(e.queue, ev) }) }

func (e *events) ack(a Acked) {
	e.change(func() {
		if last := len(e.queue) - 1; last >= 0 && e.queue[last].Event == Ack && len(e.queue[last].Acks) < mostInLine {
			e.queue[last].Acks = append(e.queue[last].Acks, a)
			return
		}
		e.queue = append(e.queue, Event{Event: Ack, Acks: []Acked{a}})
	})
}

func (e *events) fail(f Failure) {
	e.change(func() {
		if last := len(e.queue) - 1; last >= 0 && e.queue[last].Event == Error && len(e.queue[last].Errors) < mostInLine {
			e.queue[last].Errors = append(e.queue[last].Errors, f)
			return
		}
		e.queue = append(e.queue, Event{Event: Error, Errors: []Failure{f}})
	})
}

func (e *events) change(how func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	how()
	e.news.Signal()
}

// write writes what is queued until close is called and the queue is empty.
func (e *events) write() {
	defer close(e.done)
	var line []byte
	for {
		e.mu.Lock()
		for len(e.queue) == 0 && !e.ending {
			e.news.Wait()
		}
		some := e.queue
		e.queue = nil
		e.mu.Unlock()
		if len(some) == 0 {
			return
		}
		for _, ev := range some {
			line = append(AppendEvent(line[:0], ev), '\n')
			_, _ = e.out.Write(line) // the error stays, and Flush has it
		}
		if err := e.out.Flush(); err != nil {
			err = fmt.Errorf("nobody reads the events: %w", err)
			e.cancel(err)
			e.mu.Lock()
			e.err = err
			e.mu.Unlock()
		}
	}
}

// close writes what is left.
func (e *events) close() error {
	e.change(func() { e.ending = true })
	<-e.done
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}
