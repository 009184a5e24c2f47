// Package consume is a consumer of a group in a process of its own, which can be
// killed in the middle of its work: Serve is the process, Start whoever runs it.
//
// It processes record by record and commits after every so many, which is what
// is called at least once: what was processed since the last commit is processed
// again by whoever follows one that was killed. Processing a record is to write
// a line about it to standard output, and to wait for an answer on standard
// input: so the other end can kill it between one record and its commit, exactly.
package consume

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/idemcheck/idemcheck/clients/internal/child"
)

// Config is the first line that the process gets.
type Config struct {
	Bootstrap   []string `json:"bootstrap"`
	Group       string   `json:"group"`
	ClientID    string   `json:"client_id"`
	Topics      []Topic  `json:"topics"`
	CommitEvery int      `json:"commit_every"` // records processed between two commits
}

// Topic says what of a topic is to be processed, by partition: from an offset up
// to but not including another.
type Topic struct {
	Name   string  `json:"name"`
	Starts []int64 `json:"starts"`
	Ends   []int64 `json:"ends"`
}

// The events.
const (
	Processed = "processed" // a record; an Answer must follow
	CaughtUp  = "caught-up" // all is processed and committed, and the group left; the process ends
	Closed    = "closed"    // it was told to close: what it had processed is committed, and the group left
)

// Event is a line of what the process says. The record's place and identity are
// set where it is about one; -1 where it has none.
type Event struct {
	Event     string `json:"event"`
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Process   int32  `json:"process"`
	Number    int64  `json:"number"`
}

// Answer is a line that the process gets for every record.
type Answer struct {
	Close bool `json:"close,omitempty"` // commit, leave and end, in place of going on
}

// Consumer is a process under way. It is for one goroutine.
type Consumer struct {
	PID   int
	child *child.Child
	lines *bufio.Scanner
}

// Start starts a process and tells it what to do. command is the program that
// calls Serve; its standard error goes to a file. That it could not work is what
// Next tells.
func Start(command []string, log string, c Config) (*Consumer, error) {
	program, err := child.Start(child.Config{Command: command, Log: log})
	if err != nil {
		return nil, fmt.Errorf("start a consumer: %w", err)
	}
	consumer := &Consumer{PID: program.PID, child: program, lines: bufio.NewScanner(program.Stdout)}
	_ = consumer.say(c) // of a process that is gone already Next tells why
	return consumer, nil
}

// Next waits for the next event. It fails when the process ends without one, or
// was killed, with the last lines that it wrote to its standard error.
func (c *Consumer) Next() (e Event, err error) {
	if !c.lines.Scan() {
		if err = c.lines.Err(); err == nil {
			err = io.ErrUnexpectedEOF
		}
		c.child.Wait()
		return e, fmt.Errorf("the consumer (pid %d) fell silent: %w: %s", c.PID, err, strings.TrimSpace(c.child.Tail()))
	}
	if err := json.Unmarshal(c.lines.Bytes(), &e); err != nil {
		return e, fmt.Errorf("the consumer (pid %d) wrote %q: %w", c.PID, c.lines.Bytes(), err)
	}
	return e, nil
}

// Answer lets it go on after a record, or has it close.
func (c *Consumer) Answer(a Answer) error { return c.say(a) }

func (c *Consumer) say(line any) error {
	if err := json.NewEncoder(c.child.Stdin).Encode(line); err != nil {
		return fmt.Errorf("write to the consumer (pid %d): %w: %s", c.PID, err, strings.TrimSpace(c.child.Tail()))
	}
	return nil
}

// Kill ends the process with SIGKILL, if it has not ended by itself, and returns
// how it ended: "signal: killed", "exit status 0".
func (c *Consumer) Kill() (how string) {
	c.child.End()
	return c.release()
}

// Interrupt kills the process, so that Next fails. It may be called from any
// goroutine.
func (c *Consumer) Interrupt() { c.child.End() }

// Wait waits until the process has ended by itself.
func (c *Consumer) Wait() (how string) {
	c.child.Wait()
	return c.release()
}

func (c *Consumer) release() string {
	_ = c.child.Stdin.Close() // nobody reads any more
	_ = c.child.Stdout.Close()
	return c.child.State.String()
}
